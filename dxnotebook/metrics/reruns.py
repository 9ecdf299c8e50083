"""Work that failed and was run again: what is still undone, and how long the rest took."""

from __future__ import annotations

import numpy as np
import pandas as pd

from dxnotebook.arrays import Integers, Mask, in_order, located
from dxnotebook.errors import texts
from dxnotebook.metrics.assets import FEED, WORK, assets_of, ended
from dxnotebook.metrics.readable import readable
from dxnotebook.model import FAILED_STATES, States
from dxnotebook.tables.jobtables import JobTables, checked, window_of
from dxnotebook.times import At

_SHOWN_COLUMNS = (*FEED, "data_set_name", "attempts", "first_failed_at")
_UNRESOLVED = (*_SHOWN_COLUMNS, "last_failed_at", "state", "code", "message", "job_id")
_RECOVERED = (*_SHOWN_COLUMNS, "recovered_at", "recovery_s", "first_job_id", "recovered_job_id")


def unresolved_failures(
    tables: JobTables, *, since: At = None, until: At = None, failed: States = FAILED_STATES
) -> pd.DataFrame:
    """Return the work that failed and that no later job has done since.

    Parameters
    ----------
    tables : JobTables
        The jobs with their details and errors.
    since, until : time or str, optional
        The window: work of which a failed job was created in it, from when and until before when,
        as for `load_jobs`. What was done before and since is seen in all jobs.
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
    left = failed_work(tables, since, until, failed)
    left = left[left["recovered_at"].isna()].reset_index(drop=True)
    errors = tables.errors[located(tables.errors["job_id"], left["job_id"]) >= 0]
    errors = errors.sort_values("position", kind="stable").drop_duplicates("job_id")
    left = left.merge(errors[["job_id", "code", "message"]], "left", on="job_id")
    left = left.sort_values("last_failed_at", ascending=False, ignore_index=True, kind="stable")
    return readable(left.filter(items=_UNRESOLVED))


def recoveries(
    tables: JobTables, *, since: At = None, until: At = None, failed: States = FAILED_STATES
) -> pd.DataFrame:
    """Return the work that failed and has been done since, and how long that took.

    Parameters
    ----------
    tables : JobTables
        The jobs with their details.
    since, until : time or str, optional
        The window, as for `unresolved_failures`; the work may have been done after it.
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
    >>> bad_week = back["first_failed_at"].between("2026-08-31", "2026-09-07")
    >>> back.loc[bad_week, "recovered_at"].median().floor("h")
    Timestamp('2026-09-07 11:00:00+0000', tz='UTC')
    """
    back = failed_work(tables, since, until, failed).dropna(subset="recovered_at")
    back["attempts"] += 1
    back = back.sort_values("recovered_at", ascending=False, ignore_index=True, kind="stable")
    return back.filter(items=_RECOVERED)


def failed_work(tables: JobTables, since: At, until: At, failed: States) -> pd.DataFrame:
    """Return each piece of work that failed once or several times in a row, done since or not.

    The columns are those of `unresolved_failures` and `recoveries`, null where it is undone; but
    ``attempts`` are the failed ones.
    """
    return failed_and_all_work(tables, since, until, failed)[0]


def failed_and_all_work(
    tables: JobTables, since: At, until: At, failed: States
) -> tuple[pd.DataFrame, pd.Series[int]]:
    """Return what `failed_work` does, and what identifies the work of each finished job."""
    tables = checked(tables)
    runs, _, all_work = _runs(tables, failed)
    window = window_of(tables.jobs, since, until)
    failures = runs[runs["state"] != "COMPLETED"]
    failures = failures.assign(row=failures.index, inside=window.contains(failures["created_at"]))
    how = {"row": ["size", "first", "last"], "ended": ["first", "last"], "inside": ["any"]}
    work = failures.groupby(["work", "recovered_by"], sort=False).agg(how)
    work.columns = ["attempts", "first", "last", "first_failed_at", "last_failed_at", "inside"]
    work = work[work["inside"]].reset_index()
    last = runs.loc[work["last"]].reset_index(drop=True)
    done = runs[["ended", "job_id"]].reindex(work["recovered_by"]).reset_index(drop=True)
    took = (done["ended"] - work["first_failed_at"]).dt.total_seconds().clip(lower=0)
    answer = last.filter(items=(*_SHOWN_COLUMNS, "state", "job_id")).assign(
        **work[["attempts", "first_failed_at", "last_failed_at"]],
        recovered_at=done["ended"],
        recovery_s=took,
        first_job_id=runs["job_id"].loc[work["first"]].array,
        recovered_job_id=done["job_id"],
    )
    return answer, all_work[window.contains(tables.jobs["created_at"])[all_work.index]]


def runs_of_same_work(tables: JobTables, job_id: str) -> pd.DataFrame:
    """Return the jobs that are to do the same work as one of them, in the order of creation.

    The job itself is one of them. What is the same work is said at `unresolved_failures`.

    Examples
    --------
    >>> import dxnotebook as dx
    >>> from dxnotebook.metrics.reruns import runs_of_same_work
    >>> tables = dx.load_jobs(dx.demo.client())
    >>> back = dx.recoveries(tables).iloc[0]
    >>> runs = runs_of_same_work(tables, back["first_job_id"])
    >>> set(back[["first_job_id", "recovered_job_id"]]) <= set(runs["job_id"])
    True
    """
    jobs = tables.jobs
    job = jobs[jobs["job_id"] == job_id].filter(items=WORK).iloc[0]
    same = [jobs[n].isna() if pd.isna(value) else jobs[n] == value for n, value in job.items()]
    jobs = jobs[np.logical_and.reduce(same)].reset_index(drop=True)
    work = _work(assets_of(tables, jobs))
    runs: pd.DataFrame = jobs[work == work[jobs["job_id"] == job_id].iloc[0]]
    return runs.sort_values(["created_at", "job_id"], ignore_index=True)


def followed(tables: JobTables) -> tuple[Integers, Mask]:
    """Return the job with whose run each job goes on, and which failed ones were mended by that.

    A job is given as its row in `jobs`, its own where it goes on with none. A failed job and the
    re-runs of its work, until it is done, are one run; a job that mends several is of the last.
    Work that succeeds more than once is also run again when its time has come: there a run is gone
    on with only within half the median time between these successes.
    """
    runs, matches, _ = _runs(tables, FAILED_STATES)
    first, mended = np.arange(len(tables.jobs)), np.zeros(len(tables.jobs), bool)
    ordered = runs.sort_values(["work", "created_at"], kind="stable")
    done = ordered["created_at"].where(ordered["state"] == "COMPLETED").dropna()
    between = done.groupby(ordered["work"]).diff().reindex(ordered.index).groupby(ordered["work"])
    limit = between.transform("median").where(between.transform("count") > 0) / 2
    failures = ordered[ordered["state"] != "COMPLETED"].assign(limit=limit)
    work = failures.groupby(["work", "recovered_by"])
    pause = work["created_at"].diff()
    # nothing is later than a limit that there is not
    failures["first"] = failures["row"].where(pause.isna() | (pause >= failures["limit"])).ffill()
    by = failures["recovered_by"].to_numpy()
    then = runs["created_at"].reindex(by).set_axis(failures.index)
    until = then - work["created_at"].transform("max")
    is_last = failures["first"] == work["first"].transform("last")
    failures = failures.assign(is_mended=(by >= 0) & is_last & ~(until >= failures["limit"]))
    first[failures["row"]], mended[failures["row"]] = failures["first"], failures["is_mended"]
    matches = matches[matches["row"].isin(failures.index[failures["is_mended"]])]
    matches = matches.drop_duplicates("by", keep="last")
    first[runs["row"].loc[matches["by"]]] = failures["first"].loc[matches["row"]]
    return first, mended


def done_with(tables: JobTables) -> pd.Series[int]:
    """Return by the row of each failed job that of the one with which its work was done, else -1.

    Rows are places in `jobs`; what it is to be done is said at `unresolved_failures`.

    Examples
    --------
    >>> import dxnotebook as dx
    >>> from dxnotebook.metrics.reruns import done_with
    >>> tables = dx.load_jobs(dx.demo.client())
    >>> by = done_with(tables)
    >>> (by < 0).sum() == dx.unresolved_failures(tables)["attempts"].sum()
    np.True_
    """
    runs, *_ = _runs(tables, FAILED_STATES)
    failures = runs[runs["state"] != "COMPLETED"]
    by = np.append(runs["row"], -1)[failures["recovered_by"]]
    return pd.Series(by, failures["row"]).sort_index()


def _runs(tables: JobTables, failed: States) -> tuple[pd.DataFrame, pd.DataFrame, pd.Series[int]]:
    """Return the failed jobs and those that may have done their work later, the first to end first.

    ``row`` is the job's, ``ended`` is when it did, as far as that is known, ``work`` identifies
    what it is to do, ``recovered_by`` is the place of the one with which the work of a failed one
    was done, else -1. Beside these, with which one each part of the work of those was done, and
    the work of all jobs that failed or completed, by their rows.
    """
    jobs = tables.jobs
    has_failed = jobs["state"].isin(texts("failed", failed)).to_numpy()
    assets = assets_of(tables, jobs, has_failed | (jobs["state"] == "COMPLETED").to_numpy())
    work = _work(assets)
    # a success of other work than what failed is of no interest
    failed_assets = assets["asset"][has_failed[assets["row"]]]
    assets = assets[assets["asset"].isin(failed_assets)]
    rows = np.flatnonzero(np.bincount(assets["row"]))
    columns = [*FEED, "data_set_name", "job_id", "state", "created_at", "updated_at"]
    runs = jobs.filter(items=columns).iloc[rows].assign(row=rows, work=work.reindex(rows).array)
    runs = in_order(runs.assign(ended=ended(runs)), ["ended", "job_id"])
    place = np.zeros(len(jobs), np.int64)
    place[runs["row"]] = runs.index
    matches = _matches(runs, assets.assign(row=place[assets["row"]]))
    # the last part to be done recovers the whole, unless one never was
    last = matches.groupby("row")["by"].max(skipna=False).reindex(runs.index)
    return runs.assign(recovered_by=last.fillna(-1).astype(np.int64)), matches, work


def _work(assets: pd.DataFrame) -> pd.Series[int]:
    """Return what identifies all assets of each job, in whatever order they are."""
    return assets.groupby("row")["asset"].sum()


def _matches(runs: pd.DataFrame, assets: pd.DataFrame) -> pd.DataFrame:
    """Return, for each part of each failed run, the row of the later one with which it was done.

    It is null where it was not. The rows are those of runs in the order in which they ended.
    """
    parts = assets.join(runs[["created_at", "state"]], on="row").dropna(subset="created_at")
    parts = parts.sort_values("created_at", kind="stable")
    has_failed = parts["state"] != "COMPLETED"
    # of the successes that were created from each one on, the first to end
    by = parts[~has_failed][::-1].groupby("asset")["row"].cummin()
    failed, done = parts[has_failed], parts.loc[~has_failed, ["asset", "created_at"]].assign(by=by)
    return pd.merge_asof(
        failed, done, on="created_at", by="asset", direction="forward", allow_exact_matches=False
    )
