"""PyTorch modules as learners: each replica learns as if it were alone, and as PyTorch itself would."""

import copy
import re
import warnings
from itertools import product
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")

import torch
from sklearn.datasets import load_digits
from torch.nn import functional

from learners.torch_cases import CASES, IMAGES, MLP_CASE, Case, by_hand, learnt
from rightbatch.learners import torch as adapter
from rightbatch.learners.torch_model import TorchModel
from rightbatch.learners.updates import OPTIMIZERS, SGD
from rightbatch.records import Array, Batch, Shape

SEEDS = [7, 0, 3]
LRS = np.array([0.05, 0.02, 0.1], np.float32)

each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
each_pair = pytest.mark.parametrize(
    ("case", "optimizer"),
    [*product(CASES, ["momentum"]), *product([MLP_CASE], ["sgd", "nesterov", "adam", "AdamW"])],
    ids=lambda value: value.name if isinstance(value, Case) else value,
)


def batches_of(case: Case, steps: int = 8) -> list[Batch]:
    """Batches of 7 rows, and a smaller one now and then."""
    return [case.batch(4 if step % 4 == 3 else 7, seed=step) for step in range(steps)]


def rates(optimizer: str) -> Array:
    """Learning rates that suit the update rule."""
    return LRS if optimizer == "sgd" else LRS / 10


def theirs(optimizer: str, parameters: Any, lr: float) -> torch.optim.Optimizer:
    """What PyTorch calls the update rule."""
    known = {"momentum": 0.9, "nesterov": 0.9, "sgd": 0.0}
    if optimizer in known:
        nesterov = optimizer == "nesterov"
        return torch.optim.SGD(parameters, lr=lr, momentum=known[optimizer], nesterov=nesterov)
    return {"adam": torch.optim.Adam, "AdamW": torch.optim.AdamW}[optimizer](parameters, lr=lr)


@pytest.mark.parametrize("optimizer", [*OPTIMIZERS, "AdamW"])
@pytest.mark.parametrize("case", [CASES[0], *CASES[2:4], CASES[5], CASES[9]], ids=lambda case: case.name)
def test_it_is_the_loop_one_writes_by_hand(case: Case, optimizer: str) -> None:
    """Losses and weights are those of a PyTorch loop with its own optimizer and loss."""
    learner = case.learner(optimizer)
    lr = float(np.float32(0.01))
    state = learner.start([5])
    module = learner.module(state)
    loss = functional.mse_loss if case.task == "regression" else functional.cross_entropy
    used = [parameter for parameter in module.parameters() if parameter.requires_grad]
    expected = by_hand(module, theirs(optimizer, used, lr), loss, batches_of(case))
    losses = learnt(learner, state, batches_of(case), [lr])
    assert [float(value[0]) for value in losses] == pytest.approx(expected, rel=1e-6)
    exact = optimizer in {"sgd", "momentum", "nesterov", "AdamW"}
    for name, value in module.state_dict().items():
        found = learner.parameters(state)[name][0]
        assert found == pytest.approx(value.numpy(), rel=1e-5, abs=0 if exact else 1e-6), name
        assert not exact or found.tolist() == value.tolist(), name


@each_pair
def test_side_by_side_is_as_alone(case: Case, optimizer: str) -> None:
    """Three seeds with three learning rates end where three trainings of one replica end."""
    learner = case.learner(optimizer)
    together = learner.start(SEEDS)
    losses = learnt(learner, together, batches_of(case), rates(optimizer))
    for replica, seed in enumerate(SEEDS):
        alone = learner.start([seed])
        its = learnt(learner, alone, batches_of(case), rates(optimizer)[[replica]])
        assert [loss[replica] for loss in losses] == pytest.approx([loss[0] for loss in its], rel=1e-4)
        for name, value in learner.parameters(alone).items():
            found = learner.parameters(together)[name][replica]
            assert found == pytest.approx(value[0], rel=1e-3, abs=1e-5), name


