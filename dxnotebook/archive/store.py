"""Where an archive is kept: three Delta Lake tables, which any number of writers share.

``jobs`` has a row a job and is changed by MERGE; ``syncs`` has a row for each account of each sync,
``data_sets`` one for each data set whenever their names were seen: these only grow. Delta commits a
change whole or not at all, so a writer that is killed leaves at most files that nobody refers to.
Of two writers that change the same files the second to commit is refused, and does its work again
on what the first left.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, TypeVar

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pads
from deltalake import DeltaTable, Field, QueryBuilder, WriterProperties, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError
from pyarrow.fs import LocalFileSystem, SubTreeFileSystem

from dxnotebook.archive.damage import damaged
from dxnotebook.archive.rows import LISTS, MONTH, OWN, schema
from dxnotebook.archive.sql import IS_NEWER, column_names, merged_values, same_job
from dxnotebook.arrays import is_text
from dxnotebook.aws.background import results_of
from dxnotebook.aws.pages import Pauses
from dxnotebook.errors import ArchiveError, invalid
from dxnotebook.model import TEXT, TIMESTAMP, map_scalars
from dxnotebook.text import shortened

JOBS, SYNCS, NAMES = "jobs", "syncs", "data_sets"
#: A row for each account of each sync: `since` is how far back it read (null: to the end), and
#: `oldest_open` the oldest job that was not finished, or, where all were, the newest job: the next
#: sync reads down to it.
SYNC = pa.schema({
    "account_id": TEXT, "region": TEXT, "client": TEXT, "asked_at": TIMESTAMP, "since": TIMESTAMP,
    "complete": pa.bool_(), "oldest_open": TIMESTAMP, "jobs": pa.int64(), "error": TEXT,
})  # fmt: skip
#: A row for each data set each time that an account's were asked for: what it is called, null for
#: one that AWS did not name.
NAME = pa.schema({
    "account_id": TEXT, "region": TEXT, "data_set_id": TEXT, "data_set_name": TEXT,
    "seen_at": TIMESTAMP,
})  # fmt: skip

# files are chosen by the least and greatest values of these; by default it would be whichever
# columns come first
_CHOSEN_BY = (
    "created_at,updated_at,first_seen_at,last_seen_at,"
    "state,type,account_id,region,data_set_id,revision_id,reject_reason"
)
_MONTHLY = {"partition_by": MONTH, "configuration": {"delta.dataSkippingStatsColumns": _CHOSEN_BY}}
# Delta Lake takes them for something else in a path, or ends the process
_UNFIT = set("%[]|^\\")
_KEPT_HOURS = 7 * 24
# small enough that a week of a busy month is a few of them
_ROWS_A_GROUP = 2**15
# a change rewrites the files that it touches, so they are kept small, too
_FILE_BYTES = 2**23
# each sync adds one to the tables that only grow, which are read whole
_MOST_FILES = 200
# of a change beside its rows: what is said of it in the log
_LEAST_ROOM = 2**18
#: What the engines raise.
_ENGINES = (DeltaError, OSError, pa.ArrowException)
_GROWING = {SYNCS: SYNC, NAMES: NAME}
_NEEDED = {JOBS: {*OWN.names, *LISTS, "job_arn", "created_at"}}
_NEEDED |= {name: set(columns.names) for name, columns in _GROWING.items()}
_WRITER = WriterProperties(compression="ZSTD", max_row_group_size=_ROWS_A_GROUP)

T = TypeVar("T")


class Store:
    """The Delta tables of an archive.

    Parameters
    ----------
    uri : str or path
        The folder they are in.
    storage_options : mapping of str to str, optional
        Settings of the object store, as deltalake takes them.
    pauses : Pauses
        How often, and after which pauses, a change that was refused is done again.
    """

    def __init__(
        self,
        uri: str | os.PathLike[str],
        storage_options: Mapping[str, str] | None = None,
        pauses: Pauses = Pauses(first_s=0.05, longest_s=5.0, attempts=20),  # noqa: B008 (frozen)
    ) -> None:
        if not isinstance(uri, str | os.PathLike):
            raise invalid("uri", uri, "is a folder, or the address of an object store: s3://…")
        if not isinstance(storage_options, Mapping | None):
            raise invalid("storage_options", storage_options, "is a dict of texts")
        self.uri = _absolute(os.fspath(uri))
        self._options = dict(storage_options or {})
        self._pauses = pauses

    def address(self, name: str) -> str:
        """Return where a table is."""
        return f"{self.uri}/{name}"

    def has(self, name: str) -> bool:
        """Tell whether a table is there."""
        with self._naming_itself():
            return self._found(self.address(name)) is not None

    def _found(self, uri: str) -> DeltaTable | None:
        with suppress(TableNotFoundError):
            return _awaited(partial(DeltaTable, uri, storage_options=self._options))
        return None

    def opened(self, name: str) -> DeltaTable:
        """Return the newest version of a table, or raise ArchiveError where there is none."""
        with self._naming_itself():
            table = self._found(self.address(name))
            if table is None:
                remedy = "Make one with dx.Archive(...).sync() or `dxnotebook sync`."
                raise ArchiveError(f"There is no archive at {self.uri}. {remedy}")
            if lacking := _NEEDED[name].difference(one.name for one in table.schema().fields):
                what = f"The Delta table at {self.address(name)} is none of an archive"
                remedy = "Give another folder: that of an archive, or a new one"
                raise ArchiveError(f"{what}: it has no column {min(lacking)!r}. {remedy}.")
            return table

    def create(self) -> bool:
        """Make the tables that are not there; tell whether the jobs' was not.

        Of several writers that try at once one makes them.
        """
        is_new = False
        for name, columns in {JOBS: schema(), **_GROWING}.items():
            layout = _MONTHLY if name == JOBS else {}
            options: Any = layout | {"name": f"dxnotebook {name}", "storage_options": self._options}
            # ignore: no error where another one was first
            make = partial(DeltaTable.create, self.address(name), columns, "ignore", **options)
            with self._naming_itself():
                if not self.has(name):
                    self._check_room()
                    if self._found(self.uri):
                        what = f"{self.uri} is a Delta table, and an archive is a folder of such"
                        raise ArchiveError(f"{what}. Give a folder above it, or another one.")
                    self._redone(partial(_awaited, make))
                    is_new |= name == JOBS
        return is_new

    def merge(self, make: Callable[[pa.Schema], pa.Table]) -> tuple[int, int, int]:
        """Put the newest version of jobs in; say how many were given, are new, and have changed.

        Parameters
        ----------
        make : callable
            Returns the rows, each ARN once, for a table with the schema that it is given; it is
            called again where another writer was faster. Columns that the table lacks are added to
            it.
        """

        def merge() -> tuple[int, int, int]:
            table = self.opened(JOBS)
            stored = _columns(table)
            rows = make(stored)
            if not rows.num_rows:
                return 0, 0, 0
            self._check_room(rows.nbytes)
            wanted = pa.unify_schemas([stored, rows.schema])
            if lacking := [Field.from_arrow(column) for column in wanted if column not in stored]:
                # by itself a MERGE with merge_schema=False drops them in silence
                table.alter.add_columns(lacking)
                table = self.opened(JOBS)
            values, changed = merged_values(wanted.names, rows.column_names)
            merger = table.merge(rows, same_job(rows), "s", "t", writer_properties=_WRITER)
            merger = merger.when_matched_update(changed, IS_NEWER)
            done = _awaited(merger.when_not_matched_insert(values).execute)
            return rows.num_rows, done["num_target_rows_inserted"], done["num_target_rows_updated"]

        with self._naming_itself():
            return self._redone(merge)

    def append(self, given: Sequence[Mapping[Any, Any]], name: str = SYNCS) -> None:
        """Add rows to a table that only grows; writers do not get in each other's way there."""
        with self._naming_itself():
            options: Any = {"storage_options": self._options, "writer_properties": _WRITER}
            rows = pa.Table.from_pylist([*given], _GROWING[name])
            self._check_room(rows.nbytes)
            _awaited(partial(write_deltalake, self.address(name), rows, mode="append", **options))
            if len(self.opened(name).file_uris()) > _MOST_FILES:
                with suppress(CommitFailedError):  # then another writer does it
                    self._compact(name)

    def dataset(self, name: str) -> pads.Dataset:
        """Return a table as a dataset: its files, or, of an object store, its rows."""
        if "://" in self.uri:
            # Arrow's threads must not read by a Python of ours: one that is in it when the
            # interpreter ends aborts the process
            return pads.dataset(self.rows(name))
        with self._naming_itself():
            table = self.opened(name)
            columns = _columns(table)
            # MERGE writes texts as string views, which Arrow cannot compare with the least and
            # greatest values of files; of what it reads as dictionaries it does not heed these
            texts = [column.name for column in columns if is_text(column.type)]
            found = table.to_pyarrow_dataset(
                filesystem=SubTreeFileSystem(self.address(name), LocalFileSystem()),
                schema=columns,
                parquet_read_options=pads.ParquetReadOptions(dictionary_columns=texts),
            )
            # deltalake says of such columns that they are dictionaries in the dataset, too
            files = list(found.get_fragments())
            return pads.FileSystemDataset(files, columns, found.format, found.filesystem)

    def rows(
        self, name: str, condition: str = "true", columns: Sequence[str] | None = None
    ) -> pa.Table:
        """Return the rows of a table that meet a condition in SQL."""
        with self._naming_itself():
            table = self.opened(name) if name != NAMES else self._found(self.address(name))
            if table is None:  # the archive is from before names were kept
                return NAME.empty_table()
            stored = _columns(table)
            wanted = pa.schema([stored.field(column) for column in columns or stored.names])
            names = column_names(wanted.names)
            query = f"SELECT {names} FROM {name} WHERE {condition}"  # noqa: S608 (all is quoted)
            work = QueryBuilder().register(name, table).execute
            return pa.table(_awaited(lambda: work(query).read_all())).cast(wanted)

    def optimize(self) -> dict[str, int]:
        """Make few files of many, and delete what no version of the last 7 days refers to."""
        with self._naming_itself():
            sizes = pa.table(self.opened(JOBS).get_add_actions())["size_bytes"]
            self._check_room(pc.sum(sizes).as_py() or 0)
            compacted, deleted = self._redone(self._sort), 0
            for name in filter(self.has, (JOBS, *_GROWING)):
                if name != JOBS:
                    compacted += self._redone(partial(self._compact, name))
                # full: also what a killed writer left and no version ever referred to
                deleted += len(self.opened(name).vacuum(_KEPT_HOURS, dry_run=False, full=True))
        return {"compacted": compacted, "deleted": deleted}

    def _sort(self) -> int:
        """Sort the jobs of untidy months by time; return how many files that replaced."""
        table, replaced = self.opened(JOBS), 0
        for month in _untidy(table):
            done = table.optimize.z_order(
                ["created_at"], [(MONTH, "=", month)], _FILE_BYTES, writer_properties=_WRITER
            )
            replaced += done["numFilesRemoved"]
        return replaced

    def _compact(self, name: str) -> int:
        """Make one file of those of a table that only grows; return how many that replaced."""
        done = self.opened(name).optimize.compact(writer_properties=_WRITER)
        return int(done["numFilesRemoved"])

    def _redone(self, work: Callable[[], T]) -> T:
        """Return what work gives, done again from the start where another writer was faster.

        deltalake's own `max_commit_retries` tries only the commit again, which a conflict refuses
        each time.
        """
        for attempts in range(1, self._pauses.attempts):
            with suppress(CommitFailedError):
                return work()
            # it spreads writers out, it hides nothing
            time.sleep(random.uniform(0, self._pauses.longest(attempts)))  # noqa: S311
        try:
            return work()
        except CommitFailedError as error:
            tries = f"{self._pauses.attempts} times; try again later. ({error})"
            raise ArchiveError(f"Other writers of {self.uri} were faster {tries}") from None

    def _check_room(self, size: int = 0) -> None:
        """Meet a full disk before Rust does: what prints when Rust panics cannot be caught."""
        if "://" not in self.uri:
            Path(self.uri).mkdir(parents=True, exist_ok=True)
            with TemporaryFile(dir=self.uri) as probe:
                if sys.platform == "linux":
                    os.posix_fallocate(probe.fileno(), 0, size + _LEAST_ROOM)

    @contextmanager
    def _naming_itself(self) -> Iterator[None]:
        """Raise what goes wrong with the store as an error that names the archive, and the file."""
        try:
            yield
        except BaseException as error:
            # deltalake has some of no class of its own, and Rust's panics are of one without a name
            # to import
            is_panic = type(error).__name__ == "PanicException"
            if not (is_panic or type(error) is Exception or isinstance(error, _ENGINES)):
                raise
            reason = shortened(str(error).partition("\n")[0].rstrip(". "), 300)
            folders = (Path(self.address(name)) for name in (JOBS, *_GROWING))
            if path := next((path for folder in folders for path in damaged(folder)), None):
                file = path.relative_to(self.uri)
                what = f"its file {file} is damaged or missing. Restore it from a backup"
                remedy = "or move the archive away and sync anew: AWS has the jobs of 90 days"
            else:
                what = f"{reason}. What was committed is whole"
                remedy = "mend what is said here, then do it again"
            raise ArchiveError(
                f"The archive at {self.uri} cannot be used: {what}; {remedy}."
            ) from error


