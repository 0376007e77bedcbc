"""The tasks that the study is judged on: real or realistic, and none needs a download."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine, make_classification, make_friedman1

from rightbatch.data.dataset import Dataset, load_data
from rightbatch.learners.linear import LinearRegression, LogisticRegression
from rightbatch.learners.mlp import MLP

LICENCE = Path(__file__).parents[1] / "LICENSE"
WINDOW = 6
"""Characters from which the next one is predicted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A model, its data and its update rule."""

    name: str
    model: Any
    data: Callable[[], Dataset]
    optimizer: str


def _bunch(loader: Callable[..., Any], task: str) -> Callable[[], Dataset]:
    return lambda: load_data(loader(return_X_y=True), task=task)


def _characters() -> Dataset:
    """The next character of the Apache licence, from the six before it, one-hot; the rarest dropped."""
    text = "".join(c if c.isalpha() or c in " .,\n" else " " for c in LICENCE.read_text().lower())
    letters = sorted(set(text))
    codes = np.array([letters.index(c) for c in text])
    windows = np.lib.stride_tricks.sliding_window_view(codes, WINDOW + 1)
    x = np.eye(len(letters), dtype=np.float32)[windows[:, :WINDOW]].reshape(len(windows), -1)
    return load_data((x, windows[:, WINDOW].astype(str)), task="classification")


def _friedman() -> Dataset:
    return load_data(make_friedman1(4000, noise=1.0, random_state=0), task="regression")


def _clusters() -> Dataset:
    x, y = make_classification(6000, 30, n_informative=12, n_classes=4, class_sep=1.5, random_state=0)
    return load_data((x, y), task="classification")


def _autoencoder() -> Dataset:
    """Digits from themselves, through eight units."""
    data = load_data("digits")
    (train, _), (held, _) = data.train, data.validation
    return replace(data, train=(train, train), validation=(held, held), task="regression")


def _digits() -> Dataset:
    return load_data("digits")


_TASKS: tuple[tuple[str, Any, Callable[[], Dataset]], ...] = (
    ("digits, MLP", MLP(hidden=(64,)), _digits),
    ("digits, softmax", LogisticRegression(), _digits),
    ("digits, MLP 32-32 tanh", MLP(hidden=(32, 32), activation="tanh"), _digits),
    ("breast cancer, logistic", LogisticRegression(l2=1e-3), _bunch(load_breast_cancer, "classification")),
    ("wine, MLP", MLP(hidden=(16,)), _bunch(load_wine, "classification")),
    ("diabetes, linear", LinearRegression(), _bunch(load_diabetes, "regression")),
    ("friedman, MLP", MLP(hidden=(32,)), _friedman),
    ("clusters, MLP", MLP(hidden=(64,)), _clusters),
    ("characters, MLP", MLP(hidden=(64,)), _characters),
    ("digits, autoencoder", MLP(hidden=(8,), activation="tanh"), _autoencoder),
)

TASKS = tuple(
    Task(name=f"{name}, {optimizer}", model=model, data=data, optimizer=optimizer)
    for name, model, data in _TASKS
    for optimizer in ("sgd", "momentum", "adam")
)