@each_case
def test_what_can_be_stacked_is(case: Case) -> None:
    """Modules that vmap can follow are stacked, the others go one by one, and the learner says why."""
    learner = case.learner()
    assert learner.how == "not decided: no step of two replicas yet"
    learnt(learner, learner.start([0, 0, 0]), [case.batch()], LRS)
    assert (learner.how == "stacked") == case.stacks
    assert case.stacks or learner.how.startswith("one by one: ")


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("branching", r"one by one: .*data-dependent control flow"),
        ("recurrent", r"one by one: vmap has no batching rule for aten::lstm"),
        ("counting", r"one by one: a step of stacked replicas comes out differently"),
        ("scattered", r"one by one: a step of stacked replicas comes out differently"),
    ],
)
def test_why_replicas_are_not_stacked(name: str, how: str) -> None:
    """The reason is what PyTorch says, or that the check found another result."""
    case = next(case for case in CASES if case.name == name)
    learner = case.learner()
    learnt(learner, learner.start([0, 0, 0]), [case.batch()], LRS)
    assert re.fullmatch(how, learner.how)


def test_stacking_can_be_left_out() -> None:
    """With stack=False, or an optimizer of PyTorch, replicas go one by one from the start."""
    assert MLP_CASE.learner(stack=False).how == "one by one: stack=False"
    assert MLP_CASE.learner("RMSprop").how == "one by one: RMSprop keeps its memory module by module"


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("case", [case for case in CASES if case.stacks], ids=lambda case: case.name)
def test_stacked_is_as_one_by_one(case: Case, optimizer: str) -> None:
    """One seed with three learning rates: losses, weights, buffers and outputs agree, noise included."""
    one, other = case.learner(optimizer), case.learner(optimizer, stack=False)
    stacked, single = one.start([4, 4, 4]), other.start([4, 4, 4])
    losses = learnt(one, stacked, batches_of(case), rates(optimizer))
    assert one.how == "stacked"
    expected = learnt(other, single, batches_of(case), rates(optimizer))
    assert np.array(losses) == pytest.approx(np.array(expected), rel=1e-4)
    for name, value in other.parameters(single).items():
        assert one.parameters(stacked)[name] == pytest.approx(value, rel=1e-3, abs=1e-5), name
    x = case.batch(50, seed=99).data[0]
    assert one.predict(stacked, x) == pytest.approx(other.predict(single, x), rel=1e-3, abs=1e-5)


def test_replicas_that_draw_differently_are_not_stacked() -> None:
    """Dropout is drawn by seed and step: a stack draws once for all, so it holds replicas of one seed."""
    case = next(case for case in CASES if case.draws)
    learner = case.learner()
    same, different = learner.start([1, 1]), learner.start([1, 2])
    learnt(learner, same, [case.batch()], LRS[:2])
    learnt(learner, different, [case.batch()], LRS[:2])
    assert learner.how == "stacked"
    assert not isinstance(same.body, list)
    assert isinstance(different.body, list)


@each_pair
def test_a_selection_goes_on_as_the_replicas_would_have(case: Case, optimizer: str) -> None:
    """Optimizer memory and step count travel with the replicas, in the order given, repeats allowed."""
    learner = case.learner(optimizer)
    state = learner.start(SEEDS)
    learnt(learner, state, batches_of(case)[:4], rates(optimizer))
    for keep in ([2, 0, 2], [1]):
        chosen, rest = learner.select(state, keep), learner.select(state, range(3))
        learnt(learner, chosen, batches_of(case)[4:], rates(optimizer)[keep])
        learnt(learner, rest, batches_of(case)[4:], rates(optimizer))
        for name, value in learner.parameters(rest).items():
            found = learner.parameters(chosen)[name]
            assert found == pytest.approx(value[keep], rel=1e-3, abs=1e-5), name


