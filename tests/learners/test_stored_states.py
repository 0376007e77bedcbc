"""States of learners that are stored and gone on from."""

from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")

from torch.optim import lr_scheduler

from learners.torch_cases import CASES, MLP_CASE, Case
from rightbatch.learners.mlp import MLP
from rightbatch.learners.torch_model import TorchModel
from rightbatch.learners.torch_schedules import TorchSchedule
from rightbatch.learners.torch_updates import theirs
from rightbatch.learners.updates import Adam, Momentum
from rightbatch.train.steps import Rules, ruled

NORMALISED = next(case for case in CASES if case.name == "normalised")
DROPOUT = next(case for case in CASES if case.name == "dropout")

LEARNERS: dict[str, tuple[Any, Case]] = {
    "numpy adam": (MLP(hidden=(5,)).build(MLP_CASE.shape, Adam()), MLP_CASE),
    "momentum": (MLP_CASE.learner("momentum"), MLP_CASE),
    "AdamW": (MLP_CASE.learner("AdamW"), MLP_CASE),
    "running means": (NORMALISED.learner("nesterov"), NORMALISED),
    "dropout": (DROPOUT.learner("adam"), DROPOUT),
    "float16": (MLP_CASE.learner("SGD", precision="float16"), MLP_CASE),
}


def steps(learner: Any, state: Any, case: Case, seeds: range, replicas: int) -> None:
    """A step on each batch, in micro-batches and with a bound on the gradient."""
    stepper = ruled(learner, Rules(accumulate=2, clip_norm=1.0, weight_decay=0.01))
    for seed in seeds:
        stepper.step(state, case.batch(8, seed=seed), np.full(replicas, 0.02, np.float32))


@pytest.mark.parametrize("name", LEARNERS)
@pytest.mark.parametrize("replicas", [1, 2])
def test_a_stored_state_goes_on_bit_for_bit(name: str, replicas: int) -> None:
    """Half of the steps, another state made what the first is, and the other half: as without the break."""
    learner, case = LEARNERS[name]
    whole, first = (learner.start(range(replicas)) for _ in range(2))
    steps(learner, whole, case, range(8), replicas)
    steps(learner, first, case, range(4), replicas)
    second = learner.start(range(replicas))
    learner.load_state_dict(second, learner.state_dict(first))
    steps(learner, first, case, range(90, 93), replicas)  # what was stored is a copy
    steps(learner, second, case, range(4, 8), replicas)
    expected, found = learner.parameters(whole), learner.parameters(second)
    assert all(found[key].tolist() == expected[key].tolist() for key in expected)


def test_a_scheduler_that_was_stored() -> None:
    """It goes on with its rates, momentum included."""
    model = TorchModel(MLP_CASE.make, optimizer=theirs(Momentum()))
    learner: Any = model.build(MLP_CASE.shape, None)

    def one_cycle(optimizer: Any) -> Any:
        return lr_scheduler.OneCycleLR(optimizer, max_lr=0.3, total_steps=20)

    def factors(schedule: TorchSchedule, state: Any, counts: range) -> list[tuple[float, float]]:
        optimizer = state.body[0].optimizer
        return [(schedule(step), optimizer.param_groups[0]["momentum"]) for step in counts]

    one, other = learner.start([0]), learner.start([0])
    whole = TorchSchedule(one_cycle, one, 0.1)
    expected = factors(whole, one, range(20))
    first = TorchSchedule(one_cycle, one, 0.1)
    factors(first, one, range(8))
    second = TorchSchedule(one_cycle, other, 0.1)
    second.load_state_dict(first.state_dict())
    assert factors(second, other, range(7, 20)) == expected[7:]
