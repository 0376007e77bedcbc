"""The model that the options name."""

from rightbatch.checks import whole_number
from rightbatch.errors import SettingError
from rightbatch.learners.linear import LinearRegression, LogisticRegression
from rightbatch.learners.mlp import MLP
from rightbatch.learners.models import model_named
from rightbatch.learners.protocol import Model


def model_of(name: str, hidden: str, l2: float) -> Model:
    """The model of `--model`, `--hidden` and `--l2`.

    Raises:
        SettingError: an unknown name, or units that are no whole numbers.
    """
    if name == "mlp":
        return MLP(hidden=_units(hidden), l2=l2)
    if name == "linear":
        return LinearRegression(l2=l2)
    return LogisticRegression(l2=l2) if name == "logistic" else model_named(name)


def whole_numbers(name: str, text: str, instead: str) -> tuple[int, ...]:
    """Whole numbers written with commas, such as ``1,8,64``."""
    try:
        return tuple(int(word) for word in text.split(","))
    except ValueError:
        raise SettingError(name, "must be whole numbers with commas between them", text, instead) from None


def _units(hidden: str) -> tuple[int, ...]:
    instead = "write the units of each layer such as 64 or 64,32"
    units = whole_numbers("hidden", hidden, instead)
    return tuple(whole_number("hidden", count, at_least=1, instead=instead) for count in units)
