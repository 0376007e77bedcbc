"""Sweeps made by a Ray cluster: one node of two CPUs on this machine, begun and ended by these tests."""

import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from rightbatch.answer import study
from rightbatch.errors import MissingExtraError, SettingError
from rightbatch.study.ahead import Ahead, ahead_of
from rightbatch.study.function import Function
from rightbatch.study.subject import DeadlineError, Sweep
from rightbatch.train.target import Target
from study.hand_made import blobs

NO_CLUSTER = (
    "executor needs a Ray cluster that runs, got 'ray'; start one with the command ray start --head, or name "
    "one in RAY_ADDRESS."
)


def sweep(seed: int = 0) -> Sweep:
    """Three learning rates of the blobs."""
    target = Target("loss", "validation", 0.45)
    return Sweep(target=target, batch_size=16, seeds=(seed,), points=(-8, -6, -4), most_steps=2000)


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """The address of a cluster of one node."""
    pytest.importorskip("ray")
    command = str(Path(sys.executable).parent / "ray")
    if any(process.name() == "gcs_server" for process in psutil.process_iter()):
        pytest.skip("a Ray cluster runs on this machine already")
    quiet = {"RAY_USAGE_STATS_ENABLED": "0", "PYTHONPATH": os.pathsep.join(sys.path)}
    begin = [command, "start", "--head", "--port=6399", "--num-cpus=2", "--include-dashboard=false"]
    subprocess.run(begin, check=True, capture_output=True, env=os.environ | quiet)
    yield "127.0.0.1:6399"
    subprocess.run([command, "stop", "--force"], check=True, capture_output=True)


@pytest.fixture
def ahead(cluster: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ahead]:
    """What makes sweeps of the blobs there."""
    monkeypatch.setenv("RAY_ADDRESS", cluster)
    made = ahead_of(blobs(), executor="ray", jobs=None, threads=1)
    yield made
    made.close()


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence says what to install."""

    def missing(name: str) -> Any:
        raise ModuleNotFoundError(name="ray")

    monkeypatch.setattr(sys.modules[ahead_of.__module__], "importlib", SimpleNamespace(import_module=missing))
    with pytest.raises(MissingExtraError) as caught:
        study("logistic", "digits", executor="ray")
    assert str(caught.value) == 'Ray is not installed; write pip install "rightbatch[ray]".'


def test_a_cluster_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """None is started: it would be this machine, which `processes` use without it."""
    pytest.importorskip("ray")
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    with pytest.raises(SettingError) as caught:
        study("logistic", "digits", executor="ray")
    assert str(caught.value) == NO_CLUSTER


def test_the_cluster_makes_the_sweep_that_this_process_makes(ahead: Ahead) -> None:
    """The same runs, to the last bit, two at once: as many as the cluster has CPUs."""
    ahead.begin()
    assert ahead.room == 12 * 2
    ahead.expect([sweep(1), sweep(2)])
    for seed in (0, 1, 2):
        assert ahead.make(blobs(), sweep(seed), deadline=math.inf) == blobs().runs(sweep(seed))


def test_a_spent_budget_ends_it(ahead: Ahead) -> None:
    """As in this process."""
    ahead.begin()
    with pytest.raises(DeadlineError):
        ahead.make(blobs(), sweep(), deadline=time.perf_counter())


def wrong(batch_size: int, lr: float, seed: int) -> Iterator[Any]:
    """A training that breaks its promise."""
    del batch_size, lr, seed
    yield "nothing"


def test_what_the_user_did_wrong_is_said_as_here(cluster: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error that the function's sweep raises there is the one that is raised here."""
    monkeypatch.setenv("RAY_ADDRESS", cluster)
    subject = Function(train=wrong, samples=100, name="wrong")
    ahead = ahead_of(subject, executor="ray", jobs=1, threads=1)
    try:
        with pytest.raises(SettingError, match=r"^train must yield three numbers, got 'nothing'; yield "):
            ahead.make(subject, sweep(), deadline=math.inf)
    finally:
        ahead.close()


def dies(batch_size: int, lr: float, seed: int) -> Iterator[tuple[float, float, float]]:
    """A training that kills its process, unless that is the one that runs the tests."""
    if "pytest" not in " ".join(psutil.Process().cmdline()):
        os.kill(os.getpid(), signal.SIGKILL)
    for step in range(1, 100):
        yield float(step * batch_size), step * 1e-3, 1 / step


def test_a_worker_that_dies_does_no_harm(cluster: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sweep is made here, and nothing is made there any more."""
    monkeypatch.setenv("RAY_ADDRESS", cluster)
    subject = Function(train=dies, samples=100, name="dies")
    ahead = ahead_of(subject, executor="ray", jobs=1, threads=1)
    assert ahead.make(subject, sweep(), deadline=math.inf)[0] == subject.runs(sweep())[0]
    assert ahead.room == 0
