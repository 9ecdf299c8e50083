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
from dxnotebook.metrics.clusters import CLUSTER
from dxnotebook.metrics.feeds import feeds
from dxnotebook.metrics.multiplicity import benjamini_hochberg
from dxnotebook.metrics.readable import readable
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
from dxnotebook.times import At, Window, length

_FINDING = {"check": "str", "of": "str", "value": "float64", "limit": "float64", "message": "str"}
_LONGEST_MESSAGE = 160
_CHANCE = 0.025  # as beyond one end of a 95 % interval
#: The check whose findings say that a client was not asked.
NO_ANSWER = "no answer"

Findings = Iterator[tuple[str, Any, float, float, str]]
Names = dict[Any, str]


def check(
    tables: JobTables,
    *,
    since: At = None,
    until: At = None,
    max_failure_rate: float | None = None,
    by: str | None = None,
    max_undone_rate: float | None = None,
    max_unresolved: int | None = None,
    max_stuck: int | None = None,
    max_silence: str | timedelta | None = None,
    max_overdue: int | None = None,
    incomplete: bool | pd.DataFrame = False,
    now: At = None,
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
    silence = None if max_silence is None else _seconds(max_silence)
    shares = {"max_failure_rate": max_failure_rate, "max_undone_rate": max_undone_rate}
    numbers = {"max_unresolved": max_unresolved, "max_stuck": max_stuck, "max_overdue": max_overdue}
    _check_limits(shares | numbers, incomplete, any_other=silence is not None)
    if by is not None and (not isinstance(by, str) or by not in tables.jobs):
        raise invalid("by", by, "is the name of a column of the jobs, such as 'data_set_id'")
    names, window = _data_set_names(tables), window_of(tables.jobs, since, until)
    inside, as_of = within(tables, window), observed_at(tables.jobs, now)
    looked_at = _looked_at(inside, window, as_of)
    findings = [*_missing_findings(tables, inside, window)]
    if max_failure_rate is not None:
        for column in dict.fromkeys((None, by)):
            findings += _rate_findings(inside, names, max_failure_rate, column, looked_at)
    limits: dict[str, Any] = {"since": window.start, "until": window.end}
    if max_undone_rate is not None:
        findings += _undone_findings(recovery.undone_rate(tables, **limits), max_undone_rate)
    if max_unresolved is not None:
        left = reruns.unresolved_failures(tables, **limits)
        findings += _unresolved_findings(left, names, max_unresolved, window)
    if max_stuck is not None:
        stuck = concurrency.stuck_jobs(tables.jobs, now, **limits)
        findings += _stuck_findings(stuck, names, max_stuck)
    if silence is not None:
        findings += _silence_findings(tables, names, silence, as_of)
    if max_overdue is not None:
        findings += _overdue_findings(feeds(tables, now=now, **limits), names, max_overdue)
    if incomplete is not False:
        revisions = filled(tables, **limits) if incomplete is True else incomplete
        findings += _incomplete_findings(revisions, names)
    result = pd.DataFrame(findings, columns=list(_FINDING)).astype(_FINDING)
    result["message"] = [visible(" ".join(text.split())) for text in result["message"]]
    result.attrs["looked_at"] = looked_at
    return readable(result)


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
        yield NO_ANSWER, name, 1, 0, words
    if words := rejected(tables.rejects["reason"]):
        yield "rejects", None, len(tables.rejects), 0, words
    if not len(inside):
        when = {"since": window.start, "until": window.end}
        words = "".join(f" {name} {at:%Y-%m-%d %H:%M} UTC" for name, at in when.items() if at)
        if len(tables):
            words += f"; {counted(len(tables), 'job is', 'jobs are')} outside of that"
        yield "no jobs", None, 0, 1, f"No jobs{words}: they could not be checked."


def _check_limits(limits: dict[str, Any], incomplete: object, *, any_other: bool) -> None:
    """Raise DxError if there is no limit, or one that cannot be."""
    given = {name: limit for name, limit in limits.items() if limit is not None}
    is_answer = isinstance(incomplete, pd.DataFrame) and "status" in incomplete
    if not isinstance(incomplete, bool) and not is_answer:
        raise invalid("incomplete", incomplete, "are True, False and what `revisions` returns")
    if not given and not any_other and incomplete is False:
        raise DxError("There is nothing to check: give a limit, such as max_failure_rate=0.1.")
    for name, limit in given.items():
        if not (isinstance(limit, Real) and float(limit) >= 0):
            raise invalid(name, limit, "is a number that is not negative")
        if name.endswith("rate") and not rates.is_share(limit):
            raise invalid(name, limit, "is a share between 0 and 1, as 0.1 for 10 %")


def _seconds(given: str | timedelta) -> float:
    count, unit, _ = length(given) or (0, 0, 0)
    seconds = (1 if count is None else count) * unit
    if isinstance(given, timedelta):
        seconds = given.total_seconds()
    if seconds <= 0:
        raise invalid("max_silence", given, "is a length of time, such as '26h' or '3d'")
    return seconds


def _rates(inside: JobTables, limit: float, by: str | None = None) -> pd.DataFrame:
    """Return the rates of all jobs or of groups, and which of them are above the limit."""
    from scipy.special import betainc  # noqa: PLC0415 (takes long, and few ask for groups)

    cluster = [name for name in CLUSTER if name != by]
    found = rates.failure_rate(inside.jobs, by, cluster=cluster)
    if by is None:
        return found[found["low"] > limit]
    found = found[found["n"] > 0].reset_index(drop=True)
    failed = found["n_effective"] * found["rate"]
    # that so many or more fail, of numbers that are not whole, where none is above the limit
    p = np.where(failed > 0, betainc(failed, found["n_effective"] - failed + 1, limit), 1.0)
    return found.assign(p_adjusted=benjamini_hochberg(p))


def _rate_findings(
    inside: JobTables, names: Names, limit: float, by: str | None, looked_at: dict[str, Any]
) -> Findings:
    """Yield the findings about the failure rates of all jobs, or of groups, the worst first.

    The rates of groups are noted in what was looked at.
    """
    found = _rates(inside, limit, by)
    above, jobs, whose, value, among = found, inside, "All jobs", None, ""
    if by is not None:
        looked_at["groups"] = json.loads(found.to_json(orient="records"))
        above = found[(found["p_adjusted"] <= _CHANCE) & (found["rate"] > limit)]
        among = f", one of {counted(len(found), 'group')} looked at"
    for row in above.sort_values("low", ascending=False).to_dict("records"):
        if by is not None:
            column, value = inside.jobs[by], row[by]
            jobs = inside.filter(column.isna() if pd.isna(value) else column == value)
            whose = f"Jobs without {by}" if pd.isna(value) else str(names.get(value, value))
        finished = counted(row["n"], "finished job")
        shares = f"({100 * row['rate']:.0f} %, limit {100 * limit:g} %)"
        text = f"{whose}: {row['failed']:,} of {finished} failed {shares}{among}."
        yield "failure rate", value, row["low"], limit, text + _cause_in_words(jobs, names)


def _cause_in_words(tables: JobTables, names: Names) -> str:
    """Return what most of the failed jobs failed of, and which data set most of those are of."""
    cause = causes.commonest_cause(tables)
    if cause is None:
        return ""
    whose = names.get(cause["data_set_id"], counted(cause["data_sets"], "data set"))
    message = shortened(cause["fingerprint"], _LONGEST_MESSAGE)
    return f" Mostly: {message} ({counted(cause['jobs'], 'job')} of {whose})"


def _undone_findings(rate: pd.DataFrame, limit: float) -> Findings:
    """Yield the finding about the work that was not done in the end."""
    [row] = rate.to_dict("records")
    if row["low"] > limit:
        work = counted(row["work"], "piece of work", "pieces of work")
        shares = f"({100 * row['rate']:.1f} %, limit {100 * limit:g} %)"
        text = f"{row['undone']:,} of {work} were not done in the end {shares}."
        yield "undone rate", None, row["low"], limit, text


def _unresolved_findings(left: pd.DataFrame, names: Names, limit: int, window: Window) -> Findings:
    """Yield the finding about failed work that is still undone."""
    if len(left) <= limit:
        return
    last, first = left.iloc[0], left["first_failed_at"].min()
    work = counted(len(left), "piece of failed work has", "pieces of failed work have")
    if window.start is not None and first < window.start:
        work = f"{work} (the oldest failed on {first:%Y-%m-%d}, before the window)"
    whose, at = names.get(last["data_set_id"], "no data set"), last["last_failed_at"]
    when = "at an unknown time" if pd.isna(at) else f"at {at:%Y-%m-%d %H:%M} UTC"
    why = "" if pd.isna(last["message"]) else f": {shortened(last['message'], _LONGEST_MESSAGE)}"
    text = f"{work} not succeeded since (limit {limit:,}). The last, of {whose}, failed {when}{why}"
    yield "unresolved", None, len(left), limit, text


def _stuck_findings(stuck: pd.DataFrame, names: Names, limit: int) -> Findings:
    """Yield the finding about jobs that have been open for too long."""
    if len(stuck) <= limit:
        return
    longest, never = stuck.iloc[0], (stuck["state"] == "WAITING").sum()
    whose = names.get(longest["data_set_id"], "no data set")
    text = (
        f"{counted(len(stuck), 'job is', 'jobs are')} open for longer than usual "
        f"(limit {limit:,}). The longest, {longest['type']} of {whose}, "
        f"for {elapsed(longest['open_s'])}: {longest['job_id']}. {longest['remedy']}"
    )
    more = f" ({never:,} of them never started)" if never else ""
    yield "stuck", None, len(stuck), limit, text + more


def _silence_findings(tables: JobTables, names: Names, limit: float, now: pd.Timestamp) -> Findings:
    """Yield the findings about data sets without a recent success.

    One without any counts from its first job.
    """
    jobs = tables.jobs.dropna(subset="data_set_id")
    first = jobs.groupby("data_set_id")["created_at"].min()
    success = jobs[jobs["state"] == "COMPLETED"].groupby("data_set_id")["updated_at"].max()
    silence = (now - success.reindex(first.index).fillna(first)).dt.total_seconds()
    for data_set_id, seconds in silence[silence > limit].sort_values(ascending=False).items():
        succeeded = data_set_id in success.index
        since = "the last success was" if succeeded else "no success since the first job,"
        text = f"{names[data_set_id]}: {since} {elapsed(seconds)} ago (limit {elapsed(limit)})."
        yield "silence", data_set_id, seconds, limit, text


def _overdue_findings(feeds: pd.DataFrame, names: Names, limit: int) -> Findings:
    """Yield the finding about feeds that are overdue."""
    late = feeds[feeds["status"] == "overdue"]
    if len(late) <= limit:
        return
    [longest] = late.nlargest(1, "overdue_s").to_dict("records")
    what = f"{longest['type']} of {names.get(longest['data_set_id'], 'no data set')}"
    text = f"{counted(len(late), 'feed is', 'feeds are')} overdue (limit {limit:,}). The longest, "
    text += f"{what}, for {elapsed(longest['overdue_s'])}."
    yield "overdue", None, len(late), limit, text


def _incomplete_findings(revisions: pd.DataFrame, names: Names) -> Findings:
    """Yield the findings about revisions that miss assets, and those that were finalized so."""
    for column, value in (("finding", "finalized though incomplete"), ("status", "incomplete")):
        found = revisions[revisions.get(column, revisions["status"]) == value]
        for last in found.head(1).to_dict("records"):
            lacks = f"{last['assets_missing']:,} of {counted(last['assets_asked'], 'asset')}"
            whose = f"{last['revision_id']} of {names.get(last['data_set_id'], 'no data set')}"
            text = f"{counted(len(found), 'revision is', 'revisions are')} {value}. "
            text += f"The last, {whose}, misses {lacks}."
            yield "incomplete", value, len(found), 0, text


def _data_set_names(tables: JobTables) -> Names:
    """Return what people call each data set: its name, or else its id."""
    jobs = tables.jobs.dropna(subset="data_set_id").drop_duplicates("data_set_id")
    names = jobs.get("data_set_name", jobs["data_set_id"]).fillna(jobs["data_set_id"])
    return dict(zip(jobs["data_set_id"], names, strict=True))
