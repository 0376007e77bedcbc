"""`fit`: train one model to the end."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rightbatch.checks import function_or_none, whole_number
from rightbatch.data.dataset import Dataset
from rightbatch.data.loader import Loader
from rightbatch.errors import SettingError
from rightbatch.learners.metrics import Metric
from rightbatch.learners.models import model_named
from rightbatch.learners.own_metrics import own_metrics
from rightbatch.learners.protocol import Learner
from rightbatch.learners.torch_model import TorchModel, said
from rightbatch.records import Array, Shape, StepEvent
from rightbatch.train.augment import Augment, Incoming
from rightbatch.train.budget import Budget
from rightbatch.train.follow import Follower
from rightbatch.train.given import data_for
from rightbatch.train.growth import Measured, Planned, most_steps, sizes_of
from rightbatch.train.inputs import Pair, pair_in, parts_of
from rightbatch.train.loop import train as steps_of
from rightbatch.train.pace import Horizon, OfEpochs, Pace, pace_of, torch_pace
from rightbatch.train.processes import Processes
from rightbatch.train.recipe import Recipe
from rightbatch.train.result import FitProgress, FitResult
from rightbatch.train.resume import Asked, Keeping
from rightbatch.train.schedule import SCHEDULES
from rightbatch.train.steps import Rules, ruled
from rightbatch.train.target import Target, parse_target
from rightbatch.train.watch import Watcher

_ENOUGH_STEPS = 2000
"""Without a limit given, small data are passed over until about this many steps are done."""

_ENOUGH_EPOCHS = 10

_WAIT = "write a number of epochs such as 5"

_BATCH_SIZE = 32
"""Where none is given; on smaller data all rows."""


def fit(
    model: Any,
    train: Any,
    validation: Any = None,
    *,
    batch_size: int | str | Mapping[int, int] | Callable[[int], int] | None = None,
    accumulate: int = 1,
    epochs: int | None = None,
    steps: int | None = None,
    samples: int | None = None,
    seconds: float | None = None,
    target: str | Target | None = None,
    patience: int | None = None,
    optimizer: Any = "sgd",
    lr: float | None = None,
    schedule: Any = None,
    precision: str = "float32",
    clip_norm: float | None = None,
    weight_decay: float | None = None,
    metrics: Any = None,
    augment: Augment | None = None,
    seed: int = 0,
    last: str = "keep",
    progress: Callable[[FitProgress], None] | None = None,
    checkpoint: str | Path | None = None,
    resume: bool = False,
    checkpoint_every: int | str = "60s",
    keep: int = 3,
    log: str | Path | None = None,
    watchers: Sequence[Watcher] = (),
    monitor: bool = True,
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
            which has its own, as are `last` and the order's `seed`. Or a schedule: the size from
            certain epochs on, such as ``{1: 32, 10: 128}``; a function from the epoch, counted from 1,
            to its size; an `InsteadOfDecay`; or ``"auto"``: it begins with 32 and doubles, from
            one epoch to the next, as long as the measured noise scale is at least twice as large,
            up to a sixteenth of the rows.
        accumulate: micro-batches that the batch of an update is cut into, to save memory; their
            losses are weighted by their rows, so that the update is that of the whole batch.
        epochs: most passes over the data.
        steps: most updates.
        samples: most samples seen.
        seconds: most seconds spent.
        target: such as ``"val_loss=0.2"``: stop at the end of the first epoch that has reached it.
        patience: stop after so many epochs without a better validation loss; however the training
            ends, but for a target reached, the weights are then those of the best epoch.
        optimizer: ``"sgd"``, ``"momentum"``, ``"nesterov"``, ``"adam"``, or one with its settings; for a
            PyTorch module also a name of `torch.optim`, or a function from parameters to an optimizer.
        lr: learning rate; none: 0.1 for sgd, 0.02 for momentum and nesterov, a tenth of that for
            regression; 0.01 for adam; PyTorch's own for one of `torch.optim`.
        schedule: ``"constant"``, ``"step"``, ``"exponential"``, ``"cosine"``, ``"inverse-time"``,
            ``"warm-up"``, or a function from the steps done to a factor; in `ByEpoch` it counts
            epochs. For a PyTorch module also a name of `torch.optim.lr_scheduler`, or a function of
            ``optimizer`` that makes one: it is told of every epoch (OneCycleLR and CyclicLR of every
            step), or of what `ByEpoch` or `ByStep` around it say. None: cosine where the limits say how
            many steps there are at most, constant otherwise and where the batch size changes.
        precision: of the forward pass of a PyTorch module in training: ``"float32"``, or mixed with
            ``"bfloat16"`` or ``"float16"`` (with a scaled loss).
        clip_norm: most that the Euclidean norm of the gradient may be; larger ones are shrunk to it.
        weight_decay: share of the parameters that is added to the gradient, after clipping; an optimizer
            of `torch.optim` does it in its own way, as AdamW does.
        metrics: to evaluate on the validation part beside those of the task: functions of `(y_true,
            y_pred)` as in scikit-learn (of `(y_true, y_score)`: with probabilities), or metrics of
            torchmetrics; or a mapping of names to them. They go into the history as ``val_NAME``.
        augment: a function of the inputs of a batch, arrays (or tensors) `(rows, ...)`, and of a
            `RowRandom`, whose `uniform(k)`, `normal(k)` and `integers(low, high, k)` draw k numbers for
            every row; it gives the inputs to learn from. They depend on the seed, the epoch and the row
            alone. What is evaluated is never augmented.
        seed: of the starting weights, the order of the rows, and `augment`.
        last: what becomes of a last batch that is not full, as in `Loader`.
        progress: called with a `FitProgress` after every step.
        checkpoint: folder that all that is needed to go on is written to: parameters, optimizer, schedule,
            the loader's position, what was drawn; in `.npz` files that are whole or not there.
        resume: go on from the newest checkpoint, bit for bit on the CPU, as if nothing had happened;
            model, data and settings must be the same, limits may be others. Without a checkpoint
            it starts from the beginning.
        checkpoint_every: steps, or a time such as ``"60s"`` or ``"5m"``, from one checkpoint to the next.
        keep: how many of the last checkpoints are kept, beside that of the best epoch.
        log: file that the history is written to while it grows, as JSON lines.
        watchers: told of what happens; see `Watcher`, `tensorboard` and `mlflow`.
        monitor: look for what goes wrong: a loss that explodes or is no number, layers that stand
            still, waiting for batches, missing classes, overfitting; it is said in `warnings`.

    Returns:
        The trained model, its history, and why it stopped.

    Raises:
        SettingError: a setting cannot be used.
        DataError: the data cannot be used.
        StoreError: the checkpoints to go on from are of another training.

    Example:
        >>> import numpy as np
        >>> from rightbatch.learners.linear import LinearRegression
        >>> x = np.linspace(-1, 1, 100)[:, None]
        >>> result = fit(LinearRegression(), (x, 3 * x + 1), batch_size=10)
        >>> {name: value.round(2).tolist() for name, value in result.parameters().items()}
        {'weight1': [[3.0]], 'bias1': [1.0]}
    """
    seed = whole_number("seed", seed, at_least=0, instead="write a whole number such as 0")
    rules = Rules(accumulate=accumulate, clip_norm=clip_norm, weight_decay=weight_decay or 0.0)
    processes = Processes.started()
    first, every = processes.first, checkpoint_every
    keeping = Keeping.of(checkpoint, resume=resume, checkpoint_every=every, keep=keep, first=first)
    asked = Asked.of(keeping, log=log, watchers=watchers, monitor=monitor, first=first)
    model = processes.model(model_named(model))
    recipe = Recipe.of(model, optimizer, rules, precision=precision, schedule=schedule)
    loader, held, shape, classes = _prepare((train, validation), recipe.model, batch_size, seed, last)
    processes.share(loader)
    incoming = Incoming(augment, seed, isinstance(recipe.model, TorchModel))
    sizes = sizes_of(batch_size, loader.batch_size, loader.rows)
    budget = _enough(Budget(epochs=epochs, steps=steps, samples=samples, seconds=seconds), len(loader))
    learner = recipe.model.build(shape, recipe.rule)
    team = processes.team(recipe.model, learner)
    state = learner.start([seed])
    rate = recipe.rate(lr, shape.task, _own_lr(learner, state))
    follower = Follower(
        learner=learner,
        shape=shape,
        train=loader.data,
        validation=held,
        budget=budget,
        target=None if target is None else _target(target, shape, held),
        patience=None if patience is None else whole_number("patience", patience, at_least=1, instead=_WAIT),
        steps_per_epoch=len(loader),
        lr=float(rate[0]),
        progress=function_or_none("progress", progress, of="a FitProgress") if first else None,
        judge=team.judge,
        clock=None if seconds is None else team.clock,
        own_metrics=_metrics(metrics, shape, held),
        accumulate=accumulate,
    )
    pace = _pace(schedule, recipe, (state, float(rate[0])), _horizon(budget, loader, sizes), sizes)
    stepper = ruled(team.steps, recipe.rules, sizes if isinstance(sizes, Measured) else None)
    settings = _settings(recipe, rate, schedule, batch_size if sizes else loader.batch_size, incoming)
    others = {"schedule": pace, "batch_sizes": sizes}
    asked.attach(follower, state, loader, others, settings, classes=classes, agreed=team.agreed)
    result = follower.follow(state, _Epochs(follower, loader, incoming, stepper, rate, pace, sizes))
    return processes.ended(team, result)


