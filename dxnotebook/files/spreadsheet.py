"""CSV and Excel files that are safe to open: what a cell may hold, and writing it.

A spreadsheet takes a text that begins like a formula for one. OWASP's rule is to put a single quote before it; its list
(``= + - @``, tab, CR, LF, full-width forms) is taken here with defusedcsv's ``|`` and ``%``, and also where
white space, invisible characters or double quotes come first. Every text of a CSV file is quoted, so none opens a new cell.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv

from dxnotebook.errors import DxError, MissingDependencyError
from dxnotebook.model import TEXT
from dxnotebook.text import valid_utf8

#: Excel's limits; a sheet's rows are with its header, a cell's characters counted as UTF-16 does.
ROWS, COLUMNS, CHARACTERS = 1_048_576, 16_384, 32_767

_CHUNK = 2**16
_FORMULA = r'^(?:[\pZ\pC"]*[=+\-@|%＝＋－＠]|[\t\r\n\x00])'
# what XML cannot hold, and CR, which it takes for a line's end
_CONTROL = r"[\x00-\x08\x0b-\x1f\x{fffe}\x{ffff}]"
_LINE_END, _NOT_IN_XML = re.compile(r"\r\n?"), re.compile(r"[\x00-\x08\x0b-\x1f\ufffe\uffff]")
_DAY_US, _EPOCH = 86_400_000_000, 25_569  # a day; the day 1970-01-01 in a sheet
_FIRST_DAY, _LAST_DAY = (
    61,
    2_958_466,
)  # Excel's 1900 has a day too many in February; it ends with the year 9999
_EXACT = 10**15  # Excel keeps 15 digits
_NARROWEST, _WIDEST, _SAMPLE = 8, 60, 1_000


def slices(table: pa.Table, bar: Any, rows: int = _CHUNK) -> Iterator[pa.Table]:
    """Yield a table in pieces, at least one, and tell a progress bar of each that is done."""
    for start in range(0, max(table.num_rows, 1), rows):
        part = table.slice(
            start, min(rows, table.num_rows - start)
        )  # beyond its end a table without columns goes on
        yield part
        bar.update(part.num_rows)


def plain_table(frame: pd.DataFrame, *, nested: bool = False) -> pa.Table:
    """Return a frame as numbers, booleans, times and texts; what is nothing of these is text, unless it may be nested.

    An index that is more than row numbers becomes the first columns.
    """
    if not isinstance(frame.index, pd.RangeIndex) or frame.index.name is not None:
        try:
            frame = frame.reset_index()
        except ValueError as error:
            raise DxError(
                f"The index cannot become a column: {error}. Rename it, or use reset_index(drop=True)."
            ) from None
    columns = [_plain(frame.iloc[:, place], nested=nested) for place in range(frame.shape[1])]
    return pa.Table.from_arrays(columns, names=[valid_utf8(str(name)) for name in frame.columns])


def _plain(column: pd.Series[Any], *, nested: bool) -> pa.ChunkedArray | pa.Array:
    try:
        array = pa.array(column, from_pandas=True)
        if pa.types.is_dictionary(array.type):
            array = array.cast(array.type.value_type)
    except (
        pa.ArrowException,
        ValueError,
        TypeError,
        OverflowError,
    ):  # several types, or texts that are no UTF-8
        return _told(column)
    kind = array.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return array.cast(TEXT)
    if pa.types.is_decimal(kind):
        numbers = array.cast(pa.float64(), safe=False)
        digits = [
            None if number is None else Decimal(repr(number)) for number in numbers.to_pylist()
        ]
        return (
            numbers if digits == array.to_pylist() else _told(column)
        )  # some have more digits than a number
    if pa.types.is_floating(kind):
        array = array.cast(pa.float64(), safe=False)
        return pc.if_else(pc.is_nan(array), pa.scalar(None, pa.float64()), array)
    known = (
        pa.types.is_integer,
        pa.types.is_floating,
        pa.types.is_boolean,
        pa.types.is_timestamp,
        pa.types.is_null,
    )
    simple = any(is_one(kind) for is_one in known)
    if pa.types.is_date(kind):
        return array.cast(pa.timestamp("s"))
    return array if simple or (nested and pa.types.is_nested(kind)) else _told(column)


def _told(column: pd.Series[Any]) -> pa.Array:
    there = column.notna().to_numpy()
    texts = column.astype(object).map(lambda value: valid_utf8(str(value)))
    return pa.array(texts.where(there, None), TEXT, from_pandas=True)


def _neutral(texts: pa.ChunkedArray | pa.Array) -> pa.ChunkedArray | pa.Array:
    """Return texts with a single quote before what a spreadsheet would take for a formula."""
    formulas = pc.match_substring_regex(texts, _FORMULA)
    if not pc.any(formulas).as_py():
        return texts
    quote, nothing = pa.scalar("'", TEXT), pa.scalar("", TEXT)
    return pc.if_else(formulas, pc.binary_join_element_wise(quote, texts, nothing), texts)


def _neutral_names(names: list[str], *, neutralise: bool) -> list[str]:
    return _neutral(pa.array(names, TEXT)).to_pylist() if neutralise else names


def _iso(times: pa.ChunkedArray | pa.Array) -> pa.ChunkedArray | pa.Array:
    """Return times as ISO 8601 writes them, with the offset of their zone, if they have one."""
    return pc.strftime(times, "%Y-%m-%dT%H:%M:%S" + ("%Ez" if times.type.tz else "")).cast(TEXT)


def write_csv(table: pa.Table, path: Path, bar: Any, *, neutralise: bool) -> None:
    """Write a table as CSV: UTF-8, every text quoted, times in ISO 8601; gzipped if the name says so."""
    names = _neutral_names(table.column_names, neutralise=neutralise)

    def shown(column: pa.ChunkedArray) -> pa.ChunkedArray:
        if pa.types.is_timestamp(column.type):
            return _iso(column)
        return _neutral(column) if neutralise and column.type == TEXT else column

    compression = "gzip" if path.name.lower().endswith(".gz") else None
    schema = pa.schema(
        [
            (n, TEXT if pa.types.is_timestamp(c.type) else c.type)
            for n, c in zip(names, table.columns, strict=True)
        ]
    )
    with (
        pa.output_stream(str(path), compression=compression) as sink,
        pcsv.CSVWriter(sink, schema) as writer,
    ):
        for part in slices(table, bar):
            writer.write_table(
                pa.Table.from_arrays([shown(column) for column in part.columns], schema=schema)
            )


def write_workbook(
    tables: Mapping[str, pa.Table],
    path: Path,
    bar: Any,
    *,
    neutralise: bool,
    rows: int = ROWS,
    columns: int = COLUMNS,
    characters: int = CHARACTERS,
) -> None:
    """Write tables as sheets, those with too many rows as several."""
    try:
        from xlsxwriter import Workbook  # noqa: PLC0415 (not everybody has it)
        from xlsxwriter.exceptions import FileCreateError  # noqa: PLC0415
    except ModuleNotFoundError:
        raise MissingDependencyError("An export to Excel", "xlsxwriter", "excel") from None
    for name, table in tables.items():
        if table.num_columns > columns:
            raise DxError(
                f"{name} has {table.num_columns:,} columns, and a sheet of Excel at most {columns:,}. "
                "Choose fewer of them, or another format, such as .parquet or .csv."
            )
    never = dict.fromkeys(("strings_to_formulas", "strings_to_urls", "strings_to_numbers"), False)
    # only the current row is in memory, the others in files beside the target
    options = {"constant_memory": True, "tmpdir": str(path.parent), "use_zip64": True, **never}
    try:
        with Workbook(str(path), options) as book:
            for name, table in tables.items():
                for number, start in enumerate(range(0, max(table.num_rows, 1), rows - 1), 1):
                    sheet = book.add_worksheet(name if number == 1 else f"{name} {number}")
                    _Sheet(book, sheet, neutralise, characters).write(
                        table.slice(start, rows - 1), bar
                    )
    except FileCreateError as error:
        raise OSError(*error.args[0].args) from error


class _Sheet:
    """A sheet of a workbook that takes a table."""

    def __init__(self, book: Any, sheet: Any, neutralise: bool, characters: int) -> None:
        self._sheet = sheet
        self._bold = book.add_format({"bold": True})
        self._time = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        self._neutralise = neutralise
        self._characters = characters

    def write(self, table: pa.Table, bar: Any) -> None:
        zoned = [pa.types.is_timestamp(kind) and kind.tz is not None for kind in table.schema.types]
        names = [
            f"{name} (UTC)" if in_utc else name
            for name, in_utc in zip(table.column_names, zoned, strict=True)
        ]
        shown = self._texts(pa.array(names, TEXT)).tolist()
        self._sheet.freeze_panes(1, 0)
        self._sheet.ignore_errors(
            {"number_stored_as_text": "A1:XFD1048576"}
        )  # account ids are texts, and meant to be
        for place, name in enumerate(shown):
            self._sheet.set_column(
                place, place, self._width(name, table.column(place).slice(0, _SAMPLE))
            )
            self._sheet.write_string(0, place, name, self._bold)
        formats = [
            self._time if pa.types.is_timestamp(kind) else None for kind in table.schema.types
        ]
        put = dict.fromkeys((int, float), self._sheet.write_number)
        put |= {str: self._sheet.write_string, bool: self._sheet.write_boolean}
        row = 0
        for part in slices(table, bar):
            # the library takes cells one by one, and in this mode a row's after those of the row
            # before
            for row, values in enumerate(
                zip(*map(self._cells, part.columns), strict=True), row + 1
            ):
                for place, value in enumerate(values):
                    if value is not None:
                        put[type(value)](row, place, value, formats[place])

    def _cells(self, column: pa.ChunkedArray) -> list[Any]:
        """Return a column's cells as what Excel has: numbers, booleans and texts."""
        if pa.types.is_timestamp(column.type):
            return list(_days(column))
        if column.type == TEXT:
            return list(self._texts(column))
        values = np.array(column.to_pylist(), object)
        if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
            numbers = column.cast(pa.float64(), safe=False).to_numpy()
            odd = np.isinf(numbers) | (
                pa.types.is_integer(column.type) & (np.abs(numbers) >= _EXACT)
            )
            values[odd] = [str(value) for value in values[odd]]
        elif not pa.types.is_boolean(column.type):
            values = self._texts(_told(pd.Series(values, dtype=object)))
        return list(values)

    def _texts(self, texts: pa.ChunkedArray | pa.Array) -> np.ndarray[Any, np.dtype[np.object_]]:
        texts = _neutral(texts) if self._neutralise else texts
        odd = pc.or_(
            pc.match_substring_regex(texts, _CONTROL),
            pc.greater(pc.binary_length(texts), self._characters),
        )
        found = np.array([*texts.to_pylist(), None], object)[:-1]
        for place in np.flatnonzero(pc.fill_null(odd, False).to_numpy(zero_copy_only=False)):
            visible = _NOT_IN_XML.sub(
                lambda match: ascii(match[0])[1:-1], _LINE_END.sub("\n", found[place])
            )
            found[place] = _shortened(visible, self._characters)
        return found

    def _width(self, name: str, sample: pa.ChunkedArray) -> int:
        longest = pc.max(pc.utf8_length(sample)).as_py() if sample.type == TEXT else _NARROWEST
        time = pa.types.is_timestamp(sample.type)
        return min(max(len(name), 19 if time else longest or 0, _NARROWEST) + 2, _WIDEST)


def _days(times: pa.ChunkedArray) -> np.ndarray[Any, np.dtype[np.object_]]:
    """Return times as Excel counts them, in days and in UTC; those that it cannot have as text."""
    us = times.cast(pa.timestamp("us", times.type.tz), safe=False)
    days = pc.fill_null(us.cast(pa.int64()), 0).to_numpy() / _DAY_US + _EPOCH
    cells: np.ndarray[Any, np.dtype[np.object_]] = days.astype(object)
    outside = (days < _FIRST_DAY) | (days >= _LAST_DAY)
    zone = "UTC" if times.type.tz else None
    cells[outside] = (
        _iso(us.cast(pa.timestamp("us", zone))).to_numpy()[outside] if outside.any() else None
    )
    cells[times.is_null().to_numpy()] = None
    return cells


def _shortened(text: str, most: int) -> str:
    """Return a text of so many characters as UTF-16 counts them, with a mark if that is not all."""
    whole = text.encode("utf-16-le")
    if len(whole) <= 2 * most:
        return text
    mark = f"… [shortened: {len(whole) // 2:,} characters]"
    return whole[: 2 * (most - len(mark))].decode("utf-16-le", "ignore") + mark