@each_pair
def test_a_selection_is_a_copy(case: Case, optimizer: str) -> None:
    """Training the copy leaves the original as it was, and the original then goes the same way."""
    learner = case.learner(optimizer)
    state = learner.start(SEEDS)
    learnt(learner, state, batches_of(case)[:4], rates(optimizer))
    before = learner.parameters(state)
    chosen = learner.select(state, range(3))
    learnt(learner, chosen, batches_of(case)[4:], rates(optimizer))
    after = learner.parameters(state)
    assert all(after[name].tolist() == before[name].tolist() for name in before)
    learnt(learner, state, batches_of(case)[4:], rates(optimizer))
    one, two = learner.parameters(state), learner.parameters(chosen)
    assert all(one[name].tolist() == two[name].tolist() for name in one)


@each_case
def test_a_state_can_be_copied(case: Case) -> None:
    """A deep copy goes on as the original does, stacked or not, and does not touch it."""
    learner = case.learner("adam")
    for seeds in ([4], [4, 4]):
        state = learner.start(seeds)
        learnt(learner, state, batches_of(case)[:4], LRS[: len(seeds)] / 10)
        fork = copy.deepcopy(state)
        losses = learnt(learner, fork, batches_of(case)[4:], LRS[: len(seeds)] / 10)
        again = learnt(learner, state, batches_of(case)[4:], LRS[: len(seeds)] / 10)
        assert np.array(losses).tolist() == np.array(again).tolist()


@each_case
def test_seeds_decide_the_start(case: Case) -> None:
    """Equal seeds start equal, in whatever company; different ones differ."""
    learner = case.learner()
    found = learner.parameters(learner.start([5, 6, 5]))
    alone = learner.parameters(learner.start([6]))
    assert all(value[0].tolist() == value[2].tolist() for value in found.values())
    assert all(value[1].tolist() == alone[name][0].tolist() for name, value in found.items())
    assert all((value[0] != value[1]).any() for name, value in found.items() if name.endswith("r.weight"))


@each_case
def test_nothing_is_drawn_from_the_global_generator(case: Case) -> None:
    """PyTorch's generator, which the user may have seeded, stays where it is; runs repeat all the same."""
    learner = case.learner()
    torch.manual_seed(1)
    before = torch.get_rng_state().tolist()
    state = learner.start([0, 1])
    losses = learnt(learner, state, batches_of(case), LRS[:2])
    learner.predict(state, case.batch().data[0])
    assert torch.get_rng_state().tolist() == before
    torch.manual_seed(2)
    again = learnt(learner, learner.start([0, 1]), batches_of(case), LRS[:2])
    assert np.array(losses).tolist() == np.array(again).tolist()


def test_dropout_is_another_at_every_step() -> None:
    """The same batch twice, without moving the weights, has two losses; in evaluation it has one."""
    case = next(case for case in CASES if case.draws)
    learner = case.learner()
    state = learner.start([0])
    first, second = learnt(learner, state, [case.batch(), case.batch()], [0.0])
    assert first != second
    x, _ = case.batch().data
    assert learner.predict(state, x).tolist() == learner.predict(state, x).tolist()