def _awaited(work: Callable[[], T]) -> T:
    """Return what an engine's work gives: an interrupt ends the waiting, as the engine does not."""
    [result] = results_of([work])
    return result


def _absolute(uri: str) -> str:
    if "://" in uri:
        return uri.rstrip("/")
    if not uri or _UNFIT & set(uri):
        valid = f"Give one that is not empty and has none of {' '.join(sorted(_UNFIT))}"
        raise ArchiveError(f"Invalid path of an archive: {uri!r}. {valid}")
    return str(Path(uri).expanduser().absolute())


def _columns(table: DeltaTable) -> pa.Schema:
    """Return the schema of a table, its texts of the kind that frames have."""
    stored = pa.struct(list(pa.schema(table.schema().to_arrow())))
    return pa.schema(list(map_scalars(stored, lambda kind: TEXT if is_text(kind) else kind)))


def _untidy(table: DeltaTable) -> list[str]:
    """Return the months whose files are not sorted, or too large, or many small ones."""
    files = pa.table(table.get_add_actions(flatten=True)).to_pandas()
    if files.empty:
        return []
    files = files.sort_values("min.created_at")
    month = f"partition.{MONTH}"
    by_month = files.groupby(month)
    # statistics are rounded, so that files that follow each other may seem to overlap a little
    follows = by_month["min.created_at"].shift(-1) + pd.Timedelta(seconds=1)
    overlaps = (follows < files["max.created_at"]).groupby(files[month]).any()
    sizes = by_month["size_bytes"].agg(["max", "sum", "size"])
    is_large = sizes["max"] > 2 * _FILE_BYTES
    are_many = sizes["size"] > 2 + 2 * sizes["sum"] / _FILE_BYTES
    return [str(one) for one in sizes.index[overlaps | is_large | are_many]]
