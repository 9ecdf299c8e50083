"""Tables and frames as Parquet and Feather, which keep all of them, and tables read back."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import feather
from tqdm.auto import tqdm

from dxnotebook.errors import DxError, FormatError, LoadError, invalid
from dxnotebook.files.atomic import recover
from dxnotebook.files.spreadsheet import slices
from dxnotebook.files.untyped import has_jobs, read_untyped
from dxnotebook.records.decode import Decoder
from dxnotebook.tables.assemble import assemble
from dxnotebook.tables.jobtables import JOINED, JobTables
from dxnotebook.text import valid_utf8

#: What keeps types, by the suffixes of its files; the tables that a folder has.
TYPED, TABLES = (".parquet", ".feather"), (*JOINED, "rejects")
#: What spreadsheets open.
CSV, WORKBOOK = (".csv", ".csv.gz"), ".xlsx"
_ROW_GROUP = 2**18
# under this key a file says of which export it is, and what Parquet loses: categories without rows
_OURS = b"dxnotebook"


def resolved(path: str | os.PathLike[str]) -> Path:
    """Return what a path leads to, or raise DxError where it is none."""
    try:
        return Path(os.path.realpath(Path(path).expanduser()))
    except (TypeError, ValueError, RuntimeError):
        raise invalid("path", path, "is a text or a Path, such as 'jobs.parquet'") from None


def saved_as(path: Path) -> str | None:
    """Return the suffix of the tables at a path, which export wrote; None where none are.

    A folder that was stepping aside when its process was killed is put back.
    """
    if path.is_file():
        suffixes = (suffix for suffix in (WORKBOOK, *CSV) if path.name.lower().endswith(suffix))
        return next((suffix for suffix in suffixes if suffix == WORKBOOK or has_jobs(path)), None)
    recover(path)
    return next((suffix for suffix in (*TYPED, *CSV) if (path / f"jobs{suffix}").is_file()), None)


def read_saved(folder: Path, suffix: str) -> JobTables:
    """Return the tables that export wrote to a file, or a folder, at once or one by one."""
    files = {name: folder / f"{name}{suffix}" for name in TABLES}
    if folder.is_file():
        return read_untyped(folder, files)
    for name in JOINED:
        if not files[name].is_file():
            missing = f"{files[name].name} is not there. Give the path of an export."
            raise DxError(f"No exported tables at {str(folder)!r}: {missing}")
    files = {name: file for name, file in files.items() if file.is_file()}
    if suffix in CSV:
        return read_untyped(folder, files)
    read = {name: _read_typed(file) for name, file in files.items()}
    if no_table := [name for name in JOINED if "job_id" not in read[name][0]]:
        raise FormatError(f"{str(files[no_table[0]])!r} is another frame; it has no job_id.")
    if len({ours["export"] for _, ours in read.values()}) > 1:
        mixed = f"The files in {str(folder)!r} are of different exports."
        raise DxError(f"{mixed} If one just ran, read again.")
    frames: dict[str, Any] = {name: frame for name, (frame, _) in read.items()}
    failures = read["jobs"][1].get("failures", {})
    failures = {name: LoadError(message) for name, message in failures.items()}
    return replace(assemble([], Decoder()), failures=failures, **frames)


def write_typed(frame: pd.DataFrame, path: Path, bar: tqdm[Any], ours: dict[str, Any]) -> None:
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
            fixed[name] = column.map(
                lambda value: valid_utf8(value) if isinstance(value, str) else value
            )
        return pa.Table.from_pandas(fixed)


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
