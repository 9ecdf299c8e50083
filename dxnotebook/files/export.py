"""Tables and frames as Parquet, Feather, CSV, Excel and JSON Lines, and tables read back."""

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
import pyarrow.parquet as pq
from pyarrow import feather
from tqdm.auto import tqdm

from dxnotebook.errors import DxError, FormatError, LoadError, invalid
from dxnotebook.files import spreadsheet
from dxnotebook.files.atomic import recover, replacing
from dxnotebook.files.read import read_jobs
from dxnotebook.files.spreadsheet import plain_table, slices
from dxnotebook.records.body import encode
from dxnotebook.tables.jobtables import JOINED, JobTables, checked, warn_of_rejects
from dxnotebook.text import valid_utf8

_TABLES = (*JOINED, "rejects")
_TYPED = (".parquet", ".feather")
_LINES = (".jsonl", ".jsonl.gz")
_SUFFIXES = (*_TYPED, ".csv", ".csv.gz", ".xlsx", *_LINES)
_ROW_GROUP, _JOBS_AT_ONCE = 2**18, 2**16
# under this key a file says of which export it is, and what Parquet loses: categories without rows
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
        tab, CR or LF, also after white space or double quotes; in CSV also what so begins behind a
        ``;``, ``|``, tab or line break, which a spreadsheet may take for separators. Numbers stay
        numbers.
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
    data sets' names. ``JobTables.failures`` are kept by Parquet and Feather, as texts. A warning
    says how many jobs are among the rejects.

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
    failures = {}
    if isinstance(tables, JobTables):
        warn_of_rejects(tables.rejects["reason"])
        failures = {name: str(error) for name, error in tables.failures.items()}
    rows, hidden = sum(map(len, frames.values())), None if progress is None else not progress
    delay = 0 if progress else 2
    bar = tqdm(total=rows, desc="Rows", unit=" rows", disable=hidden, delay=delay, leave=False)
    with bar, replacing(target, parts) as written:
        if suffix == ".xlsx":
            sheets = {n: plain_table(frame, escape=escape_formulas) for n, frame in frames.items()}
            spreadsheet.write_workbook(sheets, written, bar)
        elif suffix in _LINES:
            lines: Any = _job_lines if isinstance(tables, JobTables) else _row_lines
            with spreadsheet.opened(written) as sink:
                sink.writelines(lines(tables, bar))
        else:
            ours = {"export": secrets.token_hex(8) if in_folder else None, "failures": failures}
            for name, frame in frames.items():
                file = written / f"{name}{suffix}" if in_folder else written
                if suffix in _TYPED:
                    _write_typed(frame, file, bar, ours)
                else:
                    table = plain_table(frame, escape=escape_formulas, within=True)
                    spreadsheet.write_csv(table, file, bar)
    return Path(path)


def read_tables(path: str | os.PathLike[str], *, redact: bool = True) -> JobTables:
    """Return the tables that `export` wrote as Parquet, Feather or JSON Lines.

    Parameters
    ----------
    path : str or path
        The path that was given to `export`, or a folder with ``jobs.parquet``, ``details.parquet``
        and ``errors.parquet`` as `export` writes them one by one.
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
    target, suffix = _saved(path)
    shown = repr(str(path))
    if suffix in _LINES:
        return read_jobs(target, redact=redact)
    if suffix not in _TYPED:
        raise DxError(
            f"{suffix} does not keep types, so {shown} cannot become tables again. "
            "Export to .parquet, .feather or .jsonl for that; "
            f"read single tables with pandas.read_{'excel' if suffix == '.xlsx' else 'csv'}."
        )
    recover(target)
    if target.is_file():
        how = f"read it with pandas.read_{suffix[1:]}, or give the folder that all tables are in"
        raise DxError(f"{shown} is a single frame; {how}.")
    files = {name: target / f"{name}{suffix}" for name in _TABLES}
    for name in JOINED:
        if not files[name].is_file():
            missing = f"{files[name].name} is not there. Give the path of an export."
            raise DxError(f"No exported tables at {shown}: {missing}")
    read = {name: _read_typed(file) for name, file in files.items() if file.is_file()}
    if no_table := [name for name in JOINED if "job_id" not in read[name][0]]:
        raise FormatError(f"{str(files[no_table[0]])!r} is another frame; it has no job_id.")
    if len({ours["export"] for _, ours in read.values()}) > 1:
        mixed = f"The files in {shown} are of different exports."
        raise DxError(f"{mixed} If one just ran, read again.")
    frames: dict[str, Any] = {name: frame for name, (frame, _) in read.items()}
    failures = read["jobs"][1].get("failures", {})
    failures = {name: LoadError(message) for name, message in failures.items()}
    return replace(read_jobs([]), failures=failures, **frames)


def suffix_of(path: str | os.PathLike[str]) -> str:
    """Return the suffix that a path's format goes by, or raise DxError where there is none."""
    return _target(path)[1]


def _saved(path: str | os.PathLike[str]) -> tuple[Path, str]:
    """Return the file or folder of an export, and its suffix, which a folder's name may lack."""
    found = _resolved(path)
    if Path(path).name.lower().endswith(_SUFFIXES):
        return _target(path)
    for suffix in _TYPED:
        if (found / f"jobs{suffix}").is_file():
            return found, suffix
    if found.is_file():
        raise FormatError(f"{str(path)!r} is no export. Read listings of jobs with dx.read_jobs.")
    return _target(path)


