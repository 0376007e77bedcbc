"""Replicas side by side: each learns as if it were alone."""

import copy
import pickle
from itertools import product
from typing import Any

import numpy as np
import pytest

from learners.cases import CASES, Case, batch_of, each_case, of_replica, scattered, slow_outputs
from rightbatch.learners import network
from rightbatch.learners.network import Network, NetworkState
from rightbatch.learners.updates import OPTIMIZERS, SGD, Adam, Momentum, optimizer_named
from rightbatch.records import Array, Batch

SEEDS = [7, 0, 3]
LRS = np.array([0.05, 0.02, 0.1], np.float32)
TANH = next(case for case in CASES if case.name == "tanh 6-3")

each_pair = pytest.mark.parametrize(
    ("case", "optimizer"),
    list(product(CASES, OPTIMIZERS)),
    ids=lambda value: value.name if isinstance(value, Case) else value,
)


def trained(learner: Network, state: NetworkState, batches: list[Batch], lr: Any) -> list[Array]:
    """The losses of all steps; the state is moved on."""
    return [learner.step(state, batch, np.asarray(lr, np.float32))[1].loss for batch in batches]


def batches_of(case: Case, steps: int = 15) -> list[Batch]:
    """Batches of 5 rows, and a smaller one now and then, as at the end of an epoch."""
    return [case.batch(3 if step % 4 == 3 else 5, seed=step) for step in range(steps)]


def same(one: dict[str, Array], two: dict[str, Array]) -> bool:
    """Whether parameters are equal bit for bit."""
    return {name: value.tolist() for name, value in one.items()} == {
        name: value.tolist() for name, value in two.items()
    }


@each_pair
def test_groups_with_batches_of_their_own_are_as_alone(case: Case, optimizer: str) -> None:
    """Two replicas with one stream of batches and one with another end where each group ends by itself."""
    learner, counts = case.learner(optimizer_named(optimizer)), (2, 1)
    streams = [
        batches_of(case),
        [case.batch(len(b.index), seed=100 + k) for k, b in enumerate(batches_of(case))],
    ]
    together = learner.start(SEEDS)
    losses = [
        learner.step_apart(together, batches, counts, LRS)[1].loss for batches in zip(*streams, strict=True)
    ]
    for replicas, stream in zip(([0, 1], [2]), streams, strict=True):
        alone = learner.start([SEEDS[replica] for replica in replicas])
        its = trained(learner, alone, stream, LRS[replicas])
        assert np.array(losses)[:, replicas] == pytest.approx(np.array(its), rel=1e-4)
        for place, replica in enumerate(replicas):
            found = of_replica(learner, together, replica)
            for name, value in of_replica(learner, alone, place).items():
                assert found[name] == pytest.approx(value, rel=1e-3, abs=1e-5), name


@each_pair
def test_side_by_side_is_as_alone(case: Case, optimizer: str) -> None:
    """Three seeds with three learning rates end where three trainings of one replica end."""
    learner = case.learner(optimizer_named(optimizer))
    together = learner.start(SEEDS)
    losses = trained(learner, together, batches_of(case), LRS)
    for replica, seed in enumerate(SEEDS):
        alone = learner.start([seed])
        its = trained(learner, alone, batches_of(case), LRS[[replica]])
        assert [loss[replica] for loss in losses] == pytest.approx([loss[0] for loss in its], rel=1e-4)
        for name, value in of_replica(learner, alone, 0).items():
            found = of_replica(learner, together, replica)[name]
            assert found == pytest.approx(value, rel=1e-3, abs=1e-5), name


@each_pair
def test_a_selection_goes_on_as_the_replicas_would_have(case: Case, optimizer: str) -> None:
    """Optimizer memory and step count travel with the replicas, in the order given, repeats allowed."""
    learner = case.learner(optimizer_named(optimizer))
    state = learner.start(SEEDS)
    trained(learner, state, batches_of(case)[:5], LRS)
    keep = [2, 0, 2]
    chosen = learner.select(state, keep)
    trained(learner, chosen, batches_of(case)[5:], LRS[keep])
    trained(learner, state, batches_of(case)[5:], LRS)
    for place, replica in enumerate(keep):
        expected = of_replica(learner, state, replica)
        for name, value in of_replica(learner, chosen, place).items():
            assert value == pytest.approx(expected[name], rel=1e-4, abs=1e-6), name


