"""Rows as tensors: what arrives is what was sent, in the type that the module takes, by the way it should."""

from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")

import torch
from torch import Tensor, nn

from rightbatch.data.loader import Loader
from rightbatch.learners.torch_feed import Feed
from rightbatch.learners.torch_memory import TensorBytes
from rightbatch.learners.torch_model import TorchModel
from rightbatch.records import Batch, Shape
from rightbatch.train.fit import fit

SHAPE = Shape(features=6, outputs=3, task="classification")
CPU = torch.device("cpu")
RNG = np.random.default_rng(2)
X, Y = RNG.normal(size=(40, 6)).astype(np.float32), RNG.integers(0, 3, 40)


def net(features: int, outputs: int) -> nn.Module:
    """A small network."""
    return nn.Sequential(nn.Linear(features, 8), nn.Tanh(), nn.Linear(8, outputs))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8, np.bool_, np.int32])
def test_tensors_are_taken_as_arrays_are(dtype: Any) -> None:
    """Inputs, targets and shares have the same values and types, whichever they came as."""
    x, weight = (X * 3).astype(dtype)[:4], np.array([1, 1, 1, 0], np.float32)
    feed = Feed(TorchModel(net), SHAPE, CPU)
    arrays = feed.batch(Batch((x, Y[:4]), np.arange(4), weight, 0, 0))
    tensors = feed.batch(Batch((torch.from_numpy(x), torch.from_numpy(Y[:4])), np.arange(4), weight, 0, 0))
    for one, other in zip(arrays, tensors, strict=True):
        assert one is not None
        assert other is not None
        assert one.dtype == other.dtype
        assert torch.equal(one, other)
    assert arrays[0].dtype == torch.float32
    assert arrays[2] is not None
    assert arrays[2].tolist() == pytest.approx([1 / 3, 1 / 3, 1 / 3, 0])


def test_words_stay_whole_as_tensors() -> None:
    """An embedding is given the whole numbers that a loader of tensors has."""
    feed = Feed(TorchModel(lambda: nn.Sequential(nn.Embedding(9, 2), nn.Flatten())), SHAPE, CPU)
    words = torch.tensor([[1, 8], [3, 0]], dtype=torch.int32)
    rows = feed.rows(words)
    assert isinstance(rows, torch.Tensor)
    assert rows.dtype == torch.int64
    assert rows.tolist() == words.tolist()


def test_rows_that_do_not_count_at_all_have_no_share() -> None:
    """As a process has them whose part of a batch is padding: 0, and not 0/0."""
    feed = Feed(TorchModel(net), SHAPE, CPU)
    share = feed.batch(Batch((X[:3], Y[:3]), np.arange(3), np.zeros(3, np.float32), 0, 0))[2]
    assert share is not None
    assert share.tolist() == [0, 0, 0]


def test_a_loader_of_tensors_trains_as_one_of_arrays() -> None:
    """To the last bit."""

    def trained(output: str) -> list[Any]:
        loader = Loader((X, Y), 9, shuffle=True, seed=1, output=output)
        result = fit(net, loader, (X, Y), epochs=3, accumulate=2, optimizer="adam")
        return [value.tolist() for value in result.parameters().values()]

    assert trained("torch") == trained("numpy")


def test_arrays_reach_a_gpu_through_pinned_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are pinned, and copied without waiting; "meta" stands for the GPU that is not here."""
    asked: list[Any] = []
    copy: Any = Tensor.to

    def pinned(tensor: Tensor) -> Tensor:
        asked.append("pinned")
        return tensor

    def to(tensor: Tensor, *where: Any, non_blocking: bool = False) -> Tensor:
        asked.append((where[0].type, non_blocking))
        return copy(tensor, *where, non_blocking=non_blocking)

    monkeypatch.setattr(Tensor, "pin_memory", pinned)
    monkeypatch.setattr(Tensor, "to", to)
    found = Feed(TorchModel(net), SHAPE, torch.device("meta")).targets(Y)
    assert asked == ["pinned", ("meta", True)]
    assert (found.device.type, found.dtype, found.shape) == ("meta", torch.int64, (40,))


def test_a_loader_for_a_gpu_gives_out_rows_there() -> None:
    """`fit` asks for tensors on the model's device, made ahead; on the CPU for nothing."""
    assert TorchModel(net).delivery() == {}
    assert TorchModel(net, device="cuda:1").delivery() == {
        "output": "torch",
        "device": "cuda:1",
        "prefetch": 1,
    }


def test_memory_on_a_gpu_is_what_its_allocator_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The most at any one time, less what was there before; 100 and 350 bytes are made up."""
    asked: list[str] = []
    monkeypatch.setattr("torch.cuda.reset_peak_memory_stats", lambda device: asked.append(f"reset {device}"))
    monkeypatch.setattr("torch.cuda.memory_allocated", lambda _: 100)
    monkeypatch.setattr("torch.cuda.max_memory_allocated", lambda _: 350)
    with TensorBytes(torch.device("cuda", 1)) as counted:
        assert asked == ["reset cuda:1"]
    assert counted.peak == 250
