"""Memory that is used again: never while anybody holds anything of it."""

import copy
import pickle
import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rightbatch.data import gather
from rightbatch.data.gather import Memory, Spare
from rightbatch.data.loader import Loader
from rightbatch.data.order import RowNumbers
from rightbatch.errors import DataError

FIELD = np.arange(3000.0).reshape(1000, 3)


@pytest.fixture(autouse=True)
def every_block_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that memory is used again for blocks of a few rows."""
    monkeypatch.setattr(gather, "SMALL", 0)


@given(
    st.lists(st.tuples(st.sampled_from(["take", "drop"]), st.integers(0, 9)), max_size=60), st.integers(1, 4)
)
def test_what_is_held_never_changes(steps: list[tuple[str, int]], most: int) -> None:
    """Blocks are taken, and views of views of them held and dropped, in any sequence."""
    spare = Spare(FIELD, most)
    held: list[tuple[Any, Any]] = []
    for step, number in steps:
        if step == "take":
            index = np.arange(number, number + 2 + number % 3)
            held.append((spare.take(index)[1:][:, ::2], FIELD[index][1:][:, ::2]))
        elif held:
            held.pop(number % len(held))
        assert all(np.array_equal(view, expected) for view, expected in held)


@pytest.mark.parametrize(
    "keep", ["view", "memoryview", "reshaped", "other dtype", "tensor", "view of tensor"]
)
def test_anything_that_looks_into_the_memory_holds_it(keep: str) -> None:
    """Whatever is made of a batch, without a copy."""
    torch: Any = pytest.importorskip("torch")
    makes: dict[str, Any] = {
        "view": lambda batch: batch[1:],
        "memoryview": memoryview,
        "reshaped": lambda batch: batch.reshape(-1).reshape(3, 2),
        "other dtype": lambda batch: batch.view(np.int64),
        "tensor": torch.from_numpy,
        "view of tensor": lambda batch: torch.from_numpy(batch)[1:].T,
    }
    spare = Spare(FIELD, 2)
    kept = makes[keep](spare.take(np.array([[5, 6]]))[0])
    before = np.asarray(kept).copy()
    for number in range(10):
        spare.take(np.array([[number, number]]))
    assert np.array_equal(np.asarray(kept), before)


def test_memory_is_used_again() -> None:
    """Two pieces are enough for a loop that lets go of a batch when it gets the next one."""
    pieces = {
        batch.ctypes.data // 2**20
        for _ in range(3)
        for batch in Loader(np.zeros((200, 2**17)), 1, shuffle=True)
    }
    assert len(pieces) <= 8


def test_a_smaller_batch_size_and_a_larger_one() -> None:
    """Memory that is too small is not used."""
    loader, rows = Loader(FIELD, 3, shuffle=True, last="spread"), []
    for number, batch in enumerate(loader):
        loader.batch_size = 3 + 40 * (number % 3)
        rows += batch[:, 0].tolist()
    assert sorted(rows) == FIELD[:, 0].tolist()


def test_two_threads_never_get_the_same_memory() -> None:
    """Each sees the rows it asked for, as long as it holds them."""
    spare = Spare(FIELD, 3)
    wrong: list[int] = []

    def work(number: int) -> None:
        index = np.full((1, 50), number)
        wrong.extend(turn for turn in range(500) if not (spare.take(index) == FIELD[number]).all())

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_much_memory_is_let_go_after_a_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """And little is kept."""
    memory = Memory(2)
    (take,) = memory.takes([FIELD])
    take(np.arange(100))
    memory.shrink()
    assert memory.takes([FIELD]) == [take]
    monkeypatch.setattr(gather, "MOST_KEPT", 100)
    memory.shrink()
    assert memory.takes([FIELD]) != [take]


@pytest.mark.parametrize("sent", [copy.deepcopy, lambda loader: pickle.loads(pickle.dumps(loader))])
def test_a_loader_can_be_copied_and_sent(sent: Any) -> None:
    """After a pass of two threads, which draws the next epoch: the copy goes on with that one."""
    loader = Loader(FIELD, 7, shuffle=True, threads=2)
    list(loader)
    other = sent(loader)
    assert np.array_equal(np.concatenate(list(other)), np.concatenate(list(loader)))


class Wrong:
    """An order that gives a row too many."""

    def __init__(self, row: int, *, computed: bool) -> None:
        self.row, self.computed = row, computed

    def __repr__(self) -> str:
        return "Wrong()"

    def length(self, rows: int) -> int:
        """Two."""
        return 2

    def row_numbers(self, epoch: int, rows: int, meant: Any = None) -> RowNumbers:
        """One right, one wrong."""
        numbers = np.array([0, self.row])
        return Windows(numbers) if self.computed else numbers


class Windows:
    """Row numbers of which only windows can be had."""

    def __init__(self, numbers: Any) -> None:
        self.numbers = numbers

    def __getitem__(self, window: slice) -> Any:
        return self.numbers[window]


@pytest.mark.parametrize("row", [-1, 1000])
@pytest.mark.parametrize("computed", [False, True])
def test_a_row_number_that_is_not_there_is_refused(row: int, computed: bool) -> None:
    """Of an order of the user's: clipped, it would be another row."""
    with pytest.raises(DataError) as caught:
        list(Loader(FIELD, 2, order=Wrong(row, computed=computed)))
    assert str(caught.value) == (
        f"the order gives row number {row}, and the data have 1000 rows; "
        "write an order of numbers from 0 to 999."
    )
