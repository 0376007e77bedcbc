"""Several processes train as one does: the same script under `torchrun` and without it."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from rightbatch.answer import study
from rightbatch.data.loader import Loader
from rightbatch.errors import ProcessError, SettingError
from rightbatch.learners.mlp import MLP
from rightbatch.learners.torch_model import TorchModel
from rightbatch.learners.torch_processes import device_of, fresh_rows, part_of
from rightbatch.train.fit import fit
from rightbatch.train.processes import Alone, Processes
from train.processes_cases import BATCH, CASES, HELD, TRAIN, kept, net, normalised, summary

SCRIPT = Path(__file__).with_name("processes_cases.py")
TOGETHER = {"RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "1"}


def surroundings(**more: str) -> dict[str, str]:
    """The environment of a process that runs the cases' script."""
    paths = [str(SCRIPT.parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1", **more}


def launched(world: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The cases' script in several processes on this machine."""
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--local-addr=127.0.0.1"]
    command = [*launcher, f"--nproc-per-node={world}", str(SCRIPT), *arguments]
    return subprocess.run(
        command, env=surroundings(), capture_output=True, text=True, timeout=120, check=False
    )


def kept_by(world: int, folder: Path, fragile: str = "0 0", what: str = "kept") -> list[tuple[int, str]]:
    """Exit codes and errors of processes without a launcher that would end them when one dies."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    told = TOGETHER | {"WORLD_SIZE": str(world), "MASTER_PORT": port, "FRAGILE": fragile}
    command = [sys.executable, str(SCRIPT), what, str(folder), str(world)]
    subprocess.run(command, env=surroundings(**told), timeout=120, check=True)
    codes = json.loads((folder / "codes.json").read_text(encoding="utf-8"))
    errors = [(folder / f"{rank}.err").read_text(encoding="utf-8") for rank in range(world)]
    return list(zip(codes, errors, strict=True))


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What came out of all cases in each of two processes."""
    folder = tmp_path_factory.mktemp("processes")
    ran = launched(2, "cases", str(folder))
    assert ran.returncode == 0, ran.stderr
    return [
        {
            **json.loads((folder / f"{rank}.json").read_text(encoding="utf-8")),
            "threads": json.loads((folder / f"{rank}.threads").read_text(encoding="utf-8")),
        }
        for rank in (0, 1)
    ]


@pytest.mark.parametrize("name", CASES)
def test_two_processes_train_as_one(found: list[dict[str, Any]], name: str) -> None:
    """History and parameters are those of one process with the same batches, to rounding."""
    one, two = summary(CASES[name]()), found[0]["cases"][name]
    exact = name != "bfloat16"
    assert one["stopped"] == two["stopped"]
    assert len(one["history"]) == len(two["history"])
    for row, other in zip(one["history"], two["history"], strict=True):
        assert other == pytest.approx(row, rel=1e-4 if exact else 0.02, abs=1e-5)
    for parameter, value in one["parameters"].items():
        ours = np.array(two["parameters"][parameter])
        assert ours == pytest.approx(
            np.array(value), rel=2e-4 if exact else 0.02, abs=1e-5 if exact else 3e-3
        )


@pytest.mark.parametrize("name", CASES)
def test_processes_end_with_the_same(found: list[dict[str, Any]], name: str) -> None:
    """Both know the same history, and have the same parameters to the last bit."""
    first, second = (one["cases"][name] for one in found)
    assert first == second


def test_every_row_is_evaluated_once(found: list[dict[str, Any]]) -> None:
    """A metric that counts rows counts those of the validation part, 12, in each process."""
    for one in found:
        assert {row["val_count_of_rows"] for row in one["cases"]["rows"]["history"]} == {float(len(HELD[0]))}


def test_samples_are_those_of_all_processes(found: list[dict[str, Any]]) -> None:
    """An epoch of 41 rows is 41 samples, however they are cut; without its last batch 36."""
    for last, samples in (("keep", 41), ("pad", 41), ("drop", 36), ("spread", 41)):
        assert found[0]["cases"][last]["history"][0]["samples"] == samples


def test_progress_is_shown_by_the_first_alone(found: list[dict[str, Any]]) -> None:
    """Five steps of an epoch in one process, none in the other."""
    assert [one["heard"] for one in found] == [5, 0]


def test_a_limit_in_seconds_holds_for_all_at_once(found: list[dict[str, Any]]) -> None:
    """They stop after the same step, though their clocks differ."""
    assert found[0]["by_the_clock"] == found[1]["by_the_clock"] > 0


def test_running_means_are_those_of_the_first(found: list[dict[str, Any]]) -> None:
    """Buffers are the same in both at the end; each normalised over its own rows, unlike one process."""
    assert found[0]["normalised"] == found[1]["normalised"]
    assert found[0]["normalised"]["mean"] != normalised()["mean"]


def test_each_process_draws_its_own_noise(found: list[dict[str, Any]]) -> None:
    """Dropout masks of 20 rows each differ."""
    first, second = (one["noise"] for one in found)
    assert len(first) == len(second) == 20 * 6
    assert first != second


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="threads have no names to read here")
def test_no_thread_of_the_group_outlives_it(found: list[dict[str, Any]]) -> None:
    """One that did would now and then abort its process, when that is all but over."""
    for one in found:
        assert one["threads"]
        assert [name for name in one["threads"] if "gloo" in name] == []


def test_a_killed_process_ends_the_training_which_goes_on_in_another_number(tmp_path: Path) -> None:
    """The other says so in a sentence; one and three go on from its checkpoint, and end as if undisturbed."""
    (code, errors), (killed, _) = kept_by(2, tmp_path, fragile="1 17")
    assert (code, killed) == (1, -signal.SIGKILL)
    assert "ProcessError: Another process of this training has ended (Connection " in errors.splitlines()[-1]
    checkpoints = sorted(path.name for path in (tmp_path / "checkpoints").glob("step-*"))
    assert checkpoints[-1].startswith("step-000000015")
    shutil.copytree(tmp_path / "checkpoints", tmp_path / "copy")
    undisturbed, alone = summary(kept(tmp_path / "none")), summary(kept(tmp_path / "copy"))
    assert [code for code, _ in kept_by(3, tmp_path)] == [0, 0, 0]
    three = json.loads((tmp_path / "2.json").read_text(encoding="utf-8"))
    for found in (alone, three):
        assert [row["step"] for row in found["history"]] == [5, 10, 15, 20, 25, 30]
        assert found["history"][-1] == pytest.approx(undisturbed["history"][-1], rel=1e-4)
        for name, value in undisturbed["parameters"].items():
            assert np.array(found["parameters"][name]) == pytest.approx(np.array(value), rel=2e-4, abs=1e-5)


def test_a_parameter_left_out_in_one_process_is_named(tmp_path: Path) -> None:
    """It ends the training of both, as the other would wait for its gradient."""
    (first, waiting), (second, careless) = kept_by(2, tmp_path, what="careless")
    assert (first, second) == (1, 1)
    said = careless.splitlines()[-1].removeprefix("[rank1]: ")
    assert said == (
        "rightbatch.errors.SettingError: model must use all of its parameters in every step where several "
        "processes train it, got 'other.weight, other.bias'; freeze those that it leaves out, or add 0 times "
        "their sum to its outputs."
    )
    assert "ProcessError: Another process of this training has ended (" in waiting.splitlines()[-1]


def test_want_of_memory_in_one_process_ends_it() -> None:
    """The sentence names the rows of all processes; an outcome is for all of them, and the others wait."""

    class Greedy(nn.Module):
        def __init__(self, features: int, outputs: int) -> None:
            super().__init__()
            self.layer = nn.Linear(features, outputs)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            if self.training and len(x) > 2:
                raise MemoryError
            found: torch.Tensor = self.layer(x)
            return found

    result = fit(Greedy, Loader(TRAIN, 8, shard=(0, 2)), steps=1)
    sentence = (
        "A batch of 8 rows does not fit in memory, 4 do; write batch_size=4, or accumulate=2 for the same "
        "updates in micro-batches."
    )
    assert result.stopped == sentence
    assert Processes().ended(Alone(None), result) is result
    with pytest.raises(ProcessError) as error:
        Processes(rank=1, world=2).ended(Alone(None), result)
    assert str(error.value) == f"In process 1 of 2: {sentence}"


@given(rows=st.integers(1, 60), world=st.integers(1, 9))
def test_parts_are_equally_long_and_hold_each_row_once(rows: int, world: int) -> None:
    """Together, what each process adds to those before it is every row, in its order."""
    parts = [np.arange(rows)[part_of(rows, rank, world)] for rank in range(world)]
    assert {len(part) for part in parts} == {-(-rows // world)}
    together = [part[fresh_rows(rows, rank, world)] for rank, part in enumerate(parts)]
    assert np.concatenate(together).tolist() == list(range(rows))


def test_the_environment_says_which_process_this_is() -> None:
    """As `torchrun` sets it; a part of it is not enough."""
    assert Processes.started(TOGETHER) == Processes(rank=1, world=2, local_rank=1)
    assert Processes.started({"RANK": "1", "WORLD_SIZE": "2"}) == Processes()


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"RANK": "2"}, "RANK must be below WORLD_SIZE, got 2 of 2; start it with torchrun."),
        ({"WORLD_SIZE": "two"}, "WORLD_SIZE must be a whole number, got 'two'; start it with torchrun."),
    ],
)
def test_an_environment_that_cannot_be(changed: dict[str, str], sentence: str) -> None:
    """It is refused in a sentence."""
    with pytest.raises(ProcessError) as error:
        Processes.started(TOGETHER | changed)
    assert str(error.value) == sentence


