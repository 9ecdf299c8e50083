"""Did it get better? Jobs before and after: what changed, by how much, and whether by chance."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd

from dxnotebook.arrays import Mask, located
from dxnotebook.errors import invalid, texts
from dxnotebook.metrics.causes import fingerprints
from dxnotebook.metrics.clusters import CLUSTER, clusters_of
from dxnotebook.metrics.durations import durations
from dxnotebook.metrics.engines import Source, columns_of, numbered
from dxnotebook.metrics.multiplicity import benjamini_hochberg
from dxnotebook.metrics.rates import failure_rate, wilson
from dxnotebook.metrics.reruns import unresolved_failures
from dxnotebook.model import FAILED_STATES
from dxnotebook.tables.jobtables import JobTables, checked, dated, observed_at
from dxnotebook.text import counted, duration, percent
from dxnotebook.times import Moment, Window

Pair = tuple[Moment | None, Moment | None]

_CAUSE, _SIDE = ["fingerprint", "code"], ["group", "side"]
_ANSWER = ["measure", *_CAUSE, "before", "after", "difference", "low", "high", "p", "p_adjusted",
           "change", "n_before", "n_after"]  # fmt: skip
_RATE = ("rate", "low", "high")
# the columns that a measure and its bounds are taken from
_MEASURES = {
    "jobs": ("n", "", ""), "failure_rate": _RATE, "left_undone": _RATE,
    "median_s": ("median", "median_low", "median_high"), "p95_s": ("p95", "p95_low", "p95_high"),
    "cause": _RATE,
}  # fmt: skip
_CALLED = {
    "failure_rate": "failures", "left_undone": "work left undone", "median_s": "median duration",
    "p95_s": "95th percentile of durations",
}  # fmt: skip
_CHANGES = {"new": "new", "gone": "gone", "more": "more frequent", "less": "less frequent"}
_LENGTHS = {1: "day", 7: "week", **dict.fromkeys(range(28, 32), "month"), 365: "year"}
_MOST_TOLD = 5


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
        before had it, and "gone": no job since has had it, and that is no chance; else null), ``n_before``, ``n_after`` (int64: of how many jobs, pieces of work or
        durations it is).

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
    length = (late.end or now) - late.start
    early = _window("before", before or (late.start - length, late.start), now)
    if early.end is None or early.end > late.start:
        raise invalid("before", before, "is a window that ends when `after` begins, or earlier")
    when = f"until {early.end:%Y-%m-%d %H:%M}"
    if early.start and early.end == late.start:
        length = early.end - early.start
        when = f"the {_LENGTHS.get(length.days) or duration(length.total_seconds())} before"
    created = dated(tables.jobs)["created_at"]
    early_rows, late_rows = (created.index[each.contains(created)] for each in (early, late))
    masks = [tables.jobs.index.isin(rows) for rows in (early_rows, late_rows)]
    return differences(tables, *masks, by, when=when, confidence=confidence, failed=failed)


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
    jobs = Source(tables.jobs, columns).native
    jobs = jobs[early | late].assign(side=late[early | late].astype(int))
    groups, group = numbered(jobs[columns].reset_index(drop=True), columns)
    jobs = jobs.assign(group=group, cluster=clusters_of(jobs))
    how: dict[str, Any] = {"by": _SIDE, "confidence": confidence}
    rates = failure_rate(jobs, cluster="cluster", failed=states, **how)
    left = unresolved_failures(tables, failed=states)["job_id"]
    was_done = jobs["state"].isin(states) & ~jobs["job_id"].isin(left)
    work = jobs.assign(state=jobs["state"].mask(was_done, "COMPLETED"))
    undone = failure_rate(work, cluster="cluster", failed=states, **how)
    created = jobs.groupby(_SIDE).size().unstack(fill_value=0).stack().rename("n").reset_index()
    took, causes = durations(jobs, **how), _causes(tables, jobs, states, rates, confidence)
    frames = zip(_MEASURES, [created, rates, undone, took, took, causes], strict=True)
    rows = _compared(dict(frames), confidence)
    is_found = rows["p_adjusted"] <= 1 - confidence
    told = {
        "new": (rows["first"] >= jobs["created_at"][jobs["side"] == 1].min())
        & (rows["n_before"] > 0),
        "gone": (rows["last"] <= jobs["created_at"][jobs["side"] == 0].max()) & is_found,
        "more": is_found & (rows["difference"] > 0),
        "less": is_found & (rows["difference"] < 0),
    }
    change = pd.Series(np.select([*told.values()], [*told], ""), dtype="str").replace("", None)
    answer = groups.take(rows["group"].to_numpy()).reset_index(drop=True)
    answer = answer.join(rows.assign(change=change)[_ANSWER])
    answer.attrs["summary"] = _in_words(answer, columns, when)
    return answer


def _window(name: str, given: object, now: pd.Timestamp) -> Window:
    if not isinstance(given, tuple | list) or len(given) != 2:
        valid = "is a pair (since, until), such as ('2026-08-01', '2026-09-01') or ('30d', None)"
        raise invalid(name, given, valid)
    return Window.of(*given, now)


def _causes(
    tables: JobTables, jobs: pd.DataFrame, failed: list[str], rates: pd.DataFrame, confidence: float
) -> pd.DataFrame:
    """Return how often each cause is, the commonest first, and when it was first and last seen.

    So many jobs of a revision as fail of it together, in the mean, are one observation.
    """
    errors = (
        tables.errors[["job_id", "code"]].astype("str").assign(fingerprint=fingerprints(tables))
    )
    errors["row"] = located(errors["job_id"], tables.jobs["job_id"])
    created = tables.jobs["created_at"][tables.jobs["state"].isin(failed)]
    errors = errors.drop_duplicates(["row", *_CAUSE]).join(created, on="row", how="inner")
    seen = errors.groupby(_CAUSE, dropna=False)["created_at"]
    errors = errors.assign(first=seen.transform("min"), last=seen.transform("max"))
    errors = errors.join(jobs[[*_SIDE, "cluster"]], on="row", how="inner")
    keys = ["group", *_CAUSE, "first", "last"]
    counts = errors.value_counts([*keys, "side", "cluster"], dropna=False).rename("k").reset_index()
    counts = counts.assign(kk=counts["k"] ** 2).groupby(
        [*keys, "side"], dropna=False, as_index=False
    )
    counts = counts[["k", "kk"]].sum()
    causes = counts[keys].drop_duplicates().merge(rates[[*_SIDE, "n"]], on="group")
    causes = causes.merge(counts, "left").fillna({"k": 0, "kk": 0})
    sums = causes.groupby(keys, dropna=False)[["k", "kk"]].transform("sum")
    k, n, effective = (
        x.to_numpy() for x in (causes["k"], causes["n"], causes["n"] * sums["k"] / sums["kk"])
    )
    low, rate, high = wilson(k, n, confidence, effective)
    causes = causes.assign(rate=rate, low=low, high=high, jobs=sums["k"])
    return causes.sort_values("jobs", ascending=False, kind="stable")


def _compared(frames: dict[str, pd.DataFrame], confidence: float) -> pd.DataFrame:
    """Return the differences of measures, of which frames tell by group and side."""
    from scipy.special import ndtr  # noqa: PLC0415 (takes long, and few ask for it)

    kept = [*_SIDE, *_CAUSE, "first", "last", "n"]
    parts = [
        frame.reindex(columns=[*kept, *_MEASURES[measure]])
        .set_axis([*kept, "value", "low", "high"], axis=1)
        .assign(measure=measure)
        for measure, frame in frames.items()
    ]
    sides = pd.concat(parts).sort_values("group", kind="stable", ignore_index=True)
    keys = ["group", "measure", *_CAUSE]
    sides.index = sides.groupby(keys, dropna=False, sort=False).ngroup()
    rows = sides[~sides.index.duplicated()]
    before, after = (sides[sides["side"] == side].reindex(rows.index) for side in (0, 1))
    difference = after["value"] - before["value"]
    low = difference - np.hypot(after["value"] - after["low"], before["high"] - before["value"])
    high = difference + np.hypot(after["high"] - after["value"], before["value"] - before["low"])
    # the bound towards 0 is as far away as of a normal distribution
    reach = np.where(difference > 0, difference - low, high - difference)
    z = NormalDist().inv_cdf((1 + confidence) / 2) * abs(difference) / reach
    p = pd.Series(np.where(difference == 0, 1.0, 2 * ndtr(-z)))
    adjusted = p.groupby(rows["measure"]).transform(lambda p: benjamini_hochberg(p.to_numpy()))
    return rows.assign(
        before=before["value"], after=after["value"], difference=difference, low=low, high=high,
        p=p, p_adjusted=adjusted, n_before=before["n"].fillna(0).astype("int64"),
        n_after=after["n"].fillna(0).astype("int64"),
    ).astype(dict.fromkeys(_CAUSE, "str"))  # fmt: skip


def _in_words(answer: pd.DataFrame, columns: list[str], when: str) -> str:
    """Return the answer in a line: the failure rate, and whatever else has changed."""
    is_rate, changed = answer["measure"] == "failure_rate", answer["change"].notna()
    told = is_rate & changed if columns else answer["measure"].isin(_CALLED) & (is_rate | changed)
    words = [_row_in_words(row, columns, when) for row in answer[told].to_dict("records")]
    if columns:
        groups = f"{len(words):,} of {counted(is_rate.sum(), 'group')} differ"
        words = [groups, *words[:_MOST_TOLD], *(["…"] if len(words) > _MOST_TOLD else [])]
    causes = answer[answer["measure"] == "cause"].drop_duplicates([*_CAUSE, "change"])["change"]
    for change in [change for change in _CHANGES if change in set(causes)]:
        called = _CHANGES[change]
        words.append(
            counted((causes == change).sum(), f"cause is {called}", f"causes are {called}")
        )
    return "; ".join(words) or "no jobs to compare"


def _row_in_words(row: dict[Any, Any], columns: list[str], when: str) -> str:
    is_share = row["measure"] in ("failure_rate", "left_undone")
    shown = percent if is_share else duration
    now, then = ("unknown" if pd.isna(row[n]) else shown(row[n]) for n in ("after", "before"))
    name = " ".join([*(str(row[column]) for column in columns), _CALLED[row["measure"]]])
    change = [row[name] for name in ("difference", "low", "high")]
    signs = ["+" if x > 0 else "−" if x < 0 else "" for x in change]
    sizes = [f"{100 * abs(x):.1f}" if is_share else duration(abs(x)) for x in change]
    difference, low, high = map("".join, zip(signs, sizes, strict=True))
    how = "" if pd.isna(row["difference"]) else f" ({difference}, {low} to {high})"
    return f"{name} {now}, {then} {when}{how}"