@each_pair
def test_a_selection_is_a_copy(case: Case, optimizer: str) -> None:
    """Training the copy leaves the original as it was, and the other way round."""
    learner = case.learner(optimizer_named(optimizer))
    state = learner.start(SEEDS)
    trained(learner, state, batches_of(case)[:5], LRS)
    before = [of_replica(learner, state, replica) for replica in range(3)]
    chosen = learner.select(state, range(3))
    trained(learner, chosen, batches_of(case)[5:], LRS)
    assert all(same(of_replica(learner, state, replica), before[replica]) for replica in range(3))
    after = [of_replica(learner, chosen, replica) for replica in range(3)]
    trained(learner, state, batches_of(case)[5:], LRS)
    assert all(same(of_replica(learner, chosen, replica), after[replica]) for replica in range(3))
    assert all(same(of_replica(learner, state, replica), after[replica]) for replica in range(3))


@pytest.mark.parametrize("how", [copy.deepcopy, lambda state: pickle.loads(pickle.dumps(state))])
def test_a_state_can_be_copied_and_stored(how: Any) -> None:
    """A copy made after some steps goes on as the original does, and does not touch it."""
    learner = TANH.learner(Adam())
    state = learner.start(SEEDS)
    trained(learner, state, batches_of(TANH)[:5], LRS)
    fork = how(state)
    before = state.parameters.copy()
    losses = trained(learner, fork, batches_of(TANH)[5:], LRS)
    assert state.parameters.tolist() == before.tolist()
    again = trained(learner, state, batches_of(TANH)[5:], LRS)
    assert np.array(losses).tolist() == np.array(again).tolist()
    assert fork.parameters.tolist() == state.parameters.tolist()


@each_case
def test_seeds_decide_the_start(case: Case) -> None:
    """Equal seeds start equal, in whatever company; different ones differ where weights are drawn."""
    learner = case.learner(SGD())
    first, second, twin = (of_replica(learner, learner.start([5, 6, 5]), replica) for replica in range(3))
    assert same(first, twin)
    assert same(second, of_replica(learner, learner.start([6]), 0))
    numpys: Any = np.int64(6)
    assert same(second, of_replica(learner, learner.start([numpys]), 0))
    drawn = hasattr(case.model, "hidden")
    assert all((first[name] != second[name]).any() == drawn for name in first if name.startswith("weight"))


@each_pair
def test_a_diverging_replica_is_alone_with_it(case: Case, optimizer: str) -> None:
    """Its loss becomes infinite or NaN without a warning; its neighbours train as if it were not there."""
    learner = case.learner(optimizer_named(optimizer))
    state, calm = learner.start([1, 2, 3]), learner.start([1, 3])
    lrs = np.array([0.05, 3e38, 0.02], np.float32)
    losses = np.array(trained(learner, state, batches_of(case), lrs))
    expected = np.array(trained(learner, calm, batches_of(case), lrs[[0, 2]]))
    assert not np.isfinite(losses[-1, 1])
    assert losses[:, [0, 2]] == pytest.approx(expected, rel=1e-4)
    x, y = case.batch(4).data
    outputs = learner.predict(state, x)
    assert np.isfinite(learner.losses(outputs, y)).all(axis=1).tolist() == [True, False, True]


def test_a_changed_learning_rate_counts_at_once() -> None:
    """Rates that change from step to step, even in the same array, are those of the step."""
    learner = TANH.learner(Momentum())
    together, alone = learner.start(SEEDS), [learner.start([seed]) for seed in SEEDS]
    lr = LRS.copy()
    for number, batch in enumerate(batches_of(TANH)):
        lr[:] = LRS / (1 + number % 3)
        learner.step(together, batch, lr)
        for replica, state in enumerate(alone):
            learner.step(state, batch, lr[[replica]].copy())
    for replica, state in enumerate(alone):
        expected = of_replica(learner, state, 0)
        for name, value in of_replica(learner, together, replica).items():
            assert value == pytest.approx(expected[name], rel=1e-4, abs=1e-6), name


