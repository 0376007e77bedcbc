"""Sweeps made ahead by other processes: the study is the same, and no process is left."""

import math
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

import rightbatch as rb
from rightbatch.answer import study
from rightbatch.errors import SettingError
from rightbatch.measure.clock import Timing
from rightbatch.study.ahead import Ahead
from rightbatch.study.function import Function
from rightbatch.study.machine import fixed_threads
from rightbatch.study.problem import Problem
from rightbatch.study.processes import Workers
from rightbatch.study.question import question_of
from rightbatch.study.rules import first_points
from rightbatch.study.run import StudyRun
from rightbatch.study.settings import Settings
from rightbatch.study.store import Store
from rightbatch.study.subject import DeadlineError, Run, Subject, Sweep
from rightbatch.train.target import Target
from study.hand_made import blobs


def sweep(seed: int = 0) -> Sweep:
    """Three learning rates of the blobs."""
    target = Target("loss", "validation", 0.45)
    return Sweep(target=target, batch_size=16, seeds=(seed,), points=(-8, -6, -4), most_steps=2000)


@pytest.fixture
def workers() -> Iterator[Workers]:
    """Two processes."""
    made = Workers(blobs(), 2)
    yield made
    made.close()


def test_processes_make_the_sweep_that_this_one_makes(workers: Workers) -> None:
    """The same runs, to the last bit."""
    ahead = Ahead(workers)
    ahead.begin()
    ahead.expect([sweep(1), sweep(2)])
    for seed in (0, 1, 2):
        assert ahead.make(blobs(), sweep(seed), deadline=math.inf) == blobs().runs(sweep(seed))


def test_what_makes_runs_needs_no_statistics() -> None:
    """Importing them would take a process about as long as beginning."""
    study = "rightbatch.study.processes, rightbatch.study.problem, rightbatch.study.rerun"
    unwanted = "[name for name in sys.modules if name.startswith('scipy.stats')]"
    script = f"import sys, rightbatch.learners.mlp, {study}; print({unwanted})"
    assert subprocess.check_output([sys.executable, "-c", script], text=True) == "[]\n"


def test_a_spent_budget_ends_it(workers: Workers) -> None:
    """As in this process."""
    with pytest.raises(DeadlineError):
        Ahead(workers).make(blobs(), sweep(), deadline=time.perf_counter())


@pytest.mark.parametrize("at_rest", [True, False])
def test_a_killed_process_does_no_harm(workers: Workers, at_rest: bool) -> None:
    """While it begins or later: what it made is made here instead, and nothing is made ahead any more."""
    ahead = Ahead(workers)
    ahead.begin()
    if at_rest:
        ahead.settle(deadline=math.inf)
    for child in multiprocessing.active_children():
        os.kill(child.pid or 0, signal.SIGKILL)
    ahead.settle(deadline=math.inf)
    for seed in (0, 1):
        assert ahead.make(blobs(), sweep(seed), deadline=math.inf) == blobs().runs(sweep(seed))
    assert ahead.room == 0


def test_no_process_is_left() -> None:
    """However much is still to be done; those of another test may still be ending."""
    before = set(multiprocessing.active_children())
    made = Workers(blobs(), 2)
    made.begin()
    for seed in range(8):
        made.submit(sweep(seed), math.inf)
    assert len(set(multiprocessing.active_children()) - before) == 2
    made.close()
    until = time.perf_counter() + 5  # the pool's own thread may be about to note that they have ended
    while set(multiprocessing.active_children()) - before and time.perf_counter() < until:
        time.sleep(0.01)
    assert set(multiprocessing.active_children()) <= before


