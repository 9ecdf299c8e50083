"""CSV and Excel files that are safe to open: what a cell may hold, and writing it.

A spreadsheet takes a text that begins like a formula for one. OWASP's rule is to put a single quote
before it; its list (``= + - @``, tab, CR, LF, full-width forms) is taken here with defusedcsv's
``|`` and ``%``, and also where white space, invisible characters or double quotes come first. Every
text of a CSV file is quoted, so none opens a new cell - if the comma is taken for the separator. A
spreadsheet that takes another one closes the quotes elsewhere, so that in CSV the rule also holds
behind whatever may separate cells or rows. Where single quotes are there already, one more is put
before them: so a text that begins so has lost nothing, and one quote less is the original again.
"""

from __future__ import annotations

import codecs
import math
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv

from dxnotebook.arrays import is_text, mask_of, substituted
from dxnotebook.errors import DxError, naming_extras
from dxnotebook.model import TEXT
from dxnotebook.text import valid_utf8

#: Excel's limits: a sheet's rows with its header, a cell's characters as UTF-16 counts them.
ROWS, COLUMNS, CHARACTERS = 1_048_576, 16_384, 32_767
_MOST_LINKS = 65_530  # of a sheet

_CHUNK = 2**16
_STARTS = r"=+\-@%＝＋－＠"
_FORMULA = rf"^('*(?:[\pZ\pC\"]*[{_STARTS}|]|[\t\r\n\x00]))"
# in CSV, behind what may separate cells; what stands before a formula there is no such separator
_WITHIN = rf"([;|\t\r\n])('*(?:\pZ|\p{{Cf}}|[\"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f])*[{_STARTS}])"
# what XML cannot hold, and CR, which it takes for a line's end
_CONTROL = r"[\x00-\x08\x0b-\x1f\x{fffe}\x{ffff}]"
_ESCAPES = {c: ascii(chr(c))[1:-1] for c in (*range(9), *range(0xB, 0x20), 0xFFFE, 0xFFFF)}
_US_A_DAY, _EPOCH = 86_400_000_000, 25_569  # a day; the day 1970-01-01 in a sheet
# Excel's 1900 has a day too many in February; it ends with the year 9999
_FIRST_DAY, _LAST_DAY = 61, 2_958_466
_SIXTEEN_DIGITS = 10**15  # Excel keeps 15 digits
_PRINTED_WHOLE = 260  # characters beside each other that can still be read on a page
_NARROWEST, _WIDEST, _TIME_WIDTH, _SAMPLE = 8, 60, 19, 1_000

_is_time = pa.types.is_timestamp


def slices(table: pa.Table, bar: Any, rows: int = _CHUNK) -> Iterator[pa.Table]:
    """Yield a table in pieces, at least one, and tell a progress bar of each that is done."""
    for start in range(0, max(table.num_rows, 1), rows):
        # beyond its end a table without columns goes on
        part = table.slice(start, min(rows, table.num_rows - start))
        yield part
        bar.update(part.num_rows)


def plain_table(
    frame: pd.DataFrame, *, nested: bool = False, escape: bool = False, within: bool = False
) -> pa.Table:
    """Return a frame as numbers, booleans, times and texts; what is none of these becomes text.

    An index that is more than row numbers becomes the first columns.

    Parameters
    ----------
    nested : bool
        Whether lists and objects stay what they are.
    escape : bool
        Whether what a spreadsheet would take for a formula gets a single quote before it.
    within : bool
        Whether that also holds inside of texts, behind what may separate cells.
    """
    if not isinstance(frame.index, pd.RangeIndex) or frame.index.name is not None:
        try:
            frame = frame.reset_index()
        except ValueError as error:
            hint = "Rename it, or use reset_index(drop=True)."
            raise DxError(f"The index cannot become a column: {error}. {hint}") from None
    columns = [_fitting(frame.iloc[:, place], nested=nested) for place in range(frame.shape[1])]
    names = pa.array([valid_utf8(str(name)) for name in frame.columns], TEXT)
    if escape:
        names, *columns = (_escaped(texts, within=within) for texts in [names, *columns])
    return pa.Table.from_arrays(columns, names=names.to_pylist())


def _fitting(column: pd.Series[Any], *, nested: bool) -> pa.ChunkedArray | pa.Array:
    """Return a column as what cells can hold."""
    types = pa.types
    try:
        array = pa.array(column, from_pandas=True)
        if types.is_dictionary(array.type):
            array = array.cast(array.type.value_type)
    except (pa.ArrowException, ValueError, TypeError, OverflowError):
        return _as_texts(column)  # several types, or texts that are no UTF-8
    if types.is_date(array.type):
        array = array.cast(pa.timestamp("s"))
    kind = array.type
    if is_text(kind):
        return array.cast(TEXT)
    if types.is_floating(kind):
        array = array.cast(pa.float64(), safe=False)
        return pc.if_else(pc.is_nan(array), None, array)
    if types.is_decimal(kind):
        numbers = array.cast(pa.float64(), safe=False)
        digits = [None if n is None else Decimal(repr(n)) for n in numbers.to_pylist()]
        # some have more digits than a number
        return numbers if digits == array.to_pylist() else _as_texts(column)
    is_simple = types.is_integer(kind) or types.is_boolean(kind) or types.is_null(kind)
    if is_simple or _is_time(kind) or (nested and types.is_nested(kind)):
        return array
    return _as_texts(column)


