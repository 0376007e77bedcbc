"""The study that several pages show: the digits, trained at every batch size."""

from functools import cache
from typing import Any

import rightbatch as rb
from rightbatch.study.problem import Problem
from rightbatch.study.question import Question, question_of

TARGET = "val_loss=0.2"
BUDGET = "40s"
MODEL, DATA = "mlp", "digits"


@cache
def study(*, batch_sizes: Any = "auto", seeds: int = 5) -> dict[str, Any]:
    """Its document."""
    asked = rb.study(MODEL, DATA, target=TARGET, batch_sizes=batch_sizes, seeds=seeds, budget=BUDGET)
    return asked.to_dict()


def problem(optimizer: Any = "sgd") -> tuple[Problem, Question]:
    """The same model and data, to be trained by hand, and what the study would ask."""
    asked = question_of(MODEL, DATA, optimizer=optimizer)
    if not isinstance(asked.subject, Problem):
        raise TypeError(f"{asked.model} is no model of ours")
    return asked.subject, asked


