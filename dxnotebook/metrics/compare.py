"""Did it get better? Jobs before and after: what changed, by how much, and whether by chance."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd

from dxnotebook.arrays import Mask
from dxnotebook.errors import invalid, texts
from dxnotebook.metrics.causes import fingerprints
from dxnotebook.metrics.clusters import CLUSTER, clusters_of
from dxnotebook.metrics.durations import durations
from dxnotebook.metrics.engines import Source, columns_of, numbered
from dxnotebook.metrics.multiplicity import benjamini_hochberg
from dxnotebook.metrics.rates import failure_rate, wilson
from dxnotebook.metrics.readable import readable
from dxnotebook.metrics.reruns import unresolved_failures
from dxnotebook.model import FAILED_STATES
from dxnotebook.tables.jobtables import JobTables, checked, dated, observed_at
from dxnotebook.text import counted, duration, percent
from dxnotebook.times import Moment, Window

Pair = tuple[Moment | None, Moment | None]

_CAUSE, _SIDE = ["fingerprint", "code"], ["group", "side"]
_COMPARED_BY = ["job_id", "state", "created_at", "duration_s", *CLUSTER]
_RATE = ["rate", "low", "high"]
_ANSWER = ["measure", *_CAUSE, "before", "after", "difference", "low", "high", "p", "p_adjusted",
           "change", "n_before", "n_after"]  # fmt: skip
_SAID_AS = {
    "failure_rate": "failures", "left_undone": "work left undone", "median_s": "median duration",
    "p95_s": "95th percentile of durations",
}  # fmt: skip
_CHANGES = {"new": "new", "gone": "gone", "more": "more frequent", "less": "less frequent"}
_CALLED_MONTH = dict.fromkeys(("28 d", "29 d", "30 d", "31 d"), "month")
_LENGTHS = {"1 d": "day", "7 d": "week", "365 d": "year"} | _CALLED_MONTH
_MOST_GROUPS_TOLD = 5


def compare(
    tables: JobTables,
    before: Pair | None = None,
    after: Pair = ("30d", None),
    by: str | Sequence[str] | None = None,
    *,
    confidence: float = 0.95,
    failed: Iterable[str] = FAILED_STATES,
) -> pd.DataFrame:
    r"""Return what is different about the jobs of one window from those of an earlier one.

    Parameters
    ----------
    tables : JobTables
        The jobs with their details and errors. All are context: whether work was done in the end,
        and whether a cause is new, is judged by all of them.
    before, after : (since, until), optional
        The windows: from when and until before when jobs were created, each as for `load_jobs`;
        what is relative is so to when the jobs were loaded. `after` is by default the last 30
        days, `before` the time of the same length until `after` begins.
    by : str or sequence of str, optional
        The column or columns of the jobs to group by; null is a group, too.
    confidence : float
        The probability with which an interval covers the true difference; a change is told where
        the adjusted p-value is at most what is left of 1.
    failed : iterable of str
        The states that count as failed; a success is COMPLETED.

    Returns
    -------
    pandas.DataFrame
        One row a measure, or a group and measure, sorted: the `by` columns, ``measure`` (str, see
        below), ``fingerprint``, ``code`` (str: the cause, as in `error_causes`; else null),
        ``before``, ``after``, ``difference``, ``low``, ``high`` (float64: after less before, and
        its interval; null where it is not known), ``p``, ``p_adjusted`` (float64: how likely such a
        difference is where nothing changed, and the same adjusted for all rows of the measure),
        ``change`` (str: "more" or "less", where that is no chance; of causes also "new": no job
        before had it, and "gone": no job since has had it, and that is no chance; else null),
        ``n_before``, ``n_after`` (int64: of how many jobs or durations it is).

        The measures are "jobs" (how many were created), "failure_rate" (of the finished jobs),
        "left_undone" (the share of these with which work failed last that no later job has done,
        see `unresolved_failures`), "median_s" and "p95_s" (durations of completed jobs, in seconds)
        and for each cause "cause" (the share of the finished jobs that failed of it), the one with
        most jobs first.

        ``attrs["summary"]`` says it in words.

    Raises
    ------
    DxError
        When given something else than tables, a column is missing, or a window cannot be.

    Notes
    -----
    How many jobs there are is counted, no estimate: it has no interval.

    The interval of a difference of rates is Newcombe's hybrid score interval (R. G. Newcombe,
    *Statistics in Medicine* 17, 1998, method 10): with :math:`l_i, u_i` the bounds of Wilson's
    interval of the rate :math:`p_i`,
    :math:`d - \sqrt{(p_2-l_2)^2+(u_1-p_1)^2}` to :math:`d + \sqrt{(u_2-p_2)^2+(p_1-l_1)^2}`. As
    jobs of a revision share their fate, these intervals are those of an effective number of jobs
    (see `failure_rate`); for a cause it is their number over the mean number of jobs of a revision
    that fail of it together. Intervals of differences of quantiles are put together in the same
    way (G. Y. Zou and A. Donner, *Statistics in Medicine* 27, 2008) from those of `durations`.

    The p-value is that of a normal distribution whose interval has the same bound towards 0: it is
    less than 5 % where an interval of 95 % leaves 0 out. p-values are adjusted as Y. Benjamini and
    Y. Hochberg do (JRSS B 57, 1995).

    Examples
    --------
    >>> import dxnotebook as dx
    >>> tables = dx.load_jobs(dx.demo.client())
    >>> found = dx.compare(tables, after=("2026-08-31", "2026-09-07"))
    >>> print(found.attrs["summary"])
    failures 41 %, 3.6 % the week before (+37.6, +22.2 to +54.7); 1 cause is new
    """
    tables = checked(tables)
    seen = observed_at(tables.jobs)
    now = pd.Timestamp.now("UTC") if pd.isna(seen) else seen
    late = _window("after", after, now)
    if late.start is None:
        raise invalid("after", after, "is a window that says since when, as ('30d', None)")
    start = late.start - ((late.end or now) - late.start)
    early = _window("before", before or (start, late.start), now)
    if early.end is None or early.end > late.start:
        raise invalid("before", before, "is a window that ends when `after` begins, or earlier")
    when = f"until {early.end:%Y-%m-%d %H:%M}"
    if early.start and early.end == late.start:
        length = duration((early.end - early.start).total_seconds())
        when = f"the {_LENGTHS.get(length, length)} before"
    created = dated(tables.jobs)["created_at"]
    rows = tables.jobs.index
    is_early, is_late = (rows.isin(created.index[w.contains(created)]) for w in (early, late))
    how: dict[str, Any] = {"when": when, "confidence": confidence, "failed": failed}
    return differences(tables, is_early, is_late, by, **how)


def differences(
    tables: JobTables,
    early: Mask,
    late: Mask,
    by: str | Sequence[str] | None = None,
    *,
    when: str = "before",
    confidence: float = 0.95,
    failed: Iterable[str] = FAILED_STATES,
) -> pd.DataFrame:
    """Return what `compare` does, of any two sets of jobs.

    Parameters
    ----------
    tables : JobTables
        The jobs with their details and errors.
    early, late : mask over jobs
        Which jobs are compared with which; one that is in both is in `late`.
    by, confidence, failed
        As for `compare`.
    when : str
        What the summary calls the first: "the month before", or "of the other region".

    Examples
    --------
    >>> import dxnotebook as dx
    >>> from dxnotebook.metrics.compare import differences
    >>> tables = dx.load_jobs(dx.demo.client())
    >>> exports = tables.jobs["type"].str.startswith("EXPORT").to_numpy()
    >>> found = differences(tables, ~exports, exports, when="of imports")
    >>> found.attrs["summary"].partition(" (")[0]
    'failures 4.1 %, 7.8 % of imports'
    """
    tables = checked(tables)
    columns, states = columns_of(by, _ANSWER), texts("failed", failed)
    needed = [*dict.fromkeys([*_COMPARED_BY, *columns])]
    jobs = Source(tables.jobs, needed).native[needed][early | late]
    groups, group = numbered(jobs[columns].reset_index(drop=True), columns)
    side = late[early | late].astype(int)
    jobs = jobs.assign(group=group, side=side, cluster=clusters_of(jobs))
    how: dict[str, Any] = {"by": _SIDE, "confidence": confidence}
    took = durations(jobs, **how)
    rates = failure_rate(jobs, cluster="cluster", failed=states, **how)
    left = unresolved_failures(tables, failed=states)["job_id"]
    was_done = jobs["state"].isin(states) & ~jobs["job_id"].isin(left)
    work = jobs.assign(state=jobs["state"].mask(was_done, "COMPLETED"))
    created = _sizes(jobs, ["group"])
    of_took = [[name, f"{name}_low", f"{name}_high"] for name in ("median", "p95")]
    median, p95 = (took.rename(columns=dict(zip(names, _RATE, strict=True))) for names in of_took)
    measures = {
        "jobs": created.assign(rate=created["n"]),
        "failure_rate": rates,
        "left_undone": failure_rate(work, cluster="cluster", failed=states, **how),
        "median_s": median,
        "p95_s": p95,
        "cause": _causes(tables, jobs, states, rates, confidence),
    }
    rows = _compared(pd.concat(measures, names=["measure"]).reset_index("measure"), confidence)
    since, until = (jobs["created_at"][jobs["side"] == side] for side in (1, 0))
    is_found = rows["p_adjusted"] <= 1 - confidence
    are_in_turn = until.max() < since.min()  # nothing is new in one of two feeds
    told = {
        "new": are_in_turn & (rows["first"] >= since.min()) & (rows["n_before"] > 0),
        "gone": are_in_turn & (rows["last"] <= until.max()) & is_found,
        "more": is_found & (rows["difference"] > 0),
        "less": is_found & (rows["difference"] < 0),
    }
    change = pd.Series(np.select([*told.values()], [*told], ""), dtype="str").replace("", None)
    answer = groups.take(rows["group"].to_numpy()).reset_index(drop=True)
    answer = answer.join(rows.assign(change=change)[_ANSWER])
    answer.attrs["summary"] = _in_words(answer, columns, when)
    return readable(answer)


def _sizes(frame: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Return how many rows each group has on each side, 0 where there are none."""
    groups = frame[keys].drop_duplicates().merge(pd.DataFrame({"side": [0, 1]}), how="cross")
    sizes = frame.groupby([*keys, "side"])["job_id"].size().rename("n").reset_index()
    return groups.merge(sizes, how="left").fillna({"n": 0})


