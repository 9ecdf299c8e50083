"""What an archive saw, and when: its syncs, what they missed, and what jobs were seen as."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from dxnotebook.archive.rows import restored
from dxnotebook.archive.sql import instant, quoted, selection
from dxnotebook.archive.store import JOBS, NAMES, SYNCS, Store
from dxnotebook.arrays import one_chunk
from dxnotebook.aws.load import named
from dxnotebook.errors import DxError, invalid
from dxnotebook.model import AWS_KEEPS
from dxnotebook.tables.jobtables import AS_OF, JobTables
from dxnotebook.times import Moment, Window, limit, moment

#: What tells accounts apart.
ACCOUNT = ["account_id", "region"]

# what is said of the job beside each observation of it
_OBSERVED = ["job_id", "job_arn", *ACCOUNT, "type", "created_at"]


class History:
    """The part of an archive that looks back.

    Parameters
    ----------
    store : Store
        The archive's tables.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

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
        last = last_look(self._store)
        at = Window(limit("time", time), None, last).start
        if at is None:
            reason = "It is relative to the last sync, and there was none."
            raise DxError(f"Invalid time: {time!r}. {reason}")
        was_seen = f"first_seen_at <= {instant(at)}"
        tables = restored(_rolled_back(self._store.rows(JOBS, was_seen), at))
        if names := last_names(self._store, at):
            tables = named(tables, names)
        tables.jobs.attrs[AS_OF] = at.isoformat()
        return tables

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
            raise invalid("job_id", job_id, "is the id or ARN of a job")
        condition = f"{quoted(job_id)} IN (job_id, job_arn)"
        columns = ["job_id", "job_arn", "state", "updated_at", "seen_at"]
        return _observations(self._store, condition)[columns]

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
        window = Window.of(since, until, last_look(self._store))
        return _changes(_observations(self._store, selection(window, {})), syncs)

    def gaps(self, now: Moment | None = None) -> pd.DataFrame:
        """Return the windows that nobody watched: AWS deleted their jobs before any sync.

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


def known_syncs(store: Store) -> pd.DataFrame:
    """Return what is written down of the syncs of an archive, the first one first."""
    return pd.DataFrame(store.rows(SYNCS).sort_by("asked_at").to_pandas())


def known_names(store: Store) -> pd.DataFrame:
    """Return what data sets were seen to be called, and when, the first time first."""
    return pd.DataFrame(store.rows(NAMES).sort_by("seen_at").to_pandas())


def last_names(store: Store, at: pd.Timestamp | None = None) -> dict[str, str]:
    """Return the names of data sets that were seen last, or last by a time, by their ids."""
    seen = known_names(store).dropna(subset="data_set_name")
    seen = seen if at is None else seen[seen["seen_at"] <= at]
    return dict(zip(seen["data_set_id"], seen["data_set_name"], strict=True))


def last_look(store: Store) -> pd.Timestamp | None:
    """Return when the last sync looked, or, where none ended, when jobs were seen last."""
    last = known_syncs(store)["asked_at"].max()
    if pd.isna(last):
        jobs = store.rows(JOBS, columns=["last_seen_at"])
        last = jobs["last_seen_at"].to_pandas().max()
    return None if pd.isna(last) else last


def gaps_in(syncs: pd.DataFrame, now: pd.Timestamp) -> pd.DataFrame:
    """Return the windows in which an account's jobs came and were deleted unseen, up to a time."""
    complete = _complete(syncs)
    complete = complete[complete["asked_at"] <= now + pd.Timedelta(hours=1)]
    last = complete.groupby(ACCOUNT, as_index=False)["asked_at"].max()
    last = last[last["asked_at"] < now].assign(asked_at=now)
    looks = pd.concat([complete, last]).sort_values("asked_at", kind="stable")
    looks["start"] = looks.groupby(ACCOUNT)["asked_at"].shift()
    looks["end"] = looks.pop("asked_at") - AWS_KEEPS
    gaps: pd.DataFrame = looks[looks["start"] < looks["end"]]
    return gaps.sort_values("start", ignore_index=True)


def _complete(syncs: pd.DataFrame) -> pd.DataFrame:
    """Return whose jobs were looked at when, of the syncs that came to their end."""
    return syncs.loc[syncs["complete"] & syncs["account_id"].notna(), [*ACCOUNT, "asked_at"]]


def _rolled_back(rows: pa.Table, at: pd.Timestamp) -> pa.Table:
    """Return rows as they were seen last by a time: with the JSON of then where they changed."""
    lists = one_chunk(rows["observations"])
    seen = pd.DataFrame({"row": pc.list_parent_indices(lists).to_numpy()})
    seen["raw"] = lists.flatten().field("raw").to_pandas()
    by_then = lists.flatten().field("seen_at").to_pandas() <= at
    raw = rows["raw"].to_pandas()
    then = seen[by_then].drop_duplicates("row", keep="last").set_index("row")["raw"]
    then = then.reindex(raw.index)
    changed = raw.index.isin(seen.loc[~by_then, "row"])
    raw = raw.where(~changed | then.isna(), then)
    return rows.set_column(rows.column_names.index("raw"), "raw", pa.array(raw, rows["raw"].type))


def _observations(store: Store, selected: str) -> pd.DataFrame:
    """Return one row for each observation of the jobs that are selected, in order."""
    rows = store.rows(JOBS, selected, [*_OBSERVED, "observations"])
    lists = one_chunk(rows["observations"])
    owner, elements = pc.list_parent_indices(lists), lists.flatten()
    columns = {name: rows[name].take(owner) for name in _OBSERVED}
    columns |= {name: elements.field(name) for name in ("state", "updated_at", "seen_at")}
    frame: pd.DataFrame = pa.table(columns).to_pandas()
    return frame.sort_values(["created_at", "job_arn", "seen_at"], kind="stable", ignore_index=True)


def _changes(seen: pd.DataFrame, syncs: pd.DataFrame) -> pd.DataFrame:
    """Return the observations of another state than before, and between when it changed."""
    # the last sync before the one that saw it so: the job was as it had been until then
    looks = _complete(syncs).drop_duplicates().sort_values("asked_at")
    looks["seen_at"] = looks["asked_at"]
    in_time = seen.reset_index().sort_values("seen_at", kind="stable")
    last = pd.merge_asof(in_time, looks, on="seen_at", by=ACCOUNT, allow_exact_matches=False)
    last_look = last.set_index("index")["asked_at"].sort_index()
    jobs = seen.groupby("job_arn", sort=False)
    last_seen = jobs["seen_at"].shift()
    after = last_look.where(last_look >= last_seen, last_seen).fillna(seen["created_at"])
    before = seen["updated_at"].fillna(seen["seen_at"])
    changed = seen.assign(from_state=jobs["state"].shift(), to_state=seen["state"])
    changed = changed.assign(after=np.minimum(after, before), before=before)
    changed = changed[changed["from_state"] != changed["to_state"]]
    return changed[[*_OBSERVED, "from_state", "to_state", "after", "before"]].reset_index(drop=True)