def _as_texts(column: pd.Series[Any]) -> pa.Array:
    texts = column.astype(object).map(lambda value: valid_utf8(str(value)))
    return pa.array(texts.where(column.notna().to_numpy(), None), TEXT, from_pandas=True)


def _escaped(texts: pa.ChunkedArray | pa.Array, *, within: bool) -> pa.ChunkedArray | pa.Array:
    """Return a column with a single quote before what would be taken for formulas."""
    rules = {_WITHIN: r"\1'\2"} if within else {}
    return substituted(texts, {**rules, _FORMULA: r"'\1"}) if texts.type == TEXT else texts


def unescaped(texts: pa.ChunkedArray | pa.Array, *, within: bool) -> pa.ChunkedArray | pa.Array:
    """Return a column as it was before `export` put single quotes where formulas begin."""
    rules = {_FORMULA: r"\1", **({_WITHIN: r"\1\2"} if within else {})}
    return substituted(texts, {r.replace("('*", "'('*", 1): kept for r, kept in rules.items()})


def _iso(times: pa.ChunkedArray | pa.Array) -> pa.ChunkedArray | pa.Array:
    """Return times as ISO 8601 writes them, with the offset of their zone, if they have one."""
    return pc.strftime(times, "%Y-%m-%dT%H:%M:%S" + ("%Ez" if times.type.tz else "")).cast(TEXT)


def opened(path: Path) -> pa.NativeFile:
    """Return a file to write to, which is gzipped if its name says so."""
    compression = "gzip" if path.name.lower().endswith(".gz") else None
    return pa.output_stream(str(path), compression=compression)


def write_csv(table: pa.Table, path: Path, bar: Any, *, bom: bool) -> None:
    """Write a table as CSV: UTF-8, with or without a mark, texts quoted, times in ISO 8601."""
    schema = pa.schema([f.with_type(TEXT) if _is_time(f.type) else f for f in table.schema])
    with opened(path) as sink:
        sink.write(codecs.BOM_UTF8 if bom else b"")
        writer = pcsv.CSVWriter(sink, schema)
        for part in slices(table, bar):
            columns = [_iso(column) if _is_time(column.type) else column for column in part.columns]
            writer.write_table(pa.Table.from_arrays(columns, schema=schema))
        writer.close()


def write_workbook(
    tables: Mapping[str, pa.Table], path: Path, bar: Any, rows: int = ROWS, columns: int = COLUMNS
) -> None:
    """Write tables as sheets, those with too many rows as several."""
    with naming_extras("An export to Excel"):
        from xlsxwriter import Workbook  # noqa: PLC0415 (not everybody has it)
        from xlsxwriter.exceptions import FileCreateError  # noqa: PLC0415
    for name, table in tables.items():
        if table.num_columns > columns:
            raise DxError(
                f"{name} has {table.num_columns:,} columns, and a sheet of Excel at most "
                f"{columns:,}. Choose fewer of them, or another format, such as .parquet or .csv."
            )
    # only the current row is in memory, the others in files beside the target
    options = {"constant_memory": True, "tmpdir": str(path.parent), "use_zip64": True}
    try:
        with Workbook(str(path), options) as book:
            for name, table in tables.items():
                for number, start in enumerate(range(0, max(table.num_rows, 1), rows - 1), 1):
                    sheet = book.add_worksheet(name if number == 1 else f"{name} {number}")
                    part = table.slice(start, rows - 1)
                    _write_header(book, sheet, part.slice(0, _SAMPLE))
                    jobs = None if name == "jobs" else tables.get("jobs")
                    _write_rows(sheet, part, bar, _links(jobs, part))
                    if part.num_rows:
                        sheet.autofilter(0, 0, part.num_rows, table.num_columns - 1)
    except FileCreateError as error:
        raise OSError(*error.args[0].args) from error


def _links(jobs: pa.Table | None, table: pa.Table) -> dict[str, list[str]]:
    """Return where the cells of columns lead: the ids of jobs to their rows."""
    if jobs is None or "job_id" not in table.column_names:
        return {}
    if max(jobs.num_rows, table.num_rows) > _MOST_LINKS:
        return {}
    rows = pc.fill_null(pc.index_in(table["job_id"], jobs["job_id"]), -1).to_pylist()
    return {"job_id": [f"internal:'jobs'!A{row + 2}" for row in rows]}