def _window(name: str, given: object, now: pd.Timestamp) -> Window:
    if not isinstance(given, tuple | list) or len(given) != 2:
        valid = "is a pair (since, until), such as ('2026-08-01', '2026-09-01') or ('30d', None)"
        raise invalid(name, given, valid)
    since, until = given
    return Window.of(since, until, now)


def _causes(
    tables: JobTables, jobs: pd.DataFrame, failed: list[str], rates: pd.DataFrame, confidence: float
) -> pd.DataFrame:
    """Return how often each cause is, the commonest first, and when it was first and last seen.

    So many jobs of a revision as fail of it together, in the mean, are one observation.
    """
    errors = tables.errors[["job_id", "code"]].assign(fingerprint=fingerprints(tables))
    runs = tables.jobs[["job_id", "created_at"]][tables.jobs["state"].isin(failed)]
    runs = runs.rename_axis("row").reset_index()
    errors = errors.astype("str").fillna("").drop_duplicates().merge(runs, on="job_id")
    seen = errors.groupby(_CAUSE)["created_at"]
    errors = errors.assign(first=seen.transform("min"), last=seen.transform("max"))
    errors = errors.join(jobs[[*_SIDE, "cluster"]], on="row", how="inner")
    keys = ["group", *_CAUSE]
    together = errors.groupby([*keys, "side", "cluster"])["row"].transform("size")
    causes: pd.DataFrame = (
        errors.assign(together=together)
        .groupby(keys, as_index=False)
        .agg({"row": "size", "together": "mean", "first": "min", "last": "max"})
        .sort_values("row", ascending=False, kind="stable")
        .merge(_sizes(errors, keys).rename(columns={"n": "k"}), on=keys)
        .merge(rates[[*_SIDE, "n"]], on=_SIDE)
    )
    k, n, worth = (causes[name].to_numpy() for name in ("k", "n", "together"))
    low, rate, high = wilson(k, n, confidence, n / worth)
    return causes.assign(rate=rate, low=low, high=high)


