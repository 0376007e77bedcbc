"""The pilot sets a target that training reaches, and says how."""

import math
import time
from typing import Any

import numpy as np
import pytest
from scipy.stats import nct, norm

from rightbatch.errors import DataError
from rightbatch.measure.clock import Timing
from rightbatch.records import Outcome
from rightbatch.study.pilot import BEYOND, PilotTarget, pilot_target
from rightbatch.study.problem import Problem
from rightbatch.study.subject import DeadlineError, Run, Sweep
from study.hand_made import Told, blobs, isotropic, linear_problem, run, sweep


def piloted(problem: Problem, **settings: Any) -> PilotTarget:
    """A pilot with defaults for what a test does not care about."""
    usual: dict[str, Any] = {
        "points": [-10, -8, -6],
        "most_steps": 60,
        "deadline": math.inf,
        "batch_size": 64,
    }
    return pilot_target(problem, seed=0, **{**usual, **settings})


def test_the_target_is_most_of_the_way() -> None:
    """The loss falls from 4 as 4 (1 - 2/16)^(2 step): 95 % of the way is 0.2000009, two digits, rounded up.

    The best loss is the larger one of the last two evaluations, at step 57.
    """
    found = piloted(linear_problem(*isotropic()), points=[-12, -10, -8])
    assert (found.target.name, found.target.value) == ("val_loss", 0.21)
    assert found.how == (
        "set from a pilot: at batch size 64, 60 epochs with the best of 3 learning rates (0.0625) "
        f"brought val_loss from 4 to {4 * 0.875 ** (2 * 57):.3g}, the mean of 3 seeds; "
        "the target is 95 % of that way"
    )


def test_the_target_is_reached_by_the_rate_that_set_it() -> None:
    """The same training, given the target, arrives."""
    problem = blobs()
    found = piloted(problem, batch_size=32)
    runs = sweep(problem, found.target, batch_size=32, seed=0, points=[-10, -8, -6], most_steps=200)
    assert any(run.outcome is Outcome.REACHED for run in runs)


def ended(work: Sweep, point: int, seed: int, loss: float) -> Run:
    """A run of a pilot that ends at this loss."""
    return run(work.batch_size, point, seed, None, curve=(loss, loss))


def test_where_seeds_differ_the_target_is_what_nearly_all_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    """Losses 0.1, 0.3 ... 0.9: mean 0.5, standard deviation 0.316; 95 % of seeds end below 0.5 + 4.2 * 0.316.

    The factor is that of a one-sided tolerance limit, by the noncentral t distribution; 1.829 is less than
    half of the way from 4, and more than 5 % of it from the end.
    """
    ends = (0.1, 0.5, 0.3, 0.9, 0.7)

    def ending(self: Problem, work: Sweep, *, deadline: float) -> tuple[list[Run], list[Timing]]:
        return [ended(work, point, seed, ends[seed]) for seed in work.seeds for point in work.points], []

    monkeypatch.setattr(Problem, "runs", ending)
    found = piloted(linear_problem(*isotropic()))
    factor = nct.ppf(0.95, 4, norm.ppf(0.95) * math.sqrt(5)) / math.sqrt(5)
    expected = 0.5 + factor * math.sqrt(0.1)
    assert expected <= found.target.value < expected + 0.1
    assert found.how.endswith("to 0.5, the mean of 5 seeds; the target is what nearly every seed reaches")


def test_seeds_are_added_until_they_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    """From 4 with mean m, 5 % of the way is (4 - m) / 20, about 0.18.

    0.4, 0.5 and 0.45 scatter by 0.05, and 7.66 times that is more; with a fourth of 0.45 it is 5.14 times
    0.041, still more; with a fifth 4.20 times 0.035, which is less.
    """
    ends = (0.4, 0.5, 0.45, 0.45, 0.45)
    made: list[int] = []

    def ending(self: Problem, work: Sweep, *, deadline: float) -> tuple[list[Run], list[Timing]]:
        made.extend(work.seeds)
        return [ended(work, point, seed, ends[seed]) for seed in work.seeds for point in work.points], []

    monkeypatch.setattr(Problem, "runs", ending)
    assert "the mean of 5 seeds; the target is 95 % of that way" in piloted(linear_problem(*isotropic())).how
    assert made == [0, 0, 1, 2, 3, 4]  # the learning rates of the first are two pieces of work


