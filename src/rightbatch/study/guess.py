"""Where the search for a batch size's learning rate starts, from the sizes that are done."""

from collections.abc import Mapping

from rightbatch.stats.lrlaw import fit_lr_law
from rightbatch.study.grid import COARSE, lr_at


def guess(found: Mapping[int, int], batch_size: int) -> int:
    """Where to start looking at a batch size, from the best points at other sizes: the law fitted to them.

    Args:
        found: best point of each batch size so far, at least one.
        batch_size: the size to start at.

    Example:
        >>> guess({32: -4, 64: -3}, 128)
        -2
    """
    law = fit_lr_law(list(found), [lr_at(point) for point in found.values()], step=2.0 ** (COARSE / 2))
    return round(2 * law.predict(batch_size)[0])