def test_what_runs_in_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """A study, and a built-in model, are refused under torchrun before anything is done."""
    for name, value in TOGETHER.items():
        monkeypatch.setenv(name, value)
    instead = "got 2 of torchrun; start it with python instead of torchrun."
    with pytest.raises(ProcessError) as error:
        study(MLP(), "digits")
    assert str(error.value) == f"A study runs in one process, {instead}"
    with pytest.raises(ProcessError) as error:
        fit("mlp", TRAIN)
    assert str(error.value) == f"The training of the built-in model MLP runs in one process, {instead}"


def test_a_loader_with_another_part_is_refused() -> None:
    """One with the process's own part, or without any, is taken."""
    second = Processes(rank=1, world=2)
    for given_shard in (None, (1, 2)):
        loader = Loader(TRAIN, BATCH, shard=given_shard)
        second.share(loader)
        assert loader.shard == (1, 2)
    with pytest.raises(SettingError) as error:
        second.share(Loader(TRAIN, BATCH, shard=(0, 2)))
    instead = "write shard=(1, 2), or leave it out: fit sets it"
    assert str(error.value) == f"train must have the shard of its process, got 'shard=(0, 2)'; {instead}."


@pytest.mark.parametrize(
    ("asked", "gpus", "expected"),
    [("cpu", 4, "cpu"), ("auto", 0, "cpu"), ("auto", 4, "cuda:3"), ("cuda", 4, "cuda:3")],
)
def test_every_process_has_a_device_of_its_own(
    monkeypatch: pytest.MonkeyPatch, asked: str, gpus: int, expected: str
) -> None:
    """The third process of a machine has its third GPU, where there are GPUs at all."""
    monkeypatch.setattr("torch.cuda.is_available", lambda: gpus > 0)
    assert device_of(asked, 3) == expected
    assert Processes(rank=3, world=4, local_rank=3).model(TorchModel(net, device=asked)) == TorchModel(
        net, device=expected
    )


def test_one_gpu_for_all_is_refused() -> None:
    """Nccl would wait for ever."""
    with pytest.raises(ProcessError) as error:
        device_of("cuda:0", 1)
    assert str(error.value) == "Every process has a GPU of its own, got device='cuda:0'; write device='cuda'."
