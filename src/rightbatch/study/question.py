"""What is asked: the subject of a study with its settings, made from what the user gives."""

import hashlib
import inspect
import json
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rightbatch.checks import whole_number
from rightbatch.data.dataset import Dataset
from rightbatch.errors import SettingError
from rightbatch.learners.models import model_named, optimizer_for
from rightbatch.learners.protocol import Model
from rightbatch.learners.torch_model import said
from rightbatch.learners.updates import name_of
from rightbatch.study.function import Function
from rightbatch.study.problem import Problem
from rightbatch.study.rules import first_points, law_of
from rightbatch.study.settings import Settings, batch_sizes_for
from rightbatch.study.subject import Subject
from rightbatch.train.given import data_for
from rightbatch.train.target import Target

_LEAST_SEEDS = 2
"""From one seed nothing is known of the scatter."""

_LOWEST, _HIGHEST = 1e-12, 1e6
"""Learning rates that a first search may span."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A subject, and what the store and the report say of it."""

    subject: Subject
    model: str
    optimizer: str
    wide: list[int]
    """Learning rates of the first search, as points of the grid."""
    law: float
    """Exponent of the learning rate's law."""
    data: dict[str, Any]
    """What there is to know of the data."""
    least_rows: int = 1
    """The smallest batch that the model can be trained on."""
    learning_rates: tuple[float, float] | None = None
    """As the user gave them."""

    def settings(
        self,
        *,
        target: str | Target | None,
        batch_sizes: Any,
        seeds: int,
        seed: int,
        threads: int,
    ) -> Settings:
        """The settings, checked.

        Raises:
            SettingError: one cannot be used.
        """
        if target is None and isinstance(self.subject, Function):
            instead = "write one such as loss<=0.2"
            raise SettingError("target", "must be given for a train function", target, instead)
        threads_of = "write a number of threads such as 1"
        return Settings(
            model=self.model,
            optimizer=self.optimizer,
            target="auto" if target is None else str(self.subject.read_target(str(target))),
            batch_sizes=batch_sizes_for(self.subject.samples, batch_sizes, least=self.least_rows),
            seeds=whole_number("seeds", seeds, at_least=_LEAST_SEEDS, instead="write a number such as 5"),
            seed=whole_number("seed", seed, at_least=0, instead="write a whole number such as 0"),
            data=self.data["fingerprint"],
            threads=whole_number("threads", threads, at_least=1, instead=threads_of),
            learning_rates=self.learning_rates,
        )


def question_of(
    model: Any,
    data: Any,
    *,
    optimizer: Any = "sgd",
    samples: int | None = None,
    learning_rates: tuple[float, float] | None = None,
    **how: Any,
) -> Question:
    """The question that the user's arguments ask.

    Args:
        model: a model, an estimator, or with `samples` a train function.
        data: a `Dataset`, or whatever `load_data` reads; left alone with `samples`.
        optimizer: the update rule, or its name.
        samples: rows that a train function trains on.
        learning_rates: lowest and highest of the first search; none: by the update rule.
        how: settings of `load_data`.

    Raises:
        SettingError: the model, the optimizer or the learning rates cannot be used.
        DataError: the data cannot be used.
    """
    if samples is not None:
        asked = _of_function(model, samples)
    elif _trains(model):
        instead = "write samples=, the rows of your training data"
        raise SettingError("samples", "must be given for a train function", samples, instead)
    else:
        built = model_named(model)
        prepared = data if isinstance(data, Dataset) else data_for(built, data, **how)
        asked = _of_model(built, prepared, optimizer)
    if learning_rates is None:
        return asked
    return replace(asked, wide=_points(learning_rates), learning_rates=(learning_rates[0], learning_rates[1]))


def file_name(asked: Question, settings: Settings) -> str:
    """The file that a study is kept in by default: its own for every data set and settings."""
    digest = hashlib.sha256(json.dumps(settings.to_dict()).encode()).hexdigest()[:6]
    return f"study-{Path(asked.data['name']).stem}-{digest}.db"


def _of_model(built: Model, data: Dataset, optimizer: Any) -> Question:
    rule = optimizer_for(built, optimizer)
    learner = built.build(data.shape, rule)
    train, validation, test = (len(part[0]) for part in (data.train, data.validation, data.test))
    return Question(
        subject=Problem(learner=learner, train=data.train, validation=data.validation, task=data.task),
        model=repr(built),
        optimizer=repr(rule),
        wide=first_points(name_of(rule)),
        law=law_of(name_of(rule)),
        least_rows=_least_rows(learner),
        data={
            "name": data.name,
            "task": data.task,
            "label": data.label,
            "train": train,
            "validation": validation,
            "test": test,
            "features": len(data.feature_names),
            "outputs": data.shape.outputs,
            "fingerprint": data.fingerprint,
            "notes": [*data.notes, *_left_out(learner)],
        },
    )


def _least_rows(learner: Any) -> int:
    return int(getattr(learner, "least_rows", 1))


def _left_out(learner: Any) -> list[str]:
    """What is said of batch sizes that the model cannot be trained on."""
    least = _least_rows(learner)
    if least == 1:
        return []
    return [f"Batch sizes: from {least} rows on, as the model normalises over the batch."]


def _of_function(train: Any, samples: int) -> Question:
    rows = whole_number("samples", samples, at_least=2, instead="write the rows of your training data")
    if not callable(train):
        instead = "write train(batch_size, lr, seed), which yields (examples, seconds, metric)"
        raise SettingError("model", "must be a train function where samples are given", train, instead)
    name = said(train)
    return Question(
        subject=Function(train=train, samples=rows, name=name),
        model=name,
        optimizer="its own",
        wide=first_points(),
        law=law_of(),
        data={
            "name": name,
            "task": "training",
            "label": None,
            "train": rows,
            "validation": None,
            "test": None,
            "features": None,
            "outputs": None,
            "fingerprint": hashlib.sha256(f"{name} {rows}".encode()).hexdigest()[:16],
            "notes": [],
        },
    )


def _trains(model: Any) -> bool:
    """Whether this can only be a train function: a generator of `(batch_size, lr, seed)`."""
    return inspect.isgeneratorfunction(model)


def _points(learning_rates: Any) -> list[int]:
    """The grid from the lowest to the highest learning rate."""
    instead = "write the lowest and the highest, such as (1e-4, 1.0)"
    try:
        low, high = (float(rate) for rate in learning_rates)
    except (TypeError, ValueError):
        raise SettingError("learning_rates", "must be two numbers", learning_rates, instead) from None
    if not _LOWEST <= low < high <= _HIGHEST:
        said_of = f"must rise, from {_LOWEST:g} on, to {_HIGHEST:g} at most"
        raise SettingError("learning_rates", said_of, learning_rates, instead)
    first, last = round(2 * math.log2(low)), round(2 * math.log2(high))
    return list(range(first, max(last, first + 2) + 1, 2))
