"""Random numbers of PyTorch as a function of what they are for; its own generators stay as they are."""

from functools import cache, lru_cache

import torch
from torch import Tensor

from rightbatch.rng import key

_STRIDE = 0x9E3779B97F4A7C15
"""From the seed of one number of a series to that of the next: odd, so that none comes twice."""


class Seeded:
    """What is drawn inside depends on the parts alone, and nothing outside notices.

    `torch.manual_seed` inside `torch.random.fork_rng` does the same in 100 µs, as it goes through
    every kind of device there is; this takes 5 µs, which every step can afford.

    Args:
        device: whose generator is seeded, too, beside that of the CPU.
        *parts: as of `rightbatch.rng.key`.
        number: which of a long series, such as the step. PyTorch's generator of the CPU looks at 32 bits of a
            seed alone: hashed ones would come twice in a series of 65,000 as often as not.

    Example:
        >>> with Seeded(torch.device("cpu"), "noise", 0, number=7):
        ...     first = torch.rand(1)
        >>> with Seeded(torch.device("cpu"), "noise", 0, number=7):
        ...     bool(torch.rand(1) == first)
        True
    """

    __slots__ = ("_before", "_generators", "_seed")

    def __init__(self, device: torch.device, *parts: int | str, number: int = 0) -> None:
        self._generators = _generators(device)
        self._seed = (_first(*parts) + number * _STRIDE) % 2**63
        self._before: list[tuple[torch.Generator, Tensor]] = []

    def __enter__(self) -> None:
        for generator in self._generators:
            self._before.append((generator, generator.get_state()))
            generator.manual_seed(self._seed)

    def __exit__(self, *_: object) -> None:
        for generator, state in self._before:
            generator.set_state(state)


def drawn(device: torch.device) -> tuple[bytes, ...]:
    """Where the generators are; another answer later tells that numbers were drawn."""
    return tuple(generator.get_state().numpy().tobytes() for generator in _generators(device))


@cache
def _generators(device: torch.device) -> tuple[torch.Generator, ...]:
    if device.type == "cpu":
        return (torch.default_generator,)
    return torch.default_generator, torch.cuda.default_generators[device.index or 0]


@lru_cache(maxsize=4096)
def _first(*parts: int | str) -> int:
    """The seed of number 0; to hash the parts takes twice as long as all the rest."""
    return key(*parts)
