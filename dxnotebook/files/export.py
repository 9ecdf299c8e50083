"""Results for other programs: tables and frames as Parquet, Feather, CSV, Excel and JSON Lines, and tables read back."""

from __future__ import annotations

import json
import math
import os
import secrets
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import feather
from tqdm.auto import tqdm

from dxnotebook.errors import DxError, FormatError
from dxnotebook.files.atomic import recover, replacing
from dxnotebook.files.read import read_jobs
from dxnotebook.files.spreadsheet import plain_table, slices, write_csv, write_workbook
from dxnotebook.records.body import encode
from dxnotebook.tables.jobtables import JobTables, checked
from dxnotebook.text import valid_utf8

_TABLES = ("jobs", "details", "errors", "rejects")
_TYPED = (".parquet", ".feather")
_LINES = (".jsonl", ".jsonl.gz")
_SUFFIXES = (*_TYPED, ".csv", ".csv.gz", ".xlsx", *_LINES)
_ROW_GROUP, _JOBS_AT_ONCE = 2**18, 2**16
# under this key the metadata of a file say of which export it is, and what Parquet loses:
# categories without rows
_OURS = b"dxnotebook"


def export(
    tables: JobTables | pd.DataFrame,
    path: str | os.PathLike[str],
    *,
    escape_formulas: bool = True,
    progress: bool | None = None,
) -> Path:
    r"""Write tables, or one frame, in the format that a path's suffix names.

    `JobTables` become one workbook with a sheet each (.xlsx), one file with a job a line (.jsonl),
    or a folder of that name with a file each: ``jobs.parquet/jobs.parquet``,
    ``jobs.parquet/details.parquet`` and so on. Rejects are among them if there are any. What was
    there before is replaced in one step: a crash leaves the old or the new, whole.

    Parameters
    ----------
    tables : JobTables or pandas.DataFrame
        What to write; a frame becomes one file, with its index if that is more than row numbers.
    path : str or path
        Where to: .parquet, .feather, .csv, .csv.gz, .xlsx, .jsonl or .jsonl.gz. A link is followed.
    escape_formulas : bool
        Whether texts and column names that a spreadsheet would take for formulas get a single quote
        before them, in CSV and Excel: those that begin with ``= + - @ | %``, also in full width,
        tab, CR or LF, also after white space or double quotes. Numbers stay numbers.
    progress : bool, optional
        Whether to show a progress bar; by default in a terminal or notebook, when it takes long.

    Returns
    -------
    pathlib.Path
        The path.

    Raises
    ------
    DxError
        When the suffix is unknown, something else is at the path, or it cannot be written.
    MissingDependencyError
        When Excel is wanted and xlsxwriter is not installed.

    Notes
    -----
    Parquet and Feather keep every dtype. CSV is UTF-8 without byte order mark, times as
    ``2026-09-01T00:00:00+00:00``; Excel takes it for UTF-8 by *Data > From Text/CSV*. Excel files
    have times in UTC, as their headers say, those that Excel cannot have (before March 1900) as
    text; too many rows go on in further sheets; a text of more than 32,767 characters is shortened,
    with a mark; control characters are shown as ``\x00``. Lone surrogates, which none of the
    formats can hold, become their escapes. JSON Lines of tables hold what ``to_jobs()`` gives: no
    data sets' names. ``JobTables.failures`` are not written.

    Examples
    --------
    >>> import dxnotebook as dx, pathlib, tempfile
    >>> tables = dx.load_jobs(dx.demo.client(jobs=50))
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> [part.name for part in sorted(dx.export(tables, folder / "all.parquet").iterdir())]
    ['details.parquet', 'errors.parquet', 'jobs.parquet']
    >>> dx.export(dx.failure_rate(tables.jobs, "type"), folder / "rates.csv").name
    'rates.csv'
    """
    target, suffix = _target(path)
    frames = _frames(tables, distinct=suffix in (*_TYPED, *_LINES))
    in_folder = isinstance(tables, JobTables) and suffix in (*_TYPED, ".csv", ".csv.gz")
    parts = [f"{name}{suffix}" for name in _TABLES] if in_folder else []
    with (
        _progress(sum(map(len, frames.values())), progress) as bar,
        replacing(target, parts) as written,
    ):
        if suffix == ".xlsx":
            plain = {name: plain_table(frame) for name, frame in frames.items()}
            write_workbook(plain, written, bar, neutralise=escape_formulas)
        elif suffix in _LINES:
            _write_lines(
                _jobs(checked(tables), bar)
                if isinstance(tables, JobTables)
                else _rows(tables, bar),
                written,
            )
        else:
            one = secrets.token_hex(8) if in_folder else None
            for name, frame in frames.items():
                place = written / f"{name}{suffix}" if in_folder else written
                if suffix in _TYPED:
                    _write_typed(frame, place, bar, one)
                else:
                    write_csv(plain_table(frame), place, bar, neutralise=escape_formulas)
    return Path(path)


