"""Jobs that are open: how many at once, beside the service's quotas, and which for too long."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from dxnotebook.arrays import Array, Integers, Mask
from dxnotebook.metrics.engines import columns_of, numbered, pandas_frame
from dxnotebook.metrics.readable import readable
from dxnotebook.model import OPEN_JOB_QUOTAS, OPEN_STATES
from dxnotebook.tables.jobtables import dated, observed_at, window_of
from dxnotebook.times import At, Window

_RESULTS = ("at", "open", "peak", "quota")
_USUAL = 0.99
_LATEST = 2**62  # microseconds
_MOST_PACKED = 2**61  # of groups times microseconds: one bit is for begun or ended, one for signs
_LONG = 86_400.0  # seconds: what is usual where no job at all has completed
_WHAT_TO_DO = {
    "WAITING": "It was never started: aws dataexchange start-job --job-id ",
    "IN_PROGRESS": "Cancel it, and run it anew: aws dataexchange cancel-job --job-id ",
}
_IDENTITY = ("job_id", "account_id", "region", "type", "state", "data_set_id", "data_set_name")


def concurrency(
    jobs: pd.DataFrame,
    by: str | Sequence[str] | None = "type",
    *,
    since: At = None,
    until: At = None,
) -> pd.DataFrame:
    """Return how many jobs were open at each moment, with the peak and the service's quota.

    Parameters
    ----------
    jobs : pandas.DataFrame
        Jobs with the columns ``state``, ``created_at``, ``updated_at`` and `by`.
    by : str or sequence of str, optional
        The column or columns to group by.
    since, until : time or str, optional
        The window: from when and until before when, as for `load_jobs`. Jobs that were created
        before it and were still open in it are counted.

    Returns
    -------
    pandas.DataFrame
        A step series of each group: one row a moment at which the number changes, and the beginning
        of the window for groups that have open jobs then, in order: the
        `by` columns, ``at`` (datetime64[us, UTC]), ``open`` (int64: from then on), ``peak`` (int64:
        the largest of the group), ``quota`` (Int64: how many jobs of the type may be open at once;
        null where the service has none, and where a group holds several accounts or regions, each
        of which has a quota of its own: name them in `by`).

    Raises
    ------
    DxError
        When a column is missing.

    Notes
    -----
    A job is open from ``created_at`` until just before ``updated_at``, and to this day while its
    state is WAITING or IN_PROGRESS. One that was refused at once was never open.

    Examples
    --------
    >>> import dxnotebook as dx
    >>> steps = dx.concurrency(dx.load_jobs(dx.demo.client()).jobs)
    >>> of_type = steps.groupby("type", observed=True)[["peak", "quota"]].first()
    >>> of_type.loc["EXPORT_REVISIONS_TO_S3"].tolist()
    [5, 5]
    """
    columns = columns_of(by, _RESULTS)
    jobs = dated(pandas_frame(jobs, ["state", "created_at", "updated_at", *columns]))
    groups, group = numbered(jobs, columns)
    created, updated = (jobs[name].to_numpy("M8[us]") for name in ("created_at", "updated_at"))
    is_open = jobs["state"].isin(OPEN_STATES).to_numpy()
    ends = ~is_open & (updated > created)
    begins = is_open | ends
    changed, at, number = _steps(
        np.append(group[begins], group[ends]),
        np.append(created[begins], updated[ends]),
        np.repeat([True, False], [begins.sum(), ends.sum()]),
        window_of(jobs, since, until),
    )
    steps = groups.take(changed).reset_index(drop=True)
    steps["at"] = pd.DatetimeIndex(at, tz="UTC")
    steps["open"] = number
    steps["peak"] = steps["open"].groupby(changed).transform("max")
    steps["quota"] = _quotas(groups, jobs, group).take(changed)
    return steps


def _steps(group: Array, at: Array, begins: Mask, window: Window) -> tuple[Array, Array, Integers]:
    """Return when the number of a group's open jobs changes: the groups, the times, the numbers.

    Given are the changes by single jobs, which begin or end, several of them maybe at one moment.
    What came before the window is at its beginning.
    """
    if window.end is not None:
        within = at < window.end.tz_convert(None).to_datetime64()
        group, at, begins = group[within], at[within], begins[within]
    if window.start is not None:
        at = np.maximum(at, window.start.tz_convert(None).to_datetime64().astype(at.dtype))
    # numbers are sorted many times faster than their order is found, so each change becomes one
    begin = at.view(np.int64).min(initial=_LATEST)
    times, of_rank = at.view(np.int64) - begin, None
    if (int(group.max(initial=0)) + 1) * (int(times.max(initial=0)) + 1) > _MOST_PACKED:
        of_rank, times = np.unique(at, return_inverse=True)
    span = times.max(initial=0) + 1
    changes = (group * span + times) * 2 + begins
    changes.sort()
    moments = changes >> 1
    first = np.flatnonzero(np.append([moments.size > 0], moments[1:] != moments[:-1]))
    net = np.add.reduceat((changes & 1) * 2 - 1, first)
    first, net = first[net != 0], net[net != 0]
    group, times = np.divmod(moments[first], span)
    number = pd.Series(net).groupby(group).cumsum().to_numpy()
    at = (begin + times).view("M8[us]") if of_rank is None else of_rank[times]
    return group, at, number


def _quotas(groups: pd.DataFrame, jobs: pd.DataFrame, group: Array) -> Any:
    """Return the quota of each group: that of its type, if it is of one account and region."""
    quota = pd.Series(pd.NA, groups.index, "Int64")
    if "type" in groups:
        quota = groups["type"].astype("str").map(dict(OPEN_JOB_QUOTAS)).astype("Int64")
    for name in ("account_id", "region"):
        if name in jobs and name not in groups:
            place = pd.Series(pd.factorize(jobs[name], use_na_sentinel=False)[0])
            if place.any():  # there are several
                of_group = place.groupby(group)
                quota = quota.mask(of_group.min() != of_group.max())
    return quota.array


def stuck_jobs(
    jobs: pd.DataFrame, now: At = None, *, since: At = None, until: At = None
) -> pd.DataFrame:
    """Return the open jobs that have been open for longer than jobs of their type usually take.

    Parameters
    ----------
    jobs : pandas.DataFrame
        Jobs with the columns ``job_id``, ``type``, ``state``, ``created_at`` and ``duration_s``,
        finished ones, too: they say what is usual.
    now : Timestamp or str, optional
        When the jobs were as the frame has them; by default when they were loaded, or, if the frame
        does not say that, the latest time in it.
    since, until : time or str, optional
        The window, as for `load_jobs`: jobs that were open in it, which leaves out those that were
        created after it. How long others took, and this one, is judged by all jobs.

    Returns
    -------
    pandas.DataFrame
        One row a stuck job, the one that has been open for longest first: ``job_id``,
        ``account_id``, ``region``, ``type``, ``state``, ``data_set_id``, ``data_set_name``,
        ``created_at`` as far as `jobs` has them, ``open_s`` (float64, seconds until `now`),
        ``usual_s`` (float64, seconds: the 99th percentile of the completed jobs of the type, of all
        where none of the type has completed, and a day where none has at all) and ``remedy`` (what
        to do: a job in WAITING was never started, as it waits for StartJob however long; one in
        progress can be cancelled, and run anew).

    Raises
    ------
    DxError
        When a column is missing, or `now` is no time.

    Examples
    --------
    >>> import dxnotebook as dx
    >>> stuck = dx.stuck_jobs(dx.load_jobs(dx.demo.client()).jobs)
    >>> (stuck["open_s"] / 86400).round().tolist()
    [17.0, 9.0, 5.0, 2.0]
    """
    jobs = pandas_frame(jobs, ["job_id", "type", "state", "created_at", "updated_at", "duration_s"])
    is_known = (jobs["state"] == "COMPLETED") & (jobs["duration_s"] < np.inf)
    completed = jobs.loc[is_known, ["type", "duration_s"]]
    usual = completed.groupby("type", observed=True)["duration_s"].quantile(_USUAL)
    of_all = completed["duration_s"].quantile(_USUAL)
    waiting = jobs[jobs["state"].isin(OPEN_STATES)]
    usual_s = waiting["type"].astype("str").map(usual).fillna(of_all).fillna(_LONG).astype(float)
    open_s = (observed_at(jobs, now) - waiting["created_at"]).dt.total_seconds()
    remedy = waiting["state"].astype("str").map(_WHAT_TO_DO) + waiting["job_id"].astype("str")
    waiting = waiting.filter(items=(*_IDENTITY, "created_at"))
    waiting = waiting.assign(open_s=open_s, usual_s=usual_s, remedy=remedy.astype("str"))
    # such jobs are open to this day
    before = Window(until=window_of(jobs, since, until).end)
    stuck: pd.DataFrame = waiting[(open_s > usual_s) & before.contains(waiting["created_at"])]
    return readable(stuck.sort_values("open_s", ascending=False, ignore_index=True))
