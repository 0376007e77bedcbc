"""What a step costs is measured once, and again where the machine changed meanwhile."""

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pytest

from rightbatch.errors import SettingError
from rightbatch.measure.clock import Timing
from rightbatch.measure.feasible import POSSIBLE
from rightbatch.study import costs
from rightbatch.study.costs import Costs, memory_of, recent, timed_since, too_large
from rightbatch.study.problem import Problem
from rightbatch.study.session import Session
from rightbatch.study.store import Store
from study.hand_made import blobs, run

SIZES = (4, 16, 64)
Speed = Callable[[int], float]


def timed(
    monkeypatch: pytest.MonkeyPatch, store: Store, speed: Speed, largest: Speed = lambda number: 1.0
) -> Costs:
    """Costs of a subject whose steps take so many times 1 ms + 10 µs a sample in each round.

    Those of the largest size take so many times more again.
    """

    def rounds(
        self: object, sizes: Sequence[int], *, rounds: int, first_round: int = 0
    ) -> Iterator[list[Timing]]:
        noise = np.random.default_rng(0).normal(1, 0.01, (1000, 100))
        for number in range(first_round, rounds):
            yield [
                Timing(size, number, 10, factor * (1e-3 + 1e-5 * size) * noise[number, i])
                for i, size in enumerate(sizes)
                for factor in [speed(number) * (largest(number) if size == max(SIZES) else 1.0)]
            ]

    monkeypatch.setattr(Problem, "time_steps", rounds)
    session = Session(budget=60.0, progress=lambda progress: None, settled=1)
    return Costs(subject=blobs(), store=store, session=session, batch_sizes=SIZES)


def test_a_steady_machine_is_timed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """All rounds, a few more afterwards, and all of them count."""
    store = Store()
    found = timed(monkeypatch, store, lambda number: 1.0)
    found.time_steps(total=1)
    found.time_again(SIZES, total=1)
    assert found.rounds().shape == (costs.ROUNDS + costs.AGAIN, 3)
    assert timed_since(store) == 0


def test_runs_cost_their_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the typical seconds of a step of their size: 1.04 ms and 1.64 ms, noise of 1 % apart."""
    found = timed(monkeypatch, Store(), lambda number: 1.0)
    found.time_steps(total=1)
    made = [run(4, 0, 0, None), run(4, 0, 1, None), run(64, 0, 0, None)]
    assert found.of(made) == pytest.approx(200 * 1.04e-3 + 100 * 1.64e-3, rel=0.01)
    assert found.of([]) == 0


def test_a_change_of_pace_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twice as slow after the runs: all rounds count, and the ratios of the sizes stay."""
    store = Store()
    found = timed(monkeypatch, store, lambda number: 2.0 if number >= costs.ROUNDS else 1.0)
    found.time_steps(total=1)
    found.time_again(SIZES[:2], total=1)
    assert store.fact("drift")["factor"] == pytest.approx(2, rel=0.02)
    assert store.fact("drift")["round"] == costs.ROUNDS
    assert timed_since(store) == 0
    assert found.rounds().shape == (costs.ROUNDS + costs.AGAIN, 3)
    assert found.seconds()[64] / found.seconds()[4] == pytest.approx(1.64 / 1.04, rel=0.02)


def test_where_one_size_changed_all_are_timed_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """The largest takes twice as long after the runs: rounds before do not count, and as many others do."""
    store = Store()
    found = timed(
        monkeypatch, store, lambda number: 1.0, lambda number: 2.0 if number >= costs.ROUNDS else 1.0
    )
    found.time_steps(total=1)
    found.time_again(SIZES, total=1)
    assert timed_since(store) == costs.ROUNDS
    assert found.rounds().shape == (costs.ROUNDS, 3)
    assert found.seconds()[64] == pytest.approx(2 * 1.64e-3, rel=0.02)
    assert len(recent(store)) == 3 * costs.ROUNDS
    found.time_again(SIZES, total=1)
    assert timed_since(store) == costs.ROUNDS


