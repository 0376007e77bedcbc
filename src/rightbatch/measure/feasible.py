"""The largest batch size that fits in memory: found by running it, in a process that may die of it."""

import ctypes
import faulthandler
import gc
import importlib
import multiprocessing
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from rightbatch.checks import positive
from rightbatch.errors import SettingError

Probe = Callable[[int], object]

PATIENCE = 60.0
"""Seconds after which a probe hangs."""

_STATUS = Path("/proc/self/status")

POSSIBLE = _STATUS.exists()
"""Whether this system can hold a process to a limit: Linux."""

_LARGEST_HOLE, _SMALLEST_HOLE = 28, 15
"""Powers of two: bytes of the free pieces of memory that are looked for."""

_SLACK = 2**20
"""Bytes that may be taken in any case while these are looked for: Python needs a few."""

_OUT_OF_MEMORY = 3
_FAILED = 4


class Trial(NamedTuple):
    """One batch size, run in a process of its own."""

    batch_size: int
    fits: bool
    reason: str
    """Why it does not, in words; empty: it fits."""


def trial(probe: Probe, batch_size: int, limit: float, *, patience: float = PATIENCE) -> Trial:
    """Run `probe(batch_size)` in a forked process that may allocate `limit` bytes more than this one has.

    The child gets the learner and the arrays by fork: nothing is pickled, and what the parent holds
    is shared and not counted. The limit is on its private writable memory (RLIMIT_DATA), so an
    allocation beyond it fails, touched or not. It fits if the probe returns; a `MemoryError`, any other
    exception, an exit, a signal (the kernel's own kill too) and a hang are reasons why it does not.

    Limits: Linux only. After a fork the threads of the parent are gone, so the child computes on one
    thread; CUDA cannot be used in it. What a probe imports on first use it imports in every child: call it
    once before, at a small size. Python gives back the memory of small objects by the megabyte: the limit
    holds to about 1 MB.

    Args:
        probe: trains a few steps with this batch size; its result is dropped.
        batch_size: what to call it with.
        limit: bytes, above 0.
        patience: seconds until it is killed.

    Example:
        >>> print(trial(lambda rows: bytearray(rows * 1_000_000), 20, 100e6))
        Trial(batch_size=20, fits=True, reason='')
        >>> print(trial(lambda rows: bytearray(rows * 1_000_000), 200, 100e6).reason)
        out of memory
    """
    positive("limit", limit, instead="write the bytes that training may take")
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=_run, args=(probe, batch_size, limit, theirs), daemon=True)
    with warnings.catch_warnings():
        # of forking beside threads, by Python and by JAX: the child uses none
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        child.start()
    theirs.close()
    child.join(patience)
    hangs = child.is_alive()
    if hangs:
        child.kill()
        child.join()
    returned = ours.poll() and _byte(ours)
    ours.close()
    code = child.exitcode
    child.close()
    reason = f"no end after {patience:g} s" if hangs else "" if returned and code == 0 else _words(code)
    return Trial(batch_size, not reason, reason)


def largest_feasible(
    probe: Probe, batch_sizes: Sequence[int], limit: float, *, patience: float = PATIENCE
) -> int:
    """The largest of the batch sizes that was run within the limit; 0: none of them.

    From the smallest up in doubling strides, then by bisection, on the assumption that a larger batch
    takes no less. The answer is always a size that was itself run and returned.

    Args:
        probe: see `trial`.
        batch_sizes: to choose from, such as ``range(1, 10_001)``; in any order.
        limit: bytes beyond what this process holds.
        patience: seconds for each.

    Raises:
        SettingError: there are no batch sizes, or the limit is not above 0.

    Example:
        >>> largest_feasible(lambda rows: bytearray(rows * 1_000_000), [16, 32, 64, 128, 256], 100e6)
        64
    """
    if not len(batch_sizes):
        raise SettingError("batch_sizes", "must not be empty", [], "write a list such as [32, 64, 128]")
    sizes = sorted(batch_sizes)

    def fits(place: int) -> bool:
        return trial(probe, sizes[place], limit, patience=patience).fits

    good, bad, place = -1, len(sizes), 0
    while good < place < bad:
        if fits(place):
            good, place = place, min(2 * place + 1, len(sizes) - 1)
        else:
            bad = place
    while bad - good > 1:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if fits(middle) else (good, middle)
    return sizes[good] if good >= 0 else 0


def _run(probe: Probe, batch_size: int, limit: float, answer: Connection) -> None:
    """In the child: says so if the probe returns, and leaves without any of the parent's clean-up."""
    code = _FAILED
    try:
        _silence()
        with threadpool_limits(1):
            _one_thread_of_torch()
            _one_product()
            _hold_to(limit)
            probe(batch_size)
        answer.send_bytes(b"1")
        code = 0
    except MemoryError:
        code = _OUT_OF_MEMORY
    except BaseException as error:
        code = _OUT_OF_MEMORY if "memory" in str(error).lower() else _FAILED
    finally:
        os._exit(code)


def _one_thread_of_torch() -> None:
    """PyTorch, where it is loaded, has pools that `threadpoolctl` does not see; in a fork they would hang."""
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(1)


def _one_product() -> None:
    """OpenBLAS takes 32 MB at its first product, and may take them anew after a fork: no part of a probe."""
    square = np.ones((256, 256), np.float32)
    square @ square


def _silence() -> None:
    """What a dying process prints is no message of ours."""
    faulthandler.disable()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)


def _hold_to(limit: float) -> None:
    """The kernel compares VmData, the private writable memory without the stack, with the limit."""
    limits = importlib.import_module("resource")  # there is none on Windows, where nothing is forked
    gc.freeze()  # the parent's garbage, collected later, would be room beyond the limit
    _, hard = limits.getrlimit(limits.RLIMIT_DATA)
    # Where nothing more can be had, `malloc` also looks into what threads of the parent have freed.
    most = _held() + _SLACK
    limits.setrlimit(limits.RLIMIT_DATA, (most, hard))
    _fill_holes(most)
    limits.setrlimit(limits.RLIMIT_DATA, (hard, hard))
    most = int(_held() + limit)
    limits.setrlimit(limits.RLIMIT_DATA, (most, most))


def _fill_holes(most: int) -> None:
    """Take what `malloc` has free, large pieces first: it is in VmData already, and would not count.

    Args:
        most: bytes held at which it ends in any case, also on a system that does not keep to its limit.
    """
    libc = ctypes.CDLL(None)
    libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
    libc.free.argtypes = [ctypes.c_void_p]
    for size in (2**power for power in range(_LARGEST_HOLE, _SMALLEST_HOLE - 1, -1)):
        while (piece := libc.malloc(size)) is not None:
            if _held() > most:
                libc.free(piece)
                break


def _held() -> int:
    """Bytes of VmData."""
    lines = _STATUS.read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmData"))


def _byte(pipe: Connection) -> bool:
    try:
        return pipe.recv_bytes() == b"1"
    except (EOFError, OSError):
        return False


def _words(code: int | None) -> str:
    if code is not None and code < 0:
        return f"killed by signal {-code}"
    return "out of memory" if code == _OUT_OF_MEMORY else "the probe failed"
