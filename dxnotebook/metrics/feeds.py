"""What is run again and again: the rhythm of each feed, how it fares, and what is overdue."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from dxnotebook.arrays import Array
from dxnotebook.metrics.assets import FEED, ended
from dxnotebook.metrics.engines import numbered
from dxnotebook.metrics.reruns import followed
from dxnotebook.model import FAILED_STATES, OPEN_STATES
from dxnotebook.tables.jobtables import JobTables, checked, dated, observed_at
from dxnotebook.times import At, Window

# what became of a run: the first that holds of one of its jobs; else it was cancelled
_FATES = ["failed", "open", "recovered", "completed", "cancelled"]
_SUCCESSES = ["recovered", "completed"]
_FEWEST = 5  # runs with a rhythm, and weeks ago that tell whether the week has one
_TOGETHER = 60.0  # seconds: runs that begin so soon after the one before are of one beat
_ONE_DAY, _A_WEEK = 86_400.0, 604_800.0
_UPPER = 0.98  # what one run in fifty exceeds
_DAYS_UNTIL_ENDED = 14


def feeds(tables: JobTables, *, since: At = None, until: At = None, now: At = None) -> pd.DataFrame:
    r"""Return how each feed fares: its usual interval, its last success, and what is overdue.

    Parameters
    ----------
    tables : JobTables
        The jobs with their details.
    since, until : str, date, datetime, timedelta or Timestamp, optional
        Only feeds with a job that was created in this time; lengths such as "7d" are so long before
        `now`. All jobs say what a feed's rhythm and state are.
    now : Timestamp or str, optional
        When the jobs were as the tables have them; by default when they were loaded, or, if the
        tables do not say that, the latest time in them.

    Returns
    -------
    pandas.DataFrame
        One row a feed, in order: ``account_id``, ``region``, ``type``, ``data_set_id``,
        ``data_set_name`` (if `jobs` has it: its last), ``runs`` (int64), ``success_rate`` (float64,
        0 to 1: of the finished runs after their re-runs, null where there are none),
        ``duration_s`` (float64, seconds: the median of the completed jobs), ``usual_every_s``,
        ``every_spread_s`` (float64, seconds; null where there is no rhythm), ``last_run_at``,
        ``last_success_at``, ``expected_by`` (datetime64[us, UTC]: when the last run began, when the
        last that succeeded had ended, by when the next has to begin), ``overdue_s`` (float64,
        seconds from ``expected_by`` to `now`, 0 where that has not come, null where there is no
        rhythm) and ``status`` (str): "fine", or the first that holds of

        - "failing": the last three finished runs failed; or the last did, its last job to finish,
          too, and so did the run before, or a day has gone by since, or the usual interval if that
          is shorter;
        - "irregular": there is no rhythm;
        - "ended": overdue, the last run neither failed nor is open, and it began more than 14 usual
          intervals ago, and more than 14 days;
        - "overdue": ``expected_by`` has passed.

    Raises
    ------
    DxError
        When given something else than tables, or a limit or `now` is no time.

    Notes
    -----
    A feed is a type of job of a data set, again and again. The jobs of a revision are one run of
    it, which begins with the first of them; a job that names no revision of its own, such as an
    export of revisions, is a run. Re-runs of work that failed belong to the run that they mend, not
    to that of their own revision, and to the last where they mend several. What is the same work is
    said at `unresolved_failures`; work that succeeds more than once is done again by plan, so there
    only what begins within half the median time between its successes is a re-run. A run has failed
    if a job of it has and was not mended; else it is open if one is; else it succeeded if one did;
    else it was cancelled. Whatever became of it, it is a sign of life.

    The rhythm is that of the times at which runs begin, but those that begin within a minute of the
    one before are one. ``usual_every_s`` is the median of the gaps :math:`g_i` between these, and
    ``every_spread_s`` 1.4826 times the median of their absolute deviations from it, which is the
    standard deviation of normal ones (P. J. Rousseeuw and C. Croux, JASA 88, 1993). The gap that is
    expected, :math:`e_i`, is the median, or that of a week before: from the same moment to the
    first beginning at least half a median after it. The latter holds where it has the smaller mean
    absolute error of all gaps, at least five, for which there is one, and where the median is at
    most half a week: so free weekends, nights and fixed times of a day are expected (a seasonal
    naïve forecast: R. J. Hyndman and G. Athanasopoulos, *Forecasting*, 3rd ed., section 5.2). There
    is a rhythm if there are at least five beginnings, and at least half of the errors
    :math:`g_i - e_i` are not beyond a quarter of the median. The next run is expected by

    .. math:: t + e + \max(0, q) + s + m / 10

    with :math:`t` the last beginning, :math:`e` the gap that is expected after it, :math:`q` the
    0.98-quantile of the errors (the next larger of them), :math:`s` the spread and :math:`m` the
    median; but not before a median after the last job, which may be taken for a re-run and be the
    next run. A gap such as the second longest of two months of a daily feed, by a holiday, say,
    makes it not overdue. A feed that is silent for 14 days and intervals without having failed is
    taken to have been ended: holidays are shorter, and faults are noticed before.

    Examples
    --------
    >>> import dxnotebook as dx
    >>> feeds = dx.feeds(dx.load_jobs(dx.demo.client()))
    >>> (feeds["usual_every_s"] / 86400).round(1).value_counts().head(2).to_dict()
    {1.0: 25, 6.9: 8}
    """
    return feeds_and_runs(tables, since, until, now)[0].reset_index(drop=True)


def feeds_and_runs(
    tables: JobTables, since: At = None, until: At = None, now: At = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return what `feeds` does, and the runs of all feeds.

    A run has the number of its ``feed``, which is the index of the feeds, when it ``begun`` and
    ``ended``, its ``outcome`` (failed, open, recovered, completed, cancelled) and ``missed_at``:
    when another one was expected after it that did not come for half an interval.
    """
    tables = checked(tables)
    jobs = dated(tables.jobs).reset_index(drop=True)
    at = observed_at(jobs, now)
    groups, feed = numbered(jobs, list(FEED))
    runs = _runs_of(replace(tables, jobs=jobs), feed)
    if "data_set_name" in jobs:
        order = np.argsort(jobs["created_at"].to_numpy(), kind="stable")
        groups["data_set_name"] = jobs["data_set_name"].iloc[order].groupby(feed[order]).last()
    took = jobs["duration_s"].where(jobs["state"] == "COMPLETED").groupby(feed).median()
    result = _judged_feeds(groups, runs, took, at)
    is_inside = Window.of(since, until, at).contains(jobs["created_at"])
    return result.loc[np.unique(feed[is_inside])], runs


