"""Times in which more jobs failed than usual: since when, why, and what has been done since."""

from __future__ import annotations

from typing import Any

import pandas as pd

from dxnotebook.metrics import causes, reruns, trend
from dxnotebook.model import FAILED_STATES
from dxnotebook.tables.jobtables import JobTables, checked, window_of
from dxnotebook.times import Moment, Window

_TIME = "datetime64[us, UTC]"
_INCIDENT = {
    "since": _TIME, "until": _TIME,
    "n": "int64", "failed": "int64", "rate": "float64", "baseline": "float64",
    "cause": "str", "cause_jobs": "int64", "cause_data_set_id": "str",
    "recovered": "int64", "unresolved": "int64", "recovered_at": _TIME,
}  # fmt: skip


def incidents(
    tables: JobTables,
    every: str = "1d",
    *,
    since: Moment | None = None,
    until: Moment | None = None,
) -> pd.DataFrame:
    """Return the times in which more jobs failed than usual, with their cause and end.

    Parameters
    ----------
    tables : JobTables
        The jobs with their details and errors.
    every : str
        The length of a period, as in `failure_trend`: an incident is a run of periods that are
        flagged or shifted there, so that what is small but lasts is one, too, with one start.
    since, until : time or str, optional
        The window, as for `load_jobs`: incidents that were going on in it, whole, from when they
        began to when they ended.

    Returns
    -------
    pandas.DataFrame
        One row an incident, in order: ``since``, ``until`` (datetime64[us, UTC]: the start of the
        first period and the end of the last), ``n``, ``failed``, ``rate``, ``baseline`` (of its
        jobs; the usual rate), ``cause``, ``cause_jobs``, ``cause_data_set_id`` (what most of the
        failed jobs have in common, how many have it, and the data set, null where there are
        several), ``recovered``, ``unresolved`` (int64: pieces of work that failed first then, and
        have or have not been done since), ``recovered_at`` (when the last of these was done, or
        null).

    Raises
    ------
    DxError
        When given something else than tables, or `every` cannot be.

    Examples
    --------
    >>> import dxnotebook as dx
    >>> incidents = dx.incidents(dx.load_jobs(dx.demo.client()))
    >>> worst = incidents.loc[incidents["failed"].idxmax()]
    >>> worst[["failed", "cause_jobs", "recovered", "unresolved"]].to_dict()
    {'failed': 181, 'cause_jobs': 167, 'recovered': 177, 'unresolved': 4}
    """
    tables = checked(tables)
    periods = trend.failure_trend(tables.jobs, every)
    # the last period goes on until the last job
    last = max(periods["period"].max(), tables.jobs["created_at"].max())
    ends = periods["period"].shift(-1).fillna(last + pd.Timedelta("1us"))
    runs = periods.assign(until=ends).groupby("bad_since")
    back, left = reruns.recoveries(tables), reruns.unresolved_failures(tables)
    rows = [
        {"since": since, "baseline": run["baseline"].iloc[0]}
        | _what_failed(tables, since, run["until"].iloc[-1], back, left)
        | run[["n", "failed"]].sum().to_dict()
        for since, run in runs
    ]
    result = pd.DataFrame(rows, columns=list(_INCIDENT))
    # which is all null, without a zone, where nothing has been done
    recovered_at = pd.to_datetime(result["recovered_at"], utc=True)
    result = result.assign(rate=result["failed"] / result["n"], recovered_at=recovered_at)
    result, window = result.astype(_INCIDENT), window_of(tables.jobs, since, until)
    begun = Window(until=window.end).contains(result["since"])
    ended = ~Window(since=window.start).contains(result["until"] - pd.Timedelta("1us"))
    return result[begun & ~ended].reset_index(drop=True)


def _what_failed(
    tables: JobTables, since: Any, until: Any, back: pd.DataFrame, left: pd.DataFrame
) -> dict[str, object]:
    """Return why jobs failed that were created between two times, and what has been done since."""
    jobs = tables.jobs
    failed = jobs["created_at"].between(since, until, inclusive="left")
    failed &= jobs["state"].isin(FAILED_STATES)
    job_ids = jobs["job_id"][failed]
    recovered = back[back["first_job_id"].isin(job_ids)]
    cause = causes.commonest_cause(tables.filter(failed)) or {}
    return {
        "until": until,
        "cause": cause.get("fingerprint"),
        "cause_jobs": cause.get("jobs", 0),
        "cause_data_set_id": cause.get("data_set_id"),
        "recovered": len(recovered),
        "unresolved": left["job_id"].isin(job_ids).sum(),
        "recovered_at": recovered["recovered_at"].max(),
    }