@each_pair
def test_a_diverging_replica_is_alone_with_it(case: Case, optimizer: str) -> None:
    """Its loss becomes infinite or NaN without a warning; its neighbours train as if it were not there."""
    learner = case.learner(optimizer)
    state, calm = learner.start([1, 1, 1]), learner.start([1, 1])
    # PyTorch's own optimizers refuse rates whose first step is beyond float32.
    lrs = np.array([0.01, 1e30 if optimizer == "AdamW" else 3e38, 0.002], np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        losses = np.array(learnt(learner, state, batches_of(case), lrs))
        outputs = learner.predict(state, case.batch().data[0])
    expected = np.array(learnt(learner, calm, batches_of(case), lrs[[0, 2]]))
    assert not np.isfinite(losses[-1, 1])
    assert losses[:, [0, 2]] == pytest.approx(expected, rel=1e-4)
    assert np.isfinite(learner.losses(outputs, case.batch().data[1])).all(axis=1).tolist() == [
        True,
        False,
        True,
    ]


@each_case
def test_evaluation_between_steps_changes_nothing(case: Case) -> None:
    """Predicting leaves the training bit for bit as it was, stacked or not."""
    learner = case.learner("momentum")
    plain, watched = learner.start([2, 2]), learner.start([2, 2])
    for number, batch in enumerate(batches_of(case)):
        learner.step(plain, batch, LRS[:2] / 10)
        learner.predict(watched, case.batch((5, 3, 17)[number % 3], seed=100).data[0])
        learner.step(watched, batch, LRS[:2] / 10)
    one, two = learner.parameters(plain), learner.parameters(watched)
    assert all(one[name].tolist() == two[name].tolist() for name in one)


@each_case
def test_predicting_in_pieces(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many rows in pieces of 64, the last one smaller, give what they give in one go, in eval mode."""
    learner = case.learner()
    if case.name == "branching":
        return  # its outputs depend on the company of a row
    state = learner.start([3, 3])
    learnt(learner, state, batches_of(case)[:2], LRS[:2])
    x, _ = case.batch(300).data
    whole = learner.predict(state, x)
    assert whole.shape == (2, 300, case.outputs)
    assert whole.dtype == np.float32
    module = learner.module(state, 1)
    assert whole[1] == pytest.approx(module(torch.from_numpy(x)).detach().numpy(), rel=1e-4, abs=1e-5)
    monkeypatch.setattr(adapter, "_PIECE", 0)
    assert learner.predict(state, x) == pytest.approx(whole, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("case", [case for case in CASES if not case.draws], ids=lambda case: case.name)
def test_the_loss_is_that_of_the_batch_before_the_step(case: Case) -> None:
    """And `losses` gives it row by row, in evaluation where nothing is normalised by the batch."""
    learner = case.learner()
    state = learner.start(SEEDS)
    batch = case.batch(9)
    x, y = batch.data
    rows = learner.losses(learner.predict(state, x), y)
    assert rows.shape == (3, 9)
    assert rows.dtype == np.float32
    if case.name != "normalised":
        assert learnt(learner, state, [batch], LRS)[0] == pytest.approx(rows.mean(axis=1), rel=1e-5)


@pytest.mark.parametrize("seeds", [[4], [4, 4]], ids=["alone", "stacked"])
@pytest.mark.parametrize("case", CASES[:3], ids=lambda case: case.name)
def test_rows_of_weight_0_do_not_count(case: Case, seeds: list[int]) -> None:
    """A padded batch is as the batch without its padding, and weights are shares of the mean."""
    learner = case.learner()
    padded = case.batch(6, weight=[2, 2, 2, 2, 0, 0])
    rows = Batch(tuple(array[:4] for array in padded.data), np.arange(4), None, 0, 0)
    one, two = learner.start(seeds), learner.start(seeds)
    lr = LRS[: len(seeds)]
    assert learnt(learner, one, [padded], lr)[0] == pytest.approx(
        learnt(learner, two, [rows], lr)[0], rel=1e-5
    )
    for name, value in learner.parameters(two).items():
        assert learner.parameters(one)[name] == pytest.approx(value, rel=1e-4, abs=1e-6)


def test_a_changed_learning_rate_counts_at_once() -> None:
    """Rates that change from step to step, even in the same array, are those of the step."""
    learner = MLP_CASE.learner("momentum")
    together, alone = learner.start([1, 1, 1]), [learner.start([1]) for _ in SEEDS]
    lr = LRS.copy()
    for number, batch in enumerate(batches_of(MLP_CASE)):
        lr[:] = LRS / (1 + number % 3)
        learner.step(together, batch, lr)
        for replica, state in enumerate(alone):
            learner.step(state, batch, lr[[replica]].copy())
    for replica, state in enumerate(alone):
        for name, value in learner.parameters(state).items():
            found = learner.parameters(together)[name][replica]
            assert found == pytest.approx(value[0], rel=1e-4, abs=1e-6), name


def test_read_only_rows_are_taken() -> None:
    """Batches in sequential order are read-only views of the data: they train without a warning."""
    learner = MLP_CASE.learner()
    batch = MLP_CASE.batch()
    for array in batch.data:
        array.flags.writeable = False
    one, two = learner.start([0]), learner.start([0])
    assert learnt(learner, one, [batch], [0.1]) == learnt(learner, two, [MLP_CASE.batch()], [0.1])


@pytest.mark.parametrize("dtype", [np.uint8, np.float64, np.float16])
def test_rows_of_any_type(dtype: Any) -> None:
    """Bytes and real numbers of any width train as float32; labels may be of any whole type."""
    learner = MLP_CASE.learner()
    x = np.random.default_rng(0).integers(0, 3, (6, 6))
    one, two = learner.start([0]), learner.start([0])
    narrow = Batch((x.astype(dtype), np.arange(6, dtype=np.uint8) % 5), np.arange(6), None, 0, 0)
    wide = Batch((x.astype(np.float32), np.arange(6) % 5), np.arange(6), None, 0, 0)
    assert learnt(learner, one, [narrow], [0.1]) == learnt(learner, two, [wide], [0.1])


def test_words_stay_whole_numbers() -> None:
    """An embedding gets the numbers of its words as they are."""

    def words(outputs: int) -> torch.nn.Module:
        return torch.nn.Sequential(torch.nn.EmbeddingBag(9, 4), torch.nn.Linear(4, outputs))

    learner = TorchModel(words).build(Shape(features=3, outputs=2, task="classification"), SGD())
    x = np.random.default_rng(0).integers(0, 9, (20, 3))
    state = learner.start([0])
    batch = Batch((x, (x[:, 0] > 4).astype(np.int64)), np.arange(20), None, 0, 0)
    losses = learnt(learner, state, [batch] * 200, [1.0])  # type: ignore[arg-type]
    assert losses[-1] < 0.5 * losses[0]


def test_a_convolutional_network_learns_the_digits() -> None:
    """Four learning rates side by side on images; the best classifies 9 of 10 held-out digits rightly."""
    bunch = load_digits()
    x = (bunch.images[:, None] / 8 - 1).astype(np.float32)
    y = bunch.target.astype(np.int64)
    shape = Shape(features=64, outputs=10, task="classification")
    learner = TorchModel(IMAGES.make, input_shape=(1, 8, 8)).build(shape, "momentum")
    state = learner.start([0] * 4)
    rng = np.random.default_rng(0)
    for number in range(250):
        rows = rng.integers(0, 1400, 32)
        lr = np.array([0.001, 0.01, 0.03, 0.05], np.float32)
        learner.step(state, Batch((x[rows], y[rows]), rows, None, 0, number), lr)
    right = (learner.predict(state, x[1400:]).argmax(axis=2) == y[1400:]).mean(axis=1)
    assert right.max() > 0.9
    assert right.argmax() > 0


def test_the_trained_module_can_be_taken_out() -> None:
    """It is a copy on the CPU in the mode of evaluation: what is done to it does not touch the state."""
    learner = MLP_CASE.learner()
    state = learner.start([0, 0])
    learnt(learner, state, batches_of(MLP_CASE), LRS[:2])
    x, _ = MLP_CASE.batch().data
    before = learner.predict(state, x)
    module = learner.module(state, 1)
    assert not module.training
    assert module(torch.from_numpy(x)).detach().numpy() == pytest.approx(before[1], rel=1e-5, abs=1e-6)
    torch.nn.init.zeros_(next(module.parameters()))
    assert learner.predict(state, x).tolist() == before.tolist()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
@each_case
def test_cuda_gives_what_the_cpu_gives(case: Case) -> None:
    """The same weights and batches lead to the same losses, to the precision of float32."""
    cpu, cuda = case.learner(), case.learner(device="cuda")
    if case.draws:
        return  # the two devices draw other numbers
    expected = learnt(cpu, cpu.start(SEEDS), batches_of(case), LRS)
    losses = learnt(cuda, cuda.start(SEEDS), batches_of(case), LRS)
    assert np.array(losses) == pytest.approx(np.array(expected), rel=1e-3)
