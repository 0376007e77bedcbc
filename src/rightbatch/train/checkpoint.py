"""One checkpoint as a file: a `.npz` that holds arrays and one text, and no code.

`numpy.load` reads it without any of ours. It is written under another name, brought to the disk and
renamed, so that a file under its own name is whole; every entry has its CRC-32, so that a damaged one
is known.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO
from zipfile import ZipFile

import numpy as np

from rightbatch.errors import StoreError
from rightbatch.records import Array
from rightbatch.train.packing import packed, unpacked

_FORMAT = "rightbatch checkpoint 1"
_HEADER = "header"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What a training was at one moment.

    Args:
        belongs: what it may go on with: model, data and settings, in words.
        step: updates made.
        watched: the last loss that was watched; `None`: none yet.
        tree: all that is needed to go on.
    """

    belongs: Mapping[str, Any]
    step: int
    watched: float | None
    tree: Mapping[str, Any]


def write(path: Path, checkpoint: Checkpoint) -> None:
    """Write the file whole or not at all.

    What lies at `part_of(path)` is written over: the memory and the blocks of a file that is there already
    cost a tenth of new ones.

    Raises:
        OSError: it cannot be written; nothing of it is left.
        SettingError: the tree holds what a file cannot.
    """
    tree, arrays = packed(checkpoint.tree)
    header = {
        "format": _FORMAT,
        "belongs": checkpoint.belongs,
        "step": checkpoint.step,
        "watched": checkpoint.watched,
        "tree": tree,
    }
    text = {_HEADER: np.frombuffer(json.dumps(header).encode(), np.uint8)}
    beside = part_of(path)
    try:
        with beside.open("r+b" if beside.exists() else "wb") as file:
            _save(file, {**text, **arrays})
            file.truncate()
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def linked(path: Path, name: Path) -> bool:
    """Give a checkpoint that is written a second name; whether the disk knows such links."""
    beside = part_of(name)
    try:
        beside.unlink(missing_ok=True)
        beside.hardlink_to(path)
        beside.replace(name)
    except OSError:
        return False
    beside.unlink(missing_ok=True)  # where both were names of the same file, it is left
    return True


def read(path: Path) -> Checkpoint:
    """The checkpoint in a file.

    Raises:
        StoreError: the file is damaged, or no checkpoint; names it.
    """
    try:
        arrays = _arrays(path)
        if _HEADER not in arrays:
            raise StoreError(f"{path} is no checkpoint of rightbatch.")
        header = json.loads(arrays.pop(_HEADER).tobytes())
        if header["format"] != _FORMAT:
            raise StoreError(f"{path} was written by another version ({header['format']}).")
        tree = unpacked(header["tree"], arrays)
        return Checkpoint(
            belongs=header["belongs"], step=header["step"], watched=header["watched"], tree=tree
        )
    except StoreError:
        raise
    except OSError as error:
        raise StoreError(f"{path} cannot be read ({error.strerror or error}).") from error
    except Exception as error:  # zip and NumPy raise a dozen kinds for a file that is cut or changed
        raise StoreError(f"{path} is damaged ({_reason(error)}).") from error


def part_of(path: Path) -> Path:
    """Where a file is while it is written."""
    return path.with_name(f".{path.name}.part")


def _save(file: BinaryIO, arrays: Mapping[str, Array]) -> None:
    """As `numpy.savez`, which copies every array once more and holds up other threads meanwhile."""
    with ZipFile(file, "w") as archive:
        for name, values in arrays.items():
            array = np.require(values, requirements="C")
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array_header_1_0(entry, np.lib.format.header_data_from_array_1_0(array))
                entry.write(array.reshape(-1).view(np.uint8).data)


def _arrays(path: Path) -> dict[str, Array]:
    """All entries of the file: each is read to its end, where its checksum is compared."""
    with path.open("rb") as handle, ZipFile(handle) as file:
        entries = {name.removesuffix(".npy"): BytesIO(file.read(name)) for name in file.namelist()}
    return {name: np.lib.format.read_array(entry) for name, entry in entries.items()}


def _reason(error: Exception) -> str:
    text = str(error).strip().rstrip(".") or type(error).__name__
    return text.splitlines()[0]


def _sync_folder(folder: Path) -> None:
    """Bring the new name to the disk too; where a folder cannot be opened, as on Windows, it is left."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
