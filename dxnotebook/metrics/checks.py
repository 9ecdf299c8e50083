"""Is something wrong with the jobs? What a cron job asks: findings in words, or none."""

from __future__ import annotations

from datetime import timedelta
from numbers import Real

import pandas as pd

from dxnotebook.errors import DxError
from dxnotebook.metrics.causes import error_causes
from dxnotebook.metrics.concurrency import stuck_jobs
from dxnotebook.metrics.periods import Step
from dxnotebook.metrics.rates import failure_rate
from dxnotebook.metrics.reruns import unresolved_failures
from dxnotebook.tables.jobtables import JobTables, checked, observed_at
from dxnotebook.text import elapsed, shortened

_COLUMNS = {"check": "str", "of": "str", "value": "float64", "limit": "float64", "message": "str"}
_LONGEST_MESSAGE = 160


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
        One row a finding: ``check`` ("failure rate", "unresolved", "stuck" or "silence"), ``of``
        (what it is about: the value of `by` or the id of a data set; null where it is all jobs),
        ``value``, ``limit`` (a rate, a number, or seconds), ``message``: a line that says it. No
        row when nothing is wrong.

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
    limits = {
        "max_failure_rate": max_failure_rate,
        "max_unresolved": max_unresolved,
        "max_stuck": max_stuck,
    }
    if max_silence is None and all(limit is None for limit in limits.values()):
        raise DxError("There is nothing to check: give a limit, such as max_failure_rate=0.1.")
    for name, limit in limits.items():
        if limit is not None and not _is_limit(limit):
            raise DxError(f"Invalid {name}: {limit!r}. Valid is a number that is not negative.")
    if max_failure_rate is not None and max_failure_rate > 1:
        raise DxError(
            f"Invalid max_failure_rate: {max_failure_rate!r}. Valid is a share between 0 and 1, as 0.1 for 10 %."
        )
    if by is not None and (not isinstance(by, str) or by not in tables.jobs):
        raise DxError(
            f"Invalid by: {by!r}. Valid is the name of a column of the jobs, such as 'data_set_id'."
        )
    found: list[dict[str, object]] = []
    if max_failure_rate is not None:
        found += _rates(tables, max_failure_rate, by)
    if max_unresolved is not None:
        found += _unresolved(tables, max_unresolved)
    if max_stuck is not None:
        found += _stuck(tables, max_stuck, now)
    if max_silence is not None:
        found += _silence(tables, _length(max_silence), observed_at(tables.jobs, now))
    return pd.DataFrame(found, columns=list(_COLUMNS)).astype(_COLUMNS)


def _is_limit(value: object) -> bool:
    return isinstance(value, Real) and float(value) >= 0


def _length(given: str | timedelta) -> float:
    """Return a length of time in seconds."""
    try:
        seconds = given.total_seconds() if isinstance(given, timedelta) else Step.of(given).seconds
    except DxError:
        seconds = 0
    if seconds <= 0:
        raise DxError(
            f"Invalid max_silence: {given!r}. Valid is a length of time, such as '26h' or '3d'."
        )
    return seconds


def _rates(tables: JobTables, limit: float, by: str | None) -> list[dict[str, object]]:
    """Return the findings about failure rates, that of all jobs first."""
    names = _names(tables)
    rates = [failure_rate(tables.jobs)]
    if by is not None:
        rates.append(failure_rate(tables.jobs, by).sort_values("low", ascending=False))
    found = []
    for row in [row for some in rates for row in some[some["low"] > limit].to_dict("records")]:
        of = row.get(by)
        mine, told = tables, "All jobs"
        if by in row:
            mine = tables.filter(tables.jobs[by].isna() if pd.isna(of) else tables.jobs[by] == of)
            told = f"Jobs without {by}" if pd.isna(of) else str(names.get(of, of))
        message = (
            f"{told}: {row['failed']:,} of {row['n']:,} finished jobs failed "
            f"({100 * row['rate']:.0f} %, limit {100 * limit:g} %).{_cause(mine, names)}"
        )
        found.append(_finding("failure rate", message, row["low"], limit, of))
    return found


