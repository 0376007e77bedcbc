"""Trees: one array, or tuples, lists and dicts of trees, such as ``(X, y)`` or ``{"x": X, "y": y}``.

The arrays are the leaves, the *fields* of a data set; a field of rows that differ in length is a `Ragged`.
A field is named as one would write it in Python: ``data[0]``, ``data['x']``.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np

from rightbatch.data.ragged import Ragged
from rightbatch.errors import DataError
from rightbatch.records import Array, Tree


def as_arrays(tree: Tree, name: str = "data") -> Tree:
    """The same tree with every field as a NumPy array; no copy where there is one already.

    Args:
        tree: fields are anything that NumPy reads as an array, such as a pandas column or a torch
            tensor, or a `Ragged`.
        name: what to call the tree in errors.

    Raises:
        DataError: a field is no array with one entry per row, or its rows differ in shape.

    Example:
        >>> as_arrays({"x": np.zeros((2, 3), np.float32), "y": np.array([0, 1], np.uint8)})["y"].dtype
        dtype('uint8')
    """
    if not isinstance(tree, (tuple, list, dict)):
        return _as_array(tree, name)
    if not tree:
        raise DataError(f"{name} is an empty {type(tree).__name__}; write arrays into it or leave it out.")
    return _like(tree, [as_arrays(child, f"{name}[{key!r}]") for key, child in _items(tree)])


def common_rows(tree: Tree, name: str = "data") -> int:
    """The number of rows, which is the length of every field.

    Raises:
        DataError: two fields differ in length, or there is no row; names the fields and their shapes.

    Example:
        >>> common_rows((np.zeros((5, 2)), np.zeros(5)))
        5
    """
    (first, field), *others = fields(tree, name)
    or_rows = ", or Ragged(...) around a list of rows" if isinstance(tree, list) else ""
    for other, its in others:
        if len(its) != len(field):
            raise DataError(
                f"{first} has shape {field.shape} but {other} has shape {its.shape}; "
                f"write fields with the same number of rows{or_rows}."
            )
    if not len(field):
        raise DataError(
            f"{first} has shape {field.shape}, so there are no rows; write data with at least one."
        )
    return len(field)


def fields(tree: Tree, name: str = "data") -> Iterator[tuple[str, Any]]:
    """Every field with its name, in the order of the tree.

    Example:
        >>> [name for name, _ in fields(({"x": np.zeros(3), "z": np.zeros(3)}, np.ones(3)))]
        ["data[0]['x']", "data[0]['z']", 'data[1]']
    """
    if isinstance(tree, (np.ndarray, Ragged)):
        yield name, tree
        return
    for key, child in _items(tree):
        yield from fields(child, f"{name}[{key!r}]")


def map_fields(function: Callable[[Any], Any], tree: Tree) -> Tree:
    """The tree of `function(field)` of every field.

    Example:
        >>> map_fields(len, {"x": np.zeros(3), "y": (np.ones(2), np.ones(1))})
        {'x': 3, 'y': (2, 1)}
    """
    if isinstance(tree, (np.ndarray, Ragged)):
        return function(tree)
    return _like(tree, [map_fields(function, child) for child in _children(tree)])


def builder(tree: Tree) -> Callable[[Iterable[Any]], Tree]:
    """What makes trees of the same form from fields in the order of `fields`; for a tuple of arrays, `tuple`.

    Example:
        >>> builder({"x": np.zeros(3), "y": [np.ones(2)]})([1, 2])
        {'x': 1, 'y': [2]}
    """
    if type(tree) is tuple and not any(isinstance(child, (tuple, list, dict)) for child in tree):
        return tuple
    return partial(_build, map_fields(lambda _: np.empty(0), tree))


def _build(form: Tree, values: Iterable[Any]) -> Tree:
    following = iter(values)
    return map_fields(lambda _: next(following), form)


def entries(
    tree: Tree, convert: Callable[[Any], Iterable[Any]] | None = None, *, late: bool = False
) -> Iterator[Tree]:
    """The tree of the first entry of every array or `RaggedBlock`, then that of the second, and so on.

    With `convert` the entries of a field are those of `convert(field)`, such as tensors.

    For a tuple of arrays, the usual data set, `zip` makes the trees: no Python code runs per entry. But
    `zip` holds an entry longer than it needs to, so where entries are made when they are asked for,
    `late`, another function takes its place.

    Example:
        >>> [(x.tolist(), y.tolist()) for x, y in entries((np.array([[1, 2], [3, 4]]), np.array([[5], [6]])))]
        [([1, 2], [5]), ([3, 4], [6])]
    """
    if not isinstance(tree, (tuple, list, dict)):
        return iter(tree if convert is None else convert(tree))
    parts = [entries(child, convert, late=late) for child in _children(tree)]
    together = _side_by_side(parts) if late else zip(*parts, strict=True)
    return together if type(tree) is tuple else map(partial(_like, tree), together)


def _side_by_side(parts: list[Iterator[Any]]) -> Iterator[tuple[Any, ...]]:
    first, *others = parts
    for entry in first:
        yield (entry, *map(next, others))
        del entry


def _children(tree: Tree) -> Iterable[Tree]:
    children: Iterable[Tree] = tree.values() if isinstance(tree, dict) else tree
    return children


def _items(tree: Tree) -> Iterable[tuple[Any, Tree]]:
    return tree.items() if isinstance(tree, dict) else enumerate(tree)


def _like(tree: Tree, children: Iterable[Any]) -> Tree:
    """A tuple, named tuple, list or dict of the same form, with other children."""
    if isinstance(tree, dict):
        return dict(zip(tree, children, strict=True))
    if isinstance(tree, list):
        return list(children)
    return getattr(tree, "_make", tuple)(children)


def _as_array(leaf: Any, name: str) -> Array | Ragged:
    if isinstance(leaf, Ragged):
        return leaf
    try:
        array = np.asarray(leaf)
    except (TypeError, ValueError, RuntimeError) as error:
        raise DataError(f"{name} cannot be read as an array ({error}); write a NumPy array.") from error
    if array.ndim == 0:
        raise DataError(
            f"{name} is a single {type(leaf).__name__}, not an array of rows; write {_instead(leaf, name)}."
        )
    if isinstance(leaf, np.ma.MaskedArray) and (masked := int(np.ma.getmaskarray(leaf).sum())):
        raise DataError(
            f"{name} has {masked:,} masked values, and batches have no mask; "
            f"write {name}.filled(...), and the mask as a field of its own if it is needed."
        )
    if array.dtype == object and any(isinstance(row, (list, tuple, np.ndarray)) for row in array.flat):
        raise DataError(
            f"{name} is ragged, it has rows of different shape; "
            "write Ragged(...) around it, and batches of it are padded."
        )
    return array


def _instead(leaf: Any, name: str) -> str:
    """What to write instead of something that is no array of rows."""
    if isinstance(leaf, str):
        return f"load_data({leaf!r}).train for the rows of a file or a data set"
    if hasattr(leaf, "toarray"):
        return f"{name}.toarray()"
    if hasattr(leaf, "train") and hasattr(leaf, "validation"):
        return f"{name}.train, one of its parts"
    return "np.array(...) around a list of numbers"
