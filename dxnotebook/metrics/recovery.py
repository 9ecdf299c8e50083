"""How long failed work took to be done, and how much of all work never was."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from dxnotebook.metrics.engines import Source, columns_of, numbered
from dxnotebook.metrics.quantiles import survival_quantiles
from dxnotebook.metrics.rates import check_confidence, wilson
from dxnotebook.metrics.reruns import failed_and_all_work, failed_work
from dxnotebook.model import FAILED_STATES, States
from dxnotebook.tables.jobtables import JobTables, observed_at
from dxnotebook.times import At

_QUANTILES_SHOWN = {"median": 0.5, "p90": 0.9}


def recovery_times(
    tables: JobTables,
    by: str | Sequence[str] | None = None,
    *,
    since: At = None,
    until: At = None,
    confidence: float = 0.95,
    failed: States = FAILED_STATES,
) -> pd.DataFrame:
    """Return how long failed work took to be done, where what is still undone counts, too.

    Parameters
    ----------
    tables : JobTables
        The jobs with their details.
    by : str or sequence of str, optional
        What to group by: of ``account_id``, ``region``, ``type``, ``data_set_id``,
        ``data_set_name``.
    since, until : time or str, optional
        The window, as for `unresolved_failures`.
    confidence : float
        The probability with which an interval covers the true quantile.
    failed : iterable of str
        The states that count as failed; a success is COMPLETED.

    Returns
    -------
    pandas.DataFrame
        One row a group, sorted: the `by` columns, ``n`` (int64: how often work failed), ``undone``
        (int64: how often it has not been done since), ``median``, ``median_low``, ``median_high``,
        ``p90``, ``p90_low``, ``p90_high`` (float64, seconds from the first failure to the success;
        null where what is undone leaves that unknown).

    Raises
    ------
    DxError
        When given something else than tables, or a parameter cannot be.

    Notes
    -----
    The quantiles are those of the Kaplan–Meier estimate, in which undone work has taken at least
    until the jobs were loaded: of the recovered work alone, the quick half would be told for the
    whole. More is said at `durations` with ``open_jobs="censored"``.

    Examples
    --------
    >>> import dxnotebook as dx
    >>> tables = dx.load_jobs(dx.demo.client())
    >>> all_work, recovered = dx.recovery_times(tables), dx.recoveries(tables)
    >>> hours = all_work["median"][0] / 3600, recovered["recovery_s"].median() / 3600
    >>> [round(time) for time in hours]
    [66, 26]
    """
    check_confidence(confidence)
    columns = columns_of(by, ("n", "undone"))
    work = Source(failed_work(tables, since, until, failed), columns).native
    return recovery_of(work, columns, observed_at(tables.jobs), confidence)


def recovery_of(
    work: pd.DataFrame, columns: list[str], now: pd.Timestamp, confidence: float = 0.95
) -> pd.DataFrame:
    """Return what `recovery_times` does of failed work, as `failed_work` has it."""
    waited = (now - work["first_failed_at"]).dt.total_seconds().clip(lower=0)
    work = work.assign(undone=work["recovered_at"].isna())
    work["recovery_s"] = work["recovery_s"].fillna(waited)
    work = work.dropna(subset="recovery_s").reset_index(drop=True)
    groups, group = numbered(work, columns)
    rows = [
        {"n": len(rows), "undone": rows["undone"].sum()}
        | survival_quantiles(rows["recovery_s"], rows["undone"], _QUANTILES_SHOWN, confidence)
        for _, rows in work.groupby(group)
    ]
    names = [f"{name}{side}" for name in _QUANTILES_SHOWN for side in ("", "_low", "_high")]
    answer = pd.DataFrame(rows, groups.index, ["n", "undone", *names])
    answer = answer.fillna({"n": 0, "undone": 0}).astype("float64")
    return pd.concat([groups, answer.astype({"n": "int64", "undone": "int64"})], axis=1)


def undone_rate(
    tables: JobTables,
    *,
    since: At = None,
    until: At = None,
    confidence: float = 0.95,
    failed: States = FAILED_STATES,
) -> pd.DataFrame:
    """Return how much of the work was not done in the end, with the interval of that rate.

    A failure that a re-run mended is no work undone: this is what is left to do, while the failure
    rate says how often jobs have to be run again.

    Parameters
    ----------
    tables : JobTables
        The jobs with their details.
    since, until : time or str, optional
        The window: work of which a finished job was created in it. Whether it was done is seen in
        all jobs.
    confidence : float
        The probability with which the interval covers the true rate.
    failed : iterable of str
        The states that count as failed; a success is COMPLETED.

    Returns
    -------
    pandas.DataFrame
        One row: ``work`` (int64: pieces of work; what is one is said at `unresolved_failures`),
        ``undone`` (int64), ``rate``, ``low``, ``high`` (float64, 0 to 1: Wilson's interval; null
        where there is no work).

    Raises
    ------
    DxError
        When given something else than tables, or a parameter cannot be.

    Examples
    --------
    >>> import dxnotebook as dx
    >>> tables = dx.load_jobs(dx.demo.client())
    >>> dx.undone_rate(tables)["undone"][0] == len(dx.unresolved_failures(tables))
    np.True_
    """
    check_confidence(confidence)
    failures, all_work = failed_and_all_work(tables, since, until, failed)
    undone, work = failures["recovered_at"].isna().sum(), all_work.nunique()
    low, rate, high = wilson(np.array([undone]), np.array([work]), confidence)
    return pd.DataFrame({"work": work, "undone": undone, "rate": rate, "low": low, "high": high})