def _target(path: str | os.PathLike[str]) -> tuple[Path, str]:
    """Return the file or folder that a path means, and its suffix."""
    target = _resolved(path)
    for suffix in _SUFFIXES:
        if Path(path).name.lower().endswith(suffix):
            return target, suffix
    raise invalid("path", str(path), f"suffixes are: {', '.join(_SUFFIXES)}")


def _resolved(path: str | os.PathLike[str]) -> Path:
    try:
        return Path(os.path.realpath(Path(path).expanduser()))
    except (TypeError, ValueError, RuntimeError):
        raise invalid("path", path, "is a text or a Path, such as 'jobs.parquet'") from None


def _frames(tables: JobTables | pd.DataFrame, *, distinct: bool) -> dict[str, pd.DataFrame]:
    """Return the frames to write, or raise DxError when that is none, or needs distinct names."""
    if isinstance(tables, JobTables):
        tables = checked(tables)
        names = _TABLES if len(tables.rejects) else JOINED
        return {name: getattr(tables, name) for name in names}
    if not isinstance(tables, pd.DataFrame):
        raise DxError(
            f"Cannot export a {type(tables).__name__}; give JobTables or a pandas DataFrame."
        )
    names = pd.Index(tables.columns.map(str))
    if distinct and names.has_duplicates:
        twice = names[names.duplicated()][0]
        raise DxError(f"Two columns are called {twice!r}; rename one, or export to .csv.")
    return {"data": tables}


def _write_typed(frame: pd.DataFrame, path: Path, bar: tqdm[Any], ours: dict[str, Any]) -> None:
    """Write a frame as Parquet or Feather, with what the file says of its export."""
    try:
        table = _typed_table(frame)
        columns = {str(n): c.cat.categories for n, c in frame.select_dtypes("category").items()}
        categories = {name: [*of] for name, of in columns.items() if of.dtype == "str"}
        said = {_OURS: json.dumps({**ours, "categories": categories}).encode()}
        table = table.replace_schema_metadata({**table.schema.metadata, **said})
        with _typed_writer(path, table.schema) as writer:
            for part in slices(table, bar, _ROW_GROUP):
                writer.write_table(part)
    except (ValueError, TypeError, NotImplementedError, OverflowError) as error:
        reason = "; ".join(map(str, error.args))
        hint = "Change its type, as by .astype('str')."
        raise DxError(f"{path.suffix} holds one type a column: {reason}. {hint}") from error


def _typed_table(frame: pd.DataFrame) -> pa.Table:
    """Return a frame in Arrow; lone surrogates, which UTF-8 cannot hold, become their escapes."""
    try:
        return pa.Table.from_pandas(frame)
    except UnicodeError:
        fixed = frame.copy(deep=False)
        for name, column in frame.select_dtypes(["str", "string", "object"]).items():
            fixed[name] = column.map(_valid)
        return pa.Table.from_pandas(fixed)


def _valid(value: Any) -> Any:
    return valid_utf8(value) if isinstance(value, str) else value


def _typed_writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter | pa.ipc.RecordBatchFileWriter:
    if path.suffix.lower() == ".parquet":
        return pq.ParquetWriter(path, schema)
    return pa.ipc.new_file(str(path), schema, options=pa.ipc.IpcWriteOptions(compression="lz4"))


def _read_typed(path: Path) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return a frame, and what its file says of the export that it is of."""
    try:
        if path.suffix == ".parquet":
            # without partitioning, which takes "name=value" in a folder's name for a column
            table = pq.read_table(path, partitioning=None)
        else:
            table = feather.read_table(path, memory_map=False)
        ours = json.loads(table.schema.metadata[_OURS])
        table.validate(full=True)  # Arrow crashes on offsets that lead nowhere
        frame = table.to_pandas()
        for name, categories in ours["categories"].items():
            frame[name] = frame[name].cat.set_categories(categories)
    except (pa.ArrowException, ValueError, KeyError, TypeError, OSError) as error:
        damaged = f"{str(path)!r} is damaged, or export did not write it"
        raise FormatError(f"{damaged}: {error}. Export anew.") from None
    return frame, ours


def _job_lines(tables: JobTables, bar: tqdm[Any]) -> Iterator[bytes]:
    """Yield the lines of tables; a reject, which may be no object at all, as a page of one."""
    row = np.arange(len(tables))
    for start in range(0, len(tables), _JOBS_AT_ONCE):
        part = tables.filter((row >= start) & (row < start + _JOBS_AT_ONCE))
        yield encode(replace(part, rejects=tables.rejects[:0]).to_jobs()) + b"\n"
        bar.update(len(part) + len(part.details) + len(part.errors))
    for raw in tables.rejects["raw"]:
        yield b'{"Jobs": [%b]}\n' % raw.encode()
    bar.update(len(tables.rejects))
    if not len(tables) + len(tables.rejects):
        yield b'{"Jobs": []}\n'  # an empty file is no listing


def _row_lines(frame: pd.DataFrame, bar: tqdm[Any]) -> Iterator[bytes]:
    """Yield the lines of a frame, an object each."""
    for part in slices(plain_table(frame, nested=True), bar):
        rows = map(_without_nan, part.to_pylist())
        yield "".join(json.dumps(row, default=_json_default) + "\n" for row in rows).encode()


def _without_nan(value: Any) -> Any:
    """Return a value in which null stands for what JSON has no number for, however deep."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: _without_nan(member) for name, member in value.items()}
    return [_without_nan(element) for element in value] if isinstance(value, list) else value


def _json_default(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
