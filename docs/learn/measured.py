"""The study that several pages show: the digits, trained at every batch size."""

from functools import cache
from typing import Any

import rightbatch as rb
from rightbatch.study.problem import Problem
from rightbatch.study.question import Question, question_of

TARGET = "val_loss=0.2"
MODEL, DATA = "mlp", "digits"
SETTINGS: dict[str, Any] = {"batch_sizes": "auto", "seeds": 5, "budget": "40s"}


@cache
def study() -> dict[str, Any]:
    """Its document."""
    found: dict[str, Any] = rb.study(MODEL, DATA, target=TARGET, **SETTINGS).to_dict()
    return found


def problem(optimizer: Any = "sgd") -> tuple[Problem, Question]:
    """The same model and data, to be trained by hand, and what the study would ask."""
    asked = question_of(MODEL, DATA, optimizer=optimizer)
    if not isinstance(asked.subject, Problem):
        raise TypeError(f"{asked.model} is no model of ours")
    return asked.subject, asked