def _runs_of(tables: JobTables, feed: Array) -> pd.DataFrame:
    """Return the runs that the jobs of feeds make, by feed in the order in which they began."""
    jobs, state, many = tables.jobs, tables.jobs["state"], len(tables.jobs)
    first, mended = followed(tables)
    revision = pd.factorize(jobs["revision_id"])[0]
    revision = np.where(revision < 0, many + np.arange(many), revision)
    ends, is_done = ended(jobs), state == "COMPLETED"
    failed = state.isin(FAILED_STATES) & ~mended
    is_fate: list[Any] = [failed, state.isin(OPEN_STATES), mended, is_done]
    columns = {
        "feed": feed,
        "begun": jobs["created_at"],
        "last_at": jobs["created_at"],
        "ended": ends,
        "failed_at": ends.where(failed),
        "done_at": ends.where(is_done),
        "outcome": np.select(is_fate, range(len(is_fate)), len(is_fate)),
    }
    run = pd.factorize(feed * 2 * many + revision)[0][first]
    how = dict.fromkeys(columns, "max") | {"begun": "min", "outcome": "min"}
    runs = pd.DataFrame(columns).groupby(run, sort=False).agg(how)
    runs["outcome"] = np.array(_FATES)[runs["outcome"]]
    return runs.sort_values(["feed", "begun"], ignore_index=True, kind="stable")


def _judged_feeds(
    feeds: pd.DataFrame, runs: pd.DataFrame, took: pd.Series[float], now: pd.Timestamp
) -> pd.DataFrame:
    """Return feeds with what their runs say, and note in runs when others were missed."""
    rhythm = _rhythm(runs, now)
    of_feed, outcome = runs["feed"], runs["outcome"]
    succeeded, failed = outcome.isin(_SUCCESSES), outcome == "failed"
    result = feeds.assign(
        runs=np.bincount(of_feed, minlength=len(feeds)),
        success_rate=succeeded.where(succeeded | failed).astype("float64").groupby(of_feed).mean(),
        duration_s=took,
        **rhythm[["usual_every_s", "every_spread_s"]],
        last_run_at=runs.groupby("feed")["begun"].max(),
        last_success_at=runs["ended"].where(succeeded).groupby(of_feed).max(),
        expected_by=rhythm["expected_by"],
    )
    # what is a re-run of this work may be the next run, too
    every = result["usual_every_s"]
    usual = (every * 1e6).round().astype("timedelta64[us]")
    again = runs.groupby("feed")["last_at"].max().reindex(feeds.index) + usual
    result["expected_by"] = result["expected_by"].mask(again > result["expected_by"], again)
    late = (now - result["expected_by"]).dt.total_seconds()
    silent = (now - result["last_run_at"]).dt.total_seconds()
    last = outcome.groupby(of_feed).last().reindex(feeds.index)
    is_ended = (silent > _DAYS_UNTIL_ENDED * every.clip(lower=_ONE_DAY)) & (last != "open")
    failing = _failing_feeds(runs, now, every.clip(upper=_ONE_DAY).fillna(_ONE_DAY))
    status = np.select(
        [failing, every.isna(), is_ended & (last != "failed") & (late > 0), late > 0],
        ["failing", "irregular", "ended", "overdue"],
        "fine",
    )
    return result.assign(overdue_s=late.clip(lower=0), status=pd.Series(status, dtype="str"))


