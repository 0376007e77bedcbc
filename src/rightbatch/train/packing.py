"""A tree of arrays and plain values as text and flat arrays, and back: all that a file can hold safely."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from rightbatch.errors import SettingError
from rightbatch.records import Array

_MARK = "$"
"""First letter of what stands for something that JSON does not know."""


_KINDS: dict[str, Callable[[Any], Any]] = {
    "$tuple": tuple,
    "$items": dict,
    "$counter": lambda items: Counter(dict(items)),
}


def packed(tree: Any) -> tuple[Any, dict[str, Array]]:
    """The tree as JSON can write it, and its arrays by their place in the tree.

    Args:
        tree: dicts, lists, tuples and counters of arrays, numbers, strings, booleans and `None`.

    Raises:
        SettingError: something else is in it; names the place.

    Example:
        >>> packed({"weights": np.ones(2), "betas": (0.9, 0.99)})
        ({'weights': {'$array': 'weights'}, 'betas': {'$tuple': [0.9, 0.99]}}, {'weights': array([1., 1.])})
    """
    arrays: dict[str, Array] = {}
    return _packed(tree, "", arrays), arrays


def unpacked(tree: Any, arrays: Mapping[str, Array]) -> Any:
    """The tree that `packed` took apart.

    Raises:
        KeyError: an array is missing.

    Example:
        >>> unpacked(*packed({1: (2, None)}))
        {1: (2, None)}
    """
    if isinstance(tree, list):
        return [unpacked(value, arrays) for value in tree]
    if not isinstance(tree, dict):
        return tree
    kind = next(iter(tree), "")
    if not kind.startswith(_MARK):
        return {name: unpacked(value, arrays) for name, value in tree.items()}
    if kind == "$array":
        return arrays[tree[kind]]
    return _KINDS[kind](unpacked(tree[kind], arrays))


def _packed(value: Any, place: str, arrays: dict[str, Array]) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        name = place if place not in arrays else f"{place}#{len(arrays)}"
        arrays[name] = value
        return {"$array": name}
    if isinstance(value, list):
        return [_packed(entry, f"{place}/{number}", arrays) for number, entry in enumerate(value)]
    if isinstance(value, tuple):
        return {"$tuple": _packed([*value], place, arrays)}
    if isinstance(value, Mapping):
        return _packed_mapping(value, place, arrays)
    instead = "leave checkpoint out, or write a model, optimizer and schedule without it"
    raise SettingError("checkpoint", f"cannot hold what is at {place}", type(value).__name__, instead)


def _packed_mapping(value: Mapping[Any, Any], place: str, arrays: dict[str, Array]) -> Any:
    plain = all(isinstance(key, str) and not key.startswith(_MARK) for key in value)
    if plain and not isinstance(value, Counter):
        start = f"{place}/" if place else ""
        return {key: _packed(entry, f"{start}{key}", arrays) for key, entry in value.items()}
    kind = "$counter" if isinstance(value, Counter) else "$items"
    return {kind: _packed([*value.items()], place, arrays)}
