"""The model that the options name."""

from rightbatch.checks import whole_number
from rightbatch.errors import SettingError
from rightbatch.learners.linear import LinearRegression, LogisticRegression
from rightbatch.learners.mlp import MLP
from rightbatch.learners.models import model_named
from rightbatch.learners.protocol import Model

_HIDDEN = "64"
"""Units of the mlp where none are given."""


def model_of(name: str, hidden: str | None, l2: float | None) -> Model:
    """The model of `--model`, `--hidden` and `--l2`; `None` where an option is not given.

    Raises:
        SettingError: an unknown name, units that are no whole numbers, or an option not for the model.
    """
    if name != "mlp" and hidden is not None:
        raise SettingError("hidden", "is for the mlp", hidden, f"leave it out with --model {name}")
    penalty = 0.0 if l2 is None else l2
    if name == "mlp":
        return MLP(hidden=_units(_HIDDEN if hidden is None else hidden), l2=penalty)
    if name == "linear":
        return LinearRegression(l2=penalty)
    if name == "logistic":
        return LogisticRegression(l2=penalty)
    model = model_named(name)
    if l2 is not None:
        instead = "write --weight-decay for it, or leave it out"
        raise SettingError("l2", "is for the built-in models", l2, instead)
    return model


def whole_numbers(name: str, text: str, instead: str) -> tuple[int, ...]:
    """Whole numbers from 1 written with commas, such as ``1,8,64``."""
    try:
        numbers = [int(word) for word in text.split(",")]
    except ValueError:
        raise SettingError(name, "must be whole numbers with commas between them", text, instead) from None
    return tuple(whole_number(name, count, at_least=1, instead=instead) for count in numbers)


def _units(hidden: str) -> tuple[int, ...]:
    return whole_numbers("hidden", hidden, "write the units of each layer such as 64 or 64,32")
