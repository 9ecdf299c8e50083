"""Is something wrong with the jobs? What a cron job asks: findings in words, or none."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from numbers import Real
from typing import Any

import pandas as pd

from dxnotebook.errors import DxError, invalid
from dxnotebook.metrics import causes, concurrency, rates, reruns
from dxnotebook.tables.jobtables import JobTables, checked, observed_at, rejected, unanswered
from dxnotebook.text import counted, elapsed, shortened, visible
from dxnotebook.times import length

_FINDING = {"check": "str", "of": "str", "value": "float64", "limit": "float64", "message": "str"}
_LONGEST_MESSAGE = 160
#: The check whose findings say that a client was not asked.
NO_ANSWER = "no answer"

Finding = dict[str, Any]
Findings = Iterator[Finding]
Names = dict[Any, str]


def check(
    tables: JobTables,
    *,
    max_failure_rate: float | None = None,
    by: str | None = None,
    max_unresolved: int | None = None,
    max_stuck: int | None = None,
    max_silence: str | timedelta | None = None,
    now: pd.Timestamp | str | None = None,
) -> pd.DataFrame:
    """Return what is wrong with jobs, by the limits that are given.

    That jobs were rejected, that a client did not answer, or that there are no jobs, is a finding
    whatever the limits are.

    Parameters
    ----------
    tables : JobTables
        The jobs to look at; `with_names` gives the findings the names of data sets.
    max_failure_rate : float, optional
        The highest rate, 0 to 1, of failed jobs among the finished ones. What is compared is the
        lower bound of the rate's 95 % interval, so that three failures of three jobs are needed to
        find more than 40 %.
    by : str, optional
        A column of the jobs, such as "data_set_id" or "type", of each of whose values the failure
        rate is checked as well as that of all jobs. The more there are, the likelier is it that one
        is above a low limit by chance.
    max_unresolved : int, optional
        How many pieces of failed work may be without a later success.
    max_stuck : int, optional
        How many jobs may be open for longer than usual.
    max_silence : str or timedelta, optional
        How long ago the last success of each data set may be, as "26h" or "3d".
    now : Timestamp or str, optional
        When the jobs were as the tables have them; by default when they were loaded.

    Returns
    -------
    pandas.DataFrame
        One row a finding: ``check`` ("failure rate", "unresolved", "stuck" or "silence"; "rejects",
        "no answer" or "no jobs"), ``of`` (what it is about: the value of `by`, the id of a data
        set, the name of a client; null where it is all jobs), ``value``, ``limit`` (a rate, a
        number, or seconds), ``message``: a line that says it. No row when nothing is wrong.

    Raises
    ------
    DxError
        When given something else than tables, no limit at all, or one that cannot be.

    Examples
    --------
    >>> import dxnotebook as dx
    >>> client = dx.demo.client()
    >>> tables = dx.with_names(dx.load_jobs(client, since="2026-08-31", until="2026-09-07"), client)
    >>> print(dx.check(tables, max_failure_rate=0.1)["message"][0][:83])
    All jobs: 181 of 440 finished jobs failed (41 %, limit 10 %). Mostly: Access denied
    """
    tables = checked(tables)
    numbers = {"max_unresolved": max_unresolved, "max_stuck": max_stuck}
    _check_limits({"max_failure_rate": max_failure_rate, **numbers}, max_silence)
    if by is not None and (not isinstance(by, str) or by not in tables.jobs):
        raise invalid("by", by, "is the name of a column of the jobs, such as 'data_set_id'")
    names = _data_set_names(tables)
    findings = [*_missing_findings(tables)]
    if max_failure_rate is not None:
        findings += _rate_findings(tables, names, max_failure_rate, by)
    if max_unresolved is not None:
        findings += _unresolved_findings(tables, names, max_unresolved)
    if max_stuck is not None:
        findings += _stuck_findings(concurrency.stuck_jobs(tables.jobs, now), names, max_stuck)
    if max_silence is not None:
        limit = _length_in_seconds(max_silence)
        findings += _silence_findings(tables, names, limit, observed_at(tables.jobs, now))
    return pd.DataFrame(findings, columns=list(_FINDING)).astype(_FINDING)


def _missing_findings(tables: JobTables) -> Findings:
    """Yield what nobody has to ask for: that jobs, or answers, are not there to be checked."""
    for name, words in zip(tables.failures, unanswered(tables.failures), strict=True):
        yield _finding(NO_ANSWER, words, 1, 0, name)
    if words := rejected(tables.rejects["reason"]):
        yield _finding("rejects", words, len(tables.rejects), 0)
    if not len(tables):
        yield _finding("no jobs", "No jobs: they could not be checked.", 0, 1)


def _check_limits(numbers: dict[str, Any], max_silence: object) -> None:
    """Raise DxError if there is no limit, or one that cannot be."""
    if max_silence is None and all(limit is None for limit in numbers.values()):
        raise DxError("There is nothing to check: give a limit, such as max_failure_rate=0.1.")
    for name, limit in numbers.items():
        if limit is not None and not (isinstance(limit, Real) and float(limit) >= 0):
            raise invalid(name, limit, "is a number that is not negative")
    if (numbers["max_failure_rate"] or 0) > 1:
        valid = "is a share between 0 and 1, as 0.1 for 10 %"
        raise invalid("max_failure_rate", numbers["max_failure_rate"], valid)


def _length_in_seconds(given: str | timedelta) -> float:
    if isinstance(given, timedelta):
        seconds = given.total_seconds()
    else:
        count, unit, _ = length(given) or (0, 0, 0)
        seconds = (1 if count is None else count) * unit
    if seconds <= 0:
        raise invalid("max_silence", given, "is a length of time, such as '26h' or '3d'")
    return seconds


def _rate_findings(tables: JobTables, names: Names, limit: float, by: str | None) -> Findings:
    """Yield the findings about failure rates, that of all jobs first."""
    rows = rates.failure_rate(tables.jobs).to_dict("records")
    if by is not None:
        groups = rates.failure_rate(tables.jobs, by).sort_values("low", ascending=False)
        rows += groups.to_dict("records")
    for row in [row for row in rows if row["low"] > limit]:
        group, value, whose = tables, row.get(by), "All jobs"
        if by in row:
            column = tables.jobs[by]
            group = tables.filter(column.isna() if pd.isna(value) else column == value)
            whose = f"Jobs without {by}" if pd.isna(value) else str(names.get(value, value))
        jobs = counted(row["n"], "finished job")
        text = (
            f"{whose}: {row['failed']:,} of {jobs} failed ({100 * row['rate']:.0f} %, "
            f"limit {100 * limit:g} %).{_cause_in_words(group, names)}"
        )
        yield _finding("failure rate", text, row["low"], limit, value)


def _cause_in_words(tables: JobTables, names: Names) -> str:
    """Return what most of the failed jobs failed of, and which data set most of those are of."""
    cause = causes.commonest_cause(tables)
    if cause is None:
        return ""
    whose = names.get(cause["data_set_id"], counted(cause["data_sets"], "data set"))
    message = shortened(cause["fingerprint"], _LONGEST_MESSAGE)
    return f" Mostly: {message} ({counted(cause['jobs'], 'job')} of {whose})"


def _unresolved_findings(tables: JobTables, names: Names, limit: int) -> Findings:
    """Yield the finding about failed work that is still undone."""
    left = reruns.unresolved_failures(tables)
    if len(left) <= limit:
        return
    last = left.iloc[0]
    work = counted(len(left), "piece of failed work has", "pieces of failed work have")
    whose, at = names.get(last["data_set_id"], "no data set"), last["last_failed_at"]
    when = "at an unknown time" if pd.isna(at) else f"at {at:%Y-%m-%d %H:%M} UTC"
    why = "" if pd.isna(last["message"]) else f": {shortened(last['message'], _LONGEST_MESSAGE)}"
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
        f"for {elapsed(longest['open_s'])}: {longest['job_id']}"
    )
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


def _data_set_names(tables: JobTables) -> Names:
    """Return what people call each data set: its name, or else its id."""
    jobs = tables.jobs.dropna(subset="data_set_id").drop_duplicates("data_set_id")
    names = jobs.get("data_set_name", jobs["data_set_id"]).fillna(jobs["data_set_id"])
    return dict(zip(jobs["data_set_id"], names, strict=True))


def _finding(check: str, text: str, value: float, limit: float, of: object = None) -> Finding:
    message = visible(" ".join(text.split()))
    return {"check": check, "of": of, "value": value, "limit": limit, "message": message}
