"""Whatever the user gave as data, as a `Table`: a name, a file, a data frame or a pair of arrays."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rightbatch.checks import nearest_first
from rightbatch.data.arrays import from_arrays, read_npy, read_npz
from rightbatch.data.arrow import read_frame, read_parquet, read_text
from rightbatch.data.builtin import BUILT_IN
from rightbatch.data.table import Table
from rightbatch.errors import DataError, SettingError

READERS = {
    ".csv": read_text,
    ".tsv": read_text,
    ".parquet": read_parquet,
    ".npy": read_npy,
    ".npz": read_npz,
}
"""The reader of each file ending."""


def read(data: Any, *, flat: bool = False) -> Table:
    """Read any kind of data.

    Args:
        data: a built-in name, the path of a file, a data frame with the Arrow stream interface, a
            tuple (X, y) of arrays, or a `Table`, which is returned as it is.
        flat: whether the rows of an `.npz` file may have several axes; every value is a column then.

    Raises:
        SettingError: `data` is none of these.
        DataError: it cannot be read.

    Example:
        >>> table = read("houses")
        >>> table.rows, [column.name for column in table.columns]
        (4, ['size', 'price'])
    """
    if isinstance(data, Table):
        return data
    if isinstance(data, str) and data in BUILT_IN:
        return BUILT_IN[data]()
    if isinstance(data, str | Path):
        return _read_file(Path(data).expanduser(), str(data), flat=flat)
    if isinstance(data, tuple) and len(data) == 2:
        return from_arrays(*data)
    if hasattr(data, "__arrow_c_stream__") or hasattr(data, "__arrow_c_array__"):
        return read_frame(data)
    raise SettingError(
        "data",
        "must be a built-in name, a file, a data frame or a tuple (X, y)",
        type(data).__name__,
        'write data such as "digits", "houses.csv" or (X, y)',
    )


def _read_file(path: Path, typed: str, *, flat: bool) -> Table:
    try:
        reader = _reader(path, typed)
        return read_npz(path, flat=flat) if reader is read_npz else reader(path)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise DataError(f"{typed} cannot be read ({reason}); check the path and its permissions.") from None


def _reader(path: Path, typed: str) -> Callable[[Path], Table]:
    if path.is_dir():
        raise DataError(f"{typed} is a folder; write the path of one file in it.")
    if not path.exists():
        names = ", ".join(nearest_first(path.stem, BUILT_IN))
        raise DataError(
            f'There is no file "{typed}" and no built-in data set of that name;'
            f" write the path of a file, or one of {names}."
        )
    if path.suffix.lower() not in READERS:
        ending = f"the unknown ending {path.suffix}" if path.suffix else "no ending"
        raise DataError(f"{path.name} has {ending}; write the data as one of {', '.join(READERS)}.")
    if path.stat().st_size == 0:
        raise DataError(f"{path.name} is empty; write at least two rows of data into it.")
    return READERS[path.suffix.lower()]