@each_case
def test_evaluation_between_steps_changes_nothing(case: Case) -> None:
    """Predicting for other rows, as many as a batch or more, leaves the training bit for bit as it was."""
    learner = case.learner(Momentum())
    plain, watched = learner.start(SEEDS), learner.start(SEEDS)
    for number, batch in enumerate(batches_of(case)):
        learner.step(plain, batch, LRS)
        learner.predict(watched, case.batch((5, 3, 17)[number % 3], seed=100).data[0])
        learner.step(watched, batch, LRS)
    assert watched.parameters.tolist() == plain.parameters.tolist()


def test_batches_of_many_sizes() -> None:
    """Buffers of few sizes are kept; a size that comes back after others trains as with fresh buffers."""
    learner = TANH.learner(SGD())
    kept, fresh = learner.start(SEEDS), learner.start(SEEDS)
    for number in range(30):
        batch = TANH.batch(1 + number * 5 % 7, seed=number)
        learner.step(kept, batch, LRS)
        fresh.passes.clear()
        learner.step(fresh, batch, LRS)
    assert kept.parameters.tolist() == fresh.parameters.tolist()
    assert len(kept.passes) == 4


@each_case
def test_predicting_in_pieces(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many rows in pieces of 64, the last one smaller, give what they give in one go, and in float64."""
    learner = case.learner(SGD())
    state = scattered(learner, 2)
    x, _ = case.batch(1000).data
    whole = learner.predict(state, x)
    monkeypatch.setattr(network, "_ROWS_BYTES", 0)
    pieces = learner.predict(state, x)
    assert pieces == pytest.approx(whole, rel=1e-5, abs=1e-6)
    for replica in range(2):
        expected = slow_outputs(case, of_replica(learner, state, replica), x)
        assert pieces[replica] == pytest.approx(expected, rel=1e-4, abs=1e-5)


@each_case
def test_losses_of_rows_leave_the_outputs_alone(case: Case) -> None:
    """Losses are one a replica and row, and outputs can be used again."""
    learner = case.learner(SGD())
    x, y = case.batch(20).data
    outputs = learner.predict(scattered(learner, 2), x)
    before = outputs.copy()
    losses = learner.losses(outputs, y)
    assert losses.shape == (2, 20)
    assert losses.dtype == np.float32
    assert outputs.tolist() == before.tolist()


def test_outputs_are_the_callers() -> None:
    """What was predicted before stays as it was when more is predicted and trained."""
    learner = TANH.learner(SGD())
    state = learner.start(SEEDS)
    x, _ = TANH.batch(5).data
    first = learner.predict(state, x)
    before = first.copy()
    trained(learner, state, batches_of(TANH), LRS)
    learner.predict(state, x + 1)
    assert first.tolist() == before.tolist()


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float64])
def test_images_of_any_type(dtype: Any) -> None:
    """Rows of any shape and type train and predict as the same numbers flat in float32."""
    learner = TANH.learner(SGD())
    images = np.random.default_rng(0).integers(0, 3, (6, 2, 2)).astype(dtype)
    flat = images.reshape(6, 4).astype(np.float32)
    labels = np.arange(6) % 5
    one, two = learner.start(SEEDS), learner.start(SEEDS)
    learner.step(one, batch_of(images, labels), LRS)
    learner.step(two, batch_of(flat, labels), LRS)
    assert one.parameters.tolist() == two.parameters.tolist()
    assert learner.predict(one, images).tolist() == learner.predict(one, flat).tolist()


@each_case
def test_the_penalty_is_not_in_the_loss(case: Case) -> None:
    """The reported loss is the mean of the rows' losses before the step, whatever l2 is."""
    learner = case.learner(SGD())
    state = scattered(learner, 2)
    batch = case.batch(9)
    x, y = batch.data
    expected = learner.losses(learner.predict(state, x), y).mean(axis=1)
    _, result = learner.step(state, batch, LRS[:2])
    assert result.loss == pytest.approx(expected, rel=1e-5)


def test_parameters_have_the_shapes_of_a_text_book() -> None:
    """Weights `(replicas, inputs, units)`, biases `(replicas, units)`."""
    learner = TANH.learner(SGD())
    shapes = {name: value.shape for name, value in learner.parameters(learner.start(SEEDS)).items()}
    assert shapes == {
        "weight1": (3, 4, 6),
        "bias1": (3, 6),
        "weight2": (3, 6, 3),
        "bias2": (3, 3),
        "weight3": (3, 3, 5),
        "bias3": (3, 5),
    }
