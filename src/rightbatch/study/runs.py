"""The runs of a study in the order of their making, and by batch size and seed."""

from collections.abc import Iterable, Sequence
from typing import overload

from rightbatch.study.subject import Run


class Runs(Sequence[Run]):
    """Runs that were made; more can be added.

    Args:
        runs: the first of them.
    """

    def __init__(self, runs: Iterable[Run] = ()) -> None:
        """Keep these."""
        self._all: list[Run] = []
        self._sizes: dict[int, list[Run]] = {}
        self._seeds: dict[tuple[int, int], list[Run]] = {}
        self.add(runs)

    def add(self, runs: Iterable[Run]) -> None:
        """Keep these after those before."""
        for run in runs:
            self._all.append(run)
            self._sizes.setdefault(run.batch_size, []).append(run)
            self._seeds.setdefault((run.batch_size, run.seed), []).append(run)

    def at(self, size: int) -> Sequence[Run]:
        """Those of a batch size."""
        return self._sizes.get(size, ())

    def of(self, size: int, seed: int) -> Sequence[Run]:
        """Those of a batch size and a seed."""
        return self._seeds.get((size, seed), ())

    def points(self, size: int, seed: int) -> set[int]:
        """Their learning rates."""
        return {run.point for run in self.of(size, seed)}

    def __len__(self) -> int:
        """How many there are."""
        return len(self._all)

    @overload
    def __getitem__(self, index: int) -> Run: ...

    @overload
    def __getitem__(self, index: slice) -> list[Run]: ...

    def __getitem__(self, index: int | slice) -> Run | list[Run]:
        """By the order of their making."""
        return self._all[index]
