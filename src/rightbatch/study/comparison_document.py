"""The document of a comparison (`Comparison.to_dict()`, `--json`): everything that is shown is in it."""

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from rightbatch.data.dataset import Dataset
from rightbatch.learners.linear import LinearRegression, LogisticRegression
from rightbatch.records import Array
from rightbatch.study.comparison import METRIC, ORDERS, ROUNDS, Compared, Comparing
from rightbatch.study.comparison_convergence import SHARE, Convergence
from rightbatch.study.comparison_noise import loss_noise
from rightbatch.study.comparison_paths import paths_of
from rightbatch.study.comparison_winners import winners
from rightbatch.study.machine import describe

SCHEMA = 1

MOST_WEIGHTS = 200
"""Final weights that are told; of a larger model they say nothing to a reader."""

_DIGITS = 6
"""Significant digits of the curves: more than a picture shows."""


def comparison_document(
    asked: Comparing, convergence: Convergence, compared: Sequence[Compared], *, version: str, threads: int
) -> dict[str, Any]:
    """Everything of a comparison, as JSON can hold it: `None` for what is not known or infinite."""
    data = asked.data
    own = _own_scale(data)
    validation = len(data.validation[0])
    return {
        "schema": SCHEMA,
        "kind": "comparison",
        "version": version,
        "data": _data(data),
        "settings": {
            "model": repr(asked.model),
            "epochs": asked.epochs,
            "learning_rate": asked.lr,
            "seed": asked.seed,
            "orders": ORDERS,
            "rounds": ROUNDS,
        },
        "metric": METRIC[data.task],
        "convergence": {
            "loss": convergence.target.value,
            "start": convergence.start,
            "least": convergence.least,
            "share": SHARE,
            "how": convergence.how,
        },
        "methods": [_method(one, data, asked) for one in compared],
        "least_squares": None if convergence.solution is None else _weights(*convergence.solution, data),
        "paths": paths_of(asked, compared, convergence),
        "winners": [asdict(one) for one in winners(compared, data.task, validation, own)],
        "machine": describe(threads),
        "seconds": asked.session.spent,
    }


def _data(data: Dataset) -> dict[str, Any]:
    return {
        "name": data.name,
        "task": data.task,
        "label": data.label,
        "features": len(data.feature_names),
        "train": len(data.train[0]),
        "validation": len(data.validation[0]),
        "label_scale": _own_scale(data),
        "notes": list(data.notes),
        "fingerprint": data.fingerprint,
    }


def _own_scale(data: Dataset) -> float:
    return float(data.y_scale[0])


def _method(one: Compared, data: Dataset, asked: Comparing) -> dict[str, Any]:
    track, method = one.track, one.method
    noise = loss_noise(track.updates, track.scores["loss"], track.batch_losses)
    return {
        "name": method.name,
        "kind": method.kind,
        "batch_size": method.batch_size,
        "optimizer": method.optimizer,
        "learning_rate": one.learning_rate,
        "found": one.found,
        "updates_per_epoch": one.updates_per_epoch,
        "seconds_per_update": one.seconds_per_update,
        "seconds_per_epoch": one.seconds_per_update * one.updates_per_epoch,
        "memory_bytes": one.memory_bytes,
        "diverged": track.diverged,
        "converged": None
        if one.updates is None
        else {
            "updates": one.updates,
            "epochs": one.updates / one.updates_per_epoch,
            "seconds": one.seconds,
            "orders": one.orders,
        },
        "final": {
            name: None if track.diverged is not None else _known(values[-1] * _scale(name, data))
            for name, values in track.scores.items()
        },
        "weights": _final_weights(asked.model, track.final, data),
        "noise": None if noise is None else asdict(noise),
        "curve": {
            "updates": list(track.updates),
            **{
                name: [_short(value * _scale(name, data)) for value in values]
                for name, values in track.scores.items()
            },
        },
    }


def _scale(name: str, data: Dataset) -> float:
    """Errors are told in the label's own units, losses as they were trained on."""
    return _own_scale(data) if name.endswith("rmse") else 1.0


def _final_weights(model: Any, final: dict[str, Array], data: Dataset) -> dict[str, float] | None:
    """The weights of a linear model in the data's own units; `None`: another model, or too many to read."""
    if not isinstance(model, LinearRegression | LogisticRegression) or not final:
        return None
    if final["weight1"].size + final["bias1"].size > MOST_WEIGHTS:
        return None
    return _weights(final["weight1"][0], final["bias1"][0], data)


def _weights(weights: Array, bias: Array, data: Dataset) -> dict[str, float] | None:
    own, intercept = data.in_own_units(weights, bias)
    if own.size > MOST_WEIGHTS:
        return None
    outputs = own.shape[1]
    names = [""] if outputs == 1 else [f" → {name}" for name in data.classes or map(str, range(outputs))]
    found = {
        f"{feature}{name}": float(own[row, column])
        for row, feature in enumerate(data.feature_names)
        for column, name in enumerate(names)
    }
    return found | {f"intercept{name}": float(intercept[column]) for column, name in enumerate(names)}


def _known(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _short(value: float) -> float | None:
    return float(f"{value:.{_DIGITS}g}") if np.isfinite(value) else None
