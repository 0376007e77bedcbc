"""All that a training is at one moment, as one tree, and back: so that it can stop and go on."""

import json
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from rightbatch.errors import SettingError
from rightbatch.learners.protocol import Storable
from rightbatch.records import Array
from rightbatch.train.packing import packed

_SHORT = 60
"""Letters of a setting that are shown."""

_POSITION = {"epoch", "samples", "step", "batch_size"}
"""What a loader's state says of where it is; the rest is what it belongs to."""


class GlobalRandom:
    """The generators of the process, of Python and of NumPy.

    Ours draw nothing from them, but a module or a loss of the user's may.
    """

    def state_dict(self) -> dict[str, Any]:
        """Where they are."""
        version, numbers, spare = random.getstate()
        python = {"version": version, "numbers": np.array(numbers, np.uint32), "spare": spare}
        return {"python": python, "numpy": np.random.get_state(legacy=False)}  # noqa: NPY002 (the user's own)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        python = state["python"]
        random.setstate((python["version"], tuple(python["numbers"].tolist()), python["spare"]))
        np.random.set_state(state["numpy"])  # noqa: NPY002


class Training:
    """A learner, a loader, and everything else that remembers something.

    Args:
        learner: what learns.
        loader: whose position is stored as it is, counted in samples.
        follower: keeps the history.
        others: by name; those without `state_dict` remember nothing.
    """

    def __init__(self, learner: Any, loader: Any, follower: Any, others: Mapping[str, Any]) -> None:
        self._learner: Storable = learner
        self._loader, self._follower = loader, follower
        self._others = {name: part for name, part in others.items() if hasattr(part, "state_dict")}
        self._others["random"] = GlobalRandom()
        self._belongs: Mapping[str, Any] = loader.state_dict()
        """The loader's state at the beginning: what its data and order are stays as it is."""
        self._rows: list[str] = []
        """The history row by row as text: each is written once, however often it is stored."""

    def taken(self, state: Any, copy: Callable[[Array], Array] = np.array) -> dict[str, Any]:
        """Everything as it is now, its large arrays copied by `copy`."""
        history: Sequence[Mapping[str, float]] = self._follower.history
        self._rows += [json.dumps(row) for row in history[len(self._rows) :]]
        return {
            "learner": self._learner.state_dict(state, copy),
            "loader": {**self._belongs, **self._loader.position},
            "follower": self._follower.state_dict(copy),
            "history": "\n".join(self._rows),
            **{name: part.state_dict() for name, part in self._others.items()},
        }

    def put_back(self, state: Any, tree: Mapping[str, Any]) -> None:
        """Let everything, the state included, go on from there."""
        self._learner.load_state_dict(state, tree["learner"])
        self._loader.load_state_dict(tree["loader"])
        for name, part in self._others.items():
            if name in tree:
                part.load_state_dict(tree[name])
        history = [json.loads(row) for row in tree["history"].splitlines()]
        self._follower.load_state_dict(state, tree["follower"], history, within=self.within_epoch())

    def within_epoch(self) -> bool:
        """Whether the loader has batches left of an epoch that has begun."""
        return bool(self._loader.position["samples"])

    def data(self) -> dict[str, str]:
        """What the loader reads, and in which order, in words."""
        return {name: str(value) for name, value in self._belongs.items() if name not in _POSITION}

    def anatomy(self, state: Any) -> dict[str, str]:
        """What the learner's state is made of: the shape of every array, and every setting, by its place.

        Raises:
            SettingError: the learner cannot store its state.
        """
        if not hasattr(self._learner, "load_state_dict"):
            name = type(self._learner).__name__
            instead = "leave it out, or train a built-in model or a PyTorch module"
            raise SettingError("checkpoint", "cannot hold what this model learns", name, instead)
        tree, arrays = packed(self._learner.state_dict(state))
        return {place: _said(value, arrays) for place, value in _leaves(tree, "")}


def difference(there: Mapping[str, Any], here: Mapping[str, Any]) -> str:
    """The first thing that two trainings do not have in common, in words; empty where there is none.

    Example:
        >>> difference({"lr": "0.1", "seed": "0"}, {"lr": "0.2", "seed": "0"})
        'lr is 0.1 there and 0.2 here'
    """
    for name in [*here, *(name for name in there if name not in here)]:
        then, now = (str(settings.get(name, "not known")) for settings in (there, here))
        if then != now:
            pairs = enumerate(zip(then, now, strict=False))
            same = next((place for place, (old, new) in pairs if old != new), 0)
            return f"{name} is {_around(then, same)} there and {_around(now, same)} here"
    return ""


def _around(text: str, place: int) -> str:
    """The text where it is short, else what stands around a place in it."""
    if len(text) <= _SHORT:
        return text
    start, stop = max(0, place - _SHORT // 3), place + _SHORT // 2
    return f"{'…' if start else ''}{text[start:stop]}{'…' if stop < len(text) else ''}"


def _leaves(tree: Any, place: str) -> list[tuple[str, Any]]:
    if isinstance(tree, dict) and "$array" not in tree:
        return [leaf for name, value in tree.items() for leaf in _leaves(value, f"{place}/{name}")]
    if isinstance(tree, list):
        return [leaf for number, value in enumerate(tree) for leaf in _leaves(value, f"{place}/{number}")]
    return [(place.strip("/"), tree)]


def _said(value: Any, arrays: Mapping[str, Array]) -> str:
    if isinstance(value, dict):
        array = arrays[value["$array"]]
        return f"{array.dtype} {array.shape}"
    return str(value)
