"""Going on from any step of any order, with other batches and other shards."""

import json
from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest

from data.every_order import CHOOSES_ITS_BATCHES, EVERY, RANDOM
from rightbatch.data.balanced import Balanced
from rightbatch.data.batches import LAST, Batches
from rightbatch.data.bylength import ByLength
from rightbatch.data.loader import Loader
from rightbatch.data.order import Order
from rightbatch.data.weighted import Weighted
from rightbatch.errors import SettingError
from rightbatch.records import Batch

ROWS = 23
DATA = np.arange(ROWS)

every_order = pytest.mark.parametrize("name", EVERY)
sized_order = pytest.mark.parametrize("name", [name for name in EVERY if name != CHOOSES_ITS_BATCHES])


def make(name: str, batch_size: int, **settings: Any) -> Loader:
    """A loader of the small data, with batches of no more rows than an epoch has."""
    order = EVERY[name](ROWS, 5)
    size = None if name == CHOOSES_ITS_BATCHES else min(batch_size, order.length(ROWS))
    return Loader(DATA, size, order=order, **settings)


def epoch_of(name: str, epoch: int, batch_size: int, last: str = "keep") -> list[int]:
    """The rows of an epoch that was begun with a batch size."""
    order = EVERY[name](ROWS, 5)
    length = order.length(ROWS)
    meant = Batches(length, min(batch_size, length), last)
    return [int(row) for row in order.row_numbers(epoch, ROWS, meant)[0:length]]


def real(batch: Batch) -> list[int]:
    """The rows of a batch that are no padding."""
    return (batch.index if batch.weight is None else batch.index[batch.weight > 0]).tolist()


def rows_of(loaders: list[Loader]) -> list[int]:
    """The rows of the next pass of all shards, as one process would see them."""
    steps = zip(*[loader.batches() for loader in loaders], strict=True)
    return [row for parts in steps for part in parts for row in real(part)]


def states_of(loader: Loader, epochs: int) -> list[dict[str, Any]]:
    """The state before the first batch and after each one."""
    states = [loader.state_dict()]
    for _ in range(epochs):
        states += [loader.state_dict() for _ in loader.batches()]
    return [json.loads(json.dumps(state)) for state in states]


@every_order
@pytest.mark.parametrize(("shards", "other_shards"), [(1, 1), (1, 3), (2, 1), (3, 2)])
@pytest.mark.parametrize("other_size", [1, 4, 6, 23])
def test_every_step_with_other_batches_and_shards(
    name: str, other_size: int, shards: int, other_shards: int
) -> None:
    """From each step of two epochs: the rest of the epoch as it was meant, then the next as meant now."""
    for state in states_of(make(name, 4, shard=(0, shards)), 2):
        others = [make(name, other_size, shard=(rank, other_shards)) for rank in range(other_shards)]
        for other in others:
            other.load_state_dict(state)
            assert other.epoch == state["epoch"]
        meant = 4 if state["samples"] else other_size
        assert rows_of(others) == epoch_of(name, state["epoch"], meant)[state["samples"] :]
        assert rows_of(others) == epoch_of(name, state["epoch"] + 1, other_size)


@sized_order
@pytest.mark.parametrize("last", LAST)
def test_every_step_with_the_same_batches(name: str, last: str) -> None:
    """The batches are those that would have come: index, weight and step, whatever `last` is."""
    loader = make(name, 4, last=last)
    whole = [batch for _ in range(2) for batch in loader.batches()]
    for number, state in enumerate(states_of(make(name, 4, last=last), 1)):
        other = make(name, 4, last=last)
        other.load_state_dict(state)
        rest = [batch for _ in range(2 - state["epoch"]) for batch in other.batches()]
        assert list(map(repr, rest)) == list(map(repr, whole[number:]))


