"""Does the batch size change how well the model generalises? Validation less training loss, seed by seed.

Batch sizes are compared twice: where each reached the target, and where each has seen as many examples.
A comparison at equal epochs alone would blame large batches for their fewer steps (Hoffer et al. 2017).
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rightbatch import units
from rightbatch.stats.equivalence import DIFFERS, SAME, equivalence
from rightbatch.study.rerun import AT_EXAMPLES, AT_TARGET

MARGIN = 0.05
"""A difference of less than this share of the validation loss does not matter."""

_MOMENTS = {AT_TARGET: "At the target", AT_EXAMPLES: "After as many examples"}
_GAPS = {AT_TARGET: "the gap between validation and training loss", AT_EXAMPLES: "the gap"}
"""In full where it is named first."""


def compared(found: Sequence[Mapping[str, Any]], best: int) -> dict[str, Any] | None:
    """Every size against the recommended one, for the document; `None`: there is nothing to compare.

    Args:
        found: `Losses` as JSON holds them.
        best: the recommended size.
    """
    sizes = sorted({row["batch_size"] for row in found})
    if best not in sizes or len(sizes) < 2:
        return None
    loss = float(np.mean([row[AT_TARGET][1] for row in found if row["batch_size"] == best]))
    margin = MARGIN * abs(loss) or MARGIN
    rows = [
        {
            "batch_size": size,
            **{when: _row(found, size, best, when, margin) for when in (AT_TARGET, AT_EXAMPLES)},
        }
        for size in sizes
    ]
    return {
        "against": best,
        "margin": margin,
        "batch_sizes": rows,
        "sentence": _sentence(rows, best, margin, AT_TARGET),
        "sentence_at_examples": _sentence(rows, best, margin, AT_EXAMPLES),
    }


def _row(
    found: Sequence[Mapping[str, Any]], size: int, best: int, when: str, margin: float
) -> dict[str, Any]:
    gaps = {
        (row["batch_size"], row["seed"]): row[when][1] - row[when][0]
        for row in found
        if math.isfinite(sum(row[when]))
    }
    seeds = sorted({seed for _, seed in gaps})
    mine, other = ([gaps.get((which, seed), math.nan) for seed in seeds] for which in (size, best))
    result = equivalence(mine, other, margin)
    known = size != best and math.isfinite(result.low)
    return {
        "gap": float(np.nanmean(mine)) if gaps.keys() & {(size, seed) for seed in seeds} else None,
        "difference": result.difference if result.pairs else None,
        "interval": [float(result.low), float(result.high)] if known else None,
        "verdict": "" if size == best else result.verdict,
    }


def _sentence(rows: Sequence[Mapping[str, Any]], best: int, margin: float, when: str) -> str:
    """What of "small batches generalise better" is true here."""
    others = [row for row in rows if row["batch_size"] != best]
    differ = [row["batch_size"] for row in others if row[when]["verdict"] == DIFFERS]
    same = [row["batch_size"] for row in others if row[when]["verdict"] == SAME]
    said = []
    if same:
        sizes = units.listed([f"{size:,}" for size in same])
        said.append(f"{_GAPS[when]} is that of batch size {best:,} at {sizes}")
    if differ:
        gaps = [
            f"{row[when]['difference']:+.2g} at {row['batch_size']:,}"
            for row in others
            if row["batch_size"] in differ
        ]
        said.append(f"it differs from that of {best:,} by {units.listed(gaps)}")
    if len(same) + len(differ) < len(others):
        said.append("the runs are too few to tell" + (" of the others" if said else ""))
    return f"{_MOMENTS[when]}, within {margin:.2g}: {'; '.join(said)}."
