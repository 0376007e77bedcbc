"""What is said of the machine."""

import json

import numpy as np
from threadpoolctl import threadpool_info

from rightbatch.study.machine import describe, fixed_threads


def test_the_machine_is_described() -> None:
    """Everything that bears on the timings, as JSON can hold it."""
    machine = describe(3)
    assert json.loads(json.dumps(machine)) == machine
    assert machine["threads"] == 3
    assert machine["cores"] >= 1
    assert machine["memory_bytes"] > 100_000_000
    assert machine["numpy"] == np.__version__
    assert machine["cpu"]


def test_threads_are_fixed_within_the_block() -> None:
    """Linear algebra uses one thread inside, and what it used before outside."""

    def threads() -> list[int]:
        return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]

    before = threads()
    with fixed_threads(1):
        assert set(threads()) <= {1}
    assert threads() == before
