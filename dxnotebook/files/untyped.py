"""Tables back from what spreadsheets open: texts, of which the model says the types."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from itertools import count, takewhile
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv

from dxnotebook.errors import DataWarning, FormatError, naming_extras, warn
from dxnotebook.files.people import OF_AN_ERROR
from dxnotebook.files.spreadsheet import unescaped
from dxnotebook.model import TEXT
from dxnotebook.records.decode import Decoder
from dxnotebook.tables.assemble import assemble, concat, unsettled
from dxnotebook.tables.jobtables import JOINED, JobTables

_IN_UTC = " (UTC)"
_NULLABLE = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}
_ONE_BLOCK, _MOST_NAMES = 2**30, 2**20  # bytes


def read_untyped(path: Path, files: Mapping[str, Path]) -> JobTables:
    """Return the tables of a workbook, of CSV in one file, or of a folder's, named for tables."""
    read: Iterable[tuple[str, pa.Table]]
    if path.is_dir():
        read = ((name, _csv(file)) for name, file in files.items())
    else:
        read = _workbook(path, files) if path.suffix.lower() == ".xlsx" else _one_file(path)
    try:
        return _as_the_model_has_it(read)
    except (pa.ArrowException, KeyError, ValueError, BadZipFile) as error:
        changed = f"{str(path)!r} does not hold tables as export wrote them"
        raise FormatError(f"{changed}: {error}. Export anew; pandas reads single frames.") from None


def has_jobs(path: Path) -> bool:
    """Return whether a CSV file is one of jobs that export wrote, by the names of its columns."""
    with suppress(OSError), pa.input_stream(str(path)) as stream:
        return b"job_arn" in stream.read(_MOST_NAMES).partition(b"\n")[0]
    return False


def _one_file(path: Path) -> Iterator[tuple[str, pa.Table]]:
    """Yield the jobs of CSV in one file, and the first error of each, which is beside it."""
    jobs = _csv(path)
    beside = {f"error_{name}": name for name in OF_AN_ERROR}
    yield "jobs", jobs.drop_columns([name for name in beside if name in jobs.column_names])
    yield "details", jobs.select(["job_id"]).slice(jobs.num_rows)
    none = pa.nulls(jobs.num_rows, TEXT)
    first = {n: jobs[name] if name in jobs.column_names else none for name, n in beside.items()}
    own = {"job_id": jobs["job_id"], "position": pa.repeat("0", jobs.num_rows)}
    yield "errors", pa.table({**own, **first}).filter(pc.is_valid(pc.coalesce(*first.values())))
    what = f"{path.name} is CSV in one file, which has no details, and of a job's errors the first"
    warn(f"{what} at most. Export with folder=True (--tables) for all.", DataWarning)


def _csv(path: Path) -> pa.Table:
    """Return the texts of a CSV file; what is empty without quotes is null."""
    with pa.input_stream(str(path)) as stream:
        names = next(csv.reader(io.TextIOWrapper(stream, "utf-8-sig", newline="")), [])
    how = {"strings_can_be_null": True, "quoted_strings_can_be_null": False, "null_values": [""]}
    table = pcsv.read_csv(
        path,
        pcsv.ReadOptions(block_size=_ONE_BLOCK),
        pcsv.ParseOptions(newlines_in_values=True),
        pcsv.ConvertOptions(column_types=dict.fromkeys(names, TEXT), **how),
    )
    return _original(table.column_names, table.columns, within=True)


def _workbook(path: Path, names: Iterable[str]) -> Iterator[tuple[str, pa.Table]]:
    """Yield the texts of sheets, and of those in which they go on."""
    with naming_extras("Reading Excel files"):
        from openpyxl import load_workbook  # noqa: PLC0415 (not everybody has it)
    book = load_workbook(path, read_only=True)
    for name in names:
        parts = takewhile(book.sheetnames.__contains__, (f"{name} {n}" for n in count(2)))
        sheets = [
            [*book[part].iter_rows(values_only=True)]
            for part in (name, *parts)
            if part in book.sheetnames
        ]
        for titles, *_ in sheets[:1]:
            rows = [row for _, *rows in sheets for row in rows]
            cells = zip(*rows, strict=True) if rows else [()] * len(titles)
            columns = [pa.array(map(_as_text, column), TEXT) for column in cells]
            yield name, _original([t.removesuffix(_IN_UTC) for t in titles], columns, within=False)


def _as_text(cell: Any) -> str | None:
    if isinstance(cell, datetime):
        return f"{cell.isoformat()}Z"
    return cell if cell is None else str(cell)


def _original(names: list[str], columns: list[Any], *, within: bool) -> pa.Table:
    titles, *texts = (unescaped(part, within=within) for part in (pa.array(names), *columns))
    return pa.table(texts, titles.to_pylist())


def _as_the_model_has_it(read: Iterable[tuple[str, pa.Table]]) -> JobTables:
    """Return tables of texts with the types of the model; what it does not know stays text."""
    empty = assemble([], Decoder())
    known = {**unsettled(empty), "rejects": pa.Table.from_pandas(empty.rejects)}
    frames: dict[str, Any] = {}
    for name, texts in read:
        types = {field.name: field.type for field in known[name].schema}
        columns = {n: texts[n].cast(types.get(n, TEXT)) for n in texts.column_names}
        mapper = _NULLABLE.get if name in JOINED else None
        frames[name] = pa.table(columns).to_pandas(types_mapper=mapper)
    for name in JOINED:
        frames[name]["job_id"]  # all have, but single frames
    tables = replace(empty, **frames)
    # without the rows of jobs that somebody took out
    return concat([tables.filter(np.ones(len(tables), bool)), empty])
