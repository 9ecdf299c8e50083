"""Times in which more jobs failed than usual: since when, why, and whether what failed has been done since."""

from __future__ import annotations

from typing import Any

import pandas as pd

from dxnotebook.metrics.causes import error_causes
from dxnotebook.metrics.reruns import recoveries, unresolved_failures
from dxnotebook.metrics.trend import failure_trend
from dxnotebook.model import FAILED_STATES
from dxnotebook.tables.jobtables import JobTables, checked

_TIME = "datetime64[us, UTC]"
_COLUMNS = {
    "since": _TIME,
    "until": _TIME,
    "n": "int64",
    "failed": "int64",
    "rate": "float64",
    "baseline": "float64",
    "cause": "str",
    "cause_jobs": "int64",
    "cause_data_set_id": "str",
    "recovered": "int64",
    "unresolved": "int64",
    "recovered_at": _TIME,
}


def incidents(tables: JobTables, every: str = "1d") -> pd.DataFrame:
    """Return the runs of periods in which the failure rate was out of control, with their cause and their end.

    Parameters
    ----------
    tables : JobTables
        The jobs with their details and errors.
    every : str
        The length of a period, as in `failure_trend`, which says what is out of control.

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
    >>> found = dx.incidents(dx.load_jobs(dx.demo.client()))
    >>> found.loc[found["failed"].idxmax(), ["failed", "cause_jobs", "recovered", "unresolved"]].tolist()
    [181, 167, 177, 4]
    """
    tables = checked(tables)
    trend = failure_trend(tables.jobs, every)
    ends = trend["period"].shift(-1)
    if len(trend):
        ends.iloc[-1] = max(
            trend["period"].iloc[-1], tables.jobs["created_at"].max()
        ) + pd.Timedelta("1us")
    runs = (
        trend.assign(end=ends)
        .groupby("bad_since")
        .agg(
            until=("end", "last"),
            n=("n", "sum"),
            failed=("failed", "sum"),
            baseline=("baseline", "first"),
        )
    )
    back, left = recoveries(tables), unresolved_failures(tables)
    found = [_incident(tables, since, run, back, left) for since, run in runs.iterrows()]
    table = pd.DataFrame(found, columns=list(_COLUMNS))
    times = {
        name: pd.to_datetime(table[name], utc=True)
        for name, dtype in _COLUMNS.items()
        if dtype == _TIME
    }
    return table.assign(**times).astype(_COLUMNS)


def _incident(
    tables: JobTables,
    since: Any,
    run: pd.Series[Any],
    back: pd.DataFrame,
    left: pd.DataFrame,
) -> dict[str, object]:
    """Return what there is to say of the failures between two times."""
    jobs = tables.jobs
    then = jobs["created_at"].between(since, run["until"], inclusive="left") & jobs["state"].isin(
        FAILED_STATES
    )
    causes = error_causes(tables.filter(then)).dropna(subset="fingerprint").head(1)
    ids = jobs["job_id"][then]
    mine = back[back["first_job_id"].isin(ids)]
    told: dict[str, object] = {"since": since, **run, "rate": run["failed"] / run["n"]}
    told |= {"recovered": len(mine), "unresolved": int(left["job_id"].isin(ids).sum())}
    told |= {
        "recovered_at": mine["recovered_at"].max(),
        "cause": None,
        "cause_jobs": 0,
        "cause_data_set_id": None,
    }
    for cause in causes.to_dict("records"):
        whose = jobs.loc[jobs["job_id"] == cause["example_job_id"], "data_set_id"].iloc[0]
        told |= {"cause": cause["fingerprint"], "cause_jobs": cause["jobs"]}
        told["cause_data_set_id"] = whose if cause["data_sets"] == 1 else None
    return told
