"""The target: the metric value at which a run counts as trained."""

import math
import re
from dataclasses import dataclass, field

from rightbatch.checks import nearest_first, one_of
from rightbatch.errors import SettingError
from rightbatch.learners.metrics import METRICS, metrics_of

_EXAMPLE = "write a target such as val_loss=0.2 or val_accuracy>=0.95"
_ALIASES = {"acc": "accuracy"}
_HIGHEST = {"accuracy": "0.95, which is 95 %", "r2": "0.9"}
"""Metrics that are 1 at most, and what to write instead of more."""


@dataclass(frozen=True, slots=True)
class Target:
    """A metric, on the validation or the training part, and the value it must reach.

    Raises:
        SettingError: no such metric or part, or a value that is not finite.

    Example:
        >>> target = Target("loss", "validation", 0.2)
        >>> str(target), target.met(0.19), target.met(0.21)
        ('val_loss<=0.2', True, False)
    """

    metric: str
    """A key of `METRICS`; with `better` any name."""
    part: str
    """`"validation"` or `"train"`."""
    value: float
    better: str = field(default="", repr=False)
    """`"lower"` or `"higher"`, for a metric of the caller's own; empty: the metric's name tells."""

    def __post_init__(self) -> None:
        if not self.better:
            one_of("metric", self.metric, METRICS)
        one_of("part", self.part, ("validation", "train"))
        if not math.isfinite(self.value):
            raise SettingError("value", "must be a finite number", self.value, "write a number such as 0.2")

    @property
    def name(self) -> str:
        """The metric as users write it: ``val_loss``, or ``loss`` on the training part."""
        return ("val_" if self.part == "validation" else "") + self.metric

    @property
    def falls(self) -> bool:
        """Whether smaller is better."""
        return (self.better or METRICS[self.metric].better) == "lower"

    def met(self, value: float) -> bool:
        """Whether the value reaches the target; NaN does not."""
        return value <= self.value if self.falls else value >= self.value

    def __str__(self) -> str:
        return f"{self.name}{'<=' if self.falls else '>='}{self.value:.6g}"


def parse_target(text: str | Target, task: str) -> Target:
    """A target from ``METRIC=VALUE``, ``METRIC<=VALUE`` or ``METRIC>=VALUE``.

    Args:
        text: such as ``val_loss=0.2``, ``val_accuracy>=0.95``, ``loss<=0.1`` (on the training part); or
            a `Target`, which is returned as it is.
        task: ``"regression"`` or ``"classification"``; decides which metrics there are.

    Raises:
        SettingError: no such form, metric or direction; the sentence says what to write.

    Example:
        >>> parse_target("val_acc>=0.95", "classification")
        Target(metric='accuracy', part='validation', value=0.95)
    """
    if isinstance(text, Target):
        _metric(text.name, str(text), task)
        return text
    match = re.fullmatch(r"\s*([a-z_0-9]+)\s*(<=|>=|=)\s*([^=<>\s]+)\s*", str(text))
    if match is None:
        raise SettingError("target", "must have the form METRIC=VALUE", text, _EXAMPLE)
    name, sign, number = match.groups()
    target = Target(
        _metric(name, text, task), "validation" if name.startswith("val_") else "train", _number(number, text)
    )
    if target.metric in _HIGHEST and target.value > 1:
        said = f"must be at most 1 for {target.metric}"
        raise SettingError("target", said, text, f"write {name}={_HIGHEST[target.metric]}")
    if sign not in {"=", "<=" if target.falls else ">="}:
        better = "smaller" if target.falls else "larger"
        raise SettingError(
            "target", f"points away: {better} {target.metric} is better", text, f"write {target}"
        )
    return target


def own_target(text: str | Target) -> Target:
    """A target on a metric of the caller's own, whose name or sign tells which way is better.

    Args:
        text: ``METRIC<=VALUE`` or ``METRIC>=VALUE``; for loss, accuracy and the like also ``METRIC=VALUE``.

    Raises:
        SettingError: no such form, or a direction that cannot be told.

    Example:
        >>> str(own_target("perplexity<=20")), str(own_target("val_accuracy=0.9"))
        ('perplexity<=20', 'val_accuracy>=0.9')
    """
    match = re.fullmatch(r"\s*([^<>=\s]+)\s*(<=|>=|=)\s*([^=<>\s]+)\s*", str(text))
    if match is None:
        raise SettingError("target", "must have the form METRIC<=VALUE", text, _EXAMPLE)
    name, sign, number = match.groups()
    bare = name.removeprefix("val_")
    known = METRICS.get(_ALIASES.get(bare, bare))
    if sign == "=" and known is None:
        instead = f"write {name}<={number} or {name}>={number}"
        raise SettingError("target", f"does not tell whether a smaller {name} is better", text, instead)
    better = {"<=": "lower", ">=": "higher"}.get(sign) or (known.better if known else "")
    return Target(name, "train", _number(number, str(text)), better)


def _metric(name: str, text: str, task: str) -> str:
    bare = name.removeprefix("val_")
    metric = _ALIASES.get(bare, bare)
    known = metrics_of(task)
    if metric not in known:
        names = nearest_first(metric, known)
        choices = ", ".join(f"val_{choice}" for choice in names)
        raise SettingError("target", f"names no metric of {task}", text, f"write one of {choices}")
    return metric


def _number(number: str, text: str) -> float:
    try:
        value = float(number)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise SettingError("target", "must end in a finite number", text, _EXAMPLE)
    return value
