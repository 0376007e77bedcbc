"""rightbatch: which batch size to train with, measured; and the loader and loop around it.

Every name is imported on first use (PEP 562), so that ``import rightbatch`` costs nothing and
the loader costs NumPy alone.
"""

import importlib
from typing import Any

__version__ = "0.1.0"

_WHERE = {
    "MLP": "rightbatch.learners.mlp",
    "SGD": "rightbatch.learners.updates",
    "Adam": "rightbatch.learners.updates",
    "Batch": "rightbatch.records",
    "DataError": "rightbatch.errors",
    "LinearRegression": "rightbatch.learners.linear",
    "Loader": "rightbatch.data.loader",
    "LogisticRegression": "rightbatch.learners.linear",
    "MissingExtraError": "rightbatch.errors",
    "Momentum": "rightbatch.learners.updates",
    "Nesterov": "rightbatch.learners.updates",
    "Outcome": "rightbatch.records",
    "RightbatchError": "rightbatch.errors",
    "Sequential": "rightbatch.data.order",
    "SettingError": "rightbatch.errors",
    "Shuffled": "rightbatch.data.order",
    "StoreError": "rightbatch.errors",
    "fit": "rightbatch.train.fit",
    "load_data": "rightbatch.data.dataset",
    "study": "rightbatch.study.study",
}

__all__ = sorted(_WHERE)  # noqa: PLE0605 (one list, not two that drift apart)


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'rightbatch' has no attribute {name!r}")
    value = getattr(importlib.import_module(_WHERE[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
