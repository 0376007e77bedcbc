"""Models that no machine holds are told from other errors, and refused in a sentence."""

import pickle
from typing import Any

import numpy as np
import pytest

from rightbatch.errors import SettingError
from rightbatch.learners.mlp import MLP
from rightbatch.learners.shortage import ModelTooLargeError, short_of_memory
from rightbatch.train.fit import fit

X = np.ones((20, 4), np.float32)
Y = np.arange(20) % 2


def refused(model: Any) -> str:
    """What `fit` says of it; it is both of our errors and Python's own."""
    with pytest.raises(ModelTooLargeError) as caught:
        fit(model, (X, Y))
    assert isinstance(caught.value, SettingError)
    assert isinstance(caught.value, MemoryError)
    return str(caught.value)


def test_a_network_too_large() -> None:
    """400 TB of parameters, and more than an array may have."""
    assert refused(MLP(hidden=(10**7, 10**7))) == (
        "model does not fit in memory, got 'a network of 4, 10,000,000, 10,000,000 and 1 units'; "
        "write a smaller one."
    )
    assert "10,000,000,000 and 1 units" in refused(MLP(hidden=(10**10, 10**10)))


@pytest.mark.parametrize("units", [10**7, 10**10])
def test_a_module_too_large(units: int) -> None:
    """Likewise, by the name of what makes it, for a function and for a class."""
    nn = pytest.importorskip("torch").nn

    def net() -> Any:
        return nn.Linear(units, units)

    class Net(nn.Module):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(units, units)

    where = "test_a_module_too_large.<locals>"
    for make, name in ((net, "net"), (Net, "Net")):
        assert refused(make) == f"model does not fit in memory, got '{where}.{name}'; write a smaller one."


def test_other_errors_of_a_module_are_the_users_own() -> None:
    """They go by as they are."""
    nn = pytest.importorskip("torch").nn

    def net() -> Any:
        return nn.Linear(4, 1).no_such_layer

    with pytest.raises(AttributeError, match=r"no attribute 'no_such_layer'"):
        fit(net, (X, Y))


@pytest.mark.parametrize(
    ("error", "short"),
    [
        (MemoryError("Unable to allocate 364. TiB"), True),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"), True),
        (RuntimeError("CUDA out of memory. Tried to allocate"), True),
        (RuntimeError("Storage size calculation overflowed with sizes=[1, 2]"), True),
        (ValueError("Maximum allowed dimension exceeded"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (KeyError("out of memory"), False),
    ],
)
def test_what_says_that_memory_ran_out(error: Exception, short: bool) -> None:
    """Python's own error, and words of PyTorch and NumPy."""
    assert short_of_memory(error) is short


def test_it_travels_between_processes() -> None:
    """A worker of a study may find it."""
    error = ModelTooLargeError("Net")
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy)) == (ModelTooLargeError, str(error))