@dataclass(frozen=True, slots=True)
class _Epochs:
    """The steps of every epoch."""

    follower: Follower
    loader: Loader
    incoming: Incoming
    stepper: Any
    rate: Array
    pace: Pace
    sizes: Planned | Measured | None

    def __call__(self, state: Any, step: int, samples: int) -> Iterator[StepEvent]:
        """Those of the epoch that begins, or what is left of it, after so many steps and samples."""
        follower, loader = self.follower, self.loader
        if self.sizes is not None:
            loader.batch_size = self.sizes.at(follower.epoch)
        follower.steps_per_epoch, follower.batch_size = len(loader), loader.batch_size
        factor, batches = self.pace.of(follower.epoch, follower.watched), self.incoming.of(loader.batches())
        return steps_of(self.stepper, state, batches, self.rate, schedule=factor, step=step, samples=samples)


def _settings(
    recipe: Recipe, rate: Array, schedule: Any, batch_size: Any, incoming: Incoming
) -> dict[str, str]:
    """What training was asked for, in words; on which device is not part of it."""
    model, rules = recipe.model, recipe.rules
    model = replace(model, device="cpu", optimizer=None) if isinstance(model, TorchModel) else model
    words = {"model": model, "optimizer": recipe.rule, "lr": float(str(rate[0])), "schedule": schedule}
    words |= {"batch_size": batch_size, "accumulate": rules.accumulate, "clip_norm": rules.clip_norm}
    words |= {"weight_decay": rules.weight_decay, "seed": incoming.seed}
    words |= {} if incoming.augment is None else {"augment": incoming.augment}
    return {name: said(value) for name, value in words.items()}


