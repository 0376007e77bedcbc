"""Orders by their names, as the command line has them."""

from collections.abc import Callable
from typing import Any

from rightbatch.checks import one_of
from rightbatch.data.balanced import Balanced
from rightbatch.data.order import Order, Sequential, Shuffled
from rightbatch.data.stratified import Stratified
from rightbatch.errors import SettingError

WITHOUT_LABELS = ("shuffled", "sequential")
BY_CLASS: dict[str, Callable[[Any, int], Order]] = {"balanced": Balanced, "stratified": Stratified}


def order_named(name: str, *, labels: Any, seed: int) -> Order:
    """The order of a name.

    Args:
        name: ``"shuffled"``, ``"sequential"``, ``"balanced"`` or ``"stratified"``.
        labels: the class of each row; `None`: there are no classes.
        seed: whole number, at least 0.

    Raises:
        SettingError: the name is not known, or the order is by class and there are none.

    Example:
        >>> order_named("shuffled", labels=None, seed=3)
        Shuffled(seed=3)
    """
    one_of("order", name, (*WITHOUT_LABELS, *BY_CLASS))
    if name in WITHOUT_LABELS:
        return Shuffled(seed) if name == "shuffled" else Sequential()
    if labels is None:
        raise SettingError("order", "is by class, and there are none here", name, "write shuffled")
    return BY_CLASS[name](labels, seed)
