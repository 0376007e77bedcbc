"""What a loader remembers: where it is, and to which data and order that belongs."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from rightbatch.checks import whole_number
from rightbatch.errors import SettingError

WAY_OUT = "write what state_dict() returned for a loader of this data and order"


@dataclass(slots=True)
class Position:
    """Where a pass over the data is; the pass moves it on."""

    epoch: int = 0
    """Passes completed before this one."""
    samples: int = 0
    """Samples of this epoch delivered."""
    step: int = 0
    """Batches of this epoch delivered."""

    def complete(self) -> None:
        """Move on to the start of the next epoch."""
        self.epoch, self.samples, self.step = self.epoch + 1, 0, 0

    def state(self, belongs: Mapping[str, Any]) -> dict[str, Any]:
        """The position as a dictionary that JSON can write, with what it belongs to.

        Example:
            >>> Position(epoch=2, samples=64, step=1).state({"rows": 100})
            {'epoch': 2, 'samples': 64, 'step': 1, 'rows': 100}
        """
        return {**asdict(self), **belongs}

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
        _check_belongs(state, belongs)
        counts = {
            name: whole_number(f"state[{name!r}]", _field(state, name), at_least=0, instead=WAY_OUT)
            for name in cls.__slots__
        }
        if counts["samples"] > length:
            raise SettingError("state['samples']", f"must be at most {length}", counts["samples"], WAY_OUT)
        return cls(**counts)


def _check_belongs(state: Mapping[str, Any], belongs: Mapping[str, Any]) -> None:
    for name, value in belongs.items():
        got = _field(state, name)
        if got != value:
            raise SettingError(f"state[{name!r}]", f"must be {value!r} as in this loader", got, WAY_OUT)


def _field(state: Mapping[str, Any], name: str) -> Any:
    if name not in state:
        raise SettingError("state", f"must have the field {name!r}", list(state), WAY_OUT)
    return state[name]
