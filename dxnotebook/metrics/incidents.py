"""Times in which more jobs failed than usual: since when, why, and what has been done since."""

from __future__ import annotations

from typing import Any

import pandas as pd

from dxnotebook.metrics import causes, reruns, trend
from dxnotebook.metrics.readable import readable
from dxnotebook.metrics.recovery import recovery_of
from dxnotebook.model import FAILED_STATES
from dxnotebook.tables.jobtables import JobTables, checked, observed_at, window_of
from dxnotebook.times import At

_TIME = "datetime64[us, UTC]"
_INCIDENT = {
    "since": _TIME, "until": _TIME,
    "n": "int64", "failed": "int64", "rate": "float64", "baseline": "float64",
    "cause": "str", "cause_jobs": "int64", "cause_data_set_id": "str",
    "recovered": "int64", "unresolved": "int64", "recovered_at": _TIME,
    "recovery_s": "float64",
}  # fmt: skip


def incidents(
    tables: JobTables, every: str = "1d", *, since: At = None, until: At = None
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
        null), ``recovery_s`` (float64, seconds: in what time half of all these were, what is undone
        counted as in `recovery_times`; null where that is unknown).

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
    periods["until"] = periods["period"].shift(-1).fillna(last + pd.Timedelta("1us"))
    how = {"until": "last", "n": "sum", "failed": "sum", "baseline": "first"}
    found = periods.groupby("bad_since").agg(how).rename_axis("since").reset_index()
    found["rate"] = found["failed"] / found["n"]
    work = reruns.failed_work(tables, None, None, FAILED_STATES)
    rows = [
        one | _told(tables, work, one["since"], one["until"]) for one in found.to_dict("records")
    ]
    columns = {n: pd.Series([row[n] for row in rows], dtype=_INCIDENT[n]) for n in _INCIDENT}
    result, window = pd.DataFrame(columns), window_of(tables.jobs, since, until)
    inside = trend.touched(window, result["since"], result["until"])
    return readable(result[inside].reset_index(drop=True))


def _told(tables: JobTables, work: pd.DataFrame, since: Any, until: Any) -> dict[str, object]:
    """Return why jobs failed that were created between two times, and what has been done since."""
    jobs = tables.jobs
    failed = jobs["created_at"].between(since, until, inclusive="left")
    failed &= jobs["state"].isin(FAILED_STATES)
    cause = causes.commonest_cause(tables.filter(failed)) or {}
    work = work[work["first_job_id"].isin(jobs["job_id"][failed])]
    return {
        "cause": cause.get("fingerprint"),
        "cause_jobs": cause.get("jobs", 0),
        "cause_data_set_id": cause.get("data_set_id"),
        "recovered": work["recovered_at"].notna().sum(),
        "unresolved": work["recovered_at"].isna().sum(),
        "recovered_at": work["recovered_at"].max(),
        "recovery_s": recovery_of(work, [], observed_at(jobs))["median"][0],
    }
