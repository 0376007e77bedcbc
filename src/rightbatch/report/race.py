"""The benchmark of loaders as tables: on the terminal, and as a Markdown file."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rightbatch import units
from rightbatch.errors import SettingError
from rightbatch.measure.feeding import HIDDEN, Feeding
from rightbatch.measure.race import Place
from rightbatch.measure.rivals import OURS, Rival
from rightbatch.report.tables import Table

MARK = "<!-- written by rightbatch bench -->"
"""First line of the file, by which it is known again."""

_PLACE = "write a new file such as loaders.md in a folder that exists"


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """What was measured, and with what."""

    rows: int
    features: int
    dtype: str
    rounds: int
    places: Sequence[Place]
    feedings: Sequence[Feeding]
    rivals: Sequence[Rival]
    left_out: Sequence[str]
    """A sentence for each way that is not installed or failed."""
    machine: Mapping[str, Any]
    """As `rightbatch.study.machine.describe` tells it."""

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON can hold it."""
        names = ("rows", "features", "dtype", "rounds", "left_out", "machine")
        fed = [{**feeding._asdict(), "share": feeding.share} for feeding in self.feedings]
        epochs = [place._asdict() for place in self.places]
        loaders = [
            {"name": rival.name, "version": rival.version, "setting": rival.setting} for rival in self.rivals
        ]
        facts = {name: getattr(self, name) for name in names}
        return {**facts, "loaders": loaders, "epochs": epochs, "training": fed}


def parts(made: Benchmark) -> Iterator[Table | str]:
    """What to show, paragraph by paragraph."""
    yield _setting(made)
    for size in dict.fromkeys(place.batch_size for place in made.places):
        yield f"Batches of {size:,}:"
        yield race_table([place for place in made.places if place.batch_size == size])
    if not all(place.whole for place in made.places):
        yield "~ marks epochs that were stopped, and of which the rest was reckoned by the rows so far."
    yield f"What a step of training waits for its batch of {made.feedings[0].batch_size:,} (MLPs with SGD):"
    yield feeding_table(made.feedings)
    if worth := _worth(made.feedings):
        yield worth
    yield "What was compared, each set up for arrays in memory:"
    yield ways_table(made.rivals)
    if made.left_out:
        yield "\n".join(made.left_out)


def _setting(made: Benchmark) -> str:
    machine = made.machine
    data = f"{made.rows:,} rows of {made.features} {made.dtype} and one int64"
    rounds = "one round" if made.rounds == 1 else f"medians of {made.rounds} rounds"
    cores, threads = units.plural(machine["cores"], "core"), units.plural(machine["threads"], "thread")
    return (
        f"{data} in main memory, in a new random order every epoch; {rounds} in which "
        f"all take turns; ratio: time over that of {OURS} in the same round. {machine['cpu']}, {cores}, "
        f"{threads} (tf.data takes as many as it wants), Python {machine['python']}."
    )


def _worth(feedings: Sequence[Feeding]) -> str:
    """What the loader is worth to each model: nothing where the model takes the time."""
    said = []
    for model in dict.fromkeys(feeding.model for feeding in feedings):
        ours, *others = (feeding for feeding in feedings if feeding.model == model)
        if not others:
            continue
        times = [f"{other.step / ours.step:.2f} times with the {other.name}" for other in others]
        said.append(f"A step of the {model} model takes {units.listed(times)} what it takes with {OURS}.")
    return " ".join(said)


def race_table(places: Sequence[Place]) -> Table:
    """One row a way; `~` where epochs were stopped and what was left was reckoned.

    Example:
        >>> place = Place("rightbatch", 32, 0.1, 1e-6, 3.2e7, 1.0, 1.0, 1.0, True)
        >>> race_table([place]).rows
        (('rightbatch', '1 µs', '32,000,000', '1', ''),)
    """
    rows = (
        (
            place.name,
            ("" if place.whole else "~") + units.seconds(place.batch_seconds),
            units.count(place.rows_per_second),
            "1" if place.name == OURS else units.count(place.ratio),
            "" if place.name == OURS else f"{units.count(place.least)} to {units.count(place.most)}",
        )
        for place in places
    )
    return Table(("loader", "per batch", "rows/s", "ratio", "in the rounds"), tuple(rows))


def feeding_table(feedings: Iterable[Feeding]) -> Table:
    """One row for each model and way."""
    rows = (
        (
            f"{feeding.model} {'-'.join(map(str, HIDDEN[feeding.model]))}",
            feeding.name,
            units.seconds(feeding.waiting),
            units.seconds(feeding.computing),
            units.percent(feeding.share),
        )
        for feeding in feedings
    )
    return Table(("model", "loader", "waiting", "computing", "waiting share"), tuple(rows))


def ways_table(rivals: Iterable[Rival]) -> Table:
    """What was compared, in which version and setting."""
    rows = ((rival.name, rival.version, rival.setting) for rival in rivals)
    return Table(("loader", "version", "setting"), tuple(rows))


def markdown(title: str, parts: Iterable[Table | str]) -> str:
    r"""Tables and paragraphs as Markdown, under our mark and a heading.

    Example:
        >>> print(markdown("Loaders", ["Two rows.", Table(("a", "b"), (("x|y", "2"),))]))
        <!-- written by rightbatch bench -->
        # Loaders
        <BLANKLINE>
        Two rows.
        <BLANKLINE>
        | a | b |
        |---|--:|
        | x\|y | 2 |
        <BLANKLINE>
    """
    written = [part if isinstance(part, str) else _table(part) for part in parts]
    return "\n\n".join([f"{MARK}\n# {title}", *written]) + "\n"


def _table(table: Table) -> str:
    right = [all(row[place][:1].isdigit() for row in table.rows) for place in range(len(table.columns))]
    rule = "|" + "|".join("--:" if to_right else "---" for to_right in right) + "|"
    return "\n".join([_line(table.columns), rule, *map(_line, table.rows)])


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def markdown_path(path: str | os.PathLike[str]) -> Path:
    """The path, if a benchmark may be written there: worth asking before one is run.

    Raises:
        SettingError: a file is there that is no such benchmark, or there is no such folder.
    """
    place = Path(path).expanduser()
    if not place.parent.is_dir() or place.is_dir():
        raise SettingError("markdown", "is no file in a folder that exists", str(path), _PLACE)
    if place.exists() and not place.read_text(encoding="utf-8", errors="replace").startswith(MARK):
        raise SettingError("markdown", "is a file that rightbatch did not make", str(path), _PLACE)
    return place
