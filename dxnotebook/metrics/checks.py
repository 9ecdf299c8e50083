"""Is something wrong with the jobs? What a cron job asks: findings in words, or none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from dxnotebook.errors import DxError, invalid
from dxnotebook.metrics import causes, concurrency, rates, recovery, reruns
from dxnotebook.metrics.feeds import feeds
from dxnotebook.metrics.multiplicity import benjamini_hochberg
from dxnotebook.metrics.revisions import filled
from dxnotebook.tables.jobtables import (
    JobTables,
    checked,
    observed_at,
    rejected,
    unanswered,
    window_of,
    within,
)
from dxnotebook.text import counted, elapsed, shortened, visible
from dxnotebook.times import Moment, Window, length

_FINDING = {"check": "str", "of": "str", "value": "float64", "limit": "float64", "message": "str"}
_LONGEST_MESSAGE = 160
_CHANCE = 0.025  # as beyond one end of a 95 % interval
# what shares its fate: the jobs that make a revision
_CLUSTER = ["type", "data_set_id", "revision_id"]
#: The check whose findings say that a client was not asked.
NO_ANSWER = "no answer"

Finding = dict[str, Any]
Findings = Iterator[Finding]
Names = dict[Any, str]


def check(
    tables: JobTables,
    *,
    since: Moment | None = None,
    until: Moment | None = None,
    max_failure_rate: float | None = None,
    by: str | None = None,
    max_undone_rate: float | None = None,
    max_unresolved: int | None = None,
    max_stuck: int | None = None,
    max_silence: str | timedelta | None = None,
    max_overdue: int | None = None,
    incomplete: bool | pd.DataFrame = False,
    now: pd.Timestamp | str | None = None,
) -> pd.DataFrame:
    """Return what is wrong with jobs, by the limits that are given.

    That jobs were rejected, that a client did not answer, or that there are no jobs, is a finding
    whatever the limits are.

    Parameters
    ----------
    tables : JobTables
        The jobs to look at; `with_names` gives the findings the names of data sets.
    since, until : time or str, optional
        The window to check, as for `load_jobs`; all jobs given are its context. What failed in it
        may have been done since, and what is stuck or silent is so whenever it began.
    max_failure_rate : float, optional
        The highest rate, 0 to 1, of failed jobs among the finished ones. What is compared is the
        lower bound of the rate's 95 % interval, in which the jobs of a revision share their fate,
        so that three failures of three jobs are needed to find more than 40 %.
    by : str, optional
        A column of the jobs, such as "data_set_id" or "type", of each of whose values the failure
        rate is checked as well as that of all jobs. However many there are, one is found by chance
        in at most one check of forty.
    max_undone_rate : float, optional
        The highest rate, 0 to 1, of the work that was not done in the end (see `undone_rate`),
        compared as the failure rate is.
    max_unresolved : int, optional
        How many pieces of failed work may be without a later success.
    max_stuck : int, optional
        How many jobs may be open for longer than usual.
    max_silence : str or timedelta, optional
        How long ago the last success of each data set may be, as "26h" or "3d".
    max_overdue : int, optional
        How many feeds may be overdue (see `feeds`).
    incomplete : bool or pandas.DataFrame
        Whether incomplete revisions are a finding; or the answer of `revisions`, which with a
        client also knows those that were finalized though incomplete.
    now : Timestamp or str, optional
        When the jobs were as the tables have them; by default when they were loaded.

    Returns
    -------
    pandas.DataFrame
        One row a finding: ``check`` ("failure rate", "undone rate", "unresolved", "stuck",
        "silence", "overdue" or "incomplete"; "rejects", "no answer" or "no jobs"), ``of`` (what it
        is about: the value of `by`, the id of a data set, the name of a client; null where it is
        all jobs), ``value``, ``limit`` (a rate, a number, or seconds), ``message``: a line that
        says it. No row when nothing is wrong. What was looked at is in ``attrs["looked_at"]``:
        ``jobs`` (how many are in the window), ``since``, ``until``, ``as_of``, ``accounts``,
        ``regions``, and with `by` ``groups``: the rate of each, its interval, and the adjusted
        p-value of its being above the limit.

    Raises
    ------
    DxError
        When given something else than tables, no limit at all, or one that cannot be.

    Notes
    -----
    Groups are compared by exact binomial tests of their effective numbers of jobs against the
    limit, and found where the false discovery rate is held at 2.5 % (Y. Benjamini and Y. Hochberg,
    *Journal of the Royal Statistical Society* B 57, 1995), which is what the lower bound of the
    interval holds for all jobs.

    Examples
    --------
    >>> import dxnotebook as dx
    >>> client = dx.demo.client()
    >>> tables, week = dx.with_names(dx.load_jobs(client), client), ("2026-08-31", "2026-09-07")
    >>> found = dx.check(tables, since=week[0], until=week[1], max_failure_rate=0.1)
    >>> print(found["message"][0][:83])
    All jobs: 181 of 440 finished jobs failed (41 %, limit 10 %). Mostly: Access denied
    """
    tables = checked(tables)
    shares = {"max_failure_rate": max_failure_rate, "max_undone_rate": max_undone_rate}
    numbers = {"max_unresolved": max_unresolved, "max_stuck": max_stuck, "max_overdue": max_overdue}
    _check_limits(shares, {**numbers, "incomplete": incomplete is not False or None}, max_silence)
    if by is not None and (not isinstance(by, str) or by not in tables.jobs):
        raise invalid("by", by, "is the name of a column of the jobs, such as 'data_set_id'")
    names, window = _data_set_names(tables), window_of(tables.jobs, since, until)
    inside, as_of = within(tables, window), observed_at(tables.jobs, now)
    looked_at = _looked_at(inside, window, as_of)
    findings = [*_missing_findings(tables, inside, window)]
    if max_failure_rate is not None:
        findings += _rate_findings(inside, names, max_failure_rate)
        if by is not None:
            groups = _groups(inside, by, max_failure_rate)
            looked_at["groups"] = json.loads(groups.to_json(orient="records"))
            findings += _group_findings(inside, names, max_failure_rate, by, groups)
    limits: dict[str, Any] = {"since": since, "until": until}
    if max_undone_rate is not None:
        findings += _undone_findings(recovery.undone_rate(tables, **limits), max_undone_rate)
    if max_unresolved is not None:
        left = reruns.unresolved_failures(tables, **limits)
        findings += _unresolved_findings(left, names, max_unresolved, window)
    if max_stuck is not None:
        found = concurrency.stuck_jobs(tables.jobs, now, **limits)
        findings += _stuck_findings(found, names, max_stuck)
    if max_silence is not None:
        findings += _silence_findings(tables, names, _length_in_seconds(max_silence), as_of)
    if max_overdue is not None:
        findings += _overdue_findings(feeds(tables, now=now, **limits), names, max_overdue)
    if incomplete is not False:
        revisions = filled(tables, since, until) if incomplete is True else incomplete
        findings += _incomplete_findings(revisions, names)
    result = pd.DataFrame(findings, columns=list(_FINDING)).astype(_FINDING)
    result.attrs["looked_at"] = looked_at
    return result


def _looked_at(inside: JobTables, window: Window, now: pd.Timestamp) -> dict[str, Any]:
    """Return what was looked at, as plain values."""
    times = {"since": window.start, "until": window.end, "as_of": now}
    places = {"accounts": "account_id", "regions": "region"}
    return {
        "jobs": len(inside),
        **{name: None if pd.isna(time) else time.isoformat() for name, time in times.items()},
        **{n: sorted(inside.jobs[column].dropna().unique()) for n, column in places.items()},
    }


def in_words(looked_at: dict[str, Any]) -> str:
    """Return in a line what a check looked at.

    Examples
    --------
    >>> import dxnotebook as dx
    >>> from dxnotebook.metrics.checks import in_words
    >>> found = dx.check(dx.load_jobs(dx.demo.client(jobs=50)), max_stuck=9)
    >>> in_words(found.attrs["looked_at"])
    'Looked at 50 jobs, as of 2026-09-30 12:00 UTC, account 111122223333 in us-east-1.'
    """
    times = (("created since", "since"), ("before", "until"), ("as of", "as_of"))
    given = [(words, looked_at[name]) for words, name in times if looked_at[name]]
    when = [f"{words} {pd.Timestamp(at):%Y-%m-%d %H:%M}" for words, at in given]
    accounts = counted(len(looked_at["accounts"]), "account")
    if len(looked_at["accounts"]) == 1:
        accounts = f"account {looked_at['accounts'][0]}"
    where = f"{accounts} in {', '.join(looked_at['regions']) or 'no region'}"
    groups = counted(len(looked_at["groups"]), "group") if "groups" in looked_at else ""
    parts = [counted(looked_at["jobs"], "job"), f"{' '.join(when)} UTC", where, groups]
    return f"Looked at {', '.join(filter(None, parts))}."


def _missing_findings(tables: JobTables, inside: JobTables, window: Window) -> Findings:
    """Yield what nobody has to ask for: that jobs, or answers, are not there to be checked."""
    for name, words in zip(tables.failures, unanswered(tables.failures), strict=True):
        yield _finding(NO_ANSWER, words, 1, 0, name)
    if words := rejected(tables.rejects["reason"]):
        yield _finding("rejects", words, len(tables.rejects), 0)
    if not len(inside):
        when = {"since": window.start, "until": window.end}
        words = "".join(f" {name} {at:%Y-%m-%d %H:%M} UTC" for name, at in when.items() if at)
        if len(tables):
            words += f"; {counted(len(tables), 'job is', 'jobs are')} outside of that"
        yield _finding("no jobs", f"No jobs{words}: they could not be checked.", 0, 1)


def _check_limits(shares: dict[str, Any], numbers: dict[str, Any], max_silence: object) -> None:
    """Raise DxError if there is no limit, or one that cannot be."""
    numbers = {**shares, **numbers}
    if max_silence is None and all(limit is None for limit in numbers.values()):
        raise DxError("There is nothing to check: give a limit, such as max_failure_rate=0.1.")
    for name, limit in numbers.items():
        if limit is not None and not (isinstance(limit, Real) and float(limit) >= 0):
            raise invalid(name, limit, "is a number that is not negative")
    for name, limit in shares.items():
        if (limit or 0) > 1:
            raise invalid(name, limit, "is a share between 0 and 1, as 0.1 for 10 %")


def _length_in_seconds(given: str | timedelta) -> float:
    if isinstance(given, timedelta):
        seconds = given.total_seconds()
    else:
        count, unit, _ = length(given) or (0, 0, 0)
        seconds = (1 if count is None else count) * unit
    if seconds <= 0:
        raise invalid("max_silence", given, "is a length of time, such as '26h' or '3d'")
    return seconds


def _rate_findings(inside: JobTables, names: Names, limit: float) -> Findings:
    """Yield the finding about the failure rate of all jobs."""
    [overall] = rates.failure_rate(inside.jobs, cluster=_CLUSTER).to_dict("records")
    if overall["low"] > limit:
        text = f"All jobs: {_rate_in_words(overall, limit)}.{_cause_in_words(inside, names)}"
        yield _finding("failure rate", text, overall["low"], limit)


def _groups(inside: JobTables, by: str, limit: float) -> pd.DataFrame:
    """Return the rates of groups, and how likely such ones are where none is above the limit."""
    from scipy.special import betainc  # noqa: PLC0415 (takes long, and few ask for groups)

    cluster = [name for name in _CLUSTER if name != by]
    groups = rates.failure_rate(inside.jobs, by, cluster=cluster)
    groups = groups[groups["n"] > 0].reset_index(drop=True)
    failed = groups["n_effective"] * groups["rate"]
    # that so many or more fail, of numbers that are not whole
    p = np.where(failed > 0, betainc(failed, groups["n_effective"] - failed + 1, limit), 1.0)
    return groups.assign(p_adjusted=benjamini_hochberg(p))


def _group_findings(
    inside: JobTables, names: Names, limit: float, by: str, groups: pd.DataFrame
) -> Findings:
    """Yield the findings about the failure rates of groups, the worst first."""
    above = groups[(groups["p_adjusted"] <= _CHANCE) & (groups["rate"] > limit)]
    for row in above.sort_values("low", ascending=False).to_dict("records"):
        column, value = inside.jobs[by], row[by]
        group = inside.filter(column.isna() if pd.isna(value) else column == value)
        whose = f"Jobs without {by}" if pd.isna(value) else str(names.get(value, value))
        text = (
            f"{whose}: {_rate_in_words(row, limit)}, one of {counted(len(groups), 'group')} "
            f"looked at.{_cause_in_words(group, names)}"
        )
        yield _finding("failure rate", text, row["low"], limit, value)


def _rate_in_words(row: dict[Any, Any], limit: float) -> str:
    jobs = counted(row["n"], "finished job")
    shares = f"({100 * row['rate']:.0f} %, limit {100 * limit:g} %)"
    return f"{row['failed']:,} of {jobs} failed {shares}"


def _undone_findings(rate: pd.DataFrame, limit: float) -> Findings:
    """Yield the finding about the work that was not done in the end."""
    [row] = rate.to_dict("records")
    if row["low"] > limit:
        work = counted(row["work"], "piece of work", "pieces of work")
        shares = f"({100 * row['rate']:.1f} %, limit {100 * limit:g} %)"
        text = f"{row['undone']:,} of {work} were not done in the end {shares}."
        yield _finding("undone rate", text, row["low"], limit)


def _cause_in_words(tables: JobTables, names: Names) -> str:
    """Return what most of the failed jobs failed of, and which data set most of those are of."""
    cause = causes.commonest_cause(tables)
    if cause is None:
        return ""
    whose = names.get(cause["data_set_id"], counted(cause["data_sets"], "data set"))
    message = shortened(cause["fingerprint"], _LONGEST_MESSAGE)
    return f" Mostly: {message} ({counted(cause['jobs'], 'job')} of {whose})"


def _unresolved_findings(left: pd.DataFrame, names: Names, limit: int, window: Window) -> Findings:
    """Yield the finding about failed work that is still undone."""
    if len(left) <= limit:
        return
    last = left.iloc[0]
    work = counted(len(left), "piece of failed work has", "pieces of failed work have")
    whose, at = names.get(last["data_set_id"], "no data set"), last["last_failed_at"]
    when = "at an unknown time" if pd.isna(at) else f"at {at:%Y-%m-%d %H:%M} UTC"
    why = "" if pd.isna(last["message"]) else f": {shortened(last['message'], _LONGEST_MESSAGE)}"
    first = left["first_failed_at"].min()
    if window.start is not None and first < window.start:
        work = f"{work} (the oldest failed on {first:%Y-%m-%d}, before the window)"
    text = f"{work} not succeeded since (limit {limit:,}). The last, of {whose}, failed {when}{why}"
    yield _finding("unresolved", text, len(left), limit)


def _stuck_findings(stuck: pd.DataFrame, names: Names, limit: int) -> Findings:
    """Yield the finding about jobs that have been open for too long."""
    if len(stuck) <= limit:
        return
    longest = stuck.iloc[0]
    whose = names.get(longest["data_set_id"], "no data set")
    text = (
        f"{counted(len(stuck), 'job is', 'jobs are')} open for longer than usual "
        f"(limit {limit:,}). The longest, {longest['type']} of {whose}, "
        f"for {elapsed(longest['open_s'])}: {longest['job_id']}. {longest['remedy']}"
    )
    never = int((stuck["state"] == "WAITING").sum())
    if never:
        text += f" ({never:,} of them never started)"
    yield _finding("stuck", text, len(stuck), limit)


def _silence_findings(tables: JobTables, names: Names, limit: float, now: pd.Timestamp) -> Findings:
    """Yield the findings about data sets without a recent success.

    One without any counts from its first job.
    """
    jobs = tables.jobs.dropna(subset="data_set_id")
    first = jobs.groupby("data_set_id")["created_at"].min()
    completed = jobs[jobs["state"] == "COMPLETED"]
    success = completed.groupby("data_set_id")["updated_at"].max()
    silence = (now - success.reindex(first.index).fillna(first)).dt.total_seconds()
    for data_set_id, seconds in silence[silence > limit].sort_values(ascending=False).items():
        succeeded = data_set_id in success.index
        since = "the last success was" if succeeded else "no success since the first job,"
        text = f"{names[data_set_id]}: {since} {elapsed(seconds)} ago (limit {elapsed(limit)})."
        yield _finding("silence", text, seconds, limit, data_set_id)


def _overdue_findings(feeds: pd.DataFrame, names: Names, limit: int) -> Findings:
    """Yield the finding about feeds that are overdue."""
    late = feeds[feeds["status"] == "overdue"]
    if len(late) <= limit:
        return
    [longest] = late.nlargest(1, "overdue_s").to_dict("records")
    what = f"{longest['type']} of {names.get(longest['data_set_id'], 'no data set')}"
    text = f"{counted(len(late), 'feed is', 'feeds are')} overdue (limit {limit:,}). The longest, "
    text += f"{what}, for {elapsed(longest['overdue_s'])}."
    yield _finding("overdue", text, len(late), limit)


def _incomplete_findings(revisions: pd.DataFrame, names: Names) -> Findings:
    """Yield the findings about revisions that miss assets, and those that were finalized so."""
    for column, value in (("finding", "finalized though incomplete"), ("status", "incomplete")):
        found = revisions[revisions.get(column, revisions["status"]) == value]
        for last in found.head(1).to_dict("records"):
            lacks = f"{last['assets_missing']:,} of {counted(last['assets_asked'], 'asset')}"
            whose = f"{last['revision_id']} of {names.get(last['data_set_id'], 'no data set')}"
            text = f"{counted(len(found), 'revision is', 'revisions are')} {value}. "
            text += f"The last, {whose}, misses {lacks}."
            yield _finding("incomplete", text, len(found), 0, value)


def _data_set_names(tables: JobTables) -> Names:
    """Return what people call each data set: its name, or else its id."""
    jobs = tables.jobs.dropna(subset="data_set_id").drop_duplicates("data_set_id")
    names = jobs.get("data_set_name", jobs["data_set_id"]).fillna(jobs["data_set_id"])
    return dict(zip(jobs["data_set_id"], names, strict=True))


def _finding(check: str, text: str, value: float, limit: float, of: object = None) -> Finding:
    message = visible(" ".join(text.split()))
    return {"check": check, "of": of, "value": value, "limit": limit, "message": message}
