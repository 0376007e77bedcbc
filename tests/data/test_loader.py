"""The loader: every row exactly once, resumable anywhere, and no surprises with memory."""

import inspect
import json
import math
import random
import subprocess
import sys
import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rightbatch.data.loader import Loader
from rightbatch.data.order import Order, Sequential, Shuffled
from rightbatch.data.tree import fields
from rightbatch.errors import DataError, SettingError
from rightbatch.records import Array

ORDERS: list[Order] = [Sequential(), Shuffled(seed=3)]

pytestmark = pytest.mark.filterwarnings("ignore:the last batch of this epoch will have one row:UserWarning")


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of few batches, so that small data fill many of them."""
    monkeypatch.setattr("rightbatch.data.blocks.BLOCK_BYTES", 100)


def rows_of(batches: Any) -> list[int]:
    """All rows of all batches, one after the other."""
    return [int(row) for batch in batches for row in batch]


def expected_rows(order: Order, epoch: int, rows: int, batch_size: int, last: str) -> list[int]:
    """The rows of an epoch by the contract alone."""
    numbers = list(order.row_numbers(epoch, rows)[:rows])
    return numbers if last == "keep" else numbers[: rows // batch_size * batch_size]


# what a pass delivers -----------------------------------------------------------------


@pytest.mark.parametrize("order", ORDERS, ids=repr)
@pytest.mark.parametrize("last", ["keep", "drop"])
def test_every_row_exactly_once(order: Order, last: str, small_blocks: None) -> None:
    """For all numbers of rows up to 40 and all batch sizes: the rows, their number and `len` are as told."""
    for rows in range(1, 41):
        data = np.arange(rows)
        for batch_size in range(1, rows + 1):
            loader = Loader(data, batch_size, order=order, last=last)
            for epoch in range(2):
                batches = list(loader)
                got = rows_of(batches)
                assert len(batches) == len(loader)
                assert got == expected_rows(order, epoch, rows, batch_size, last)
                assert all(len(batch) == batch_size for batch in batches[:-1])
                assert sorted(got) == list(range(rows)) or (last == "drop" and len(set(got)) == len(got))
            short = rows % batch_size
            assert len(batches[-1]) == (short if short and last == "keep" else batch_size)
            whole = rows / batch_size
            assert len(loader) == (math.ceil(whole) if last == "keep" else math.floor(whole))


DTYPES: list[Any] = [
    "?", "u1", "f2", ">i4", "c8", "M8[D]", "S3", "U2", "O",
    [("a", "i2"), ("b", "f8", (2,))], [("name", "O"), ("n", "u8")],
]  # fmt: skip


def field(dtype: Any, shape: tuple[int, ...]) -> Array:
    """A field whose rows differ as far as the dtype can tell."""
    result: Array = np.zeros(shape, dtype)
    numbers = np.arange(result.size).reshape(shape)
    for part in [result[name] for name in result.dtype.names or ()] or [result]:
        extra = part.ndim - numbers.ndim
        part[...] = numbers.reshape(*shape, *[1] * extra).astype(part.dtype)
    return result


@st.composite
def trees(draw: st.DrawFn) -> Any:
    """Trees of up to five fields of the same length."""
    rows = draw(st.integers(1, 9))
    shapes = st.lists(st.integers(0, 3), max_size=2).map(lambda tail: (rows, *tail))
    leaf = st.builds(field, st.sampled_from(DTYPES), shapes)
    return draw(
        st.recursive(
            leaf,
            lambda child: st.one_of(
                st.lists(child, min_size=1, max_size=3),
                st.lists(child, min_size=1, max_size=3).map(tuple),
                st.dictionaries(st.sampled_from("xyz"), child, min_size=1),
            ),
            max_leaves=5,
        )
    )


def form(tree: Any) -> Any:
    """The tree without its arrays."""
    if isinstance(tree, dict):
        return {key: form(child) for key, child in tree.items()}
    return type(tree)(map(form, tree)) if isinstance(tree, list | tuple) else "array"


@given(trees(), st.data())
def test_any_tree_of_any_dtype(tree: Any, data: st.DataObject) -> None:
    """A batch is the same tree, and each field has the rows that the index tells, of the same dtype."""
    rows = len(next(fields(tree))[1])
    settings: dict[str, Any] = {
        "batch_size": data.draw(st.integers(1, rows)),
        "order": data.draw(st.sampled_from(ORDERS)),
        "last": data.draw(st.sampled_from(["keep", "pad", "spread"])),
    }
    shards = data.draw(st.integers(1, 3))
    seen = []
    for rank in range(shards):
        for batch in Loader(tree, **settings, shard=(rank, shards)).batches():
            assert form(batch.data) == form(tree)
            assert batch.index.dtype == np.int64
            for (_, got), (_, whole) in zip(fields(batch.data), fields(tree), strict=True):
                assert got.dtype == whole.dtype
                assert got.shape == (len(batch.index), *whole.shape[1:])
                assert repr(got.tolist()) == repr([whole.tolist()[row] for row in batch.index])
            real = batch.index if batch.weight is None else batch.index[batch.weight > 0]
            seen.extend(real.tolist())
    assert sorted(seen) == list(range(rows))


@pytest.mark.parametrize("order", ORDERS, ids=repr)
def test_both_ways_to_iterate_deliver_the_same(order: Order, small_blocks: None) -> None:
    """`batches()` has the data of `iter()`, and counts epochs and steps."""
    data = (np.arange(20), np.arange(20.0))
    plain, told = Loader(data, 3, order=order), Loader(data, 3, order=order)
    for epoch in range(2):
        for step, (x_y, batch) in enumerate(zip(plain, told.batches(), strict=True)):
            assert repr(x_y) == repr(batch.data)
            assert (batch.epoch, batch.step, batch.weight) == (epoch, step, None)
            assert batch.index.tolist() == x_y[0].tolist()


def test_shuffle_and_drop_last_are_short_for_order_and_last() -> None:
    """The torch way and the full way to write a setting are the same loader."""
    short = Loader(np.arange(10), 4, shuffle=True, seed=5, drop_last=True)
    full = Loader(np.arange(10), 4, order=Shuffled(seed=5), last="drop")
    assert repr(short) == repr(full) == "Loader(10 rows, batch_size=4, order=Shuffled(seed=5), last='drop')"
    assert rows_of(short) == rows_of(full)
    assert (short.rows, short.batch_size) == (10, 4)
    assert repr(Loader(np.arange(10), 4, shard=(1, 3))).endswith("last='keep', shard=(1, 3))")


def test_without_a_batch_size_there_are_64_rows_or_all() -> None:
    """Small data need no setting."""
    assert [Loader(np.arange(rows)).batch_size for rows in (5, 64, 65)] == [5, 64, 64]


def test_global_random_state_is_neither_read_nor_moved() -> None:
    """The order is the same after any global seed, and the global generators stay where they were."""
    orders = []
    for seed in (0, 1):
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002 (the global state is what is tested)
        before = random.getstate(), repr(np.random.get_state())  # noqa: NPY002
        orders.append(rows_of(Loader(np.arange(50), 7, shuffle=True)))
        assert (random.getstate(), repr(np.random.get_state())) == before  # noqa: NPY002
    assert orders[0] == orders[1]


# passes and epochs --------------------------------------------------------------------


def test_a_pass_that_is_left_counts_as_an_epoch() -> None:
    """After `break` the next pass is the next epoch, from its start, however often."""
    loader, whole = Loader(np.arange(9), 2, shuffle=True), Loader(np.arange(9), 2, shuffle=True)
    epochs = [rows_of(whole) for _ in range(3)]
    for epoch in range(2):
        for _ in loader:
            break
        assert loader.epoch == epoch
    assert rows_of(loader) == epochs[2]
    assert loader.epoch == 3


def test_the_epoch_is_that_of_the_pass() -> None:
    """It moves when the pass is complete, not before."""
    loader = Loader(np.arange(4), 2, shuffle=True)
    for epoch in range(3):
        assert loader.epoch == epoch
        assert [loader.epoch for _ in loader] == [epoch, epoch]


def test_two_passes_at_once_do_not_disturb_each_other(small_blocks: None) -> None:
    """Interleaved passes are two epochs, each as it would be alone."""
    alone = Loader(np.arange(50), 3, shuffle=True)
    epochs = [rows_of(alone) for _ in range(2)]
    loader = Loader(np.arange(50), 3, shuffle=True)
    pairs = [(first.copy(), second.copy()) for first, second in zip(loader, loader, strict=True)]
    assert [rows_of(batches) for batches in zip(*pairs, strict=True)] == epochs
    assert loader.epoch == 2


# memory -------------------------------------------------------------------------------


def test_batches_can_be_kept_and_written(small_blocks: None) -> None:
    """No batch shares memory with another one or with the data, through all blocks of the epoch."""
    x, y = np.arange(60.0).reshape(30, 2), np.arange(30)
    kept = []
    for batch_x, batch_y in Loader((x, y), 4, shuffle=True):
        kept.append((batch_x, batch_y, batch_x.copy(), batch_y.copy()))
        np.add(batch_x, 100, out=batch_x)
        np.add(batch_y, 100, out=batch_y)
    for batch_x, batch_y, was_x, was_y in kept:
        assert (batch_x == was_x + 100).all()
        assert (batch_y == was_y + 100).all()
    assert x.ravel().tolist() == list(range(60))
    assert y.tolist() == list(range(30))
    assert sorted(rows_of(was_y for *_, was_y in kept)) == list(range(30))


def test_sequential_batches_are_views_that_cannot_be_written() -> None:
    """No copy is made, also of data that are not contiguous."""
    x = np.arange(80.0).reshape(20, 4)[::2, ::3]
    for batch in Loader((x,), 3):
        assert np.shares_memory(batch[0], x)
        with pytest.raises(ValueError, match="read-only"):
            batch[0][0] = 1


def test_the_whole_data_can_be_read() -> None:
    """`data` is the same tree without a copy, and cannot be written."""
    x, y = np.arange(10.0), np.arange(5)
    loader = Loader({"x": x.reshape(5, 2), "y": y}, 2, shuffle=True)
    assert [name for name, _ in fields(loader.data)] == ["data['x']", "data['y']"]
    assert np.shares_memory(loader.data["x"], x)
    assert not loader.data["y"].flags.writeable


def test_row_numbers_cannot_be_written_where_others_depend_on_them() -> None:
    """The index of a batch is a view of the permutation that the rest of the epoch follows."""
    batch = next(Loader(np.arange(9), 2, shuffle=True).batches())
    with pytest.raises(ValueError, match="read-only"):
        batch.index[0] = 5


def test_the_memory_of_a_block_is_given_back() -> None:
    """A pass over 16 MB takes its permutation and less than 1 MB at any time."""
    data = np.zeros((100_000, 20))
    loader = Loader(data, 32, shuffle=True)
    tracemalloc.start()
    for _ in loader:
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * len(data) + 2**20


# resuming -----------------------------------------------------------------------------


def resumed(state: dict[str, Any], loader: Loader) -> Loader:
    """The loader at the state, which went through JSON."""
    loader.load_state_dict(json.loads(json.dumps(state)))
    return loader


@pytest.mark.parametrize("order", ORDERS, ids=repr)
@pytest.mark.parametrize("other_size", [1, 3, 4, 7, 23])
def test_resuming_is_exact_at_every_step(order: Order, other_size: int, small_blocks: None) -> None:
    """From any step of two epochs, with any batch size: the rest of the epoch, then the next ones."""
    data = np.arange(23)
    epochs = [list(order.row_numbers(epoch, 23)[:23]) for epoch in range(4)]
    loader = Loader(data, 4, order=order)
    states = [loader.state_dict()]
    for _ in range(2):
        states += [loader.state_dict() for _ in loader]
    assert len(states) == 13
    for step, state in enumerate(states):
        epoch, done = divmod(step, 6)
        other = resumed(state, Loader(data, other_size, order=order))
        assert other.epoch == epoch
        assert rows_of(other) == epochs[epoch][4 * done :]
        assert rows_of(other) == epochs[epoch + 1]


def test_resuming_with_dropped_rows() -> None:
    """Rows are cut anew from the place reached; where no full batch is left, the next epoch begins."""
    data, order = np.arange(10), Shuffled()
    loader = Loader(data, 3, order=order, last="drop")
    states = [loader.state_dict() for _ in loader]
    assert [(state["epoch"], state["samples"]) for state in states] == [(0, 3), (0, 6), (1, 0)]
    for size, epoch, window in ((2, 0, slice(6, 10)), (4, 0, slice(6, 10)), (5, 1, slice(0, 10))):
        other = resumed(states[1], Loader(data, size, order=order, last="drop"))
        assert rows_of(other) == order.row_numbers(epoch, 10)[window].tolist()


def test_a_state_may_come_after_iter() -> None:
    """A pass begins with its first batch, so a state loaded before that counts."""
    loader = Loader(np.arange(10), 2, shuffle=True)
    batches = iter(loader)
    next(batches)
    state, rest = loader.state_dict(), rows_of(batches)
    other = Loader(np.arange(10), 2, shuffle=True)
    begun = iter(other)
    other.load_state_dict(state)
    assert rows_of(begun) == rest


def test_a_state_moves_the_next_pass_and_not_one_that_runs() -> None:
    """Going back in the middle of a pass: the pass ends as it was, and the next one begins at the state."""
    loader = Loader(np.arange(10), 2)
    state = loader.state_dict()
    got = []
    for step, batch in enumerate(loader):
        if step == 2:
            loader.load_state_dict(state)
        got.append(batch)
    assert rows_of(got) == list(range(10))
    assert loader.state_dict() == state
    assert [batch.epoch for batch in loader.batches()] == [0] * 5


def test_steps_count_on_after_resuming() -> None:
    """The batches before the state are counted, whatever their size."""
    loader = Loader(np.arange(10), 2)
    for batch in loader.batches():
        if batch.step == 2:
            break
    other = resumed(loader.state_dict(), Loader(np.arange(10), 3))
    assert [(batch.step, len(batch.index)) for batch in other.batches()] == [(3, 3), (4, 1)]


def test_a_state_is_small_and_plain() -> None:
    """JSON of under 1 kB, that counts samples."""
    data = {f"field {i}": np.zeros((1000, 2)) for i in range(50)}
    size: Any = np.int64(10)
    loader = Loader(data, size, shuffle=True, seed=2**70)
    next(iter(loader))
    state = loader.state_dict()
    assert len(json.dumps(state)) < 1000
    assert (state["epoch"], state["samples"], state["step"]) == (0, 10, 1)


@pytest.mark.parametrize(
    ("data", "settings", "name"),
    [
        (np.arange(11), {}, "state['rows']"),
        (np.arange(10) + 1, {}, "state['data']"),
        (np.arange(10.0), {}, "state['data']"),
        (np.arange(10), {"seed": 1}, "state['order']"),
        (np.arange(10), {"shuffle": False}, "state['order']"),
    ],
)
def test_a_state_of_something_else_is_refused(data: Any, settings: Any, name: str) -> None:
    """Other rows, content, dtype, seed or order: the error names the field, and the loader is as it was."""
    state = Loader(np.arange(10), 2, shuffle=True).state_dict()
    loader = Loader(data, 2, **{"shuffle": True, **settings})
    before = loader.state_dict()
    with pytest.raises(SettingError) as caught:
        loader.load_state_dict(state)
    assert caught.value.argument == name
    assert loader.state_dict() == before


# what is refused ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        (
            {"batch_size": 64},
            "batch_size must be at most 10, the rows of an epoch, got 64; write a whole number from 1 to 10.",
        ),
        ({"batch_size": 0}, "batch_size must be at least 1, got 0; write a whole number such as 32."),
        ({"batch_size": 2.5}, "batch_size must be a whole number, got 2.5; write a whole number such as 32."),
        ({"shuffle": "no"}, "shuffle must be True or False, got 'no'; write shuffle=True or leave it out."),
        ({"shuffle": 7}, "shuffle must be True or False, got 7; write shuffle=True or leave it out."),
        (
            {"drop_last": "no"},
            "drop_last must be True or False, got 'no'; write drop_last=True or leave it out.",
        ),
        ({"last": "kepe"}, "last is not known, got 'kepe'; write one of keep, spread, pad, drop."),
        (
            {"last": "pad", "drop_last": True},
            "last must be left out where drop_last=True is given, got 'pad'; write one of the two.",
        ),
        ({"order": "random"}, "order must be an order, got 'random'; write one such as Shuffled(seed=0)."),
        (
            {"order": Sequential},
            (
                "order must be an order, got <class 'rightbatch.data.order.Sequential'>; "
                "write one such as Shuffled(seed=0)."
            ),
        ),
        (
            {"order": Sequential(), "shuffle": True},
            "shuffle must be left out where order is given, got True; write one of the two.",
        ),
        (
            {"order": Shuffled(), "seed": 4},
            "seed must be left out where order is given, got 4; write order=Shuffled(seed=4).",
        ),
        (
            {"shuffle": True, "seed": "x"},
            "seed must be a whole number, got 'x'; write a whole number such as 0.",
        ),
    ],
)
def test_settings_that_cannot_be_used_are_refused(settings: Any, text: str) -> None:
    """The sentence names the setting, what was got and what to write."""
    with pytest.raises(SettingError) as caught:
        Loader(np.arange(10), **{"batch_size": 2, **settings})
    assert str(caught.value) == text


def test_data_that_cannot_be_used_are_refused() -> None:
    """The sentence names the fields as they are written in `data`."""
    with pytest.raises(DataError) as caught:
        Loader((np.zeros((5, 2)), np.zeros(4)), 2)
    assert str(caught.value) == (
        "data[0] has shape (5, 2) but data[1] has shape (4,); write fields with the same number of rows."
    )
    with pytest.raises(DataError) as caught:
        Loader(np.zeros((0, 3)), 2)
    assert str(caught.value) == ("data has shape (0, 3), so there are no rows; write data with at least one.")


@pytest.mark.parametrize(
    ("name", "value", "got", "instead"),
    [
        ("last", "drop", "'drop'", "Loader(data, last='drop')"),
        ("shuffle", True, "True", "Loader(data, shuffle=True)"),
        ("order", Shuffled(3), "'Shuffled'", "Loader(data, order=...)"),
        ("seed", 3, "3", "Loader(data, seed=3)"),
        ("device", None, "None", "Loader(data, device=None)"),
        ("data", np.ones(5), "'ndarray'", "Loader(data)"),
    ],
)
def test_settings_are_not_set_afterwards(name: str, value: Any, got: str, instead: str) -> None:
    """What would be ignored is refused, by an error of ours that is Python's own for it, too."""
    loader = Loader(np.arange(5), 2)
    with pytest.raises(AttributeError) as caught:
        setattr(loader, name, value)
    assert isinstance(caught.value, SettingError)
    assert (
        str(caught.value) == f"{name} of a Loader cannot be set after it is made, got {got}; write {instead}."
    )
    assert [len(batch) for batch in loader] == [2, 2, 1]


def test_what_counts_afterwards_may_be_set() -> None:
    """The batch size and the shard; all else that a loader takes may not."""
    loader = Loader(np.arange(8), 2)
    loader.batch_size, loader.shard = 4, (0, 2)
    assert [batch.tolist() for batch in loader] == [[0, 1], [4, 5]]
    asked = set(inspect.signature(Loader).parameters)
    for name in asked - {"batch_size", "shard"}:
        with pytest.raises(SettingError):
            setattr(loader, name, None)


def test_a_loader_of_the_users_own_may_have_more() -> None:
    """Names that are no settings are theirs."""

    class Mine(Loader):
        def __init__(self) -> None:
            super().__init__(np.arange(4), 2)
            self.told = "here"

    assert (Mine().told, len(Mine())) == ("here", 2)


def test_the_loader_costs_numpy_and_nothing_else() -> None:
    """Importing it brings in no package but NumPy."""
    code = (
        "import sys; before = set(sys.modules); import rightbatch.data.loader; "
        "names = {name.partition('.')[0] for name in set(sys.modules) - before}; "
        "print(*sorted(n for n in names - set(sys.stdlib_module_names) if 'cython' not in n))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["numpy", "rightbatch"]