def test_the_first_grid_is_made_in_two_pieces_at_once() -> None:
    """While one half of the learning rates is waited for the other is expected, and the answer is theirs."""
    problem, told = linear_problem(*isotropic()), Told()
    found = piloted(problem, points=[-12, -10, -8], ahead=told)
    assert [sweep.points for sweep in told.asked[:2]] == [(-12, -8), (-10,)]
    assert told.all_expected[0] == told.asked[:2]
    assert "the best of 3 learning rates (0.0625)" in found.how


@pytest.mark.parametrize("count", BEYOND)
def test_the_factors_are_those_of_the_noncentral_t(count: int) -> None:
    """One-sided tolerance limits of a normal distribution, 95 % of it with 95 % confidence."""
    factor = nct.ppf(0.95, count - 1, norm.ppf(0.95) * math.sqrt(count)) / math.sqrt(count)
    assert BEYOND[count] == pytest.approx(factor, abs=6e-4)


@pytest.mark.parametrize(("start", "reached"), [(1.152, 1.12), (1.0101, 0.9999), (0.0995, 0.0951)])
def test_a_target_near_the_start_is_not_rounded_beyond_it(
    monkeypatch: pytest.MonkeyPatch, start: float, reached: float
) -> None:
    """With two digits it would be met before any step; it has more then, and is still 5 % easier or less."""

    def ending(self: Problem, work: Sweep, *, deadline: float) -> tuple[list[Run], list[Timing]]:
        return [ended(work, point, seed, reached) for seed in work.seeds for point in work.points], []

    monkeypatch.setattr(Problem, "runs", ending)
    monkeypatch.setattr(Problem, "untrained", lambda self, target, seed: start)
    value = piloted(linear_problem(*isotropic())).target.value
    level = reached + 0.05 * (start - reached)
    assert level <= value < (level + start) / 2


def test_when_every_rate_diverges_it_looks_lower() -> None:
    """Rates of 500 and more diverge; a factor of 512 below them one learns."""
    found = piloted(linear_problem(*isotropic()), points=[4, 6, 8], most_steps=80)
    assert "best of 6 learning rates" in found.how
    assert found.target.value < 1


def test_labels_without_sense_are_refused() -> None:
    """A target of 0 in every row is learnt before the first step: there is nothing to gain."""
    x, y = isotropic()
    with pytest.raises(DataError) as caught:
        piloted(linear_problem(x, np.zeros_like(y)))
    assert str(caught.value) == (
        "The pilot found nothing to learn: the best of 3 learning rates brought val_loss from 0 to 0; "
        "check the label, or set a target yourself."
    )


def ends_at(monkeypatch: pytest.MonkeyPatch, loss: float, *, baseline: float) -> None:
    """Every run ends at this loss, the untrained one is 0.7, and a guess for every row has the other."""

    def ending(self: Problem, work: Sweep, *, deadline: float) -> tuple[list[Run], list[Timing]]:
        return [ended(work, point, seed, loss) for seed in work.seeds for point in work.points], []

    monkeypatch.setattr(Problem, "runs", ending)
    monkeypatch.setattr(Problem, "untrained", lambda self, target, seed: 0.7)
    monkeypatch.setattr(Problem, "baseline", lambda self, target: baseline)


def test_the_way_begins_at_a_guess_for_every_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """From 0.1, that rare labels have, to 0.04: 95 % of it is 0.043; from 0.7 it would be 0.073."""
    ends_at(monkeypatch, 0.04, baseline=0.1)
    found = piloted(linear_problem(*isotropic()))
    assert found.target.value == 0.043
    assert "brought val_loss from 0.7 to 0.04, " in found.how
    assert found.how.endswith("the target is 95 % of the way from 0.1, one guess for every row")


@pytest.mark.parametrize("baseline", [0.1, 2.0])
def test_the_way_begins_untrained_where_a_guess_is_no_worse(
    monkeypatch: pytest.MonkeyPatch, baseline: float
) -> None:
    """Than what the pilot learnt, 0.2, which the document then says; or where it is worse than nothing."""
    ends_at(monkeypatch, 0.2, baseline=baseline)
    how = piloted(linear_problem(*isotropic())).how
    assert "brought val_loss from 0.7 to 0.2, " in how
    assert how.endswith("the target is 95 % of that way")


def test_a_deadline_ends_it() -> None:
    """The budget may be spent in the pilot."""
    with pytest.raises(DeadlineError):
        piloted(blobs(), deadline=time.perf_counter())
