"""`fit`: train one model to the end."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from rightbatch.checks import positive, whole_number
from rightbatch.data.loader import Loader
from rightbatch.errors import SettingError
from rightbatch.learners.losses import check_targets
from rightbatch.learners.protocol import Model
from rightbatch.learners.updates import DEFAULT_LR, Optimizer, name_of, optimizer_named
from rightbatch.records import Shape
from rightbatch.train.budget import Budget
from rightbatch.train.follow import Follower
from rightbatch.train.inputs import Pair, pair_in, parts_of
from rightbatch.train.loop import endless
from rightbatch.train.loop import train as steps_of
from rightbatch.train.result import FitProgress, FitResult
from rightbatch.train.schedule import Schedule, schedule_named
from rightbatch.train.target import Target, parse_target

_ENOUGH_STEPS = 1000
"""Without a limit given, small data are passed over until about this many steps are done."""

_ENOUGH_EPOCHS = 10


def fit(
    model: Model,
    train: Any,
    validation: Any = None,
    *,
    batch_size: int = 32,
    epochs: int | None = None,
    steps: int | None = None,
    samples: int | None = None,
    seconds: float | None = None,
    target: str | Target | None = None,
    patience: int | None = None,
    optimizer: str | Optimizer = "sgd",
    lr: float | None = None,
    schedule: str | Schedule | None = None,
    seed: int = 0,
    last: str = "keep",
    progress: Callable[[FitProgress], None] | None = None,
) -> FitResult:
    """Train a model by mini-batches.

    It stops at the first of its limits. Without one it makes ten epochs, or as many as give
    about 1,000 steps where the data are small.

    Args:
        model: `MLP`, `LinearRegression` or `LogisticRegression`.
        train: `(X, y)` with X `(rows, features)` and y whole class numbers `(rows,)` or real
            values `(rows,)` or `(rows, outputs)`; a `Loader` of such a pair; a `Dataset`; or
            anything `load_data` reads.
        validation: `(X, y)` to evaluate on after each epoch; a data set brings its own.
        batch_size: rows of one update; ignored for a `Loader`, which has its own.
        epochs: most passes over the data.
        steps: most updates.
        samples: most samples seen.
        seconds: most seconds spent.
        target: such as ``"val_loss=0.2"``: stop at the end of the first epoch that reaches it.
        patience: stop after so many epochs without a better validation loss, and go back to the best.
        optimizer: ``"sgd"``, ``"momentum"``, ``"nesterov"``, ``"adam"``, or one with its settings.
        lr: learning rate; none: 0.1 for sgd, 0.02 for momentum and nesterov, 0.003 for adam.
        schedule: ``"constant"``, ``"step"``, ``"exponential"``, ``"cosine"``, ``"inverse-time"``,
            ``"warm-up"``, or a function from the steps done to a factor; none: cosine where the
            limits say how many steps there are at most, constant otherwise.
        seed: of the starting weights and the order of the rows.
        last: what becomes of a last batch that is not full: ``"keep"`` or ``"drop"``.
        progress: called with a `FitProgress` after every step.

    Returns:
        The trained model, its history, and why it stopped.

    Raises:
        SettingError: a setting cannot be used.
        DataError: the data cannot be used.

    Example:
        >>> from rightbatch.learners.linear import LinearRegression
        >>> x = np.linspace(-1, 1, 100)[:, None]
        >>> result = fit(LinearRegression(), (x, 3 * x + 1), batch_size=10)
        >>> {name: value.round(2).tolist() for name, value in result.parameters().items()}
        {'weight1': [[3.0]], 'bias1': [1.0]}
    """
    loader, held, shape = _prepare(train, validation, batch_size, seed, last)
    rule = optimizer_named(optimizer)
    rate = positive("lr", DEFAULT_LR.get(name_of(rule), 0.01) if lr is None else lr)
    learner = model.build(shape, rule)
    limits = Budget(epochs=epochs, steps=steps, samples=samples, seconds=seconds)
    budget = limits if limits != Budget() else _enough(len(loader))
    horizon = budget.most_steps(len(loader), loader.batch_size)
    follower = Follower(
        learner=learner,
        shape=shape,
        train=loader.data,
        validation=held,
        budget=budget,
        target=None if target is None else _target(target, shape, held),
        patience=None if patience is None else whole_number("patience", patience, at_least=1),
        steps_per_epoch=len(loader),
        progress=progress,
    )
    events = steps_of(
        learner,
        learner.start([seed]),
        endless(loader),
        np.full(1, rate, np.float32),
        schedule=schedule_named(schedule or ("cosine" if horizon else "constant"), horizon or 1),
    )
    return follower.follow(events)


def _prepare(
    train: Any, validation: Any, batch_size: int, seed: int, last: str
) -> tuple[Loader, Pair | None, Shape]:
    if isinstance(train, Loader):
        pair, held, shape = parts_of(pair_in(train), validation)
        loader = train
    else:
        pair, held, shape = parts_of(train, validation)
        loader = Loader(pair, batch_size, shuffle=True, seed=seed, last=last)
    for part in (pair, held):
        if part is not None:
            check_targets(shape, part[1])
    return loader, held, shape


def _target(target: str | Target, shape: Shape, validation: Pair | None) -> Target:
    parsed = parse_target(target, shape.task)
    if parsed.part == "validation" and validation is None:
        instead = f"give validation=(X, y), or write {parsed.metric}={parsed.value:g} for the training part"
        raise SettingError("target", "needs a validation part", str(target), instead)
    return parsed


def _enough(steps_per_epoch: int) -> Budget:
    return Budget(epochs=max(_ENOUGH_EPOCHS, math.ceil(_ENOUGH_STEPS / steps_per_epoch)))