def read_tables(path: str | os.PathLike[str], *, redact: bool = True) -> JobTables:
    """Return the tables that `export` wrote as Parquet, Feather or JSON Lines.

    Parameters
    ----------
    path : str or path
        The path that was given to `export`.
    redact : bool
        Whether to take secrets out of JSON Lines once more; Parquet and Feather are read as they
        are.

    Returns
    -------
    JobTables
        Tables equal to those that were exported. JSON Lines have the jobs alone, so not when they
        were asked for.

    Raises
    ------
    DxError
        When there are no such tables, or the format does not keep them: CSV and Excel have no
        types.

    Examples
    --------
    >>> import dxnotebook as dx, pathlib, tempfile
    >>> tables = dx.load_jobs(dx.demo.client(jobs=50))
    >>> path = dx.export(tables, pathlib.Path(tempfile.mkdtemp()) / "all.feather")
    >>> dx.read_tables(path).jobs.equals(tables.jobs)
    True
    """
    target, suffix = _target(path)
    if suffix in _LINES:
        return read_jobs(target, redact=redact)
    if suffix not in _TYPED:
        raise DxError(
            f"{suffix} does not keep types, so {str(path)!r} cannot become tables again. Export to .parquet, .feather "
            f"or .jsonl for that; read single tables with pandas.read_{'excel' if suffix == '.xlsx' else 'csv'}."
        )
    recover(target)
    if target.is_file():
        raise DxError(f"{str(path)!r} is a single frame; read it with pandas.read_{suffix[1:]}.")
    found = {
        name: target / f"{name}{suffix}"
        for name in _TABLES
        if (target / f"{name}{suffix}").is_file()
    }
    missing = [name for name in _TABLES[:3] if name not in found]
    if missing:
        raise DxError(
            f"No exported tables at {str(path)!r}: {missing[0]}{suffix} is not there. Give the path of an export."
        )
    read = {name: _read_typed(file) for name, file in found.items()}
    if len({one for _, one in read.values()}) > 1:
        raise DxError(
            f"The files in {str(path)!r} are of different exports. If one just ran, read again."
        )
    frames: dict[str, Any] = {name: frame for name, (frame, _) in read.items()}
    return replace(read_jobs([]), **frames)


def _target(path: str | os.PathLike[str]) -> tuple[Path, str]:
    """Return the file or folder that a path means, and its suffix."""
    try:
        given = Path(path).expanduser()
        target = Path(os.path.realpath(given))
    except (TypeError, ValueError, RuntimeError):
        raise DxError(
            f"Invalid path: {path!r}. Valid is a text or a Path, such as 'jobs.parquet'."
        ) from None
    for suffix in sorted(_SUFFIXES, key=len, reverse=True):
        if given.name.lower().endswith(suffix):
            return target, suffix
    raise DxError(f"Invalid path: {str(path)!r}. Valid suffixes are: {', '.join(_SUFFIXES)}.")


def suffix_of(path: str | os.PathLike[str]) -> str:
    """Return the suffix that a path's format goes by, or raise DxError where there is none."""
    return _target(path)[1]


def _frames(tables: JobTables | pd.DataFrame, *, distinct: bool) -> dict[str, pd.DataFrame]:
    if isinstance(tables, pd.DataFrame):
        names = pd.Index(tables.columns.map(str))
        if distinct and names.has_duplicates:
            raise DxError(
                f"Two columns are called {names[names.duplicated()][0]!r}; rename one, or export to .csv."
            )
        return {"data": tables}
    if not isinstance(tables, JobTables):
        raise DxError(
            f"Cannot export a {type(tables).__name__}; give JobTables or a pandas DataFrame."
        )
    frames = {name: getattr(checked(tables), name) for name in _TABLES}
    return {name: frame for name, frame in frames.items() if name != "rejects" or len(frame)}


def _progress(rows: int, wanted: bool | None) -> tqdm[Any]:
    disable = None if wanted is None else not wanted
    return tqdm(
        total=rows,
        desc="Rows",
        unit=" rows",
        disable=disable,
        delay=0 if wanted else 2,
        leave=False,
    )


