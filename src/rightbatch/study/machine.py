"""The machine a study ran on, as far as it bears on the timings."""

import os
import platform
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from threadpoolctl import threadpool_limits

_CPU_INFO = Path("/proc/cpuinfo")


def fixed_threads(threads: int) -> threadpool_limits:
    """A context in which linear algebra, and PyTorch with it, uses so many threads."""
    return threadpool_limits(threads)


def describe(threads: int) -> dict[str, Any]:
    """Processor, cores, threads and versions."""
    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "threads": threads,
        "memory_bytes": psutil.virtual_memory().total,
        "platform": platform.platform(terse=True),
        "python": platform.python_version(),
        "numpy": np.__version__,
    }


def _cpu() -> str:
    if _CPU_INFO.exists():
        for line in _CPU_INFO.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
