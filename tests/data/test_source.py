"""Rows of arrays in memory."""

import subprocess
import sys
import tracemalloc

import numpy as np
import pytest

from rightbatch.data.ragged import Ragged
from rightbatch.data.source import SAMPLE_BYTES, ArraySource
from rightbatch.records import Array, Tree

PACKED = np.frombuffer(b"\0" + np.arange(24, dtype=np.int32).tobytes(), np.int32, offset=1).reshape(6, 4)
RECORDS = np.array([(i, i / 2) for i in range(6)], dtype=[("a", "i1"), ("b", "f8")])

LAYOUTS = {
    "rows": np.arange(24.0).reshape(6, 4),
    "columns": np.asfortranarray(np.arange(24.0).reshape(6, 4)),
    "every second row": np.arange(48.0).reshape(12, 4)[::2],
    "backwards": np.arange(24.0).reshape(6, 4)[::-1],
    "some columns": np.arange(48.0).reshape(6, 8)[:, 1::2],
    "repeated": np.broadcast_to(np.arange(4.0), (6, 4)),
    "not aligned": PACKED,
    "field of records": RECORDS["b"],
    "records": RECORDS,
    "other byte order": np.arange(24, dtype=">i4").reshape(6, 4),
    "no columns": np.zeros((6, 0)),
    "objects": np.array(["a", None, 3, 4.5, "b", b"c"], dtype=object),
    "strings": np.array(["a", "bb", "", "d", "e", "f"]),
    "variable strings": np.array(["a", "bb", "", "d", "e", "f" * 99], dtype=np.dtypes.StringDType()),
}


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("shape", [(4, 1), (2, 2), (1, 4)])
def test_take_gives_the_rows_in_any_memory_layout(name: str, shape: tuple[int, ...]) -> None:
    """Rows are those of a loop over the index, as new contiguous memory of the same dtype."""
    field, index = LAYOUTS[name], np.array([5, 0, 0, 3]).reshape(shape)
    taken = ArraySource(field).take(index)
    assert taken.dtype == field.dtype
    assert taken.shape == (*shape, *field.shape[1:])
    assert taken.reshape(4, *field.shape[1:]).tolist() == [field.tolist()[row] for row in (5, 0, 0, 3)]
    assert taken.flags.c_contiguous
    assert taken.flags.writeable
    assert not np.shares_memory(taken, field)


@pytest.mark.parametrize("name", LAYOUTS)
def test_each_gives_the_same_rows_when_they_are_asked_for(name: str) -> None:
    """But fields as narrow as row numbers by one call."""
    field, index = LAYOUTS[name], np.array([[5, 0], [0, 3]])
    rows, labels = ArraySource((field, np.arange(6))).each(index)
    assert [batch.tolist() for batch in rows] == [[field.tolist()[row] for row in batch] for batch in index]
    assert labels.tolist() == index.tolist()
    assert isinstance(rows, np.ndarray) == (field.nbytes <= 6 * 8)


@pytest.mark.parametrize("data", [np.zeros((3000, 1000), order="F"), np.zeros((6000, 1000))[::2]])
def test_take_never_copies_a_whole_field(data: Array) -> None:
    """Ten rows out of 24 MB in any layout cost the memory of ten rows."""
    source = ArraySource(data)
    tracemalloc.start()
    source.take(np.arange(10).reshape(2, 5))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2 * 10 * 8000


@pytest.mark.parametrize("name", LAYOUTS)
def test_views_are_the_users_memory_and_cannot_be_written(name: str) -> None:
    """Rows 1 to 4 as two batches, of each the second row; the user's own array stays writable."""
    field = LAYOUTS[name]
    writable = field.flags.writeable
    view = ArraySource((field,)).views(1, 2, 2, slice(1, 2))[0]
    assert view.tolist() == [field.tolist()[2:3], field.tolist()[4:5]]
    assert view.size == 0 or np.shares_memory(view, field)
    assert not view.flags.writeable
    assert field.flags.writeable == writable


def test_ragged_fields_are_padded() -> None:
    """Batch by batch, both when rows are taken and where arrays would be views."""
    source = ArraySource({"words": Ragged([[1], [2, 3], [], [4, 5, 6]]), "y": np.arange(4)})
    for block in (source.take(np.array([[0, 1], [2, 3]])), source.views(0, 2, 2, slice(0, 2))):
        assert [batch.values.tolist() for batch in block["words"]] == [[[1, 0], [2, 3]], [[0] * 3, [4, 5, 6]]]
        assert block["y"].tolist() == [[0, 1], [2, 3]]
    assert source.row_bytes == 8 * 6 // 4 + 8 + 8


def test_row_bytes_are_those_of_all_fields() -> None:
    """The size of a row is that of its values."""
    assert ArraySource((np.zeros((3, 2), np.float32), {"y": np.zeros(3, np.uint8)})).row_bytes == 9


def test_the_fingerprint_is_that_of_the_same_data() -> None:
    """It depends on content, not on memory layout, and is 16 hexadecimal digits."""
    x = np.arange(24.0).reshape(6, 4)
    one = ArraySource((x, x[:, 0])).fingerprint()
    assert ArraySource((np.asfortranarray(x), x[:, 0].copy())).fingerprint() == one
    assert len(one) == 16
    assert int(one, 16) >= 0


def test_the_fingerprint_tells_other_data() -> None:
    """Other content, dtype, shape, names or order of fields each change it."""
    x, y = np.arange(24.0).reshape(6, 4), np.arange(6)
    changed = x.copy()
    changed[3, 2] += 1e-9
    trees: list[Tree] = [
        (x, y),
        (changed, y),
        (x, y.astype(np.int32)),
        (x.reshape(6, 2, 2), y),
        (x[:5], y[:5]),
        (y, x),
        {"x": x, "y": y},
        {"a": x, "y": y},
    ]
    trees += [Ragged([[1, 2], [3]]), Ragged([[1], [2, 3]]), Ragged([[1, 2], [4]]), Ragged([[], []])]
    assert len({ArraySource(tree).fingerprint() for tree in trees}) == len(trees)


def test_the_fingerprint_reads_a_sample_of_large_data() -> None:
    """The first and last rows count, and a row between the sampled ones does not."""
    rows = SAMPLE_BYTES  # of one int64 each: every eighth row is read
    base = ArraySource(np.zeros(rows, np.int64)).fingerprint()

    def with_one_at(row: int) -> str:
        data = np.zeros(rows, np.int64)
        data[row] = 1
        return ArraySource(data).fingerprint()

    assert with_one_at(0) != base
    assert with_one_at(rows - 1) != base
    assert with_one_at(4) == base


def test_the_fingerprint_is_the_same_in_another_process() -> None:
    """Object arrays hold addresses, which must not enter it."""
    code = (
        "import numpy as np; from rightbatch.data.source import ArraySource; "
        "print(ArraySource((np.array(['a', 'b'], object), np.arange(2), np.array(['x', 'y']))).fingerprint())"
    )
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in "12"
    ]
    assert runs[0].stdout == runs[1].stdout != ""