def _write_typed(frame: pd.DataFrame, path: Path, bar: tqdm[Any], one: str | None) -> None:
    """Write a frame as Parquet or Feather; one that is a part of tables says so."""
    try:
        table = _typed(frame)
        if one is not None:
            categories = {
                name: list(frame[name].cat.categories) for name in frame.select_dtypes("category")
            }
            ours = json.dumps({"export": one, "categories": categories}).encode()
            table = table.replace_schema_metadata({**table.schema.metadata, _OURS: ours})
        with _typed_writer(path, table.schema) as writer:
            for part in slices(table, bar, _ROW_GROUP):
                writer.write_table(part)
    except (ValueError, TypeError, NotImplementedError, OverflowError) as error:
        said = "; ".join(map(str, error.args))
        raise DxError(
            f"{path.suffix} holds one type a column: {said}. Change its type, as by .astype('str')."
        ) from error


def _typed(frame: pd.DataFrame) -> pa.Table:
    try:
        return pa.Table.from_pandas(frame)
    except UnicodeError:  # lone surrogates, which UTF-8 cannot hold
        fixed = frame.copy(deep=False)
        for name, dtype in frame.dtypes.items():
            if isinstance(dtype, pd.StringDtype) or pd.api.types.is_object_dtype(dtype):
                fixed[name] = frame[name].map(
                    lambda value: valid_utf8(value) if isinstance(value, str) else value
                )
        return pa.Table.from_pandas(fixed)


def _typed_writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter | pa.ipc.RecordBatchFileWriter:
    if path.suffix.lower() == ".parquet":
        return pq.ParquetWriter(path, schema)
    return pa.ipc.new_file(str(path), schema, options=pa.ipc.IpcWriteOptions(compression="lz4"))


def _read_typed(path: Path) -> tuple[pd.DataFrame, str]:
    """Return a frame and the mark of the export that it is of."""
    try:
        if path.suffix == ".parquet":
            with pq.ParquetFile(
                path
            ) as file:  # read_table takes "name=value" in a folder's name for a column
                table = file.read()
        else:
            table = feather.read_table(path, memory_map=False)
        ours = json.loads(table.schema.metadata[_OURS])
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise FormatError(
            f"{str(path)!r} is damaged, or export did not write it: {error}. Export anew."
        ) from None
    frame = table.to_pandas()
    for name, categories in ours["categories"].items():
        frame[name] = frame[name].cat.set_categories(categories)
    return frame, ours["export"]


def _jobs(tables: JobTables, bar: tqdm[Any]) -> Iterator[bytes]:
    """Yield the lines of tables; a reject, which may be no object at all, as a page of one."""
    row = np.arange(len(tables))
    for start in range(0, len(tables), _JOBS_AT_ONCE):
        chosen = tables.filter((row >= start) & (row < start + _JOBS_AT_ONCE))
        yield encode(replace(chosen, rejects=tables.rejects[:0]).to_jobs()) + b"\n"
        bar.update(len(chosen) + len(chosen.details) + len(chosen.errors))
    for raw in tables.rejects["raw"]:
        yield b'{"Jobs": [%b]}\n' % raw.encode()
    bar.update(len(tables.rejects))
    if not len(tables) + len(tables.rejects):
        yield b'{"Jobs": []}\n'  # an empty file is no listing


def _rows(frame: pd.DataFrame, bar: tqdm[Any]) -> Iterator[bytes]:
    """Yield the lines of a frame, an object each."""
    for part in slices(plain_table(frame, nested=True), bar):
        # JSON has no infinity
        columns = [
            pc.if_else(pc.is_finite(c), c, None) if pa.types.is_floating(c.type) else c
            for c in part.columns
        ]
        rows = pa.Table.from_arrays(columns, names=part.column_names).to_pylist()
        yield "".join(json.dumps(_without_nan(row), default=_json) + "\n" for row in rows).encode()


def _without_nan(value: Any) -> Any:
    """Return a value in which null stands for what JSON has no number for, however deep."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: _without_nan(member) for name, member in value.items()}
    return [_without_nan(element) for element in value] if isinstance(value, list) else value


def _json(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _write_lines(lines: Iterator[bytes], path: Path) -> None:
    compression = "gzip" if path.name.lower().endswith(".gz") else None
    with pa.output_stream(str(path), compression=compression) as sink:
        for some in lines:
            sink.write(some)