@sized_order
@pytest.mark.parametrize("last", LAST)
@pytest.mark.parametrize("sizes", [(4, 7), (7, 1, 7), (2, 3, 5, 3)])
def test_the_batch_size_changes_at_the_next_batch(
    name: str, last: str, sizes: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twice in each epoch: batches have the size asked for, and no row is lost or repeated."""
    monkeypatch.setattr("rightbatch.data.blocks.BLOCK_BYTES", 100)
    loader = make(name, sizes[0], last=last)
    for epoch in range(3):
        begun, length = loader.batch_size, EVERY[name](ROWS, 5).length(ROWS)
        seen: list[int] = []
        for step, batch in enumerate(loader.batches()):
            rest = length - len(seen)
            if last != "spread":
                assert len(real(batch)) == min(loader.batch_size, rest)
            else:
                assert len(real(batch)) == -(-rest // -(-rest // loader.batch_size))
            assert (batch.epoch, batch.step) == (epoch, step)
            seen += real(batch)
            if step % 2:
                loader.batch_size = sizes[(step // 2 + epoch) % len(sizes)]
        whole = epoch_of(name, epoch, begun, last)
        assert seen == whole[: len(seen)]
        assert len(whole) - len(seen) < (loader.batch_size if last == "drop" else 1)


def test_a_change_counts_in_every_way_to_iterate() -> None:
    """Plain passes also; `len` is that of an epoch of the new size; a wrong size changes nothing."""
    loader = Loader(np.arange(20), 2)
    sizes = []
    for batch in loader:
        sizes.append(len(batch))
        loader.batch_size = 5
    assert sizes == [2, 5, 5, 5, 3]
    assert (len(loader), loader.batch_size) == (4, 5)
    for wrong in (0, 21, 2.5, None):
        with pytest.raises(SettingError, match=r"^batch_size must be "):
            loader.batch_size = wrong  # type: ignore[assignment]
    assert loader.batch_size == 5


def test_a_state_after_a_change_resumes_too() -> None:
    """With the sequence that the epoch began with, though the size is another one."""
    order = EVERY["stratified"](ROWS, 5)
    loader = Loader(DATA, 4, order=order)
    seen = []
    for batch in loader.batches():
        seen += real(batch)
        loader.batch_size = 6
        if len(seen) == 10:
            break
    state = loader.state_dict()
    assert (state["batch_size"], state["samples"]) == (4, 10)
    other = Loader(DATA, 6, order=order)
    other.load_state_dict(state)
    assert seen + rows_of([other]) == epoch_of("stratified", 0, 4)
    assert rows_of([other]) == epoch_of("stratified", 1, 6)


def test_a_token_budget_leaves_no_batch_size() -> None:
    """Neither at the start nor later, and nothing is left over to drop."""
    order = ByLength([3, 1, 2, 2, 3], tokens=6)
    text = (
        "batch_size must be left out where the order has a token budget, got 2; "
        "write another budget into the order."
    )
    with pytest.raises(SettingError) as caught:
        Loader(np.arange(5), 2, order=order)
    assert str(caught.value) == text
    loader = Loader(np.arange(5), order=order)
    with pytest.raises(SettingError) as caught:
        loader.batch_size = 2
    assert str(caught.value) == text
    with pytest.raises(SettingError) as caught:
        Loader(np.arange(5), order=order, last="drop")
    assert str(caught.value) == (
        "last must be left out where the order has a token budget, got 'drop'; nothing is left over."
    )
    assert (loader.batch_size, len(loader)) == (3, 2)


class StopHereError(Exception):
    """What a training loop may raise."""


@every_order
@pytest.mark.parametrize("ending", [StopHereError, KeyboardInterrupt, GeneratorExit])
def test_an_interrupted_pass_can_be_gone_on_with(name: str, ending: type[BaseException]) -> None:
    """Whatever ends the loop's body, the state is that after its batch: nothing lost, nothing repeated."""
    steps = len(make(name, 4))
    for stop in range(steps):
        loader, seen = make(name, 4), []
        try:
            for batch in loader.batches():
                seen += real(batch)
                if batch.step == stop:
                    raise ending
        except ending:
            pass
        other = make(name, 4)
        other.load_state_dict(loader.state_dict())
        if stop < steps - 1:
            seen += rows_of([other])
        assert seen == epoch_of(name, 0, 4)
        assert rows_of([other]) == epoch_of(name, 1, 4)


@every_order
def test_a_state_is_small(name: str) -> None:
    """Of a large data set with a large seed: under 1 kB of JSON, without any row."""
    rows = 10_000
    loader = Loader({f"field {i}": np.zeros(rows) for i in range(50)}, order=EVERY[name](rows, 2**64))
    next(iter(loader))
    assert len(json.dumps(loader.state_dict())) < 400


@pytest.mark.parametrize("name", RANDOM)
def test_a_state_of_another_seed_is_refused(name: str) -> None:
    """The field is named."""
    one, other = (Loader(DATA, order=EVERY[name](ROWS, seed)) for seed in (0, 1))
    with pytest.raises(SettingError) as caught:
        other.load_state_dict(one.state_dict())
    assert caught.value.argument == "state['order']"


ORDERS: list[Order] = [
    Balanced([0, 1, 0, 1, 1]),
    Balanced([0, 1, 0, 1, 0]),
    Weighted([1, 1, 1, 1, 1]),
    Weighted([1, 1, 1, 1, 2]),
    Weighted([1, 1, 1, 1, 1], replacement=False),
    Weighted([1, 1, 1, 1, 1], length=4),
    ByLength([1, 2, 3, 4, 5]),
    ByLength([1, 2, 3, 4, 6]),
    ByLength([1, 2, 3, 4, 5], tokens=5),
]


@pytest.mark.parametrize(("one", "other"), list(pairwise(ORDERS)), ids=repr)
def test_a_state_of_other_labels_weights_or_lengths_is_refused(one: Order, other: Order) -> None:
    """What an order knows of the rows is part of the state."""
    state = Loader(np.arange(5), order=one).state_dict()
    with pytest.raises(SettingError) as caught:
        Loader(np.arange(5), order=other).load_state_dict(state)
    assert caught.value.argument == "state['order']"


@every_order
def test_global_random_state_is_neither_read_nor_moved(name: str) -> None:
    """The order is the same after any global seed, and the global generator stays where it was."""
    orders = []
    for seed in (0, 1):
        np.random.seed(seed)  # noqa: NPY002 (the global state is what is tested)
        before = repr(np.random.get_state())  # noqa: NPY002
        orders.append(rows_of([make(name, 4)]))
        assert repr(np.random.get_state()) == before  # noqa: NPY002
    assert orders[0] == orders[1]


@every_order
def test_two_passes_at_once_do_not_disturb_each_other(name: str) -> None:
    """Interleaved passes are two epochs, each as it would be alone."""
    alone, loader = make(name, 4), make(name, 4)
    epochs = [rows_of([alone]) for _ in range(2)]
    pairs = list(zip(loader.batches(), loader.batches(), strict=True))
    assert [[row for pair in pairs for row in real(pair[which])] for which in (0, 1)] == epochs


def test_state_and_shards_do_not_depend_on_each_other() -> None:
    """All ranks have the same state at the same step."""
    for name, shards in product(EVERY, (2, 5)):
        loaders = [make(name, 6, shard=(rank, shards)) for rank in range(shards)]
        for _ in zip(*[loader.batches() for loader in loaders], strict=True):
            assert len({json.dumps(loader.state_dict()) for loader in loaders}) == 1
