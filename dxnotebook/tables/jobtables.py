"""`JobTables`: a load's jobs, details and errors as tidy frames, and what one does with them."""

from __future__ import annotations

import html
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from dxnotebook.arrays import Mask, located
from dxnotebook.errors import DataWarning, DxError, texts, warn
from dxnotebook.model import MODEL, OPEN_STATES, Model
from dxnotebook.tables.rebuild import as_boto3, rebuild
from dxnotebook.text import counted, shortened, visible
from dxnotebook.times import Moment, Window, moment

_SUMMARY_WIDTH, _LONGEST_REASON = 100, 160

JOINED = ("jobs", "details", "errors")

#: Under this key of its `attrs` `jobs` says when the service was asked.
AS_OF = "as_of"


@dataclass(frozen=True, eq=False, repr=False)
class JobTables:
    """The jobs of a load as tidy frames; `job_id` joins the first three.

    Attributes
    ----------
    jobs : pandas.DataFrame
        One row a job: ids, type, state, times (``datetime64[us, UTC]``), ``duration_s`` (seconds
        from created to finished, null while open) and every scalar below ``Details``.
    details : pandas.DataFrame
        One row an element of any list of a job; ``field`` names the list, ``position`` the place in
        it.
    errors : pandas.DataFrame
        One row an errored asset of an error of a job; an error that names no asset is one row.
    rejects : pandas.DataFrame
        One row a job that cannot be typed without losing something, with the reason and its JSON.
    failures : mapping of str to Exception
        The clients of a load that failed, and how; empty when all went well.
    model : Model
        What the installed botocore said of a job when the tables were made.

    Examples
    --------
    >>> import dxnotebook as dx
    >>> tables = dx.load_jobs(dx.demo.client(jobs=50))
    >>> tables.jobs.shape[0], tables.jobs["created_at"].dtype
    (50, datetime64[us, UTC])
    """

    jobs: pd.DataFrame
    details: pd.DataFrame
    errors: pd.DataFrame
    rejects: pd.DataFrame
    failures: Mapping[str, Exception] = field(default_factory=dict)
    model: Model = MODEL

    def __len__(self) -> int:
        return len(self.jobs)

    def filter(self, jobs: pd.Series[bool] | Iterable[str]) -> JobTables:
        """Return the tables of some of the jobs.

        Parameters
        ----------
        jobs : boolean Series or array, or iterable of str
            A mask over the rows of `jobs`, or the ids of the jobs to keep.

        Returns
        -------
        JobTables
            The chosen jobs in their order, with their details and errors. Rejects are kept: nobody
            can tell whether they would have been chosen.

        Raises
        ------
        DxError
            When a mask has another length than `jobs`, or an id is not among them.

        Examples
        --------
        >>> import dxnotebook as dx
        >>> tables = dx.load_jobs(dx.demo.client(jobs=200))
        >>> failed = tables.filter(tables.jobs["state"] == "ERROR")
        >>> set(failed.jobs["state"])
        {'ERROR'}
        """
        kept = self.jobs[self._mask(jobs)]
        details, errors = (
            frame[located(frame["job_id"], kept["job_id"]) >= 0].reset_index(drop=True)
            for frame in (self.details, self.errors)
        )
        return replace(self, jobs=kept.reset_index(drop=True), details=details, errors=errors)

    def _mask(self, jobs: pd.Series[bool] | Iterable[str]) -> Mask:
        if not isinstance(jobs, Iterable) or isinstance(jobs, str | bytes):
            jobs = texts("jobs", jobs)
        chosen = pd.Series(jobs if isinstance(jobs, pd.Series | np.ndarray | pd.Index) else [*jobs])
        if pd.api.types.is_bool_dtype(chosen):
            if len(chosen) != len(self):
                raise DxError(
                    f"The mask has {counted(len(chosen), 'value')} for "
                    f"{counted(len(self), 'job')}; make it from `.jobs`."
                )
            return chosen.fillna(value=False).to_numpy(bool)
        missing = chosen[~chosen.isin(self.jobs["job_id"])]
        if len(missing):
            ids, example = counted(len(chosen), "job id is", "job ids are"), missing.iloc[0]
            problem = f"{len(missing):,} of {ids} not in these tables"
            raise DxError(f"{problem}, for example {example!r}.")
        return self.jobs["job_id"].isin(chosen).to_numpy(bool)

    def to_jobs(self) -> list[dict[str, Any]]:
        """Return the jobs as boto3 would have returned them, rebuilt from the frames.

        Returns
        -------
        list of dict
            The jobs in the order of `jobs`, then the rejects. Members that were absent, null or
            empty are absent; secrets stay scrubbed; times are `datetime` in UTC, or the text where
            that says more (nanoseconds).

        Examples
        --------
        >>> import dxnotebook as dx
        >>> job = dx.load_jobs(dx.demo.client(jobs=50)).to_jobs()[0]
        >>> sorted(job)[:4]
        ['Arn', 'CreatedAt', 'Details', 'Id']
        """
        rebuilt = rebuild(self.jobs, self.details, self.errors, self.model)
        rejects = map(json.loads, self.rejects["raw"])
        return rebuilt + [as_boto3(reject, self.model.record) for reject in rejects]

    def __repr__(self) -> str:
        lines = [f"  {name:<9}{text}" for name, text in self._summary().items()]
        return "\n".join([self._sizes(), *lines])

    def _repr_html_(self) -> str:
        left = "style='text-align:left'"
        rows = [
            f"<tr><th {left}>{name}</th><td {left}>{html.escape(text)}</td></tr>"
            for name, text in self._summary().items()
        ]
        return f"<div><strong>{self._sizes()}</strong><table>{''.join(rows)}</table></div>"

    def _sizes(self) -> str:
        sizes = [f"{len(getattr(self, n)):,} {n}" for n in ("details", "errors", "rejects")]
        return ", ".join([f"JobTables: {counted(len(self), 'job')}", *sizes])

    def _summary(self) -> dict[str, str]:
        columns = {"state": "state", "type": "type", "account": "account_id", "region": "region"}
        summary = {name: _commonest(self.jobs[column]) for name, column in columns.items()}
        first, last = self.jobs["created_at"].min(), self.jobs["created_at"].max()
        if not pd.isna(first):
            summary["created"] = f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC"
        summary["rejects"] = _commonest(self.rejects["reason"])
        summary["failed"] = " · ".join(self.failures)
        return {name: visible(text) for name, text in summary.items() if text}


