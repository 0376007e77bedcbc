"""The loader against a loop by hand and against every other loader that is installed, over many shapes.

    python bench/loader_rivals.py          (pip install ".[bench]" for all of them)

Goals: at most 1.1 times the NumPy loop, 10 times as fast as torch's DataLoader over a TensorDataset, 5 times
as fast as Grain. One thread. `rightbatch bench` shows the same for a shape of one's own.
"""

from rightbatch.measure.race import Place, made_up, places, race
from rightbatch.measure.rivals import OURS, Rival, installed
from rightbatch.report.race import markdown, race_table
from rightbatch.study.machine import describe, fixed_threads

ROWS = {1: 1_000_000, 32: 1_000_000, 1024: 100_000}
"""By features; 100,000 rows of 1,024 are 410 MB."""
BATCH_SIZES = (32, 256, 4096)
ROUNDS, LIMIT = 5, 1.0
AT_MOST, AT_LEAST = {"NumPy loop": 1.1}, {"torch DataLoader": 10, "Grain": 5}


def goals(found: list[Place]) -> str:
    """Which goals were met: times of the loop over ours, and ours over the loop's."""
    said = []
    for place in found:
        if place.name in AT_MOST:
            met = "met" if 1 / place.ratio <= AT_MOST[place.name] else "missed"
            said.append(f"{1 / place.ratio:.2f} times the {place.name}, goal {AT_MOST[place.name]}: {met}")
        if place.name in AT_LEAST:
            met = "met" if place.ratio >= AT_LEAST[place.name] else "missed"
            goal = AT_LEAST[place.name]
            said.append(f"{place.ratio:.3g} times as fast as {place.name}, goal {goal}: {met}")
    return f"{OURS} takes " + "; ".join(said)


def shape(rivals: list[Rival], features: int) -> None:
    """One shape, all batch sizes."""
    rows = ROWS[features]
    arrays = made_up(rows, features, "float32")
    for size in BATCH_SIZES:
        laps = list(race(rivals, arrays, size, rounds=ROUNDS, limit=LIMIT))
        found = places(laps, rows, size)
        title = f"{rows:,} rows of {features} float32, batches of {size}"
        print(markdown(title, [race_table(found), goals(found)]).partition("\n")[2])


def main() -> None:
    """Print a table for each shape."""
    rivals, missing = installed()
    machine = describe(1)
    print(f"{machine['cpu']}, {machine['cores']} cores, 1 thread; medians of {ROUNDS} rounds\n")
    print(*missing, sep="\n")
    with fixed_threads(1):
        for features in ROWS:
            shape(rivals, features)


if __name__ == "__main__":
    main()
