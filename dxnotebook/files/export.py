"""Tables and frames as Parquet, Feather, CSV, Excel and JSON Lines."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from dxnotebook.errors import DxError, invalid
from dxnotebook.files import people, spreadsheet
from dxnotebook.files.atomic import replacing
from dxnotebook.files.spreadsheet import plain_table, slices
from dxnotebook.files.typed import CSV, TABLES, TYPED, WORKBOOK, resolved, write_typed
from dxnotebook.records.body import encode
from dxnotebook.tables.jobtables import JOINED, JobTables, checked, warn_of_rejects

_LINES = (".jsonl", ".jsonl.gz")
_SUFFIXES = (*TYPED, *CSV, WORKBOOK, *_LINES)
_JOBS_AT_ONCE = 2**16


def export(
    tables: JobTables | pd.DataFrame,
    path: str | os.PathLike[str],
    *,
    folder: bool = False,
    escape_formulas: bool = True,
    bom: bool = True,
    progress: bool | None = None,
) -> Path:
    r"""Write tables, or one frame, in the format that a path's suffix names.

    `JobTables` become, for people, one file with a row a job and its first error beside it (.csv),
    or a workbook (.xlsx): an overview, the failures with what they are of, and a sheet for each
    table. To go on with, they become one file with a job a line (.jsonl), or a folder of that name
    with a file for each table: ``jobs.parquet/jobs.parquet``, ``jobs.parquet/details.parquet`` and
    so on. Rejects are among them if there are any. What was there before is replaced in one step: a
    crash leaves the old or the new, whole.

    Parameters
    ----------
    tables : JobTables or pandas.DataFrame
        What to write; a frame becomes one file, with its index if that is more than row numbers.
    path : str or path
        Where to: .parquet, .feather, .csv, .csv.gz, .xlsx, .jsonl or .jsonl.gz. A link is followed.
        A text that ends with "/" is a folder, of CSV files if it has no suffix.
    folder : bool
        Whether CSV, too, is a folder with a file for each table.
    escape_formulas : bool
        Whether texts and column names that a spreadsheet would take for formulas get a single quote
        before them, in CSV and Excel: those that begin with ``= + - @ | %``, also in full width,
        tab, CR or LF, also after white space or double quotes; in CSV also what so begins behind a
        ``;``, ``|``, tab or line break, which a spreadsheet may take for separators. Numbers stay
        numbers. `read_tables` removes a quote before a formula in any case, also one that a text
        had of its own when it was exported without this.
    bom : bool
        Whether .csv (not .csv.gz) begins with the mark by which Excel knows UTF-8.
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
    Parquet and Feather keep every dtype; `read_tables` has tables back, of CSV in one file the
    jobs with their first errors. CSV is UTF-8, times as ``2026-09-01T00:00:00+00:00``. In
    CSV and Excel ids come last, and the columns of a job's first error are ``error_code``,
    ``error_message``, ``error_bucket`` and ``error_key``. Excel files have times in UTC, as their
    headers say, those that Excel cannot have (before March 1900) as text; too many rows go on in
    further sheets; a text of more than 32,767 characters is shortened, with a mark; control
    characters are shown as ``\x00``. Lone surrogates, which none of the formats can hold, become
    their escapes. JSON Lines of tables hold what ``to_jobs()`` gives: no data sets' names.
    ``JobTables.failures`` are kept by Parquet and Feather, as texts. A warning says how many jobs
    are among the rejects.

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
    target, suffix = resolved(path), suffix_of(path)
    is_frame = not isinstance(tables, JobTables)
    parts = []
    if not is_frame and (suffix in TYPED or (suffix in CSV and (folder or _is_folder(path)))):
        parts = [f"{name}{suffix}" for name in TABLES]
    frames = _frames(tables, suffix, in_folder=bool(parts))
    failures = {}
    if isinstance(tables, JobTables):
        warn_of_rejects(tables.rejects["reason"])
        failures = {name: str(error) for name, error in tables.failures.items()}
    rows, hidden = sum(map(len, frames.values())), None if progress is None else not progress
    delay = 0 if progress else 2
    bar = tqdm(total=rows, desc="Rows", unit=" rows", disable=hidden, delay=delay, leave=False)
    with bar, replacing(target, parts) as written:
        if suffix == WORKBOOK:
            sheets = {n: plain_table(frame, escape=escape_formulas) for n, frame in frames.items()}
            spreadsheet.write_workbook(sheets, written, bar)
        elif suffix in _LINES:
            lines: Any = _row_lines if is_frame else _job_lines
            with spreadsheet.opened(written) as sink:
                sink.writelines(lines(tables, bar))
        else:
            ours = {"export": secrets.token_hex(8) if parts else None, "failures": failures}
            for name, frame in frames.items():
                file = written / f"{name}{suffix}" if parts else written
                if suffix in TYPED:
                    write_typed(frame, file, bar, ours)
                else:
                    table = plain_table(frame, escape=escape_formulas, within=True)
                    spreadsheet.write_csv(table, file, bar, bom=bom and suffix == ".csv")
    return Path(path).expanduser()


def suffix_of(path: str | os.PathLike[str]) -> str:
    """Return the suffix that a path's format goes by, or raise DxError where there is none."""
    name = Path(path).name.lower()
    for suffix in _SUFFIXES:
        if name.endswith(suffix):
            return suffix
    if name and _is_folder(path):
        return ".csv"
    raise invalid("path", str(path), f"suffixes are: {', '.join(_SUFFIXES)}")


def _is_folder(path: str | os.PathLike[str]) -> bool:
    return str(path).endswith(("/", os.sep))


def _frames(
    tables: JobTables | pd.DataFrame, suffix: str, *, in_folder: bool
) -> dict[str, pd.DataFrame]:
    """Return the frames to write, or raise DxError when that is none, or needs distinct names."""
    if isinstance(tables, JobTables):
        tables = checked(tables)
        if suffix in CSV and not in_folder:
            return {"jobs": people.jobs_with_errors(tables)}
        names = TABLES if len(tables.rejects) else JOINED
        frames = people.sheets(tables) if suffix == WORKBOOK else {}
        return frames | {name: getattr(tables, name) for name in names}
    if not isinstance(tables, pd.DataFrame):
        raise DxError(
            f"Cannot export a {type(tables).__name__}; give JobTables or a pandas DataFrame."
        )
    names = pd.Index(tables.columns.map(str))
    if suffix in (*TYPED, *_LINES) and names.has_duplicates:
        twice = names[names.duplicated()][0]
        raise DxError(f"Two columns are called {twice!r}; rename one, or export to .csv.")
    return {"data": tables}


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
        text = json.dumps(part.to_pylist(), default=_json_default)
        # null stands for what JSON has no number for, however deep
        rows = json.loads(text, parse_constant=lambda _: None)
        yield "".join(json.dumps(row) + "\n" for row in rows).encode()


def _json_default(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
