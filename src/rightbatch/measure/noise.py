"""The gradient noise scale at one point and over a run: sums that can be added, with their deviations.

What comes out are averages of tr(Σ) and |G|², and a few *deviations* that chance could have given them,
whose squares add up to their variances; `stats.noise` makes the ratio and its interval of these.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rightbatch.checks import whole_number
from rightbatch.learners.protocol import GivesGradient, GivesRowNorms
from rightbatch.measure.moments import Moments, cut_into, row_count, rows_of, square_norms, unbiased
from rightbatch.records import Array, Batch, StepEvent
from rightbatch.rng import generator

GROUPS = 40
"""Groups to tell chance by: enough for a stable variance, and few enough to keep a gradient of each."""


@dataclass(frozen=True, slots=True, eq=False)
class NoiseSums:
    """Sums over measurements, each weighted by its rows; sums of different stretches can be added."""

    total: NDArray[np.float64]
    """Sums of tr(Σ) and of |G|², shape `(2, replicas)`."""
    deviations: NDArray[np.float64]
    """Independent deviations that chance could have given `total`, shape `(groups, 2, replicas)`: its
    covariance is the sum of their outer products."""
    degrees: int | None
    """Degrees of freedom of that covariance; `None` where deviations may differ in size, as over a run."""
    rows: int
    """Rows drawn in all measurements."""
    measurements: int

    def __add__(self, other: "NoiseSums") -> "NoiseSums":
        """The sums of both: of two stretches of a run, or of two points of it."""
        return NoiseSums(
            self.total + other.total,
            self.deviations + other.deviations,
            None if self.degrees is None or other.degrees is None else max(self.degrees, other.degrees),
            self.rows + other.rows,
            self.measurements + other.measurements,
        )

    @property
    def means(self) -> NDArray[np.float64]:
        """Mean tr(Σ) and mean |G|², shape `(2, replicas)`; NaN before the first measurement."""
        return self.total / (self.rows or np.nan)

    @property
    def mean_deviations(self) -> NDArray[np.float64]:
        """Deviations of the means, shape `(groups, 2, replicas)`."""
        return self.deviations / (self.rows or np.nan)

    @property
    def rows_each(self) -> float:
        """Rows of one measurement, on average."""
        return self.rows / max(self.measurements, 1)

    def select(self, keep: Sequence[int]) -> "NoiseSums":
        """The sums of the named replicas, in the order given."""
        kept = list(keep)
        return NoiseSums(
            self.total[:, kept], self.deviations[..., kept], self.degrees, self.rows, self.measurements
        )


def noise_of_examples(learner: GivesRowNorms, state: Any, batch: Batch, *, groups: int = GROUPS) -> NoiseSums:
    """The noise scale at these parameters from every example's gradient, groups left out in turn.

    The sum of each group's gradients is kept: groups x replicas x parameters numbers. Groups are
    drawn at random, so that the order of the rows does not matter.

    Args:
        learner: gives the norms of single gradients, as all built-in learners do.
        state: its replicas; the parameters are left as they are.
        batch: rows, possibly the whole data set.
        groups: how many groups, at least 2; where there are fewer rows, each is a group.

    Raises:
        SettingError: `groups` is no whole number from 2 up.
        DataError: the batch has fewer than 3 rows, or weights.
    """
    whole_number("groups", groups, at_least=2, instead=f"write {GROUPS}")
    rows = row_count(batch, at_least=3)
    drawn = np.array_split(generator("noise groups", rows).permutation(rows), min(groups, rows))
    found = [learner.gradient_and_norms(state, rows_of(batch, which)) for which in drawn]
    units = np.array([len(which) for which in drawn])
    gradients = [gradient * np.float32(size) for (gradient, _), size in zip(found, units, strict=True)]
    squares = np.stack([norms.sum(axis=1, dtype=np.float64) for _, norms in found])
    return _measured(gradients, squares, units, rows=1, groups=groups)


def noise_of_parts(learner: GivesGradient, state: Any, batch: Batch, *, parts: int = GROUPS) -> NoiseSums:
    """The noise scale at these parameters from equal parts of a batch, each part left out in turn.

    Args:
        learner: gives the gradient of a batch.
        state: its replicas; the parameters are left as they are.
        batch: rows, in no particular order; those left over by equal parts are not used.
        parts: how many micro-batches, at least 3.

    Raises:
        SettingError: `parts` is no whole number from 3 up.
        DataError: the batch has fewer rows than parts, or weights.
    """
    whole_number("parts", parts, at_least=3, instead=f"write {GROUPS}")
    cut = cut_into(batch, parts)
    gradients = [learner.gradient(state, part) for part in cut]
    squares = np.stack([square_norms(gradient) for gradient in gradients])
    return _measured(gradients, squares, np.ones(parts, np.int64), rows=len(cut[0].index), groups=parts)


def jackknife(whole: Array, without: Array, shares: Array) -> Array:
    """Deviations of an estimate, from the estimates with each group of the rows left out.

    Args:
        whole: the estimate from all rows, any shape.
        without: the same with each group left out, shape `(groups, ...)`.
        shares: of the rows in each group, shape `(groups,)`, summing to 1.

    Returns:
        Shape of `without`; their squares add up to the delete-group jackknife variance.

    Example:
        >>> values = np.array([1.0, 2.0, 6.0])
        >>> deviations = jackknife(values.mean(), np.array([4.0, 3.5, 1.5]), np.full(3, 1 / 3))
        >>> print(f"{(deviations**2).sum():.4f} {values.var(ddof=1) / 3:.4f}")
        2.3333 2.3333

    Source: F. Busing, E. Meijer, R. van der Leeden, "Delete-m jackknife for unequal m", Statistics and
    Computing 9 (1999).
    """
    groups = len(without)
    times = 1 / shares.reshape(-1, *(1,) * np.ndim(whole))
    pseudo = times * whole - (times - 1) * without
    centre = groups * whole - ((1 - 1 / times) * without).sum(axis=0)
    return np.asarray((pseudo - centre) / np.sqrt(groups * (times - 1)))


class NoiseTracker:
    """Follows a training and measures the noise scale after some of its steps, on batches of its own.

    The rows of a step took part in making the parameters after it, so they cannot judge them. Each
    measurement takes two batches at the same parameters: their mean is the measurement, and their
    difference tells what chance does, whatever the training does meanwhile.

    Args:
        measure: both halves at given parameters, such as ``partial(from_parts, learner)``.
        batches: the tracker's own rows, such as the batches of a shuffled loader with another seed.
        when: whether to measure after this step, counted from 1.
        replicas: replicas of the state that is followed.
        groups: how many sums of differences to keep, at least 2.

    Example:
        >>> batch = Batch(np.zeros(8), np.arange(8), None, epoch=0, step=0)
        >>> tracker = NoiseTracker(
        ...     lambda state, batch: Moments(np.array([12.0]), np.array([3.0])),
        ...     iter([batch] * 20),
        ...     when=lambda step: step % 10 == 0,
        ... )
        >>> events = (StepEvent(None, None, batch, step, 8 * step, None) for step in range(1, 101))
        >>> last = list(tracker.follow(events))[-1]
        >>> tracker.sums.measurements, tracker.sums.means.ravel().tolist()
        (10, [12.0, 3.0])
    """

    def __init__(
        self,
        measure: Callable[[Any, Batch], Moments],
        batches: Iterator[Batch],
        *,
        when: Callable[[int], bool],
        replicas: int = 1,
        groups: int = GROUPS,
    ) -> None:
        self._measure, self._batches, self._when = measure, batches, when
        self._groups = whole_number("groups", groups, at_least=2, instead=f"write {GROUPS}")
        self._measured = 0
        self._sums = _nothing(self._groups, whole_number("replicas", replicas, at_least=1))
        self.seconds = 0.0
        """Spent measuring."""
        self.training_seconds = 0.0
        """Spent on the steps between."""

    @property
    def sums(self) -> NoiseSums:
        """What was measured since the start, or since the last `cut`."""
        return self._sums

    @property
    def cost(self) -> float:
        """Seconds spent measuring as a share of the seconds spent training; 0 before the first step."""
        return self.seconds / self.training_seconds if self.training_seconds else 0.0

    def follow(self, events: Iterator[StepEvent]) -> Iterator[StepEvent]:
        """The events as they come, each handed on after the tracker has looked at it."""
        started = time.perf_counter()
        for event in events:
            stepped = time.perf_counter()
            self.training_seconds += stepped - started
            if self._when(event.step):
                self._look(event.state)
                self.seconds += time.perf_counter() - stepped
            yield event
            started = time.perf_counter()

    def cut(self) -> NoiseSums:
        """What was measured since the last cut; from here the sums are of a new stretch."""
        done, self._sums = self._sums, _nothing(self._groups, self._sums.total.shape[1])
        return done

    def select(self, keep: Sequence[int]) -> None:
        """Go on with the named replicas, as `Learner.select` does."""
        self._sums = self._sums.select(keep)

    def _look(self, state: Any) -> None:
        batches = [next(self._batches) for _ in range(2)]
        rows = [len(batch.index) for batch in batches]
        with np.errstate(all="ignore"):  # a diverged replica has no noise scale, and its sums say so
            first, second = (np.stack(self._measure(state, batch)) for batch in batches)
            deviations = np.zeros_like(self._sums.deviations)
            deviations[self._measured % self._groups] = (first - second) * np.sqrt(rows[0] * rows[1])
            total = first * rows[0] + second * rows[1]
            self._sums += NoiseSums(total, deviations, None, sum(rows), 1)
        self._measured += 1


def _nothing(groups: int, replicas: int) -> NoiseSums:
    return NoiseSums(np.zeros((2, replicas)), np.zeros((groups, 2, replicas)), None, 0, 0)


def _measured(
    gradients: Sequence[Array], squares: Array, units: Array, *, rows: int, groups: int
) -> NoiseSums:
    """One measurement of units in groups; each group left out makes the rest a measurement of its own.

    Args:
        gradients: the sum of each group's gradients, `(replicas, parameters)`.
        squares: the sum of each group's squared norms, `(groups, replicas)`.
        units: units of each group, `(groups,)`.
        rows: rows of a unit.
        groups: deviations to return; those of groups that there are none of are 0.
    """
    total, count = np.asarray(np.sum(gradients, axis=0, dtype=np.float64)), units.sum()
    rest_norms = np.stack([square_norms(total - gradient) for gradient in gradients])
    all_squares, rest = squares.sum(axis=0), (count - units)[:, None]
    halves = np.stack(unbiased(square_norms(total), all_squares, count, rows=rows))
    without = np.stack(unbiased(rest_norms, all_squares - squares, rest, rows=rows), axis=1)
    deviations = np.zeros((groups, *halves.shape))
    deviations[: len(units)] = jackknife(halves, without, units / count)
    drawn = int(count * rows)
    return NoiseSums(halves * drawn, deviations * drawn, len(units) - 1, drawn, 1)
