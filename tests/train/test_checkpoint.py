"""One checkpoint as a file: whole or not there, read without running anything, and refused where damaged."""

import errno
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from hypothesis.extra import numpy as arrays

from rightbatch.errors import SettingError, StoreError
from rightbatch.train.checkpoint import Checkpoint, read, write
from rightbatch.train.packing import packed, unpacked

TREE: dict[str, Any] = {
    "learner": {"weights": np.arange(6, dtype=np.float32).reshape(2, 3), "steps": np.array(7)},
    "schedule": {
        "betas": (0.9, 0.999),
        "milestones": Counter({3: 1}),
        "state": {0: None},
        "best": float("inf"),
    },
}


def checkpoint(step: int = 7, tree: Any = None) -> Checkpoint:
    """A checkpoint of hardly anything."""
    return Checkpoint(belongs={"lr": "0.1"}, step=step, watched=0.5, tree=TREE if tree is None else tree)


def assert_equal(got: Any, expected: Any) -> None:
    """The same values of the same types; arrays bit by bit."""
    assert type(got) is type(expected)
    if isinstance(expected, np.ndarray):
        assert (got.dtype, got.shape, got.tobytes()) == (expected.dtype, expected.shape, expected.tobytes())
    elif isinstance(expected, dict):
        assert [*got] == [*expected]
        for key, value in expected.items():
            assert_equal(got[key], value)
    elif isinstance(expected, list | tuple):
        assert len(got) == len(expected)
        for one, other in zip(got, expected, strict=True):
            assert_equal(one, other)
    else:
        assert got == expected


LEAVES = (
    some.none()
    | some.booleans()
    | some.integers()
    | some.floats(allow_nan=False)
    | some.text(max_size=5)
    | arrays.arrays(
        some.sampled_from([np.float32, np.int64, np.uint8, np.bool_, np.float64]),
        arrays.array_shapes(min_dims=0, max_dims=2, max_side=3, min_side=0),
    )
)
KEYS = some.text(max_size=4) | some.integers(0, 9)
TREES = some.recursive(
    LEAVES,
    lambda inner: (
        some.lists(inner, max_size=3)
        | some.lists(inner, max_size=3).map(tuple)
        | some.dictionaries(KEYS, inner, max_size=3)
    ),
    max_leaves=8,
)


@given(TREES)
def test_trees_come_back(tree: Any) -> None:
    """Any tree of dicts, lists, tuples, arrays and plain values, through text and flat arrays."""
    plain, flat = packed({"tree": tree})
    assert_equal(unpacked(json.loads(json.dumps(plain)), flat), {"tree": tree})


def test_what_a_file_cannot_hold_is_named() -> None:
    """A function, say: the sentence says where it is."""
    with pytest.raises(SettingError) as caught:
        packed({"schedule": {"lambdas": [len]}})
    assert str(caught.value) == (
        "checkpoint cannot hold what is at schedule/lambdas/0, got 'builtin_function_or_method'; "
        "leave checkpoint out, or write a model, optimizer and schedule without it."
    )


def test_a_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    """Tree, step, watched loss and what it belongs to; nothing else is left in the folder."""
    path = tmp_path / "step.npz"
    write(path, checkpoint())
    got = read(path)
    assert (got.belongs, got.step, got.watched) == ({"lr": "0.1"}, 7, 0.5)
    assert_equal(got.tree, TREE)
    assert [*tmp_path.iterdir()] == [path]


def test_numpy_reads_it_without_ours(tmp_path: Path) -> None:
    """The arrays have the names of their places, and need no pickle."""
    write(tmp_path / "step.npz", checkpoint())
    with np.load(tmp_path / "step.npz", allow_pickle=False) as file:
        np.testing.assert_array_equal(file["learner/weights"], TREE["learner"]["weights"])


def test_a_file_cut_anywhere_is_refused(tmp_path: Path) -> None:
    """Whatever is left of it."""
    path = tmp_path / "step.npz"
    write(path, checkpoint())
    whole = path.read_bytes()
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        with pytest.raises(StoreError, match=r"step\.npz is damaged \(.+\)\.$"):
            read(path)


def test_a_file_with_a_bit_changed_is_refused_or_the_same(tmp_path: Path) -> None:
    """At any byte: where zip says a thing twice the other copy counts, and what is read is right."""
    path = tmp_path / "step.npz"
    write(path, checkpoint())
    whole, refused = path.read_bytes(), 0
    for place in range(0, len(whole), 3):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ (1 << place % 8)]) + whole[place + 1 :])
        try:
            got = read(path)
        except StoreError:
            refused += 1
        else:
            assert (got.belongs, got.step, got.watched) == ({"lr": "0.1"}, 7, 0.5)
            assert_equal(got.tree, TREE)
    assert refused > len(whole) / 3 / 2


def test_other_files_are_refused(tmp_path: Path) -> None:
    """Arrays of someone else, code, text, nothing, and a later version of ours."""
    path = tmp_path / "model.npz"
    np.savez(path, weight=np.ones(3))
    assert refusal(path) == f"{path} is no checkpoint of rightbatch."
    np.savez(path, header=np.array([print], dtype=object))
    assert refusal(path) == (f"{path} is damaged (Object arrays cannot be loaded when allow_pickle=False).")
    text = json.dumps({"format": "rightbatch checkpoint 2"}).encode()
    np.savez(path, header=np.frombuffer(text, np.uint8))
    assert refusal(path) == f"{path} was written by another version (rightbatch checkpoint 2)."
    path.write_text("hello")
    assert refusal(path).startswith(f"{path} is damaged (")
    assert refusal(tmp_path / "none.npz") == (
        f"{tmp_path / 'none.npz'} cannot be read (No such file or directory)."
    )


def refusal(path: Path) -> str:
    """Why it is not read."""
    with pytest.raises(StoreError) as caught:
        read(path)
    return str(caught.value)


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be brought to the disk is not there; the file before it is as it was."""
    path = tmp_path / "step.npz"
    write(path, checkpoint(3))

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left on device"):
        write(path, checkpoint(4))
    assert [*tmp_path.iterdir()] == [path]
    assert read(path).step == 3


def test_it_is_renamed_once_it_is_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until then the name is not there: a kill at any moment leaves a whole file or none."""
    seen = []
    really = os.fsync

    def look(handle: int) -> None:
        seen.append(sorted(path.name for path in tmp_path.iterdir()))
        really(handle)

    monkeypatch.setattr(os, "fsync", look)
    write(tmp_path / "step.npz", checkpoint())
    assert seen == [[".step.npz.part"], ["step.npz"]]