def _compared(sides: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """Return the differences of measures, which are given by group and side."""
    sides = sides.sort_values("group", kind="stable", ignore_index=True)
    sides.index = sides.groupby(["group", "measure", *_CAUSE], dropna=False, sort=False).ngroup()
    rows = sides[~sides.index.duplicated()]
    before, after = (sides[sides["side"] == side].reindex(rows.index) for side in (0, 1))
    difference = after["rate"] - before["rate"]
    low = difference - np.hypot(after["rate"] - after["low"], before["high"] - before["rate"])
    high = difference + np.hypot(after["high"] - after["rate"], before["rate"] - before["low"])
    # the bound towards 0 is as far away as of a normal distribution
    reach = np.where(difference > 0, difference - low, high - difference)
    sd = reach / NormalDist().inv_cdf((1 + confidence) / 2)
    p = (abs(difference) / sd / math.sqrt(2)).map(math.erfc).mask(difference == 0, 1.0)
    adjusted = p.groupby(rows["measure"]).transform(lambda p: benjamini_hochberg(p.to_numpy()))
    return rows.assign(
        before=before["rate"], after=after["rate"], difference=difference, low=low, high=high,
        p=p, p_adjusted=adjusted, n_before=before["n"].fillna(0).astype("int64"),
        n_after=after["n"].fillna(0).astype("int64"),
        **rows[_CAUSE].replace("", None),
    )  # fmt: skip


def _in_words(answer: pd.DataFrame, columns: list[str], when: str) -> str:
    """Return the answer in a line: the failure rate, and whatever else has changed."""
    is_rate, changed = answer["measure"] == "failure_rate", answer["change"].notna()
    told = is_rate & changed if columns else answer["measure"].isin(_SAID_AS) & (is_rate | changed)
    words = [_row_in_words(row, columns, when) for row in answer[told].to_dict("records")]
    if columns:
        groups = f"{len(words):,} of {counted(is_rate.sum(), 'group')} differ"
        more = ["…"] if len(words) > _MOST_GROUPS_TOLD else []
        words = [groups, *words[:_MOST_GROUPS_TOLD], *more]
    causes = answer[answer["measure"] == "cause"].drop_duplicates([*_CAUSE, "change"])["change"]
    for change, called in _CHANGES.items():
        if number := (causes == change).sum():
            words.append(counted(number, f"cause is {called}", f"causes are {called}"))
    return "; ".join(words) or "no jobs to compare"


def _row_in_words(row: dict[Any, Any], columns: list[str], when: str) -> str:
    is_share = row["measure"] in ("failure_rate", "left_undone")
    shown = percent if is_share else duration
    now, then = ("unknown" if pd.isna(row[n]) else shown(row[n]) for n in ("after", "before"))
    name = " ".join([*(str(row[column]) for column in columns), _SAID_AS[row["measure"]]])
    change = [row[name] for name in ("difference", "low", "high")]
    signs = ["+" if x > 0 else "−" if x < 0 else "" for x in change]
    sizes = [f"{100 * abs(x):.1f}" if is_share else duration(abs(x)) for x in change]
    difference, low, high = map("".join, zip(signs, sizes, strict=True))
    how = "" if pd.isna(row["difference"]) else f" ({difference}, {low} to {high})"
    return f"{name} {now}, {then} {when}{how}"