STUDY = """
import rightbatch as rb

def tell(progress):
    if progress.stage == "seeds":
        print("running", flush=True)

settings = {"target": "val_loss=0.3", "batch_sizes": [8, 32, 128], "seeds": 200, "tolerance": 1e-9}
rb.study("mlp", "digits", **settings, budget="10m", jobs=2, progress=tell)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_study_leaves_no_process(sign: signal.Signals, tmp_path: Path) -> None:
    """Neither Ctrl-C nor the death of the main process leaves workers, nor do they write on the terminal.

    The script calls the study at its top level: workers do not run it once more.
    """
    script = tmp_path / "study.py"
    script.write_text(STUDY)
    going = subprocess.Popen(
        [sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path
    )
    assert going.stdout is not None
    assert going.stdout.readline() == "running\n"
    workers = psutil.Process(going.pid).children(recursive=True)
    assert len(workers) >= 2
    for process in [*workers, going] if sign is signal.SIGINT else [going]:
        process.send_signal(sign)  # as the terminal does
    _, errors = going.communicate(timeout=30)
    assert psutil.wait_procs(workers, timeout=30)[1] == []
    assert errors.count("Traceback") == (sign is signal.SIGINT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed(Problem):
    """A problem whose steps take what they are said to: what a study runs depends on its timings, too."""

    def time_steps(
        self, batch_sizes: Sequence[int], *, rounds: int, first_round: int = 0
    ) -> Iterator[list[Timing]]:
        for number in range(first_round, rounds):
            yield [Timing(size, number, 10, 1e-3 + size / 1e5) for size in batch_sizes]


class Lent:
    """Some of the workers, for a study that ends and leaves them as they are: to begin takes seconds."""

    def __init__(self, workers: Workers, jobs: int) -> None:
        self.jobs, self.lost = jobs, workers.lost
        self.begin, self.submit = workers.begin, workers.submit

    def close(self) -> None:
        """Nothing."""


def studied(subject: Subject, target: str, ahead: Ahead) -> list[Run]:
    """All runs of a study, in the order of their making."""
    settings = Settings(
        model="", optimizer="", target=target, batch_sizes=(8, 32, 128), seeds=3, seed=0, threads=1, data=""
    )
    store = Store(None)
    StudyRun(
        subject=subject,
        settings=settings,
        store=store,
        wide=first_points(),
        budget=300,
        tolerance=0.01,
        memory_limit=None,
        complete=True,
        progress=lambda progress: None,
        ahead=ahead,
    ).run()
    return store.runs()


def timed(model: Any) -> Timed:
    """A model of the digits."""
    problem = question_of(model, "digits").subject
    assert isinstance(problem, Problem)
    return Timed(
        learner=problem.learner, train=problem.train, validation=problem.validation, task=problem.task
    )


def check_same(subject: Subject, target: str) -> None:
    """One, two and three jobs make the same runs: three seeds of five learning rates a size, at least."""
    workers = Workers(subject, 3)
    try:
        with fixed_threads(1):
            one = studied(subject, target, Ahead(None))
            assert len(one) > 3 * 3 * 5
            for jobs in (2, 3):
                assert studied(subject, target, Ahead(Lent(workers, jobs))) == one
    finally:
        workers.close()


def test_a_study_is_the_same_with_any_number_of_jobs() -> None:
    """The same runs in the same order, the target that the pilot sets among their reasons."""
    check_same(timed("logistic"), "auto")


def test_a_study_of_a_module_is_the_same() -> None:
    """Likewise for PyTorch."""
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Linear(64, 8), torch.nn.ReLU(), torch.nn.Linear(8, 10))
    check_same(timed(rb.TorchModel(module)), "val_loss<=0.8")


def train(batch_size: int, lr: float, seed: int) -> Iterator[tuple[float, float, float]]:
    """A training whose metric falls as (1 - lr)^step; its clock is not that of the machine."""
    for step in range(1, 2000):
        yield (
            float(step * batch_size),
            step * (1e-3 + batch_size / 1e5),
            (1 - min(lr, 0.9)) ** step + seed / 1e3,
        )


def test_a_study_of_a_function_is_the_same() -> None:
    """Likewise; seconds of a step come from the first search alone, when nothing else is made."""
    check_same(Function(train=train, samples=512, name="train"), "loss<=0.2")


def test_a_budget_is_kept(tmp_path: Path) -> None:
    """A study of minutes ends within seconds of its budget, with what was done by then."""
    began = time.perf_counter()
    found = study("mlp", "digits", target="val_loss=0.05", seeds=50, tolerance=1e-9, budget=4, jobs=2)
    assert found.to_dict()["cost"]["runs"] > 0
    assert time.perf_counter() - began < 20


def test_what_cannot_be_sent_is_refused() -> None:
    """A lock has no copy in another process."""
    lock = threading.Lock()
    train: Any = lambda *_: iter([lock])  # noqa: E731
    function = Function(train=train, samples=10, name="train")
    with pytest.raises(SettingError) as caught:
        Workers(function, 2)
    assert str(caught.value) == (
        "jobs needs a model that can be sent to another process (cannot pickle '_thread.lock' object), "
        "got 2; write jobs=1."
    )


@pytest.mark.parametrize("jobs", [0, -1, 1.5])
def test_jobs_are_whole(jobs: Any) -> None:
    """One at least."""
    with pytest.raises(SettingError) as caught:
        study("mlp", "digits", jobs=jobs)
    assert str(caught.value).startswith("jobs must be ")
    assert str(caught.value).endswith(f"got {jobs}; write a number such as 2.")


def test_an_executor_is_one_of_two() -> None:
    """Others are not known."""
    with pytest.raises(SettingError) as caught:
        study("mlp", "digits", executor="rya")
    assert str(caught.value) == "executor is not known, got 'rya'; write one of ray, processes."