def _commonest(values: pd.Series[Any]) -> str:
    """Return the commonest values with their counts, as many as a line holds."""
    counts = values.value_counts()
    shown = [f"{value} {count:,}" for value, count in counts[counts > 0].items()]
    ends = np.cumsum([len(text) + 3 for text in shown])
    fitting = max(int((ends <= _SUMMARY_WIDTH).sum()), 1)
    more = [f"{len(shown) - fitting} more"] if len(shown) > fitting else []
    return " · ".join(shown[:fitting] + more)


def dated(jobs: pd.DataFrame) -> pd.DataFrame:
    """Return the jobs that say when they were created, and warn of the others."""
    known = jobs["created_at"].notna()
    if not known.all():
        warn_undated((~known).sum())
    return jobs[known]


def warn_undated(jobs: int) -> None:
    """Warn of so many jobs that do not say when they were created."""
    undated = counted(jobs, "job has no created_at and is", "jobs have no created_at and are")
    warn(f"{undated} left out.", DataWarning)


def rejected(reasons: Iterable[str]) -> str:
    """Return in words how many jobs were rejected, and mostly why; nothing where none was.

    Examples
    --------
    >>> from dxnotebook.tables.jobtables import rejected
    >>> rejected(["no Arn", "no Id", "no Arn"])
    '3 jobs could not be read and are among the rejects only. Mostly: no Arn (2)'
    """
    counts = Counter(reasons)
    if not counts:
        return ""
    [(reason, most)] = counts.most_common(1)
    one = "job could not be read and is among the rejects only"
    several = "jobs could not be read and are among the rejects only"
    why = f"{shortened(reason, _LONGEST_REASON)} ({most:,})"
    return f"{counted(counts.total(), one, several)}. Mostly: {why}"


def warn_of_rejects(reasons: Iterable[str]) -> None:
    """Warn of jobs that were rejected for these reasons, if there are any."""
    if words := rejected(reasons):
        warn(f"{words}.", DataWarning)


def unanswered(failures: Mapping[str, Exception]) -> list[str]:
    """Return a sentence for each client of a load that failed."""
    return [f"{name} could not be asked: {error}" for name, error in failures.items()]


def missing(tables: JobTables) -> list[str]:
    """Return in words what no figure of these tables counts; nothing where that is nothing."""
    return [*filter(None, [*unanswered(tables.failures), rejected(tables.rejects["reason"])])]


def observed_at(jobs: pd.DataFrame, now: Moment | None = None) -> pd.Timestamp:
    """Return when jobs were as a frame has them.

    That is as given, as loaded from the service, or else the latest time in the frame.

    Examples
    --------
    >>> import dxnotebook as dx
    >>> from dxnotebook.tables.jobtables import observed_at
    >>> observed_at(dx.load_jobs(dx.demo.client(jobs=50)).jobs)
    Timestamp('2026-09-30 12:00:00+0000', tz='UTC')
    """
    given = jobs.attrs.get(AS_OF) if now is None else now
    latest: pd.Timestamp = jobs[["created_at", "updated_at"]].max().max()
    return latest if given is None else moment("now", given)


def within(
    tables: JobTables, since: Moment | Window | None, until: Moment | None = None
) -> JobTables:
    """Return the tables of the jobs that were created in a window, or do not say when."""
    window = since if isinstance(since, Window) else window_of(tables.jobs, since, until)
    inside = window.contains(tables.jobs["created_at"])
    return tables if inside.all() else tables.filter(inside)


def window_of(jobs: pd.DataFrame, since: Moment | None, until: Moment | None) -> Window:
    """Return a window of jobs; what is relative in it is so to when they were observed.

    Examples
    --------
    >>> import dxnotebook as dx
    >>> from dxnotebook.tables.jobtables import window_of
    >>> window_of(dx.load_jobs(dx.demo.client(jobs=50)).jobs, "1d", None).start
    Timestamp('2026-09-29 12:00:00+0000', tz='UTC')
    """
    return Window.of(since, until, observed_at(jobs))


def created_within(jobs: pd.DataFrame, since: Moment | None, until: Moment | None) -> Mask:
    """Return which jobs were created in a window, or do not say when."""
    return window_of(jobs, since, until).contains(jobs["created_at"]).to_numpy()


def how_far(states: pd.Series[Any]) -> pd.Series[int]:
    """Return how far jobs are in their states: those that have ended are all equally far."""
    ranks = {state: rank for rank, state in enumerate(OPEN_STATES)}
    return states.astype("str").map(ranks).fillna(len(ranks))


def checked(tables: JobTables) -> JobTables:
    """Return tables without indexes of a user's, or raise DxError when they are something else."""
    if not isinstance(tables, JobTables):
        raise DxError(
            f"Invalid tables: a {type(tables).__name__}. Give JobTables, as load_jobs returns them."
        )
    frames = {name: getattr(tables, name).reset_index(drop=True) for name in JOINED}
    return replace(tables, **frames)