def _write_header(book: Any, sheet: Any, sample: pa.Table) -> None:
    """Write the names of columns, which are as wide as what is in the sample of their rows."""
    bold = book.add_format({"bold": True})
    above_numbers = book.add_format({"bold": True, "align": "right"})
    times = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss", "align": "left"})
    shares = book.add_format({"num_format": "0.0 %"})
    sheet.freeze_panes(1, 0)
    sheet.set_landscape()
    sheet.repeat_rows(0)
    # account ids are texts, and meant to be
    sheet.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})
    whole = 0
    for place, (name, column) in enumerate(zip(sample.column_names, sample.columns, strict=True)):
        in_utc = _is_time(column.type) and column.type.tz is not None
        [title] = _texts(pa.array([f"{name} (UTC)" if in_utc else name], TEXT))
        form = times if _is_time(column.type) else shares if name.endswith("rate") else None
        width = _width(title, column)
        whole += width
        sheet.set_column(place, place, width, form)
        is_number = column.type != TEXT and not _is_time(column.type)
        sheet.write_string(0, place, title, above_numbers if is_number else bold)
    # as few pages beside each other as can still be read, and as long as it gets
    sheet.fit_to_pages(max(1, math.ceil(whole / _PRINTED_WHOLE)), 0)


def _write_rows(sheet: Any, table: pa.Table, bar: Any, links: Mapping[str, list[Any]]) -> None:
    put = dict.fromkeys((int, float), sheet.write_number)
    put |= {str: sheet.write_string, bool: sheet.write_boolean}
    row = 0
    for part in slices(table, bar):
        # the library takes cells one by one, in this mode those of a row after the row before
        columns = [_cells(column) for column in part.columns]
        leads = [links.get(name, ()) for name in part.column_names]
        for values in zip(*columns, strict=True):
            row += 1
            for place, value in enumerate(values):
                if value is None:
                    continue
                if leads[place]:
                    sheet.write_url(row, place, leads[place][row - 1], string=value)
                else:
                    put[type(value)](row, place, value)


def _cells(column: pa.ChunkedArray) -> list[Any]:
    """Return a column's cells as what Excel has: numbers, booleans and texts."""
    kind = column.type
    if _is_time(kind):
        return _days(column)
    if kind == TEXT:
        return _texts(column)
    cells: list[Any] = column.to_pylist()
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        numbers = np.abs(column.cast(pa.float64(), safe=False).to_numpy())
        least = _SIXTEEN_DIGITS if pa.types.is_integer(kind) else np.inf
        for row in np.flatnonzero(numbers >= least):
            cells[row] = str(cells[row])
    return cells


def _texts(texts: pa.ChunkedArray | pa.Array) -> list[Any]:
    """Return texts that a cell can hold: control characters as escapes, what is long cut."""
    long = pc.greater(pc.binary_length(texts), CHARACTERS)
    cells: list[Any] = texts.to_pylist()
    for row in np.flatnonzero(mask_of(pc.or_(pc.match_substring_regex(texts, _CONTROL), long))):
        lines = cells[row].replace("\r\n", "\n").replace("\r", "\n")
        cells[row] = _cut(lines.translate(_ESCAPES))
    return cells


def _cut(text: str) -> str:
    """Return as much of a text as fits a cell, with a mark if that is not all."""
    whole = text.encode("utf-16-le")
    if len(whole) <= 2 * CHARACTERS:
        return text
    mark = f"… [shortened: {len(whole) // 2:,} characters]"
    return whole[: 2 * (CHARACTERS - len(mark))].decode("utf-16-le", "ignore") + mark


def _width(title: str, sample: pa.ChunkedArray) -> int:
    longest = pc.max(pc.utf8_length(sample)).as_py() or 0 if sample.type == TEXT else _NARROWEST
    longest = _TIME_WIDTH if _is_time(sample.type) else longest
    return min(max(len(title), longest, _NARROWEST) + 2, _WIDEST)


def _days(times: pa.ChunkedArray) -> list[Any]:
    """Return times as Excel counts them, in days and in UTC; those it cannot have as text."""
    zone = "UTC" if times.type.tz else None
    us = times.cast(pa.timestamp("us", times.type.tz), safe=False).cast(pa.timestamp("us", zone))
    days = us.cast(pa.int64()).to_numpy() / _US_A_DAY + _EPOCH  # null is nan, and compares as false
    cells: list[Any] = pc.if_else(us.is_valid(), pa.array(days), None).to_pylist()
    outside = np.flatnonzero((days < _FIRST_DAY) | (days >= _LAST_DAY))
    for row, text in zip(outside, _iso(us.take(pa.array(outside))).to_pylist(), strict=True):
        cells[row] = text
    return cells
