"""CSV, TSV and Parquet files and other libraries' data frames, read by pyarrow into a `Table`."""

import csv
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from rightbatch.data.table import Column, Kind, Table, is_number, listed, text_column
from rightbatch.errors import DataError
from rightbatch.records import Array

PER_DAY = {"D": 1, "s": 86_400, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}
"""Units of time in a day."""
MISSING_WORDS = [*pyarrow.csv.ConvertOptions().null_values, "?"]
"""Words that stand for a missing value in text files; the UCI repository writes a question mark."""

_WITH_COMMA = re.compile(r"\s*[+-]?(\d+|\d{1,3}(\.\d{3})+)(,\d+)?\s*")
"""A number as it is written where a comma is the decimal mark."""


def read_text(path: Path) -> Table:
    """Read a CSV or TSV file with column names in its first line.

    TSV is cut at tabs, CSV at commas, or at semicolons where the first line has no comma. A missing
    value is written as nothing, `NA`, `NaN`, `NULL` and the like, or `?`.

    Raises:
        DataError: the file is empty, has no line of names, is ragged, or is no UTF-8 text.
    """
    try:
        table = pyarrow.csv.read_csv(
            path,
            parse_options=pyarrow.csv.ParseOptions(delimiter=_delimiter(path), newlines_in_values=True),
            convert_options=pyarrow.csv.ConvertOptions(strings_can_be_null=True, null_values=MISSING_WORDS),
        )
        names = table.column_names
    except UnicodeDecodeError:
        raise DataError(f"{path.name} is not UTF-8 text; save it as UTF-8.") from None
    except pa.ArrowInvalid as error:
        raise _unreadable(path, error) from None
    _check_header(path.name, names)
    read = _table(path.name, table)
    for column in read.columns:
        _check_commas(path.name, column)
    return read


def read_parquet(path: Path) -> Table:
    """Read a Parquet file.

    Raises:
        DataError: the file is damaged or no Parquet file.
    """
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            table = file.read()
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            f"{path.name} cannot be read as a Parquet file ({_reason(error)}); write the file again."
        ) from None
    return _table(path.name, table)


def read_frame(frame: Any, name: str = "frame") -> Table:
    """Read a pandas, Polars, Arrow or other data frame through the Arrow stream interface.

    The index of a pandas frame is left out.

    Raises:
        DataError: the frame is no table, or a column mixes types.
    """
    try:
        table = pa.table(frame)
    except Exception as error:  # the library that made the frame may raise anything
        raise DataError(
            f"{name} cannot be read as a table ({_reason(error)});"
            " give every column one type and a name of its own."
        ) from None
    return _table(name, table)


def _delimiter(path: Path) -> str:
    if path.suffix.lower() == ".tsv":
        return "\t"
    with path.open(encoding="utf-8", errors="replace") as file:
        first = file.readline()
    return ";" if ";" in first and "," not in first else ","


def _unreadable(path: Path, error: Exception) -> DataError:
    ragged = _first_ragged_line(path)
    if ragged:
        line, names, values = ragged
        return DataError(
            f"{path.name} names {names} columns in its first line, and line {line} has {values};"
            " write as many values as names, and quotes around text that holds the delimiter."
        )
    if "Empty CSV" in str(error):
        return DataError(f"{path.name} has no rows; write column names in its first line and rows below.")
    return DataError(f"{path.name} cannot be read as a table of text ({_reason(error)}); correct the file.")


def _first_ragged_line(path: Path) -> tuple[int, int, int] | None:
    """Its number, and how many names and values there are; pyarrow does not tell the line."""
    names, start = 0, 1
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        reader = csv.reader(file, delimiter=_delimiter(path))
        for row in reader:
            names = names or len(row)
            if row and len(row) != names:
                return start, names, len(row)
            start = reader.line_num + 1
    return None


def _check_header(table: str, names: list[str]) -> None:
    if names and all(is_number(name) for name in names):
        raise DataError(
            f"{table} has numbers in its first line ({listed(names, limit=3)}) where column names belong;"
            " write a line of names above them."
        )


def _check_commas(table: str, column: Column) -> None:
    """Refuse numbers that are written with a comma: they would be taken for words."""
    example = next((level for level in column.levels if "," in level), None)
    if example is not None and all(map(_WITH_COMMA.fullmatch, column.levels)):
        raise DataError(
            f'{table} has numbers with a comma in column "{column.name}", such as "{example}";'
            " write them with a decimal point, and without marks between thousands."
        )


def _reason(error: Exception) -> str:
    """What the library says, in one line."""
    return " ".join(" ".join(str(part) for part in error.args).split()).rstrip(".")


def _table(name: str, table: Any) -> Table:
    left_out = _index_columns(table.schema)
    pairs = zip(table.column_names, table.columns, strict=True)
    columns = (_column(name, title.strip(), values) for title, values in pairs if title not in left_out)
    return Table(name=name, columns=tuple(columns))


def _index_columns(schema: Any) -> set[str]:
    """The columns that hold the index of a pandas frame."""
    about = json.loads((schema.metadata or {}).get(b"pandas", b"{}"))
    return {index for index in about.get("index_columns", []) if isinstance(index, str)}


def _column(table: str, name: str, values: Any) -> Column:
    kind = values.type
    if pa.types.is_dictionary(kind):
        return _text(name, _decoded(values))
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return _text(name, values.cast(pa.large_string()))
    if pa.types.is_boolean(kind):
        numbers = _numbers(values.cast(pa.uint8())).astype(np.float32)
        return Column(name=name, kind=Kind.BOOLEAN, values=numbers)
    if pa.types.is_temporal(kind) and not pa.types.is_interval(kind):
        return Column(name=name, kind=Kind.DATE, values=_days(values))
    if pa.types.is_decimal(kind) or pa.types.is_null(kind):
        return Column(name=name, kind=Kind.NUMBER, values=_numbers(values.cast(pa.float64())))
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return Column(name=name, kind=Kind.NUMBER, values=_numbers(values))
    raise _no_column(table, name, kind)


def _no_column(table: str, name: str, kind: Any) -> DataError:
    unreadable = pa.types.is_binary(kind)  # what pyarrow makes of text in another encoding
    hint = "write it as UTF-8 text" if unreadable else "leave it out, or write it as several columns"
    what = f'{table} has values of type {kind} in column "{name}"'
    return DataError(f"{what}, not numbers, dates or text; {hint}.")


def _numbers(values: Any) -> Array:
    return np.asarray(values.to_numpy())


def _days(values: Any) -> Array:
    """Dates and times in days; whole seconds come out the same from every unit."""
    kind = values.type
    whole = values.cast(pa.int32() if kind.bit_width == 32 else pa.int64())
    unit = {pa.date32(): "D", pa.date64(): "ms"}.get(kind) or kind.unit
    return _numbers(whole).astype(np.float64) / PER_DAY[unit]


def _decoded(values: Any) -> Any:
    """Categories as text; pyarrow cannot cast every kind of them in one go."""
    text = (
        pa.DictionaryArray.from_arrays(
            chunk.indices, chunk.dictionary.cast(pa.large_string())
        ).dictionary_decode()
        for chunk in values.chunks
    )
    return pa.chunked_array(text, pa.large_string())


def _text(name: str, values: Any) -> Column:
    encoded = values.combine_chunks().dictionary_encode()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return text_column(name, codes, encoded.dictionary.to_pylist())
