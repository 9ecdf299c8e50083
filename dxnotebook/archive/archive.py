"""`Archive`: jobs for good, beyond the 90 days that AWS keeps them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

import pandas as pd
import pyarrow as pa
import pyarrow.dataset as pads

from dxnotebook.archive.history import OBSERVED, changes, observed, rolled_back
from dxnotebook.archive.rows import UNDATED, archived, restored, schema
from dxnotebook.archive.store import MONTH, Store
from dxnotebook.archive.sync import JOBS, SYNC, SYNCS, Sync, SyncResult, gaps_in, known_syncs
from dxnotebook.aws.clients import Client, listed
from dxnotebook.errors import DxError
from dxnotebook.model import TEXT, TIMESTAMP
from dxnotebook.tables.jobtables import AS_OF, JobTables, checked, observed_at, within
from dxnotebook.times import Moment, Window, limit, moment

__all__ = ["Archive", "SyncResult"]

Values = str | Iterable[str] | None


class Archive:
    """Jobs kept for good, each in the newest version that any sync saw: a folder on a disk or in an object store.

    Two Delta Lake tables are in it: ``jobs``, one row a job, which any engine that reads Delta can
    aggregate, and ``syncs``, what was looked at when. Any number of processes may sync into one
    archive at once, and any of them may be killed at any moment.

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
        self._store = Store(uri, storage_options)

    @property
    def uri(self) -> str:
        """Where the archive is; its Delta tables are ``<uri>/jobs`` and ``<uri>/syncs``."""
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
        """Add the jobs that are new and the changes of those that are not, and return how many there were.

        Each account's listing is read newest first, down to the oldest job that was not finished
        when it was last synced, and once a week to its end.

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
        return Sync(self._store, listed(clients), full=full, progress=progress).run()

    def add(self, tables: JobTables) -> SyncResult:
        """Add jobs that were loaded or read otherwise, such as saved listings from before there was an archive.

        Parameters
        ----------
        tables : JobTables
            The jobs, with secrets or without: none gets into the archive.

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
        self._store.create(JOBS, schema(), MONTH)
        self._store.create(SYNCS, SYNC)
        given, new, changed = self._store.merge(
            JOBS, lambda stored: archived(tables, seen_at, stored)
        )
        row = {"asked_at": seen_at, "complete": False, "jobs": len(tables)}
        self._store.append(SYNCS, pa.Table.from_pylist([row], SYNC))
        return SyncResult(new, changed, given - new - changed, len(tables.rejects), seen_at)

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
            As `load_jobs` returns them. Rejects and jobs without a time are kept whatever the
            limits in time.

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
        wanted = {
            "data_set_id": data_set_id,
            "revision_id": revision_id,
            "state": state,
            "type": type,
        }
        wanted |= {"account_id": account_id, "region": region}
        asked_at = self._last_look()
        window = Window.of(since, until, asked_at)
        rows = self._rows(
            *_condition(window, {name: _values(name, value) for name, value in wanted.items()})
        )
        return _as_of(within(restored(rows), window), asked_at)

    def as_of(self, time: Moment) -> JobTables:
        """Return all jobs that had been seen by a time, as they were seen last before it.

        Parameters
        ----------
        time : str, date, datetime, timedelta or Timestamp
            A time by the service's clock, or how long before the last sync.

        Returns
        -------
        JobTables
            The jobs, the newest first. One that was finished by then and that AWS changed
            afterwards is shown changed.

        Raises
        ------
        ArchiveError
            When there is no archive, or it cannot be read.
        DxError
            When the time is none.

        Examples
        --------
        >>> import tempfile
        >>> from datetime import timedelta
        >>> import dxnotebook as dx
        >>> archive = dx.Archive(tempfile.mkdtemp())
        >>> for day in (1, 0):
        ...     now = dx.demo.NOW - timedelta(days=day)
        ...     with dx.demo.Endpoint(dx.demo.Account(500, now=now)) as endpoint:
        ...         archive.sync(endpoint.client()).new
        497
        3
        >>> len(archive.as_of("1d")), len(archive.as_of("2d"))
        (497, 0)
        """
        window = Window(limit("time", time), None, self._last_look())
        at = window.start
        if at is None:
            raise DxError(
                f"Invalid time: {time!r}. It is relative to the last sync, and there was none."
            )
        seen = pads.field("first_seen_at") <= pa.scalar(at, TIMESTAMP)
        return _as_of(restored(rolled_back(self._rows(seen), at)), at)

    def history(self, job_id: str) -> pd.DataFrame:
        """Return the states that a job was seen in, and when.

        They are kept in the job's own row, which a sync changes together with the rest of it: a
        table of observations beside it could miss one when a sync is killed between two commits,
        and Delta's change data feed forgets what vacuum deletes.

        Parameters
        ----------
        job_id : str
            The id or ARN of a job.

        Returns
        -------
        pandas.DataFrame
            One row for each version seen: ``state``, ``updated_at`` (when AWS last changed the job)
            and ``seen_at`` (the sync that first saw it so), beside ``job_id`` and ``job_arn``.
            Empty for a job that was never seen.

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
        >>> archive.history(archive.load().jobs["job_id"][0])["state"].tolist()
        ['COMPLETED']
        """
        if not isinstance(job_id, str):
            raise DxError(f"Invalid job_id: {job_id!r}. Valid is the id or ARN of a job.")
        matches = (pads.field("job_id") == job_id) | (pads.field("job_arn") == job_id)
        return observed(self._rows(matches, columns=[*OBSERVED, "observations"]))[
            ["job_id", "job_arn", "state", "updated_at", "seen_at"]
        ]

    def transitions(
        self, *, since: Moment | None = None, until: Moment | None = None
    ) -> pd.DataFrame:
        """Return when jobs changed from state to state, as closely as the syncs saw it.

        AWS sends no start time; between the last sync that saw a job WAITING and the update that
        made it IN_PROGRESS it began. So the wait lies between ``after`` and ``before`` minus
        ``created_at``, and what is left until the job finished is how long it ran.

        Parameters
        ----------
        since, until : str, date, datetime, timedelta or Timestamp, optional
            Of the jobs created in this window, as for `load`.

        Returns
        -------
        pandas.DataFrame
            One row for each state that a job was first seen in: ``from_state`` (null for the
            first), ``to_state``, and that it changed after ``after`` and not later than ``before``;
            beside them ``job_id``, ``job_arn``, ``account_id``, ``region``, ``type`` and
            ``created_at``.

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
        >>> archive = dx.Archive(tempfile.mkdtemp())
        >>> _ = archive.sync(dx.demo.client(jobs=50))
        >>> archive.transitions()["to_state"].unique().tolist()
        ['COMPLETED', 'ERROR']
        """
        syncs = known_syncs(self._store)
        window = Window.of(since, until, self._last_look())
        condition, predicate = _condition(window, {})
        return changes(
            observed(self._rows(condition, predicate, columns=[*OBSERVED, "observations"])), syncs
        )

    def gaps(self, now: Moment | None = None) -> pd.DataFrame:
        """Return the windows that nobody watched: jobs created in them were deleted by AWS before any sync.

        Parameters
        ----------
        now : str, date, datetime or Timestamp, optional
            Until when to look; by default until now.

        Returns
        -------
        pandas.DataFrame
            ``account_id``, ``region``, ``start`` and ``end``, the oldest first; empty where an
            account was completely synced at least every 90 days.

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
        >>> len(archive.gaps(dx.demo.NOW)), len(archive.gaps("2027-09-30"))
        (0, 1)
        """
        until = pd.Timestamp.now("UTC") if now is None else moment("now", now)
        return gaps_in(known_syncs(self._store), until)

    def optimize(self) -> dict[str, int]:
        """Make few files, sorted by time, of the many that syncs leave, and delete what is not needed any more.

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
        done = [self._store.optimize(JOBS, "created_at"), self._store.optimize(SYNCS)]
        return {name: sum(one[name] for one in done) for name in ("compacted", "deleted")}

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

    def _last_look(self) -> pd.Timestamp | None:
        """Return when the last sync looked, or, where none came to its end, when jobs were seen last."""
        times = known_syncs(self._store)["asked_at"]
        if times.isna().all():
            times = (
                self._store.dataset(JOBS)
                .to_table(columns=["last_seen_at"])["last_seen_at"]
                .to_pandas()
            )
        return None if times.isna().all() else times.max()

    def _rows(
        self,
        condition: pads.Expression,
        predicate: str | None = None,
        columns: list[str] | None = None,
    ) -> pa.Table:
        """Return the rows that meet a condition, from the files that may hold some."""
        return self._store.dataset(JOBS, predicate).to_table(columns=columns, filter=condition)


def _values(name: str, value: Values) -> list[str] | None:
    if value is None:
        return None
    found = [value] if isinstance(value, str) or not isinstance(value, Iterable) else list(value)
    if not all(isinstance(one, str) for one in found):
        raise DxError(f"Invalid {name}: {value!r}. Valid are a text or several.")
    return found


def _condition(
    window: Window, wanted: Mapping[str, list[str] | None]
) -> tuple[pads.Expression | None, str | None]:
    """Return what rows must meet, for Arrow and, to choose files by, in SQL."""
    created = pads.field("created_at")
    condition: pads.Expression | None = None
    parts = []
    if (since := window.start) is not None:
        since = since.ceil("us")  # jobs have no finer times
        condition = created >= pa.scalar(since, TIMESTAMP)
        parts.append(
            f"created_at >= '{since.isoformat()}' AND {MONTH} >= '{since.year:04}-{since.month:02}'"
        )
    if (until := window.end) is not None:
        until = until.ceil("us")
        before = created < pa.scalar(until, TIMESTAMP)
        condition = before if condition is None else condition & before
        parts.append(f"created_at < '{until.isoformat()}'")
    predicate = None
    if condition is not None:
        condition = condition | created.is_null() | (pads.field("reject_reason") != "")
        predicate = f"({' AND '.join(parts)}) OR {MONTH} = '{UNDATED}' OR reject_reason > ''"
    for name, values in wanted.items():
        if values is not None:
            among = pads.field(name).isin(pa.array(values, TEXT)) | (
                pads.field("reject_reason") != ""
            )
            condition = among if condition is None else condition & among
    return condition, predicate


def _as_of(tables: JobTables, time: pd.Timestamp | None) -> JobTables:
    if time is not None:
        tables.jobs.attrs[AS_OF] = time.isoformat()
    return tables
