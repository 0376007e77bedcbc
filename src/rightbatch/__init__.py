"""rightbatch: which batch size to train with, measured; and the loader and loop around it.

Every name is imported on first use (PEP 562), so that ``import rightbatch`` costs nothing and
the loader costs NumPy alone.
"""

import importlib
import sys
import types
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # what editors and type checkers read; a test holds that it says what _WHERE says
    from rightbatch.answer import Study as Study
    from rightbatch.answer import open_study as open_study
    from rightbatch.answer import study as study
    from rightbatch.compare import Comparison as Comparison
    from rightbatch.compare import compare as compare
    from rightbatch.data.audit import Audit as Audit
    from rightbatch.data.balanced import Balanced as Balanced
    from rightbatch.data.bylength import ByLength as ByLength
    from rightbatch.data.dataset import load_data as load_data
    from rightbatch.data.loader import Loader as Loader
    from rightbatch.data.order import Sequential as Sequential
    from rightbatch.data.order import Shuffled as Shuffled
    from rightbatch.data.ragged import Ragged as Ragged
    from rightbatch.data.rowrandom import row_uniforms as row_uniforms
    from rightbatch.data.stratified import Stratified as Stratified
    from rightbatch.data.weighted import Weighted as Weighted
    from rightbatch.errors import DataError as DataError
    from rightbatch.errors import MissingExtraError as MissingExtraError
    from rightbatch.errors import RightbatchError as RightbatchError
    from rightbatch.errors import SettingError as SettingError
    from rightbatch.errors import StoreError as StoreError
    from rightbatch.learners.linear import LinearRegression as LinearRegression
    from rightbatch.learners.linear import LogisticRegression as LogisticRegression
    from rightbatch.learners.mlp import MLP as MLP
    from rightbatch.learners.torch_model import TorchModel as TorchModel
    from rightbatch.learners.updates import SGD as SGD
    from rightbatch.learners.updates import Adam as Adam
    from rightbatch.learners.updates import Momentum as Momentum
    from rightbatch.learners.updates import Nesterov as Nesterov
    from rightbatch.records import Batch as Batch
    from rightbatch.records import Outcome as Outcome
    from rightbatch.train.fit import fit as fit
    from rightbatch.train.trackers import mlflow as mlflow
    from rightbatch.train.trackers import tensorboard as tensorboard
    from rightbatch.train.watch import Watcher as Watcher

_WHERE = {
    "MLP": "rightbatch.learners.mlp",
    "SGD": "rightbatch.learners.updates",
    "Adam": "rightbatch.learners.updates",
    "Audit": "rightbatch.data.audit",
    "Balanced": "rightbatch.data.balanced",
    "Batch": "rightbatch.records",
    "ByLength": "rightbatch.data.bylength",
    "Comparison": "rightbatch.compare",
    "DataError": "rightbatch.errors",
    "LinearRegression": "rightbatch.learners.linear",
    "Loader": "rightbatch.data.loader",
    "LogisticRegression": "rightbatch.learners.linear",
    "MissingExtraError": "rightbatch.errors",
    "Momentum": "rightbatch.learners.updates",
    "Nesterov": "rightbatch.learners.updates",
    "Outcome": "rightbatch.records",
    "Ragged": "rightbatch.data.ragged",
    "RightbatchError": "rightbatch.errors",
    "Sequential": "rightbatch.data.order",
    "SettingError": "rightbatch.errors",
    "Shuffled": "rightbatch.data.order",
    "StoreError": "rightbatch.errors",
    "Stratified": "rightbatch.data.stratified",
    "TorchModel": "rightbatch.learners.torch_model",
    "Watcher": "rightbatch.train.watch",
    "Weighted": "rightbatch.data.weighted",
    "compare": "rightbatch.compare",
    "fit": "rightbatch.train.fit",
    "load_data": "rightbatch.data.dataset",
    "mlflow": "rightbatch.train.trackers",
    "row_uniforms": "rightbatch.data.rowrandom",
    "Study": "rightbatch.answer",
    "open_study": "rightbatch.answer",
    "study": "rightbatch.answer",
    "tensorboard": "rightbatch.train.trackers",
}

__all__ = sorted(_WHERE)  # noqa: PLE0605 (one list, not two that drift apart)


class _Face(types.ModuleType):
    """This module, whose public names win over sub-packages of the same name.

    Python binds a sub-package on its parent when it is imported: `rightbatch.study`, the stage,
    would hide `study`, the function.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _WHERE and isinstance(value, types.ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Face


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return importlib.import_module("importlib.metadata").version(
            "rightbatch"
        )  # takes longer than the rest
    if name not in _WHERE:
        raise AttributeError(f"module 'rightbatch' has no attribute {name!r}")
    value = getattr(importlib.import_module(_WHERE[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