def test_contenders_are_timed_more_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Further rounds of them alone; the others have gaps there."""
    store = Store()
    found = timed(monkeypatch, store, lambda number: 1.0)
    found.time_steps(total=1)
    found.time_more(SIZES[:2], total=1)
    timed_rounds = (~np.isnan(found.rounds())).sum(axis=0).tolist()
    assert timed_rounds == [2 * costs.ROUNDS, 2 * costs.ROUNDS, costs.ROUNDS]
    assert found.seconds()[64] == pytest.approx(1.64e-3, rel=0.02)


def test_rounds_of_an_earlier_session_count_when_their_turn_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A study that goes on sees at every point what it saw there, and nothing is timed twice."""
    store = Store()
    first = timed(monkeypatch, store, lambda number: 1.0)
    second = timed(monkeypatch, store, lambda number: 9.0)
    seen = []
    for found in (first, second):
        found.session.worked = True
        found.time_steps(total=1)
        seen.append([found.rounds()])
        found.time_more(SIZES[:2], total=1)
        seen[-1].append(found.rounds())
        found.time_again(SIZES, total=1)
        assert store.fact("drift") is None
        seen[-1].append(found.rounds())
    for before, after in zip(*seen, strict=True):
        np.testing.assert_array_equal(before, after)
    assert len(store.timings()) == 3 * (costs.ROUNDS + costs.AGAIN) + 2 * costs.ROUNDS


def test_a_change_after_contenders_were_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every size has as many rounds after it as at first, and a study that goes on sees them."""
    store = Store()
    found = timed(
        monkeypatch, store, lambda number: 1.0, lambda number: 2.0 if number >= 2 * costs.ROUNDS else 1.0
    )
    found.time_steps(total=1)
    found.time_more(SIZES[1:], total=1)
    found.time_again(SIZES[1:], total=1)
    assert timed_since(store) == 2 * costs.ROUNDS
    assert (~np.isnan(found.rounds())).sum(axis=0).tolist() == [
        costs.ROUNDS,
        *[costs.ROUNDS + costs.AGAIN] * 2,
    ]
    later = timed(monkeypatch, store, lambda number: 5.0)
    later.time_steps(total=1)
    np.testing.assert_array_equal(later.rounds(), found.rounds())


def test_an_interrupted_timing_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rounds in the store are not made again."""
    store = Store()
    half = timed(monkeypatch, store, lambda number: 1.0)
    monkeypatch.setattr(costs, "ROUNDS", 8)
    half.time_steps(total=1)
    monkeypatch.setattr(costs, "ROUNDS", 20)
    again = timed(monkeypatch, store, lambda number: 3.0)
    again.time_steps(total=1)
    speeds = again.rounds()[:, 0] / 1.04e-3
    assert speeds == pytest.approx([1.0] * 8 + [3.0] * 12, rel=0.05)


def test_memory_is_measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """And a subject that cannot tell is not asked again."""
    store, asked = Store(), []

    def peak(self: object, size: int) -> int | None:
        asked.append(size)
        return None if size == 4 else 1000 * size

    monkeypatch.setattr(Problem, "peak_bytes", peak)
    found = timed(monkeypatch, store, lambda number: 1.0)
    found.measure_memory(math.inf)
    found.measure_memory(math.inf)
    assert asked == list(SIZES)
    assert memory_of(store) == {16: 16000, 64: 64000}


def test_a_size_that_may_need_too_much_is_tried_out_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """A size above the limit is not run here: the process that tries it fails."""
    tried: list[int] = []

    def peak(self: object, size: int) -> int:
        assert size != 64, "it must not be run in this process"
        return size * 10**7

    def try_out(self: object, size: int, limit: float) -> str:
        tried.append(size)
        return "out of memory" if size * 10**7 > limit else ""

    monkeypatch.setattr(Problem, "peak_bytes", peak)
    monkeypatch.setattr(Problem, "try_out", try_out)
    store = Store()
    found = timed(monkeypatch, store, lambda number: 1.0)
    found.measure_memory(3e8)
    assert tried == [16, 64]  # 160 MB and 640 MB of 300 MB; 40 MB need no trial
    assert found.sizes() == (4, 16)
    assert too_large(store, SIZES) == {64: "out of memory"}
    found.time_steps(total=1)
    assert {timing.batch_size for timing in store.timings()} == {4, 16}
    assert np.isfinite(found.foretold()).all()


def test_a_limit_below_what_any_size_takes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is trained, with what the least takes."""
    monkeypatch.setattr(Problem, "peak_bytes", lambda self, size: 1000 * size)
    found = timed(monkeypatch, Store(), lambda number: 1.0)
    found.measure_memory(5000)
    assert found.fitting(16_000) == (4, 16)
    found.check_fitting(4000)
    with pytest.raises(SettingError) as caught:
        found.check_fitting(3999)
    assert str(caught.value) == (
        "memory_limit is less than any batch size takes (4,000 bytes at 4), got '3,999 bytes'; write more."
    )


@pytest.mark.skipif(not POSSIBLE, reason="processes cannot be held to a limit here")
def test_a_trial_is_a_real_one() -> None:
    """Two steps of the blobs fit in 100 MB."""
    assert blobs().try_out(64, 1e8) == ""
