"""Batches as PyTorch tensors: whose memory they are, under PyTorch's own DataLoader, and on a device."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from rightbatch.data.loader import Loader
from rightbatch.data.source import ArraySource
from rightbatch.errors import SettingError

torch = pytest.importorskip("torch")
deliver_torch = pytest.importorskip("rightbatch.data.deliver_torch")

X = np.arange(60, dtype=np.float32).reshape(20, 3)
Y = np.arange(20)


def test_tensors_share_the_blocks_memory_and_never_the_datas() -> None:
    """Batches of one block are one piece of memory; writing into any leaves the data as they were."""
    for shuffle in (True, False):
        made = list(Loader(X, 5, output="torch", shuffle=shuffle))
        places = [batch.data_ptr() for batch in made]
        assert np.diff(places).tolist() == [X[:5].nbytes] * 3
        before = X.copy()
        for batch in made:
            batch.add_(1)
        assert np.array_equal(X, before)


@pytest.mark.parametrize("where", ["memory", "device"])
def test_tensors_may_be_changed_in_place_under_autograd(where: str) -> None:
    """As when a perturbation that has a gradient is added; PyTorch refuses that for one of several views."""
    weight = torch.ones(3, requires_grad=True)
    batches = list(Loader(X, 5, output="torch"))
    if where == "device":
        block = deliver_torch.OnDevice(ArraySource(X), torch.device("cpu")).take(np.array([[0, 1], [2, 3]]))
        batches = list(deliver_torch.converter("cpu")(block))
    batches[1] += weight
    batches[1].sum().backward()
    assert weight.grad.tolist() == [len(batches[1])] * 3


def test_a_dataloader_iterates_the_loader() -> None:
    """So that the state in the middle of an epoch is where the loop is."""
    loader = Loader((X, Y), 6, shuffle=True)
    over: Any = torch.utils.data.DataLoader(loader, batch_size=None)
    seen = next(iter(over))[1].tolist()
    assert loader.state_dict()["samples"] == 6
    loader.load_state_dict(loader.state_dict())
    assert sorted(seen + [row for _, labels in over for row in labels.tolist()]) == list(range(20))


def test_a_loader_can_be_asked_by_number() -> None:
    """As a DataLoader does where PyTorch was imported after the loader was made."""
    loader, plain = Loader(Y, 6, shuffle=True), Loader(Y, 6, shuffle=True)
    for _ in range(2):
        assert [loader[number].tolist() for number in range(4)] == [batch.tolist() for batch in plain]


def test_a_loader_goes_under_a_dataloader() -> None:
    """Two epochs, each whole and in its own order."""
    loader = Loader((X, Y), 6, shuffle=True, seed=1)
    over: Any = torch.utils.data.DataLoader(loader, batch_size=None)
    epochs = [[labels.tolist() for _, labels in over] for _ in range(2)]
    expected = Loader((X, Y), 6, shuffle=True, seed=1)
    assert epochs == [[labels.tolist() for _, labels in expected] for _ in range(2)]


def test_worker_processes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each would make whole passes of its own; tried in this process, told that it is a worker."""
    loader = Loader((X, Y), 6)
    monkeypatch.setattr(torch.utils.data, "get_worker_info", lambda: SimpleNamespace(num_workers=1))
    asks: list[Callable[[], Any]] = [lambda: next(iter(loader)), lambda: loader[0]]
    for ask in asks:
        with pytest.raises(
            SettingError, match=r"^num_workers must be 0 over a Loader, got 1; write num_workers=0"
        ):
            ask()


def test_data_on_a_device_give_the_same_batches() -> None:
    """The way of a GPU, gone on the CPU: rows gathered by `index_select` from tensors made once."""
    source = ArraySource({"x": X, "pair": (Y, [X[:, 0]])})
    there = deliver_torch.OnDevice(source, torch.device("cpu"))
    index = np.array([[3, 1], [4, 4]])
    assert_same(there.take(index), source.take(index))
    assert_same(there.views(2, 3, 4, slice(1, 3)), source.views(2, 3, 4, slice(1, 3)))
    assert (there.rows, there.fingerprint()) == (20, source.fingerprint())


def assert_same(one: Any, two: Any) -> None:
    """Equal trees of arrays."""
    if isinstance(two, dict):
        assert list(one) == list(two)
        one, two = list(one.values()), list(two.values())
    if isinstance(two, (tuple, list)):
        for left, right in zip(one, two, strict=True):
            assert_same(left, right)
        return
    assert np.array_equal(np.asarray(one), two)


@pytest.mark.parametrize(
    ("device", "sentence"),
    [
        ("gpu7", "device is not known, got 'gpu7'; write cpu, cuda or cuda:1."),
        ("cuda", "device is not there: PyTorch finds no GPU, got 'cuda'; write cpu."),
    ],
)
def test_bad_devices(device: str, sentence: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no such thing."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SettingError) as caught:
        Loader(X, 5, output="torch", device=device)
    assert str(caught.value) == sentence
