"""The largest batch that fits: always one that ran, and nothing that a probe does reaches the parent."""

import ctypes
import functools
import os
import signal
import sys
import threading
import time
from typing import Any

import numpy as np
import pytest

from rightbatch.data.loader import Loader
from rightbatch.errors import SettingError
from rightbatch.learners.mlp import MLP
from rightbatch.learners.updates import SGD
from rightbatch.measure.feasible import largest_feasible, trial
from rightbatch.measure.memory import training_probe
from rightbatch.records import Shape

ROW = 2_000_000
LIMIT = 600e6


def rows(count: int) -> None:
    """Takes 2 MB a row."""
    np.zeros(count * ROW, np.uint8)


def test_it_is_the_truth_to_three_per_cent() -> None:
    """Of 1 to 1,000 rows of 2 MB, 300 fit in 600 MB; the answer is not above, and within 3 %."""
    found = largest_feasible(rows, range(1, 1001), LIMIT)
    assert 291 <= found <= 300
    assert trial(rows, found, LIMIT).fits


def test_what_the_parent_has_freed_is_no_room() -> None:
    """50 MB in freed pieces between others that stay change nothing."""
    pieces = [np.ones(50_000, np.uint8) for _ in range(2000)]
    del pieces[::2]
    small = functools.partial(_pieces, 50_000)
    assert not trial(small, 500, 20e6).fits
    assert trial(small, 300, 20e6).fits
    assert len(pieces) == 1000


def test_what_threads_of_the_parent_have_freed_is_no_room() -> None:
    """Threads have heaps of their own, which are looked into where nothing else is left."""
    kept: list[Any] = []

    def work() -> None:
        pieces = [np.ones(50_000, np.uint8) for _ in range(400)]
        kept.append(pieces[::50])

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    small = functools.partial(_pieces, 50_000)
    assert not trial(small, 420, 20e6).fits
    assert trial(small, 360, 20e6).fits
    assert len(kept) == 3


def _pieces(size: int, count: int) -> None:
    """Holds so many arrays of so many bytes."""
    kept = [np.zeros(size, np.uint8) for _ in range(count)]
    assert len(kept) == count


def test_every_answer_was_run() -> None:
    """Also where all fit, where one does, and where none does: then it is 0."""
    assert largest_feasible(rows, [1, 2, 3, 200], LIMIT) == 200
    assert largest_feasible(rows, [1000, 10, 2000], LIMIT) == 10
    assert largest_feasible(rows, [1000, 2000], LIMIT) == 0


def test_a_size_that_fits_is_not_taken_on_trust() -> None:
    """A probe that fails at one size alone is never answered with it."""
    seen = largest_feasible(lambda size: 1 / 0 if size == 64 else None, [16, 32, 64], 50e6)
    assert seen == 32


def _leave(code: int) -> None:
    os._exit(code)


def _deeper(size: int) -> int:
    return 1 + _deeper(size)


HOSTILE = {
    "exits": (lambda size: sys.exit(0), "the probe failed"),
    "leaves": (lambda size: _leave(0), "the probe failed"),
    "raises": (lambda size: 1 / 0, "the probe failed"),
    "interrupts": (lambda size: signal.raise_signal(signal.SIGINT), "the probe failed"),
    "is killed": (lambda size: os.kill(os.getpid(), signal.SIGKILL), "killed by signal 9"),
    "aborts": (lambda size: os.abort(), "killed by signal 6"),
    "reads address 0": (lambda size: ctypes.string_at(0), "killed by signal 11"),
    "hangs": (lambda size: time.sleep(60), "no end after 0.5 s"),
    "recurses": (_deeper, "the probe failed"),
    "takes too much": (lambda size: bytearray(10**12), "out of memory"),
}


@pytest.mark.parametrize(("probe", "reason"), HOSTILE.values(), ids=HOSTILE)
def test_whatever_a_probe_does_is_a_reason(
    probe: object, reason: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """It does not fit, in words, and nothing is printed."""
    found = trial(probe, 8, LIMIT, patience=0.5 if "no end" in reason else 60)  # type: ignore[arg-type]
    assert (found.fits, found.reason) == (False, reason)
    assert capfd.readouterr() == ("", "")


def test_a_learner_is_probed_with_its_steps_and_evaluation() -> None:
    """More memory, more rows; and twice the hidden units, fewer rows."""
    x, y = np.zeros((4096, 500), np.float32), np.zeros(4096, np.int64)
    found = []
    for hidden, limit in ((500, 20e6), (500, 40e6), (1000, 40e6)):
        shape = Shape(features=500, outputs=3, task="classification")
        learner = MLP(hidden=(hidden,)).build(shape, SGD())
        probe = training_probe(
            learner, lambda size: Loader((x, y), size, shuffle=True, last="drop"), (x[:100], y[:100])
        )
        found.append(largest_feasible(probe, range(64, 4097, 64), limit))
    assert 0 < found[0] < found[1]
    assert found[2] < found[1]


def test_arguments_are_checked() -> None:
    """The errors say what is wrong."""
    with pytest.raises(SettingError, match="batch_sizes must not be empty"):
        largest_feasible(rows, [], LIMIT)
    with pytest.raises(SettingError, match="limit must be above 0"):
        trial(rows, 1, 0)