def _failing_feeds(
    runs: pd.DataFrame, now: pd.Timestamp, every: pd.Series[float]
) -> pd.Series[bool]:
    """Return of each feed whether it fails: more than one run that may be run again yet."""
    runs = runs[runs["outcome"].isin([*_SUCCESSES, "failed"])]
    failed = runs["outcome"] == "failed"
    before, twice = (failed.groupby(runs["feed"]).shift(n, fill_value=False) for n in (1, 2))
    is_old = (now - runs["failed_at"]).dt.total_seconds() > runs["feed"].map(every)
    is_last = ~(runs["done_at"] > runs["failed_at"])
    failing = failed & (before & twice | is_last & (before | is_old))
    last = failing.groupby(runs["feed"]).last().astype(bool)
    answer: pd.Series[bool] = last.reindex(every.index, fill_value=False)
    return answer


def _rhythm(runs: pd.DataFrame, now: pd.Timestamp) -> pd.DataFrame:
    """Return the rhythm of each feed, as `feeds` says, and note in runs when others were missed."""
    origin = runs["begun"].min()
    feed, at = runs["feed"].to_numpy(), (runs["begun"] - origin).dt.total_seconds().to_numpy()
    begins = (np.diff(feed, prepend=-1) > 0) | (np.diff(at, prepend=0) >= _TOGETHER)
    beats = pd.DataFrame({"feed": feed[begins], "at": at[begins]}, np.flatnonzero(begins))
    of_feed = beats["feed"].to_numpy()
    beats["gap"] = -beats["at"].groupby(of_feed).diff(-1)
    every, number = (beats["gap"].groupby(of_feed).agg(how) for how in ("median", "size"))
    beats["every"] = beats["feed"].map(every)
    beats["weekly"] = _week_before(beats)
    errors = pd.DataFrame({name: beats["gap"] - beats[name] for name in ("every", "weekly")})
    both = errors.abs().where(errors["weekly"].notna()).groupby(of_feed)
    size = both.sum()
    is_weekly = (size["weekly"] < size["every"]) & (both["weekly"].count() >= _FEWEST)
    of_week = is_weekly.reindex(of_feed).to_numpy()
    beats["expected"] = beats["weekly"].where(of_week).fillna(beats["every"])
    error = errors["weekly"].where(of_week, errors["every"])
    spread = 1.4826 * errors["every"].abs().groupby(of_feed).median()
    upper = error.groupby(of_feed).quantile(_UPPER, interpolation="higher").clip(lower=0)
    last = beats.groupby("feed")[["at", "expected"]].last()
    by = last["at"] + last["expected"] + upper + spread + every / 10
    steady = error.abs().groupby(of_feed).median() <= every / 4
    after = beats["expected"] + beats["feed"].map(spread.where(steady)) + beats["every"] / 2
    is_missed = beats["gap"].fillna((now - origin).total_seconds() - beats["at"]) > after
    missed = (beats["at"] + beats["expected"]).where(is_missed)
    runs["missed_at"] = _moments(missed.reindex(runs.index), origin)
    expected_by = _moments(by, origin)
    columns = {"usual_every_s": every, "every_spread_s": spread, "expected_by": expected_by}
    return pd.DataFrame(columns)[steady & (number >= _FEWEST)]


def _week_before(beats: pd.DataFrame) -> Array:
    """Return how long after the moment a week before each beat the next one came, if it is known.

    That is the first which is at least half a usual interval after it.
    """
    feed, at, every = (beats[name].to_numpy() for name in ("feed", "at", "every"))
    then = at - _A_WEEK
    # a line of time on which one feed comes after another
    line = at + feed * (at.max(initial=0) + 2 * _A_WEEK)
    following = np.searchsorted(line, line - _A_WEEK + every / 2)
    first = beats.groupby("feed")["at"].transform("first").to_numpy()
    known = (every <= _A_WEEK / 2) & (then + every / 2 >= first)
    return np.where(known, at[np.where(known, following, 0)] - then, np.nan)


def _moments(seconds: pd.Series[float], origin: pd.Timestamp) -> pd.Series[pd.Timestamp]:
    """Return times that are so many seconds after an origin."""
    start = pd.Series(origin, seconds.index, "datetime64[us, UTC]")
    return start + (seconds * 1e6).round().astype("timedelta64[us]")
