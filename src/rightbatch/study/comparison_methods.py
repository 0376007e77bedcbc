"""What is compared: batch sizes with one update rule, or update rules at one batch size."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rightbatch.errors import SettingError
from rightbatch.learners.models import optimizer_for
from rightbatch.learners.protocol import Model
from rightbatch.learners.updates import name_of
from rightbatch.study.settings import batch_sizes_for, method_of

_FEW, _SOME, _MANY = 20, 200, 100_000
"""Training rows that change which batch sizes are usual."""

_SMALL, _LARGE = 32, 256
"""Mini-batches of more than a few rows."""

_SPELT = {"sgd": "SGD", "adam": "Adam", "adamw": "AdamW", "rmsprop": "RMSprop"}

_INSTEAD = "write sizes such as 1, 10 and 100"


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One way of training."""

    name: str
    """As the table and the legend have it; no other method has the same."""
    kind: str
    """``"stochastic"``, ``"mini-batch"`` or ``"full batch"``."""
    batch_size: int
    optimizer: str
    """Name of the update rule."""
    rule: Any
    """The update rule itself."""


def usual_sizes(rows: int) -> tuple[int, ...]:
    """Stochastic, a small and a larger mini-batch, and all rows; of very many rows not one by one.

    Example:
        >>> usual_sizes(100), usual_sizes(4), usual_sizes(1257)
        ((1, 10, 50, 100), (1, 2, 4), (1, 32, 256, 1257))
    """
    if rows <= _FEW:
        return tuple(sorted({1, max(1, rows // 2), rows}))
    if rows <= _SOME:
        return 1, rows // 10, rows // 2, rows
    return (*((1,) if rows <= _MANY else ()), _SMALL, min(_LARGE, rows // 2), rows)


def methods_of(
    model: Model,
    rows: int,
    *,
    batch_sizes: Sequence[int] | str | None,
    optimizers: Sequence[Any] | None,
    least: int = 1,
) -> list[Method]:
    """The methods asked for, at least two: every batch size with every update rule.

    Args:
        model: what is trained.
        rows: of the training part.
        batch_sizes: rows of an update; none: the usual ones, or one of them where optimizers are compared.
        optimizers: update rules, or their names; none: SGD alone.
        least: the smallest batch that the model can be trained on.

    Raises:
        SettingError: a size or an optimizer cannot be used, or there is nothing to compare.
    """
    rules = [_rule(model, given) for given in _listed(optimizers)]
    sizes = _sizes(rows, batch_sizes, alone=len(rules) == 1, least=least)
    if len(sizes) * len(rules) < 2:
        raise SettingError("batch_sizes", "must be at least two to compare", batch_sizes, _INSTEAD)
    pairs = [(size, rule) for rule in rules for size in sizes]
    names = _names(pairs, rows, sizes=len(sizes), rules=len(rules))
    return [
        Method(name=name, kind=method_of(size, rows), batch_size=size, optimizer=name_of(rule), rule=rule)
        for name, (size, rule) in zip(names, pairs, strict=True)
    ]


def _rule(model: Model, given: Any) -> Any:
    try:
        return optimizer_for(model, given)
    except SettingError as error:
        raise SettingError("optimizers", error.problem, error.got, error.instead) from error


def _listed(optimizers: Any) -> list[Any]:
    if optimizers is None:
        return ["sgd"]
    given = list(optimizers) if isinstance(optimizers, list | tuple) else [optimizers]
    if not given:
        instead = 'write names such as ["sgd", "momentum", "adam"]'
        raise SettingError("optimizers", "must name at least one", optimizers, instead)
    return given


def _sizes(rows: int, asked: Any, *, alone: bool, least: int) -> tuple[int, ...]:
    if asked is not None:
        return batch_sizes_for(rows, asked, least=least)
    usual = tuple(size for size in usual_sizes(rows) if size >= least)
    return usual if alone or len(usual) < 2 else usual[1:2]


def _names(pairs: Sequence[tuple[int, Any]], rows: int, *, sizes: int, rules: int) -> list[str]:
    """Short names: what all methods have in common is left out, and the same name twice is numbered."""
    if rules == 1:
        named = [_by_size(size, rows) for size, _ in pairs]
    else:
        named = [
            _spelt(rule) if sizes == 1 else f"{_spelt(rule)}, {_by_size(size, rows)}" for size, rule in pairs
        ]
    return [
        name if named.count(name) == 1 else f"{name} ({named[: place + 1].count(name)})"
        for place, name in enumerate(named)
    ]


def _spelt(rule: Any) -> str:
    """The update rule as a sentence has it."""
    return _SPELT.get(name_of(rule), name_of(rule))


def _by_size(size: int, rows: int) -> str:
    kind = method_of(size, rows)
    return f"mini-batch {size}" if kind == "mini-batch" else kind
