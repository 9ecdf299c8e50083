"""`Archive`: jobs for good, beyond the 90 days that AWS keeps them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

import pandas as pd
import pyarrow.dataset as pads

from dxnotebook.archive.history import History, last_look, last_names
from dxnotebook.archive.rows import restored
from dxnotebook.archive.sql import selection
from dxnotebook.archive.store import JOBS, NAMES, Store
from dxnotebook.archive.sync import Sync, SyncResult, put
from dxnotebook.aws.clients import Client, listed
from dxnotebook.aws.load import named
from dxnotebook.errors import interruptible, texts
from dxnotebook.records.redact import redact_text
from dxnotebook.tables.jobtables import AS_OF, JobTables, checked, observed_at, within
from dxnotebook.times import Moment, Window

Values = str | Iterable[str] | None


class Archive(History):
    """Jobs kept for good, each in the newest version that any sync saw: a folder or object store.

    Three Delta Lake tables are in it: ``jobs``, one row a job, which any engine that reads Delta
    can aggregate, ``syncs``, what was looked at when, and ``data_sets``, what these were called
    when. Any number of processes may sync into one archive at once, and any of them may be killed
    at any moment.

    Parameters
    ----------
    uri : str or path
        A folder, or where an object store has it, such as ``"s3://bucket/prefix"``. It is made by
        the first sync.
    storage_options : mapping of str to str, optional
        Settings of the object store, as deltalake takes them; by default those of the environment.

    Examples
    --------
    >>> import tempfile
    >>> import dxnotebook as dx
    >>> archive = dx.Archive(tempfile.mkdtemp())
    >>> archive.sync(dx.demo.client(jobs=500))
    500 new, 0 changed, 0 unchanged, 0 rejects, no gap
    >>> len(archive.load(since="30d", state="ERROR"))
    17
    """

    def __init__(
        self, uri: str | os.PathLike[str], storage_options: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(Store(uri, storage_options))

    @property
    def uri(self) -> str:
        """Where the archive is; below are its tables ``jobs``, ``syncs`` and ``data_sets``."""
        return self._store.uri

    def __repr__(self) -> str:
        return f"Archive({self.uri!r})"

    def sync(
        self,
        clients: Client | Iterable[Client] | None = None,
        *,
        full: bool | None = None,
        progress: bool | None = None,
    ) -> SyncResult:
        """Add the jobs that are new and the changes of the others; return how many there were.

        Each account's listing is read newest first, down to the oldest job that was not finished
        when it was last synced, and once a week to its end. Once a day, and when there are new data
        sets, their names are asked for, too (ListDataSets); where that is refused a warning says
        so, and the jobs are synced all the same.

        Parameters
        ----------
        clients : boto3 client or iterable of them, optional
            The clients to ask, all at once; by default one for the default credentials and region.
        full : bool, optional
            Whether to read the listings to their end; by default when that was not done for a week.
        progress : bool, optional
            Whether to show a progress bar; by default in a terminal or notebook.

        Returns
        -------
        SyncResult
            How many jobs were new, changed and unchanged, and which clients failed.

        Raises
        ------
        LoadError
            When all clients fail; what was read before is in the archive.
        LoadInterrupted
            When the user interrupts; so is then what was committed.
        ArchiveError
            When the archive cannot be written.

        Examples
        --------
        >>> import tempfile
        >>> import dxnotebook as dx
        >>> archive, client = dx.Archive(tempfile.mkdtemp()), dx.demo.client(jobs=500)
        >>> archive.sync(client).new, archive.sync(client).new
        (500, 0)
        """
        with interruptible("The sync was interrupted; what was committed is in the archive."):
            return Sync(self._store, listed(clients), full=full, progress=progress).run()

    def add(self, tables: JobTables) -> SyncResult:
        """Add jobs that were loaded or read otherwise, such as listings from before the archive.

        Parameters
        ----------
        tables : JobTables
            The jobs, with secrets or without: none gets into the archive. Names of data sets that
            they have, by `with_names`, are kept, too.

        Returns
        -------
        SyncResult
            How many jobs were new, changed and unchanged.

        Raises
        ------
        ArchiveError
            When the archive cannot be written.

        Examples
        --------
        >>> import tempfile
        >>> import dxnotebook as dx
        >>> dx.Archive(tempfile.mkdtemp()).add(dx.load_jobs(dx.demo.client(jobs=50)))
        50 new, 0 changed, 0 unchanged, 0 rejects, no gap
        """
        tables = checked(tables)
        seen_at = observed_at(tables.jobs)
        seen_at = pd.Timestamp.now("UTC").as_unit("us") if pd.isna(seen_at) else seen_at
        self._store.create()
        result = put(self._store, tables, seen_at)
        if "data_set_name" in tables.jobs:
            seen = tables.jobs[["data_set_id", "data_set_name"]].dropna().drop_duplicates()
            seen["data_set_name"] = seen["data_set_name"].map(redact_text)
            self._store.append(seen.assign(seen_at=seen_at).to_dict("records"), NAMES)
        self._store.append([{"asked_at": seen_at, "complete": False, "jobs": len(tables)}])
        return result

    def load(
        self,
        *,
        since: Moment | None = None,
        until: Moment | None = None,
        data_set_id: Values = None,
        revision_id: Values = None,
        state: Values = None,
        type: Values = None,  # noqa: A002 (it is what the column is called)
        account_id: Values = None,
        region: Values = None,
    ) -> JobTables:
        """Return archived jobs, each in its newest version, the newest first.

        Parameters
        ----------
        since, until : str, date, datetime, timedelta or Timestamp, optional
            Keep the jobs created at or after ``since`` and before ``until``: a time (UTC unless it
            names a zone) or how long before the last sync, as ``"30d"`` or ``"12h"``. Only the
            months that they touch are read.
        data_set_id, revision_id, state, type, account_id, region : str or iterable of str, optional
            Keep the jobs that have one of these values.

        Returns
        -------
        JobTables
            As `load_jobs` returns them, with the ``data_set_name`` that each data set was seen to
            have last, once the archive knows any. Rejects and jobs without a time are kept whatever
            the limits in time.

        Raises
        ------
        ArchiveError
            When there is no archive, or it cannot be read.
        DxError
            When a limit is not a time.

        Examples
        --------
        >>> import tempfile
        >>> import dxnotebook as dx
        >>> archive, client = dx.Archive(tempfile.mkdtemp()), dx.demo.client(jobs=500)
        >>> _ = archive.sync(client)
        >>> archive.load().to_jobs() == dx.load_jobs(client).to_jobs()
        True
        """
        values = {"data_set_id": data_set_id, "revision_id": revision_id, "state": state}
        values |= {"type": type, "account_id": account_id, "region": region}
        several = {name: texts(name, one) for name, one in values.items() if one is not None}
        asked_at = last_look(self._store)
        window = Window.of(since, until, asked_at)
        names = last_names(self._store)
        tables = restored(self._store.rows(JOBS, selection(window, several)))
        tables = named(tables, names) if names else tables
        if asked_at is not None:
            tables.jobs.attrs[AS_OF] = asked_at.isoformat()
        return within(tables, window)

    def optimize(self) -> dict[str, int]:
        """Make few files, sorted by time, of the many that syncs leave; delete what is not needed.

        Once a week is enough. What no version of the last 7 days refers to is deleted, and so is
        what killed syncs left.

        Returns
        -------
        dict of str to int
            How many files were ``compacted`` and ``deleted``.

        Raises
        ------
        ArchiveError
            When there is no archive, or it cannot be written.

        Examples
        --------
        >>> import tempfile
        >>> import dxnotebook as dx
        >>> archive = dx.Archive(tempfile.mkdtemp())
        >>> _ = archive.sync(dx.demo.client(jobs=50))
        >>> archive.optimize()
        {'compacted': 0, 'deleted': 0}
        """
        return self._store.optimize()

    def scan(self) -> pads.Dataset:
        """Return the jobs as an Arrow dataset, for engines of one's own.

        Its columns are those of `jobs`, the lists ``details`` and ``errors``, when a job was first
        and last seen as new or changed, and ``raw``, the job's JSON where the columns do not hold
        all of it. Rows whose ``reject_reason`` is not empty are rejects.

        Returns
        -------
        pyarrow.dataset.Dataset
            For a Polars lazy frame: ``polars.scan_pyarrow_dataset(archive.scan())``; for DuckDB a
            relation: ``duckdb.arrow(archive.scan())``. Spark, Trino and Athena read the Delta table
            at ``<uri>/jobs``.

        Raises
        ------
        ArchiveError
            When there is no archive, or it cannot be read.

        Examples
        --------
        >>> import tempfile
        >>> import dxnotebook as dx
        >>> archive = dx.Archive(tempfile.mkdtemp())
        >>> _ = archive.sync(dx.demo.client(jobs=50))
        >>> archive.scan().count_rows()
        50
        """
        return self._store.dataset(JOBS)
