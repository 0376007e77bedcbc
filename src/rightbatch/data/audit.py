"""An account of each epoch: which rows were seen how often, the classes in a batch, padding, and waiting."""

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, Protocol

from rightbatch import units
from rightbatch.data.tally import Labels, Tally, labels_of
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
class EpochAudit:
    """What the batches of one pass held. `str` of it is a table; rows of weight 0 are padding."""

    loader: str
    """The loader's `repr`."""
    epoch: int
    """Passes before this one."""
    complete: bool
    """Whether the pass came to its end."""
    rows: int
    """Rows of the data."""
    seen: int
    """Different rows seen."""
    repeated: int
    """Different rows seen more than once."""
    most_often: int
    """Times that the row seen most often was seen."""
    batches: int
    sizes: dict[int, int]
    """How many batches there were of each number of rows."""
    delivered: int
    """Rows of all batches, repeats and padding counted."""
    padding: int
    """Rows of all batches that are padding."""
    value_padding: float | None
    """Share of the values of `Ragged` fields that is padding; `None` where there is no such field."""
    bytes: int
    """Of all batches."""
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


class Audit:
    """Passes over a loader, each with an account of what its batches held, taken while training.

    Iterate it in place of the loader. Only row numbers are kept, and counted many batches at a time: under
    1 % of the time of a training whose epochs take over 10 ms (`bench/audit.py`).

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
        self.epochs: list[EpochAudit] = []
        """One account for each pass that has ended, also for one that was left."""

    def __iter__(self) -> Iterator[Tree]:
        """The batches of one epoch, each the same tree as the data."""
        for batch in self.batches():
            yield batch.data

    def batches(self) -> Iterator[Batch]:
        """The same pass, with what a batch tells about itself."""
        fold = _Fold(self._loader, self._labels)
        waiting = computing = 0.0
        clock, index, weight = time.perf_counter, fold.index.append, fold.weight.append
        asked = clock()
        try:
            for batch in self._loader.batches():
                got = clock()
                waiting += got - asked
                index(batch.index)
                weight(batch.weight)
                if len(fold.index) >= fold.room:
                    fold.count(batch)
                    got = clock()  # what the audit takes is nobody's time
                yield batch
                asked = clock()
                computing += asked - got
            fold.complete = True
            waiting += clock() - asked
        finally:
            self.epochs.append(fold.account(waiting, computing))


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


class _Fold:
    """The batches of one pass, counted many at a time."""

    def __init__(self, loader: Batched, labels: Labels | None) -> None:
        self._labels, self._name = labels, repr(loader)
        self._tally = Tally(loader.data, loader.rows, labels)
        self.index: list[Array] = []
        """Row numbers of the batches not counted yet."""
        self.weight: list[Array | None] = []
        self.room = 1
        """How many batches may wait."""
        self.complete = False
        self._epoch = 0

    def count(self, batch: Batch) -> None:
        """Count the batches up to and with this one; of the first one, see what size they are."""
        self._epoch, self.room = batch.epoch, self._tally.most_batches(len(batch.index))
        if len(self.index) >= self.room:
            self._fold()

    def _fold(self) -> None:
        if self.index:
            self._tally.fold(self.index, self.weight)
            self.index.clear()
            self.weight.clear()

    def account(self, waiting: float, computing: float) -> EpochAudit:
        """What was counted."""
        self._fold()
        tally, ragged = self._tally, self._tally.cells > 0
        return EpochAudit(
            loader=self._name,
            epoch=self._epoch,
            complete=self.complete,
            rows=len(tally.times),
            seen=int((tally.times > 0).sum()),
            repeated=int((tally.times > 1).sum()),
            most_often=int(tally.times.max()),
            batches=tally.batches,
            sizes=dict(tally.sizes),
            delivered=tally.delivered,
            padding=tally.padding,
            value_padding=1 - tally.values / tally.cells if ragged else None,
            bytes=tally.bytes,
            classes=_class_counts(tally, self._labels),
            waiting=waiting,
            computing=computing,
        )


def _class_counts(tally: Tally, labels: Labels | None) -> tuple[ClassCount, ...]:
    if labels is None or not tally.batches:
        return ()
    counts = zip(
        labels.names, *(array.tolist() for array in (tally.total, tally.least, tally.most)), strict=True
    )
    return tuple(
        ClassCount(name, total, least, total / tally.batches, most) for name, total, least, most in counts
    )


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
