"""An account of each epoch: which rows were seen how often, the classes in a batch, padding, and waiting."""

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, Protocol

from rightbatch import units
from rightbatch.data.tally import ByClass, Counts, Labels, Tally, labels_of
from rightbatch.records import Array, Batch, Tree

LISTED = 20
"""Classes that the text of an account lists."""


class Batched(Protocol):
    """What can be audited: a `Loader`."""

    @property
    def data(self) -> Tree:
        """The whole data."""

    @property
    def rows(self) -> int:
        """Rows of the data."""

    @property
    def batch_size(self) -> int | None:
        """Samples of a batch."""

    def batches(self) -> Iterator[Batch]:
        """The next pass."""


class ClassCount(NamedTuple):
    """One class in the batches of an epoch."""

    name: str
    rows: int
    """Rows of it seen, repeats counted."""
    least: int
    """Fewest rows of it in a batch."""
    mean: float
    """Rows of it in a batch."""
    most: int
    """Most rows of it in a batch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochAudit(Counts):
    """What the batches of one pass held. `str` of it is a table; rows of weight 0 are padding."""

    loader: str
    """The loader's `repr`."""
    epoch: int
    """Passes before this one."""
    complete: bool
    """Whether the pass came to its end."""
    rows: int
    """Rows of the data."""
    classes: tuple[ClassCount, ...]
    """Empty where there are no labels."""
    waiting: float
    """Seconds in which the loop waited for batches."""
    computing: float
    """Seconds between a batch and the question for the next one."""

    @property
    def coverage(self) -> float:
        """Share of the rows that were seen."""
        return self.seen / self.rows

    @property
    def padding_share(self) -> float:
        """Share of the rows of all batches that is padding."""
        return self.padding / max(1, self.delivered)

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON can hold it."""
        shares = {"coverage": self.coverage, "padding_share": self.padding_share}
        classes = [count._asdict() for count in self.classes]
        sizes = [{"rows": size, "batches": times} for size, times in sorted(self.sizes.items(), reverse=True)]
        return {**asdict(self), **shares, "classes": classes, "sizes": sizes}

    def __str__(self) -> str:
        lines = [
            f"epoch {self.epoch} of {self.loader}" + ("" if self.complete else ", left before its end"),
            f"rows      {_rows(self)}",
            f"batches   {_sizes(self)}",
            f"padding   {_padding(self)}",
            f"bytes     {units.size(self.bytes)}, {units.size(self.bytes / max(1, self.batches))} a batch",
            f"time      {_time(self)}",
            *_class_lines(self.classes),
        ]
        return "\n".join(lines)


class _Ended(NamedTuple):
    """A pass that has ended, to be told of when somebody asks."""

    tally: Tally
    place: int
    loader: str
    epoch: int
    complete: bool
    waiting: float
    computing: float


class Audit:
    """Passes over a loader, each with an account of what its batches held, taken while training.

    Iterate it in place of the loader. Only row numbers are kept, and counted many batches at a time, those of
    several passes together where these are short; `bench/audit.py` measures what that takes.

    Args:
        loader: its passes are made; one here is one there.
        labels: the class of each row, shape `(rows,)`; none: the last field of the data where it may be
            labels (`rightbatch.data.tally.labels_of`).

    Raises:
        DataError: the labels are not one for each row.

    Example:
        >>> import numpy as np
        >>> from rightbatch.data.loader import Loader
        >>> audit = Audit(Loader((np.zeros((6, 2)), np.array([0, 0, 0, 0, 1, 1])), 3, shuffle=True))
        >>> for x, t in audit:
        ...     pass
        >>> audit.epochs[0].coverage, audit.epochs[0].classes[1]
        (1.0, ClassCount(name='1', rows=2, least=1, mean=1.0, most=1))
    """

    def __init__(self, loader: Batched, labels: Any = None) -> None:
        self._loader = loader
        self._labels = labels_of(loader.data, labels, loader.rows)
        self._tally = Tally(loader.data, loader.rows, self._labels)
        self._ended: list[_Ended] = []
        self._accounts: list[EpochAudit] = []
        self._named: tuple[int | None, str] = (-1, "")

    @property
    def epochs(self) -> list[EpochAudit]:
        """One account for each pass that has ended, also for one that was left."""
        for ended in self._ended:
            self._accounts.append(_account(ended, self._loader.rows, self._labels))
        self._ended.clear()
        return [*self._accounts]

    def __iter__(self) -> Iterator[Tree]:
        """The batches of one epoch, each the same tree as the data."""
        for batch in self.batches():
            yield batch.data

    def batches(self) -> Iterator[Batch]:
        """The same pass, with what a batch tells about itself."""
        tally, name = self._room(), self._name()
        place, room, epoch, complete = tally.begin(), 1, 0, False
        index: list[Array] = []
        weight: list[Array] = []
        waiting = own = 0.0
        clock = time.perf_counter
        began = asked = clock()
        try:
            for batch in self._loader.batches():
                got = clock()
                waiting += got - asked
                index.append(batch.index)
                if batch.weight is not None:
                    weight.append(batch.weight)
                if len(index) >= room:  # also at the first, which tells what size they are
                    epoch, room = batch.epoch, tally.most_batches(len(batch.index))
                    if len(index) >= room:
                        tally.add(place, index, weight)
                        index, weight = [], []
                    own += clock() - got  # what the audit takes is nobody's time
                yield batch
                asked = clock()
            complete = True
        finally:
            computing = asked - began - waiting - own
            waiting += (clock() - asked) * complete
            if index:
                tally.add(place, index, weight)
            tally.end()
            self._ended.append(_Ended(tally, place, name, epoch, complete, waiting, computing))

    def _room(self) -> Tally:
        """Where the next pass is counted."""
        if self._tally.begun == self._tally.places:
            self._tally = Tally(self._loader.data, self._loader.rows, self._labels)
        return self._tally

    def _name(self) -> str:
        """The loader's `repr`, made again when its batch size has changed: all that may change of it."""
        size = self._loader.batch_size
        if self._named[0] != size:
            self._named = size, repr(self._loader)
        return self._named[1]


