"""Work that failed and was run again: what is still undone, and how long the rest took to succeed."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from dxnotebook.arrays import Array, hashed, located, mixed
from dxnotebook.model import FAILED_STATES, branches
from dxnotebook.tables.jobtables import JobTables, checked
from dxnotebook.text import texts

# What a job is to do. Its own revision is not part of that, as a re-run of an import fills another;
# nor are its role, keys of encryption and tags, which are what one mends before a re-run.
_TOLD = ("account_id", "region", "type", "data_set_id", "data_set_name")
_WORK = (
    *_TOLD[:4],
    "asset_id",
    "asset_name",
    "asset_source_bucket",
    "api_id",
    "stage",
    "catalog_id",
)
_PARTS = (
    *("asset_id", "bucket", "key", "key_pattern", "key_prefix", "revision_id"),
    *("data_share_arn", "tag_key", "tag_value"),
)


def unresolved_failures(
    tables: JobTables, *, failed: Iterable[str] = FAILED_STATES
) -> pd.DataFrame:
    """Return the work that failed and that no later job has done since.

    Parameters
    ----------
    tables : JobTables
        The jobs with their details and errors.
    failed : iterable of str
        The states that count as failed; a success is COMPLETED.

    Returns
    -------
    pandas.DataFrame
        One row a piece of work, the one that failed last first: ``account_id``, ``region``,
        ``type``, ``data_set_id``, ``data_set_name`` (if `jobs` has it), ``attempts`` (int64: how
        often it failed), ``first_failed_at``, ``last_failed_at`` (datetime64[us, UTC]: when the
        first and last of these jobs ended), ``state``, ``code``, ``message`` (of the last one's
        first error), ``job_id`` (the last one).

    Raises
    ------
    DxError
        When given something else than tables.

    Notes
    -----
    Work is the same if type, data set, account and region are, and the assets, keys or names that
    the job lists. The revision an import fills is not part of it, as a re-run fills another;
    revisions that an export names are. A failure is superseded when every part of its work was part
    of jobs that were created later and completed: a larger re-run counts, and several that share
    the work out. The first of these jobs to end recovers a part, the last of the parts the failure.

    Examples
    --------
    >>> import dxnotebook as dx
    >>> tables = dx.load_jobs(dx.demo.client())
    >>> left = dx.unresolved_failures(tables)
    >>> left["job_id"].isin(tables.jobs.loc[tables.jobs["state"] == "COMPLETED", "job_id"]).any()
    np.False_
    """
    tables = checked(tables)
    failures, _ = _failures(tables, failed)
    failures = failures[failures["recovered_by"] < 0]
    work = _episodes(failures)
    last = failures.loc[work["last"]].reset_index(drop=True)
    error = tables.errors[located(tables.errors["job_id"], last["job_id"]) >= 0].sort_values(
        "position", kind="stable"
    )
    error = error.drop_duplicates("job_id").set_index("job_id")[["code", "message"]]
    told = last[[name for name in _TOLD if name in last]].assign(
        **work[["attempts", "first_failed_at", "last_failed_at"]],
        state=last["state"],
        **error.reindex(last["job_id"]).reset_index(drop=True),
        job_id=last["job_id"],
    )
    return told.sort_values("last_failed_at", ascending=False, ignore_index=True, kind="stable")


def recoveries(tables: JobTables, *, failed: Iterable[str] = FAILED_STATES) -> pd.DataFrame:
    """Return the work that failed and has been done since, and how long that took.

    Parameters
    ----------
    tables : JobTables
        The jobs with their details.
    failed : iterable of str
        The states that count as failed; a success is COMPLETED.

    Returns
    -------
    pandas.DataFrame
        One row each time that a piece of work failed, once or several times in a row, and then
        succeeded, the last first: ``account_id``, ``region``, ``type``, ``data_set_id``,
        ``data_set_name`` (if `jobs` has it), ``attempts`` (int64: the failed ones and the one that
        succeeded), ``first_failed_at``, ``recovered_at`` (datetime64[us, UTC]: when the first
        failed job and the successful one ended), ``recovery_s`` (float64, seconds between these),
        ``first_job_id``, ``recovered_job_id``.

    Raises
    ------
    DxError
        When given something else than tables.

    Notes
    -----
    What is the same work is said at `unresolved_failures`. A job that succeeded before an earlier
    one was known to have failed recovered it in 0 seconds.

    Examples
    --------
    >>> import dxnotebook as dx
    >>> back = dx.recoveries(dx.load_jobs(dx.demo.client()))
    >>> back.loc[back["first_failed_at"].between("2026-08-31", "2026-09-07"), "recovered_at"].median().floor("h")
    Timestamp('2026-09-07 11:00:00+0000', tz='UTC')
    """
    failures, jobs = _failures(checked(tables), failed)
    failures = failures[failures["recovered_by"] >= 0]
    work = _episodes(failures)
    first, success = (
        frame.loc[rows].reset_index(drop=True)
        for frame, rows in ((failures, work["first"]), (jobs, work["recovered_by"]))
    )
    told = first[[name for name in _TOLD if name in first]].assign(
        attempts=work["attempts"] + 1,
        first_failed_at=work["first_failed_at"],
        recovered_at=success["ended"],
        recovery_s=(success["ended"] - work["first_failed_at"]).dt.total_seconds().clip(lower=0),
        first_job_id=first["job_id"],
        recovered_job_id=success["job_id"],
    )
    return told.sort_values("recovered_at", ascending=False, ignore_index=True, kind="stable")


def runs_of_same_work(tables: JobTables, job_id: str) -> pd.DataFrame:
    """Return the jobs that are to do the same work as one of them, itself included, in the order of their creation.

    What is the same work is said at `unresolved_failures`.

    Examples
    --------
    >>> import dxnotebook as dx
    >>> from dxnotebook.metrics.reruns import runs_of_same_work
    >>> tables = dx.load_jobs(dx.demo.client())
    >>> back = dx.recoveries(tables).iloc[0]
    >>> set(back[["first_job_id", "recovered_job_id"]]) <= set(runs_of_same_work(tables, back["first_job_id"])["job_id"])
    True
    """
    jobs = tables.jobs
    named = [name for name in _WORK if name in jobs]
    own = jobs.loc[jobs["job_id"] == job_id, named].iloc[0]
    alike = np.logical_and.reduce(
        [jobs[name].isna() if pd.isna(own[name]) else jobs[name] == own[name] for name in named]
    )
    jobs = jobs[alike].reset_index(drop=True)
    work = _whole(_parts(tables, jobs), len(jobs))
    same: pd.DataFrame = jobs[work == work[jobs["job_id"] == job_id][0]]
    return same.sort_values(["created_at", "job_id"], ignore_index=True)


def _whole(parts: pd.DataFrame, jobs: int) -> Array:
    """Return what identifies all parts of each job."""
    whole = np.zeros(jobs, np.uint64)
    np.add.at(whole, parts["row"].to_numpy(), parts["part"].to_numpy())
    return whole


def _failures(tables: JobTables, failed: Iterable[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the failed jobs, the first to end first, with their work and what did it later, and the jobs that may have.

    ``work`` identifies what a job is to do, ``recovered_by`` is the place among the second frame's rows of the job
    with which it was done, -1 if it was not, ``ended`` when a job did, as far as that is known.
    """
    state = tables.jobs["state"]
    is_failed = state.isin(texts("failed", failed))
    columns = dict.fromkeys([*_WORK, *_TOLD, "job_id", "state", "created_at", "updated_at"])
    jobs = tables.jobs.loc[
        is_failed | (state == "COMPLETED"), [name for name in columns if name in tables.jobs]
    ]
    jobs = jobs.drop_duplicates("job_id").reset_index(drop=True)
    jobs["work"] = hashed(jobs[[name for name in _WORK if name in jobs]])
    failing = ~(jobs["state"] == "COMPLETED")
    jobs = jobs[failing | jobs["work"].isin(jobs["work"][failing])]
    jobs = jobs.assign(ended=jobs["updated_at"].fillna(jobs["created_at"]))
    jobs = jobs.sort_values(["ended", "job_id"], ignore_index=True)
    parts = _parts(tables, jobs)
    whole = _whole(parts, len(jobs))
    jobs = jobs.assign(
        recovered_by=_recovered_by(jobs, parts), work=mixed(jobs["work"].to_numpy(), whole)
    )
    return jobs[jobs["state"] != "COMPLETED"], jobs