def _prepare(
    data: tuple[Any, Any], model: Any, batch_size: Any, seed: int, last: str
) -> tuple[Loader, Pair | None, Shape, tuple[str, ...]]:
    """The batches, the validation part, the shape, and the names of the classes where they are known."""
    train, validation = data
    whole = bool(getattr(model, "keeps_whole", False))
    if isinstance(train, Loader):
        _, held, shape = parts_of(pair_in(train, whole=whole), validation, whole=whole)
        return train, held, shape, ()
    if not isinstance(train, tuple | list | Dataset):
        train = data_for(model, train)
    pair, held, shape = parts_of(train, validation, whole=whole)
    size = min(_BATCH_SIZE, len(pair[0]))
    if batch_size is not None and batch_size != "auto":
        planned = sizes_of(batch_size, size, len(pair[0]))
        size = batch_size if planned is None else planned.at(1)
    delivery = model.delivery() if isinstance(model, TorchModel) else {}
    loader = Loader(pair, size, shuffle=True, seed=seed, last=last, **delivery)
    return loader, held, shape, train.classes if isinstance(train, Dataset) else ()


def _horizon(budget: Budget, loader: Loader, sizes: Planned | Measured | None) -> Horizon:
    """How long the training is at most; where the batch size is measured, only a limit on steps tells."""
    in_epoch = min(loader.rows, len(loader) * loader.batch_size)
    if isinstance(sizes, Planned):
        most = most_steps(sizes, in_epoch, epochs=budget.epochs, steps=budget.steps, samples=budget.samples)
    elif sizes is None:
        most = budget.most_steps(len(loader), loader.batch_size, in_epoch)
    else:
        most = budget.steps
    return Horizon(steps=most, steps_per_epoch=len(loader), epochs=budget.epochs)


def _pace(
    schedule: Any,
    recipe: Recipe,
    begun: tuple[Any, float],
    horizon: Horizon,
    sizes: Planned | Measured | None,
) -> Pace:
    """The factors of this training, whose state and learning rate are as they begin."""
    factor = sizes.factor_of if isinstance(sizes, Planned) else None
    if factor is not None:
        if schedule is not None:
            instead = "leave it out: what is left of the batch size's schedule sets the learning rate"
            raise SettingError("schedule", "is that of the batch size already", schedule, instead)
        return OfEpochs(lambda done: factor(done + 1))
    if schedule is None:
        schedule = "constant" if horizon.steps is None or sizes is not None else "cosine"
    if isinstance(sizes, Measured) and schedule in SCHEDULES[1:] and horizon.steps is None:
        problem = "needs a limit on steps where the batch size is measured"
        instead = f"leave it out, or in Python write steps=1000, or ByEpoch({schedule!r})"
        raise SettingError("schedule", problem, schedule, instead)
    if recipe.scheduled and isinstance(recipe.model, TorchModel):
        return torch_pace(schedule, recipe.model, *begun, horizon)
    return pace_of(schedule, horizon)


def _own_lr(learner: Learner[Any], state: Any) -> float | None:
    """The learning rate that an optimizer of the user's was made with, if there is one."""
    own = getattr(learner, "own_lr", None)
    return None if own is None else own(state)


def _metrics(metrics: Any, shape: Shape, validation: Pair | None) -> tuple[Metric, ...]:
    own = own_metrics(metrics, shape.task)
    if own and validation is None:
        raise SettingError("metrics", "need a validation part", own[0].name, "give validation=(X, y)")
    return own


def _target(target: str | Target, shape: Shape, validation: Pair | None) -> Target:
    parsed = parse_target(target, shape.task)
    if parsed.part == "validation" and validation is None:
        instead = f"give validation=(X, y), or write {parsed.metric}={parsed.value:g} for the training part"
        raise SettingError("target", "needs a validation part", str(target), instead)
    return parsed


def _enough(limits: Budget, steps_per_epoch: int) -> Budget:
    """The limits, or where there are none what small data need."""
    if limits != Budget():
        return limits
    return Budget(epochs=max(_ENOUGH_EPOCHS, math.ceil(_ENOUGH_STEPS / steps_per_epoch)))
