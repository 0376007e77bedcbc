"""Which learning rates to try: points of one grid, and where on it to look next.

All learning rates of all studies lie on one grid, half octaves: lr = 2**(point / 2). So runs of
different searches can be compared, and a run is never made twice.
"""

import math
from collections.abc import Mapping, Sequence

COARSE = 2
"""Points between neighbours of a search: a factor of 2 in learning rate."""

_EXTENSION = 3
"""Learning rates added at a time when the best lies on the edge."""

_SPAN = 60
"""Points from the lowest to the highest learning rate of one search: 9 decades, then it gives up."""


def lr_at(point: int) -> float:
    """The learning rate at a point of the grid.

    Example:
        >>> [lr_at(point) for point in (-2, -1, 0, 2)]
        [0.5, 0.7071067811865476, 1.0, 2.0]
    """
    return 2.0 ** (point / 2)


def around(centre: int, *, below: int, above: int, step: int = COARSE) -> list[int]:
    """Points around a centre: so many below it and above it, `step` apart.

    Example:
        >>> around(0, below=2, above=1)
        [-4, -2, 0, 2]
    """
    return [centre + step * k for k in range(-below, above + 1)]


def halves(points: Sequence[int]) -> list[list[int]]:
    """Every other point, and the rest: two pieces of work, that two processes can do at once.

    Example:
        >>> halves([-4, -2, 0, 2, 4])
        [[-4, 0, 4], [-2, 2]]
    """
    return [half for half in ([*points[::2]], [*points[1::2]]) if half]


def best_point(scores: Mapping[int, float]) -> int:
    """The point of the least score; of equals the middle one, or the lowest where all diverged.

    Example:
        >>> best_point({-4: 9.0, -2: 5.0, 0: 5.0, 2: 5.0}), best_point({-2: math.inf, 0: math.inf})
        (0, -2)
    """
    least = min(scores.values())
    equals = sorted(point for point, score in scores.items() if score == least)
    return equals[0] if math.isinf(least) else equals[middle(len(equals))]


def middle(count: int) -> int:
    """The index of the middle one of so many, the lower of two.

    Example:
        >>> [middle(count) for count in (1, 2, 3, 4)]
        [0, 0, 1, 1]
    """
    return (count - 1) // 2


def next_points(scores: Mapping[int, float], step: int = COARSE) -> list[int]:
    """Where to look next: nowhere once the best has a worse neighbour on both sides.

    Args:
        scores: what was found at each point, less is better; infinite: diverged.
        step: points between neighbours.

    Returns:
        The points to try, beyond the edge that the best lies on. Where everything diverged that
        is the lower edge. Empty when the best is inside, or when the search spans nine decades.

    Example:
        >>> next_points({-2: 5.0, 0: 4.0, 2: 6.0})
        []
        >>> next_points({-2: 6.0, 0: 5.0, 2: 4.0})
        [4, 6, 8]
    """
    lowest, highest = min(scores), max(scores)
    if highest - lowest >= _SPAN:
        return []
    best = best_point(scores)
    if best == lowest:
        return [lowest - step * k for k in range(_EXTENSION, 0, -1)]
    if best == highest:
        return [highest + step * k for k in range(1, _EXTENSION + 1)]
    return []


def outwards(batch_sizes: Sequence[int], middle: int) -> list[int]:
    """The sizes, the nearest to the middle first: each finds a neighbour that is done.

    Example:
        >>> outwards([1, 8, 16, 32, 64], 16)
        [16, 8, 32, 64, 1]
    """
    return sorted(batch_sizes, key=lambda size: (abs(math.log2(size / middle)), size))