def _parts(tables: JobTables, jobs: pd.DataFrame) -> pd.DataFrame:
    """Return each part of what jobs are to do: the row of the job, and what identifies the part within its work."""
    known = branches(tables.model.record)
    fields = tables.details["field"].drop_duplicates()
    listed = fields[fields.str.split(".").str[0].isin(known)]
    named = [name for name in _PARTS if name in tables.details]
    row = located(tables.details["job_id"], jobs["job_id"])
    wanted = (row >= 0) & (located(tables.details["field"], listed) >= 0)
    wanted &= np.logical_or.reduce([tables.details[name].notna() for name in named])
    row = row[wanted]
    without = np.ones(len(jobs), bool)
    without[row] = False
    rows = np.concatenate([row, np.flatnonzero(without)])
    parts = np.zeros(len(rows), np.uint64)
    parts[: len(row)] = hashed(tables.details.loc[wanted, ["field", *named]])
    return pd.DataFrame({"row": rows, "part": parts}).drop_duplicates()


def _recovered_by(jobs: pd.DataFrame, parts: pd.DataFrame) -> Array:
    """Return, for each job, the row of the later job with which all its parts had been done, -1 where one was not.

    The rows are those of jobs in the order in which they ended.
    """
    of = jobs.take(parts["row"].to_numpy())
    parts = pd.DataFrame(
        {
            "row": parts["row"].to_numpy(),
            "part": mixed(of["work"].to_numpy(), parts["part"].to_numpy()).view(np.int64),
            "created": of["created_at"].to_numpy("M8[us]"),
            "done": (of["state"] == "COMPLETED").to_numpy(),
        }
    )
    parts = parts[parts["created"].notna()].sort_values("created", kind="stable")
    done = parts[parts["done"]][::-1]
    done = done.assign(by=done.groupby("part")["row"].cummin())[
        ::-1
    ]  # of those created from here on the first to end
    found = pd.merge_asof(
        parts[~parts["done"]],
        done[["part", "created", "by"]],
        on="created",
        by="part",
        direction="forward",
        allow_exact_matches=False,
    )
    never = len(jobs)
    last = found["by"].fillna(never).groupby(found["row"]).max()
    recovered_by = np.full(len(jobs), -1)
    recovered_by[last.index] = last.where(last < never, -1)
    return recovered_by


def _episodes(failures: pd.DataFrame) -> pd.DataFrame:
    """Return each piece of work that failed once or several times in a row: how often, when, and which jobs."""
    failures = failures.assign(row=failures.index)
    grouped = failures.groupby(["work", "recovered_by"], sort=False)
    work = grouped.agg(
        attempts=("row", "size"),
        first=("row", "first"),
        last=("row", "last"),
        first_failed_at=("ended", "first"),
        last_failed_at=("ended", "last"),
    )
    return work.reset_index()
