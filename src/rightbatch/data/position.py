"""What a loader remembers: where it is, and to which data and order that belongs."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from rightbatch.checks import whole_number
from rightbatch.data.batches import LAST, Batches, Cut
from rightbatch.errors import SettingError
from rightbatch.records import Tree

WAY_OUT = "write what state_dict() returned for a loader of this data and order"
COUNTS = ("epoch", "samples", "step")


@dataclass(slots=True)
class Position:
    """Where a pass over the data is; the pass moves it on."""

    meant: Cut
    """The cut of the whole epoch, as it was meant when the epoch began: an order may depend on it."""
    epoch: int = 0
    """Passes completed before this one."""
    samples: int = 0
    """Samples of this epoch delivered, to all shards together."""
    step: int = 0
    """Batches of this epoch delivered."""
    waited: float = 0.0
    """Seconds waited for rows of this epoch."""

    def complete(self) -> None:
        """Move on to the start of the next epoch."""
        self.epoch, self.samples, self.step = self.epoch + 1, 0, 0

    def waiting(self, batches: Iterable[Tree]) -> Iterator[Tree]:
        """The same batches; the seconds that each is waited for are added up."""
        asked = perf_counter()
        for batch in batches:
            self.waited += perf_counter() - asked
            yield batch
            del batch  # so that the next may take its memory
            asked = perf_counter()

    def state(self, belongs: Mapping[str, Any]) -> dict[str, Any]:
        """The position as a dictionary that JSON can write, with what it belongs to.

        Example:
            >>> Position(Batches(100, 32), epoch=2, samples=64, step=2).state({"rows": 100})
            {'epoch': 2, 'samples': 64, 'step': 2, 'batch_size': 32, 'last': 'keep', 'rows': 100}
        """
        counts = {name: getattr(self, name) for name in COUNTS}
        return {**counts, "batch_size": self.meant.batch_size, "last": self.meant.last, **belongs}

    @classmethod
    def from_state(cls, state: Mapping[str, Any], belongs: Mapping[str, Any], length: int) -> "Position":
        """The position that a state tells.

        Args:
            state: what `state` returned.
            belongs: what the state must belong to.
            length: samples of an epoch.

        Raises:
            SettingError: it is no state, or belongs to something else; names the field.
        """
        if not isinstance(state, Mapping):
            raise SettingError("state", "must be a dictionary", state, WAY_OUT)
        _check_belongs(state, belongs)
        counts = {name: _count(state, name, 0, length if name == "samples" else None) for name in COUNTS}
        last = _field(state, "last")
        if last not in LAST:
            raise SettingError("state['last']", f"must be one of {', '.join(LAST)}", last, WAY_OUT)
        return cls(Batches(length, _count(state, "batch_size", 1, length), last), **counts)


def _count(state: Mapping[str, Any], name: str, at_least: int, at_most: int | None) -> int:
    argument = f"state[{name!r}]"
    number = whole_number(argument, _field(state, name), at_least=at_least, instead=WAY_OUT)
    if at_most is not None and number > at_most:
        raise SettingError(argument, f"must be at most {at_most}", number, WAY_OUT)
    return number


def _check_belongs(state: Mapping[str, Any], belongs: Mapping[str, Any]) -> None:
    for name, value in belongs.items():
        got = _field(state, name)
        if got != value:
            raise SettingError(f"state[{name!r}]", f"must be {value!r} as in this loader", got, WAY_OUT)


def _field(state: Mapping[str, Any], name: str) -> Any:
    if name not in state:
        raise SettingError("state", f"must have the field {name!r}", list(state), WAY_OUT)
    return state[name]
