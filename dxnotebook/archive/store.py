"""Where an archive is kept: two Delta Lake tables, on a disk or in an object store, that any number of writers share.

``jobs`` has a row a job and is changed by MERGE; ``syncs`` has a row for each account of each sync and only grows.
Delta commits a change whole or not at all, so a writer that is killed leaves at most files that nobody refers to. Of
two writers that change the same files the second to commit is refused, and does its work again on what the first left.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pads
from deltalake import DeltaTable, Field, WriterProperties, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError
from deltalake.fs import DeltaStorageHandler
from pyarrow.fs import PyFileSystem

from dxnotebook.errors import ArchiveError
from dxnotebook.model import OPEN_STATES, TEXT

MONTH = "created_month"

# files are chosen by the least and greatest values of these; by default it would be whichever
# columns come first
_CHOSEN_BY = (
    *("created_at", "updated_at", "first_seen_at", "last_seen_at"),
    *("state", "type", "account_id", "region", "data_set_id", "revision_id", "reject_reason"),
)
_UNFIT = set(r"%[]|^") | {
    chr(92)
}  # Delta Lake takes them for something else in a path, or ends the process
_MOST_TRIES = 20
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.05, 5.0
_KEPT_HOURS = 7 * 24
# small enough that a week of a busy month is a few of them
_ROWS_A_GROUP = 2**15
# a change rewrites the files that it touches, so they are kept small, too
_FILE_BYTES = 2**23
# each sync adds one to the table that only grows, which is read whole
_MOST_FILES = 200
_TAIL = 8  # bytes at a file's end: the footer's length and a magic number
_WRITER = WriterProperties(compression="ZSTD", max_row_group_size=_ROWS_A_GROUP)

T = TypeVar("T")


class Store:
    """The two Delta tables of an archive.

    Parameters
    ----------
    uri : str or path
        The folder they are in.
    storage_options : mapping of str to str, optional
        Settings of the object store, as deltalake takes them.
    """

    def __init__(
        self, uri: str | os.PathLike[str], storage_options: Mapping[str, str] | None = None
    ) -> None:
        self.uri = _absolute(os.fspath(uri))
        self._options = dict(storage_options or {})

    def address(self, name: str) -> str:
        """Return where a table is."""
        return f"{self.uri}/{name}"

    def opened(self, name: str) -> DeltaTable:
        """Return the newest version of a table, or raise ArchiveError where there is none."""
        with _named(self.uri):
            try:
                return DeltaTable(self.address(name), storage_options=self._options)
            except TableNotFoundError:
                raise ArchiveError(
                    f"There is no archive at {self.uri}. Make one with dx.Archive(...).sync() or `dxnotebook sync`."
                ) from None

    def create(self, name: str, schema: pa.Schema, partition: str | None = None) -> None:
        """Make a table unless it is there; of several that try at once one makes it."""

        def make(_: object) -> None:
            DeltaTable.create(
                self.address(name),
                schema,
                mode="ignore",  # no error where another one was first
                partition_by=partition,
                configuration={"delta.dataSkippingStatsColumns": ",".join(_CHOSEN_BY)}
                if partition
                else None,
                name=f"dxnotebook {name}",
                storage_options=self._options,
            )

        with _named(self.uri):
            try:
                DeltaTable(self.address(name), storage_options=self._options)
            except TableNotFoundError:
                self._redone(make, lambda: None)

    def merge(self, name: str, make: Callable[[pa.Schema], pa.Table]) -> tuple[int, int, int]:
        """Put the newest version of jobs into a table and say how many were given, are new, and have changed.

        Parameters
        ----------
        name : str
            The table.
        make : callable
            Returns the rows, each key once, for a table with the schema that it is given; it is
            called again where another writer has changed the schema meanwhile. Columns that the
            table lacks are added to it.
        """

        def merge(table: DeltaTable) -> tuple[int, int, int]:
            rows = make(_schema(table))
            if not rows.num_rows:
                return 0, 0, 0
            if missing := _missing(rows.schema, _schema(table)):
                # by itself a MERGE with merge_schema=False drops them in silence
                table.alter.add_columns([Field.from_arrow(field) for field in missing])
                table = self.opened(name)
            found = _merger(table, rows).execute()
            return (
                rows.num_rows,
                found["num_target_rows_inserted"],
                found["num_target_rows_updated"],
            )

        with _named(self.uri):
            return self._redone(merge, lambda: self.opened(name))

    def append(self, name: str, rows: pa.Table) -> None:
        """Add rows to a table that only grows; writers do not get in each other's way there."""
        with _named(self.uri):
            write_deltalake(
                self.address(name),
                rows,
                mode="append",
                writer_properties=_WRITER,
                storage_options=self._options,
            )
            table = self.opened(name)
            if len(table.file_uris()) > _MOST_FILES:
                with suppress(CommitFailedError):  # then another writer does it
                    table.optimize.compact(writer_properties=_WRITER)

    def dataset(self, name: str, predicate: str | None = None) -> pads.Dataset:
        """Return a table as an Arrow dataset, of the files that may hold rows of which an SQL predicate is true."""
        with _named(self.uri):
            table = self.opened(name)
            schema = pa.schema([pa.field(f.name, _large(f.type)) for f in _schema(table)])
            files = pa.table(table.get_add_actions()).select(["path", "size_bytes"])
            sizes = dict(zip(*(column.to_pylist() for column in files.columns), strict=True))
            filesystem = PyFileSystem(_Files(self.address(name), self._options, sizes))
            return table.to_pyarrow_dataset(
                filesystem=filesystem, schema=schema, file_pruning_predicate=predicate
            )

    def optimize(self, name: str, by: str | None = None) -> dict[str, int]:
        """Make few files of many, sorted by a column, and delete what no version of the last 7 days refers to."""

        def compact(table: DeltaTable) -> int:
            if by is None:
                return int(table.optimize.compact(writer_properties=_WRITER)["numFilesRemoved"])
            removed = 0
            for month in _untidy(table):
                found = table.optimize.z_order(
                    [by], [(MONTH, "=", month)], _FILE_BYTES, writer_properties=_WRITER
                )
                removed += found["numFilesRemoved"]
            return removed

        with _named(self.uri):
            compacted = self._redone(compact, lambda: self.opened(name))
            # full: also what a killed writer left and no version ever referred to
            deleted = self.opened(name).vacuum(_KEPT_HOURS, dry_run=False, full=True)
        return {"compacted": compacted, "deleted": len(deleted)}

    def _redone(self, work: Callable[[Any], T], opened: Callable[[], Any]) -> T:
        """Return what work gives, done again from the newest version where another writer was faster.

        deltalake's own `max_commit_retries` tries only the commit again, which a conflict refuses each time.
        """
        for tried in range(1, _MOST_TRIES + 1):
            try:
                return work(opened())
            except CommitFailedError as error:
                if tried == _MOST_TRIES:
                    raise ArchiveError(
                        f"Other writers of {self.uri} were faster {tried} times; try again later. ({error})"
                    ) from None
                longest = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2 ** (tried - 1))
                time.sleep(random.uniform(0, longest))  # noqa: S311 (it spreads writers out, it hides nothing)
        raise AssertionError