def _cause(tables: JobTables, names: dict[object, str]) -> str:
    """Return what most of the failed jobs failed of, and which data set most of those are of."""
    causes = error_causes(tables).dropna(subset="fingerprint")
    if causes.empty:
        return ""
    cause = causes.iloc[0]
    whose = tables.jobs.loc[tables.jobs["job_id"] == cause["example_job_id"], "data_set_id"].iloc[0]
    of = (
        f" of {names[whose]}"
        if cause["data_sets"] == 1 and pd.notna(whose)
        else f" of {cause['data_sets']:,} data sets"
    )
    return (
        f" Mostly: {shortened(cause['fingerprint'], _LONGEST_MESSAGE)} ({cause['jobs']:,} jobs{of})"
    )


def _unresolved(tables: JobTables, limit: int) -> list[dict[str, object]]:
    """Return the finding about failed work that is still undone."""
    left = unresolved_failures(tables)
    if len(left) <= limit:
        return []
    last = left.iloc[0]
    told = "" if pd.isna(last["message"]) else f": {shortened(last['message'], _LONGEST_MESSAGE)}"
    when = (
        "at an unknown time"
        if pd.isna(last["last_failed_at"])
        else f"at {last['last_failed_at']:%Y-%m-%d %H:%M} UTC"
    )
    message = (
        f"{len(left):,} pieces of failed work have not succeeded since (limit {limit:,}). The last, of "
        f"{_names(tables).get(last['data_set_id'], 'no data set')}, failed {when}{told}"
    )
    return [_finding("unresolved", message, len(left), limit)]


def _stuck(
    tables: JobTables, limit: int, now: pd.Timestamp | str | None
) -> list[dict[str, object]]:
    """Return the finding about jobs that have been open for too long."""
    stuck = stuck_jobs(tables.jobs, now)
    if len(stuck) <= limit:
        return []
    longest = stuck.iloc[0]
    message = (
        f"{len(stuck):,} jobs are open for longer than usual (limit {limit:,}). The longest, {longest['type']} of "
        f"{_names(tables).get(longest['data_set_id'], 'no data set')}, for {elapsed(longest['open_s'])}: {longest['job_id']}"
    )
    return [_finding("stuck", message, len(stuck), limit)]


def _silence(tables: JobTables, limit: float, now: pd.Timestamp) -> list[dict[str, object]]:
    """Return the findings about data sets without a recent success; one without any counts from its first job."""
    names, jobs = _names(tables), tables.jobs.dropna(subset="data_set_id")
    succeeded = jobs[jobs["state"] == "COMPLETED"].groupby("data_set_id")["updated_at"].max()
    last = (
        jobs.groupby("data_set_id")["created_at"]
        .min()
        .to_frame("first")
        .join(succeeded.rename("last"))
    )
    silent = (
        (now - last["last"].fillna(last["first"])).dt.total_seconds().sort_values(ascending=False)
    )
    found = []
    for identity, length in silent[silent > limit].items():
        said = (
            "the last success was"
            if identity in succeeded.index
            else "no success since the first job,"
        )
        message = f"{names[identity]}: {said} {elapsed(length)} ago (limit {elapsed(limit)})."
        found.append(_finding("silence", message, length, limit, identity))
    return found


def _names(tables: JobTables) -> dict[object, str]:
    """Return what people call each data set: its name, or else its id."""
    jobs = (
        tables.jobs.dropna(subset="data_set_id")
        .drop_duplicates("data_set_id")
        .set_index("data_set_id")
    )
    named = (
        jobs["data_set_name"]
        if "data_set_name" in jobs
        else pd.Series(index=jobs.index, dtype="str")
    )
    return named.fillna(jobs.index.to_series()).to_dict()


def _finding(
    kind: str, message: str, value: float, limit: float, of: object = None
) -> dict[str, object]:
    return {
        "check": kind,
        "of": of,
        "value": value,
        "limit": limit,
        "message": " ".join(message.split()),
    }
