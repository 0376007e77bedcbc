"""The stream of steps."""

from itertools import chain, islice
from typing import Any

import numpy as np
import pytest

from learners.cases import CASES, Case, each_case
from rightbatch.data.loader import Loader
from rightbatch.learners.network import Network
from rightbatch.learners.updates import Adam, Momentum
from rightbatch.records import StepEvent
from rightbatch.train.loop import endless, train, train_apart
from rightbatch.train.schedule import Constant, StepDecay

LRS = np.array([0.1, 0.05, 0.02])
MLP = next(case for case in CASES if case.name == "relu 6")


def loader_of(case: Case, rows: int = 10, batch_size: int = 4) -> Loader:
    """Shuffled batches of random rows."""
    return Loader(case.batch(rows).data, batch_size, shuffle=True)


def events_of(case: Case, steps: int, **settings: Any) -> list[StepEvent]:
    """The first steps of a training of three replicas."""
    learner = case.learner(Momentum())
    return list(
        islice(train(learner, learner.start([0, 1, 2]), endless(loader_of(case)), LRS, **settings), steps)
    )


@each_case
def test_counts(case: Case) -> None:
    """Ten rows in batches of four: steps, samples, epochs and the steps in them follow from the sizes."""
    events = events_of(case, 7)
    assert [event.step for event in events] == [1, 2, 3, 4, 5, 6, 7]
    assert [event.samples for event in events] == [4, 8, 10, 14, 18, 20, 24]
    assert [event.batch.epoch for event in events] == [0, 0, 0, 1, 1, 1, 2]
    assert [event.batch.step for event in events] == [0, 1, 2, 0, 1, 2, 0]
    assert all(event.result.loss.shape == (3,) for event in events)


def test_groups_take_batches_in_step() -> None:
    """Each step takes one batch of every stream; the event tells of the first, and of all replicas."""
    learner = MLP.learner(Momentum())
    streams = [endless(Loader(MLP.batch(10, seed=seed).data, 5)) for seed in (0, 1)]
    events = train_apart(learner, learner.start([0, 1, 1]), streams, (1, 2), LRS, step=3)
    made = list(islice(events, 4))
    assert [event.step for event in made] == [4, 5, 6, 7]
    assert [event.samples for event in made] == [5, 10, 15, 20]
    assert [event.batch.epoch for event in made] == [0, 0, 1, 1]
    alone = train(learner, learner.start([1]), endless(Loader(MLP.batch(10, seed=1).data, 5)), LRS[[2]])
    expected = [event.result.loss[0] for event in islice(alone, 4)]
    assert [event.result.loss[2] for event in made] == pytest.approx(expected, rel=1e-5)


def test_every_epoch_has_every_row() -> None:
    """The batches are those of the loader, one epoch after the other."""
    rows = [event.batch.index.tolist() for event in events_of(MLP, 6)]
    for epoch in (rows[:3], rows[3:]):
        assert sorted(chain.from_iterable(epoch)) == list(range(10))
    expected = [batch.index.tolist() for batch in islice(endless(loader_of(MLP)), 6)]
    assert rows == expected


def test_a_schedule_is_a_factor_on_every_rate() -> None:
    """Each step's rates are the given ones times the factor of the steps done before, in float32."""
    events = events_of(MLP, 6, schedule=StepDecay(every=2, decay=0.5))
    assert all(event.lr.dtype == np.float32 for event in events)
    factors = [1, 1, 0.5, 0.5, 0.25, 0.25]
    assert np.array([event.lr for event in events]) == pytest.approx(np.outer(factors, LRS), rel=1e-6)


def test_the_rates_of_the_events_are_those_of_the_steps() -> None:
    """Steps made by hand with the rates that the events tell end at the same parameters."""
    learner = MLP.learner(Adam())
    state, again = learner.start([0, 1, 2]), learner.start([0, 1, 2])
    schedule = StepDecay(every=2, decay=0.5)
    events = train(learner, state, endless(loader_of(MLP)), LRS, schedule=schedule)
    for event in islice(events, 20):
        learner.step(again, event.batch, event.lr)
    assert event.state.parameters.tolist() == again.parameters.tolist()


@pytest.mark.parametrize("schedule", [None, Constant(), lambda step: 1.0])
def test_no_schedule_is_a_constant_one(schedule: Any) -> None:
    """Without a schedule the rates are the given ones, in float32."""
    (event,) = events_of(MLP, 1, schedule=schedule)
    assert event.lr.tolist() == LRS.astype(np.float32).tolist()


def test_it_ends_when_the_batches_end() -> None:
    """One epoch of a loader is one epoch of steps."""
    learner = MLP.learner(Momentum())
    events = list(train(learner, learner.start([0]), loader_of(MLP).batches(), LRS[:1]))
    assert [event.samples for event in events] == [4, 8, 10]


def test_a_step_is_made_only_when_asked_for() -> None:
    """Between two events nothing is trained, so that a state can be looked at in peace."""
    learner = MLP.learner(Momentum())
    state = learner.start([0])
    before = state.parameters.copy()
    events = train(learner, state, endless(loader_of(MLP)), LRS[:1])
    assert state.parameters.tolist() == before.tolist()
    first = next(events).state.parameters.copy()
    assert first.tolist() == state.parameters.tolist() != before.tolist()


def going_on(learner: Network, keep: list[int], schedule: Any) -> list[StepEvent]:
    """Five steps with three replicas, then five with those that are kept, on the same iterator."""
    batches = endless(loader_of(MLP))
    first = list(islice(train(learner, learner.start([0, 1, 2]), batches, LRS, schedule=schedule), 5))
    last = first[-1]
    state = learner.select(last.state, keep)
    counts = {"step": last.step, "samples": last.samples, "schedule": schedule}
    return [*first, *islice(train(learner, state, batches, LRS[keep], **counts), 5)]


@pytest.mark.parametrize("schedule", [None, StepDecay(every=3, decay=0.5)])
def test_other_replicas_go_on_where_the_first_stopped(schedule: Any) -> None:
    """Dropping a replica on the way changes neither the batches nor the counts nor the others."""
    learner = MLP.learner(Momentum())
    whole = events_of(MLP, 10, schedule=schedule)
    pieces = going_on(learner, [2, 0], schedule)
    assert [e.batch.index.tolist() for e in pieces] == [e.batch.index.tolist() for e in whole]
    assert [(e.step, e.samples) for e in pieces] == [(e.step, e.samples) for e in whole]
    expected = [event.result.loss[[2, 0]] for event in whole[5:]]
    assert [e.result.loss for e in pieces[5:]] == pytest.approx(np.array(expected), rel=1e-4)
    assert [e.lr.tolist() for e in pieces[5:]] == [e.lr[[2, 0]].tolist() for e in whole[5:]]


def test_endless_goes_on_with_the_loaders_epochs() -> None:
    """A loader that has made an epoch begins with its next one."""
    loader, fresh = loader_of(MLP), loader_of(MLP)
    list(loader.batches())
    later = next(endless(loader))
    assert later.epoch == 1
    assert later.index.tolist() == list(islice(endless(fresh), 4))[3].index.tolist()


def test_padding_is_not_seen() -> None:
    """Rows of weight 0 are no samples."""
    learner = MLP.learner(Momentum())
    batches = [MLP.batch(4, weight=weight) for weight in ([1, 1, 1, 1], [1, 0, 2, 0])]
    events = train(learner, learner.start([0]), batches, LRS[:1])
    assert [event.samples for event in events] == [4, 6]
