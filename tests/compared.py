"""Comparisons that several tests read: each is run once."""

from functools import cache

from rightbatch.compare import Comparison, compare


@cache
def line() -> Comparison:
    """Batch sizes on line, 20 epochs."""
    return compare("line", epochs=20)


@cache
def houses() -> Comparison:
    """Batch sizes on houses, as they are by default."""
    return compare("houses")


@cache
def some_diverge() -> Comparison:
    """One learning rate at which one row an update is too noisy, and all rows are not."""
    return compare("line", epochs=20, lr=0.8, batch_sizes=[1, 100])


@cache
def network() -> Comparison:
    """Update rules on digits, two epochs of a small MLP."""
    return compare("digits", epochs=2, optimizers=["sgd", "adam"], batch_sizes=[64], lr=0.02)


@cache
def many() -> Comparison:
    """More methods than there are colours."""
    return compare("line", epochs=3, batch_sizes=[1, 2, 4, 8, 16, 32, 64, 100], lr=0.05)