def audited(loader: Batched, labels: Any = None) -> EpochAudit:
    """The account of the loader's next pass, in which nothing is computed.

    Example:
        >>> import numpy as np
        >>> from rightbatch.data.loader import Loader
        >>> audited(Loader(np.arange(10), 4, last="pad")).padding_share
        0.16666666666666666
    """
    audit = Audit(loader, labels)
    for _ in audit.batches():
        pass
    return audit.epochs[0]


def _account(ended: _Ended, rows: int, labels: Labels | None) -> EpochAudit:
    counts, by_class = ended.tally.counts(ended.place), ended.tally.by_class(ended.place)
    return EpochAudit(
        **asdict(counts),
        loader=ended.loader,
        epoch=ended.epoch,
        complete=ended.complete,
        rows=rows,
        classes=() if labels is None else _class_counts(labels.names, by_class, counts.batches),
        waiting=ended.waiting,
        computing=ended.computing,
    )


def _class_counts(names: tuple[str, ...], by_class: ByClass, batches: int) -> tuple[ClassCount, ...]:
    """Those of all classes; none where there was no batch."""
    counts = zip(names, *by_class, strict=True) if batches else ()
    return tuple(ClassCount(name, total, least, total / batches, most) for name, total, least, most in counts)


def _rows(audit: EpochAudit) -> str:
    """Such as ``1,257 of 1,257 seen, each once``."""
    seen = f"{audit.seen:,} of {audit.rows:,} seen"
    if not audit.seen:
        return seen
    if not audit.repeated:
        return f"{seen}, {'each' if audit.seen == audit.rows else 'none more than'} once"
    return f"{seen}, {audit.repeated:,} of them more than once, at most {audit.most_often} times"


def _sizes(audit: EpochAudit) -> str:
    """Such as ``20: 19 of 64 rows, 1 of 41``."""
    sizes = sorted(audit.sizes.items(), reverse=True)
    if len(sizes) > 2:
        return f"{audit.batches:,} of {sizes[-1][0]:,} to {sizes[0][0]:,} rows"
    told = ", ".join(f"{times:,} of {size:,}{'' if i else ' rows'}" for i, (size, times) in enumerate(sizes))
    return told if len(sizes) < 2 else f"{audit.batches:,}: {told}"


def _padding(audit: EpochAudit) -> str:
    rows = f"{audit.padding:,} rows ({units.percent(audit.padding_share)})" if audit.padding else "no rows"
    values = "" if audit.value_padding is None else f", {units.percent(audit.value_padding)} of the values"
    return rows + values


def _time(audit: EpochAudit) -> str:
    batches = max(1, audit.batches)
    waiting = f"waiting {units.seconds(audit.waiting)} ({units.seconds(audit.waiting / batches)} a batch)"
    return f"{waiting}, computing {units.seconds(audit.computing)}"


def _class_lines(classes: tuple[ClassCount, ...]) -> list[str]:
    if not classes:
        return []
    listed = classes[:LISTED]
    width = max(len("class"), *(len(count.name) for count in listed))
    head = f"{'class':{width}}  {'rows seen':>10}  {'least in a batch':>16}  {'mean':>6}  {'most':>6}"
    lines = [
        f"{name:{width}}  {rows:>10,}  {least:>16,}  {units.plain(mean):>6}  {most:>6,}"
        for name, rows, least, mean, most in listed
    ]
    more = len(classes) - len(listed)
    return [head, *lines, *([f"and {more:,} more classes"] if more else [])]
