"""What a loader was asked for, brought together and checked."""

from typing import Any

import numpy as np

from rightbatch.data.order import Order, Sequential, Shuffled
from rightbatch.errors import SettingError

_FIXED = {"data", "shuffle", "order", "seed", "last", "drop_last", "output", "device", "prefetch", "threads"}
"""Settings of a loader that count when it is made."""


class FixedSettingError(SettingError, AttributeError):
    """A setting that counts when an object is made was set afterwards."""


class Fixed:
    """What a loader was made with stays as it is: a setting that is set later would be ignored."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _FIXED:
            raise _too_late(name, value)
        super().__setattr__(name, value)


def _too_late(name: str, value: Any) -> FixedSettingError:
    plain = value is None or isinstance(value, str | int | float)
    got, written = (value, repr(value)) if plain else (type(value).__name__, "...")
    instead = "write Loader(data)" if name == "data" else f"write Loader(data, {name}={written})"
    return FixedSettingError(name, "of a Loader cannot be set after it is made", got, instead)


def one_order(order: Order | None, *, shuffle: bool, seed: int) -> Order:
    """The order, given itself or as a shuffle with a seed."""
    _check_switch("shuffle", shuffle)
    if order is None:
        return Shuffled(seed) if shuffle else Sequential()
    if isinstance(order, type) or not isinstance(order, Order):
        raise SettingError("order", "must be an order", order, "write one such as Shuffled(seed=0)")
    if shuffle:
        raise SettingError(
            "shuffle", "must be left out where order is given", shuffle, "write one of the two"
        )
    if seed:
        raise SettingError(
            "seed", "must be left out where order is given", seed, f"write order=Shuffled(seed={seed!r})"
        )
    return order


def one_last(last: str, *, drop_last: bool) -> str:
    """What becomes of the rows left over; `drop_last` is another word for it."""
    _check_switch("drop_last", drop_last)
    if drop_last and last not in {"keep", "drop"}:
        raise SettingError(
            "last", "must be left out where drop_last=True is given", last, "write one of the two"
        )
    return "drop" if drop_last else last


def _check_switch(name: str, value: Any) -> None:
    """Refuse words and other numbers, all of which Python takes for true."""
    if not isinstance(value, int | np.bool_) or value not in {0, 1}:
        raise SettingError(name, "must be True or False", value, f"write {name}=True or leave it out")


def check_left_to_the_order(batch_size: int | None, last: str) -> None:
    """Refuse what an order with batches of its own decides."""
    if batch_size is not None:
        raise SettingError(
            "batch_size",
            "must be left out where the order has a token budget",
            batch_size,
            "write another budget into the order",
        )
    if last != "keep":
        raise SettingError(
            "last", "must be left out where the order has a token budget", last, "nothing is left over"
        )


def check_not_padded(last: str) -> None:
    """Refuse padding for Keras, which is not told of weights of 0."""
    if last == "pad":
        raise SettingError(
            "last", "must not be pad for Keras, which counts padding as rows", last, "write keep or drop"
        )
