"""`fit`: train one model to the end."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from rightbatch.checks import positive, whole_number
from rightbatch.data.loader import Loader
from rightbatch.errors import SettingError
from rightbatch.learners.models import model_named, optimizer_for
from rightbatch.learners.updates import DEFAULT_LR, name_of
from rightbatch.records import Array, Shape, StepEvent
from rightbatch.train.budget import Budget
from rightbatch.train.follow import Follower
from rightbatch.train.inputs import Pair, pair_in, parts_of
from rightbatch.train.loop import train as steps_of
from rightbatch.train.result import FitProgress, FitResult
from rightbatch.train.schedule import Schedule, schedule_named
from rightbatch.train.target import Target, parse_target

_ENOUGH_STEPS = 2000
"""Without a limit given, small data are passed over until about this many steps are done."""

_ENOUGH_EPOCHS = 10

_BATCH_SIZE = 32
"""Where none is given; on smaller data all rows."""


def fit(
    model: Any,
    train: Any,
    validation: Any = None,
    *,
    batch_size: int | None = None,
    epochs: int | None = None,
    steps: int | None = None,
    samples: int | None = None,
    seconds: float | None = None,
    target: str | Target | None = None,
    patience: int | None = None,
    optimizer: Any = "sgd",
    lr: float | None = None,
    schedule: str | Schedule | None = None,
    seed: int = 0,
    last: str = "keep",
    progress: Callable[[FitProgress], None] | None = None,
) -> FitResult:
    """Train a model by mini-batches.

    It stops at the first of its limits. Without one it makes ten epochs, or as many as give
    about 2,000 steps where the data are small.

    Args:
        model: `MLP`, `LinearRegression` or `LogisticRegression`, or its name with the settings it has by
            default: ``"mlp"``, ``"linear"`` or ``"logistic"``; or a PyTorch module, or a function or class
            that makes one, as they are or in a `TorchModel`.
        train: `(X, y)` with X `(rows, ...)` and y whole class numbers `(rows,)` or real
            values `(rows,)` or `(rows, outputs)`; a `Loader` of such a pair; a `Dataset`; or
            anything `load_data` reads.
        validation: `(X, y)` to evaluate on after each epoch; a data set brings its own.
        batch_size: rows of one update; none: 32, or all rows of smaller data. Ignored for a `Loader`,
            which has its own, as are `last` and the order's `seed`.
        epochs: most passes over the data.
        steps: most updates.
        samples: most samples seen.
        seconds: most seconds spent.
        target: such as ``"val_loss=0.2"``: stop at the end of the first epoch that has reached it.
        patience: stop after so many epochs without a better validation loss, and go back to the best.
        optimizer: ``"sgd"``, ``"momentum"``, ``"nesterov"``, ``"adam"``, or one with its settings; for a
            PyTorch module also a name of `torch.optim`, or a function from parameters to an optimizer.
        lr: learning rate; none: 0.1 for sgd, 0.02 for momentum and nesterov, a tenth of that for
            regression; 0.01 for adam; PyTorch's own for one of `torch.optim`.
        schedule: ``"constant"``, ``"step"``, ``"exponential"``, ``"cosine"``, ``"inverse-time"``,
            ``"warm-up"``, or a function from the steps done to a factor; none: cosine where the
            limits say how many steps there are at most, constant otherwise.
        seed: of the starting weights and the order of the rows.
        last: what becomes of a last batch that is not full, as in `Loader`.
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
    seed = whole_number("seed", seed, at_least=0, instead="write a whole number such as 0")
    loader, held, shape = _prepare(train, validation, batch_size, seed, last)
    chosen = model_named(model)
    rule = optimizer_for(chosen, optimizer)
    rate = _rate(_default_lr(rule, shape.task) if lr is None else lr)
    learner = chosen.build(shape, rule)
    limits = Budget(epochs=epochs, steps=steps, samples=samples, seconds=seconds)
    budget = limits if limits != Budget() else _enough(len(loader))
    in_epoch = min(loader.rows, len(loader) * loader.batch_size)
    horizon = budget.most_steps(len(loader), loader.batch_size, in_epoch)
    if schedule is None:
        schedule = "constant" if horizon is None else "cosine"
    follower = Follower(
        learner=learner,
        shape=shape,
        train=loader.data,
        validation=held,
        budget=budget,
        target=None if target is None else _target(target, shape, held),
        patience=None if patience is None else whole_number("patience", patience, at_least=1),
        steps_per_epoch=len(loader),
        lr=float(rate[0]),
        progress=progress,
    )
    factor = schedule_named(schedule, horizon)

    def epoch_of(state: Any, step: int, samples: int) -> Iterator[StepEvent]:
        batches = loader.batches()
        return steps_of(learner, state, batches, rate, schedule=factor, step=step, samples=samples)

    return follower.follow(learner.start([seed]), epoch_of)


def _prepare(
    train: Any, validation: Any, batch_size: int | None, seed: int, last: str
) -> tuple[Loader, Pair | None, Shape]:
    if isinstance(train, Loader):
        _, held, shape = parts_of(pair_in(train), validation)
        return train, held, shape
    pair, held, shape = parts_of(train, validation)
    size = min(_BATCH_SIZE, len(pair[0])) if batch_size is None else batch_size
    return Loader(pair, size, shuffle=True, seed=seed, last=last), held, shape


def _default_lr(rule: Any, task: str) -> float:
    """Ours by task; for an optimizer of PyTorch its own."""
    own = getattr(rule, "default_lr", None)
    return DEFAULT_LR[task].get(name_of(rule), 0.01) if own is None else own


def _rate(lr: float) -> Array:
    """The learning rate as the loop takes it, float32 `(1,)`."""
    rate = positive("lr", lr)
    single = np.finfo(np.float32)
    if not float(single.smallest_subnormal) <= rate <= float(single.max):
        raise SettingError("lr", "must be from 1.4e-45 to 3.4e38", lr, "write a number such as 0.1")
    return np.full(1, rate, np.float32)


def _target(target: str | Target, shape: Shape, validation: Pair | None) -> Target:
    parsed = parse_target(target, shape.task)
    if parsed.part == "validation" and validation is None:
        instead = f"give validation=(X, y), or write {parsed.metric}={parsed.value:g} for the training part"
        raise SettingError("target", "needs a validation part", str(target), instead)
    return parsed


def _enough(steps_per_epoch: int) -> Budget:
    return Budget(epochs=max(_ENOUGH_EPOCHS, math.ceil(_ENOUGH_STEPS / steps_per_epoch)))
