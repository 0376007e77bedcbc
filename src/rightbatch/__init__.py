"""rightbatch: which batch size to train with, measured; and the loader and loop around it.

Every name is imported on first use (PEP 562), so that ``import rightbatch`` costs nothing and
the loader costs NumPy alone.
"""

import importlib
import sys
import types
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # a type checker would take the sub-package of this name for it
    from rightbatch.answer import study as study

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