def _absolute(uri: str) -> str:
    if "://" in uri:
        return uri.rstrip("/")
    if not uri or _UNFIT & set(uri):
        raise ArchiveError(
            f"Invalid path of an archive: {uri!r}. Give one that is not empty and has none of {' '.join(sorted(_UNFIT))}"
        )
    return str(Path(uri).expanduser().absolute())


@contextmanager
def _named(uri: str) -> Iterator[None]:
    """Raise what goes wrong with the store as an error that names the archive."""
    try:
        yield
    except ArchiveError:
        raise
    except (DeltaError, OSError) as error:
        raise ArchiveError(f"The archive at {uri} cannot be used: {error}") from error


class _Files(DeltaStorageHandler):
    """The files of a table, without what MERGE says in them of types.

    It writes them with texts as Arrow's *string views*, and Arrow, told so, cannot compare texts with others. Without
    that remark in a file's footer its texts are texts.
    """

    def open_input_file(self, path: str) -> pa.PythonFile:
        return pa.PythonFile(_Untold(self._handler.open_input_file(path)))


class _Untold:
    """A Parquet file in whose footer the remark on Arrow's types goes by another name."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._footer = file.size()  # where it begins, once its length has been read

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def read(self, size: int) -> bytes:
        start = self._file.tell()
        content: bytes = self._file.read(size)
        if start + len(content) == self._file.size() and len(content) >= _TAIL:
            self._footer = self._file.size() - _TAIL - int.from_bytes(content[-_TAIL:-4], "little")
        cut = max(self._footer - start, 0)
        if cut >= len(content):
            return content
        return content[:cut] + content[cut:].replace(b"ARROW:schema", b"-RROW:schema")


def _schema(table: DeltaTable) -> pa.Schema:
    return pa.schema(table.schema().to_arrow())


def _large(kind: pa.DataType) -> pa.DataType:
    """Return a type whose texts are of the kind that frames have."""
    if pa.types.is_list(kind):
        return pa.list_(_large(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([(member.name, _large(member.type)) for member in kind])
    return TEXT if pa.types.is_string(kind) else kind


def _missing(wanted: pa.Schema, there: pa.Schema) -> list[pa.Field]:
    """Return the columns that a table lacks, and those whose structures lack members, as they should be."""
    missing = []
    for field in wanted:
        if field.name not in there.names:
            missing.append(field)
        elif pa.types.is_list(field.type):
            stored = there.field(field.name).type.value_type
            members = [stored.field(i) for i in range(stored.num_fields)]
            more = [
                member
                for member in field.type.value_type
                if stored.get_field_index(member.name) < 0
            ]
            if more:
                missing.append(pa.field(field.name, pa.list_(pa.struct([*members, *more]))))
    return missing


def _merger(table: DeltaTable, rows: pa.Table) -> Any:
    """Return a MERGE that inserts new jobs and updates those whose incoming version is newer.

    So that a replay changes nothing, and so makes no commit, equally new versions are left alone, unless the incoming
    one is further on: nobody promises that UpdatedAt moves with each change of State.
    """
    names = _schema(table).names
    values = {f"`{name}`": f"s.`{name}`" if name in rows.column_names else "NULL" for name in names}
    further = {side: _rank(f"{side}.state") for side in "st"}
    newer = (
        "(s.updated_at > t.updated_at) OR (t.updated_at IS NULL AND s.updated_at IS NOT NULL) OR "
        "((s.updated_at = t.updated_at OR (s.updated_at IS NULL AND t.updated_at IS NULL)) "
        f"AND {further['s']} > {further['t']})"
    )
    changed = {name: value for name, value in values.items() if name != "`first_seen_at`"}
    changed["`observations`"] = "array_concat(t.observations, s.observations)"
    return (
        table.merge(
            rows,
            predicate=f"{_places(rows)} AND t.{MONTH} = s.{MONTH} AND t.job_arn = s.job_arn",
            source_alias="s",
            target_alias="t",
            writer_properties=_WRITER,
        )
        .when_matched_update(changed, predicate=newer)
        .when_not_matched_insert(values)
    )


def _places(rows: pa.Table) -> str:
    """Return where in a table rows can be, so that other months, and in these other times, are not looked at."""
    months = ", ".join(f"'{month}'" for month in pc.unique(rows[MONTH]).to_pylist())
    times = pc.min_max(rows["created_at"])
    if rows["created_at"].null_count:
        return f"t.{MONTH} IN ({months})"
    first, last = (f"TIMESTAMP '{times[end].as_py().isoformat()}'" for end in ("min", "max"))
    return f"t.{MONTH} IN ({months}) AND t.created_at >= {first} AND t.created_at <= {last}"


def _rank(state: str) -> str:
    cases = " ".join(
        f"WHEN {state} = '{name}' THEN {number}" for number, name in enumerate(OPEN_STATES)
    )
    return f"(CASE {cases} ELSE {len(OPEN_STATES)} END)"


def _untidy(table: DeltaTable) -> list[str]:
    """Return the months whose files are not sorted, or too large, or many small ones; a tidy one is left alone."""
    files = pa.table(table.get_add_actions(flatten=True)).to_pandas()
    if files.empty:
        return []
    files = files.sort_values("min.created_at")
    by_month = files.groupby(f"partition.{MONTH}")
    # statistics are rounded, so that files that follow each other may seem to overlap a little
    follows = by_month["min.created_at"].shift(-1) + pd.Timedelta(seconds=1)
    overlaps = (follows < files["max.created_at"]).groupby(files[f"partition.{MONTH}"]).any()
    sizes = by_month["size_bytes"].agg(["max", "sum", "size"])
    untidy = (
        overlaps
        | (sizes["max"] > 2 * _FILE_BYTES)
        | (sizes["size"] > 2 + 2 * sizes["sum"] / _FILE_BYTES)
    )
    return [str(month) for month in untidy.index[untidy]]
