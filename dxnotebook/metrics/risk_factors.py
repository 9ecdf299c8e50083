"""What is different about the failures: which values of jobs make them fail more often."""

from __future__ import annotations

from calendar import day_name
from collections.abc import Iterable, Iterator
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from dxnotebook.arrays import Array, Integers, Mask, coded, list_lengths, located, text_array
from dxnotebook.errors import texts
from dxnotebook.metrics.assets import naming_assets
from dxnotebook.metrics.clusters import clusters_of
from dxnotebook.metrics.multiplicity import benjamini_hochberg
from dxnotebook.metrics.rates import check_confidence
from dxnotebook.metrics.readable import readable
from dxnotebook.model import FAILED_STATES
from dxnotebook.tables.jobtables import JobTables, checked, created_within
from dxnotebook.times import Moment

# where bins end, and what they are called
Bins = tuple[list[float], list[str]]

_COLUMNS = ("data_set_id", "type", "account_id", "region")
_TALLY = ["n", "k", "shared"]  # jobs, failed ones, and jobs of their clusters
_LEAST = 5  # jobs, of a value: of fewer nothing can be told
_SAME = 0.9  # of the jobs that have either of two values
_MOST_LEVELS, _MOST_RISKS = 20, 20
_ENDING = "^[a-z][a-z0-9]{0,8}$"
_SIZES: Bins = ([0, 1, 5, 20, 50, 100, np.inf], ["1", "2–5", "6–20", "21–50", "51–100", "over 100"])
_AGES: Bins = ([-1, 0, 6, 29, 89, np.inf], ["0", "1–6", "7–29", "30–89", "90 or more"])
_RISK = {
    "factor": "str", "value": "str", "also": "object", "jobs": "int64", "failed": "int64",
    **dict.fromkeys(("rate", "others_rate", "risk_ratio", "low", "high", "share", "p",
                     "p_adjusted"), "float64"),
}  # fmt: skip

# a factor, rows of jobs, and the place of each one's value among the different ones
Factor = tuple[str, Integers, Integers, pa.Array]


def risk_factors(
    tables: JobTables,
    failed: Iterable[str] = FAILED_STATES,
    *,
    since: Moment | None = None,
    until: Moment | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    r"""Return what is different about the failures: values of jobs with which they fail more often.

    What a stronger factor explains is not told again: the jobs of the strongest are set aside, then
    the strongest is looked for among the others, until none is left.

    Parameters
    ----------
    tables : JobTables
        The jobs with their details.
    failed : iterable of str
        The states that count as failed; they are compared with COMPLETED jobs.
    since, until : time or str, optional
        The window, as for `load_jobs`: from when and until before when the jobs were created.
    confidence : float
        The probability with which the interval covers the true ratio; what is left of 1 is the
        share of the values found that may be chance.

    Returns
    -------
    pandas.DataFrame
        One row a factor's value, the strongest first: ``factor`` (str, see below), ``value`` (str),
        ``also`` (list of str: other values that are the same finding, as "bucket: acme", as they
        are had by the same jobs, or nearly: by nine in ten of those that have either), ``jobs``,
        ``failed`` (int64: finished jobs with the value, and those of them that failed), ``rate``,
        ``others_rate`` (float64, 0 to 1: of these and of all other jobs),
        ``risk_ratio``, ``low``, ``high`` (float64: the one rate over the other, and its
        interval), ``share`` (float64, 0 to 1: the failures beyond those that there would be at the
        others' rate, of all failures), ``p``, ``p_adjusted`` (float64: how likely such a difference
        is where the value does not matter, and the same adjusted for the number of values). From
        the second row on, jobs of the rows above are not counted, but in the whole of ``share``. At
        most 20 rows, and none when failures are spread as by chance.

    Raises
    ------
    DxError
        When given something else than tables, or a parameter cannot be.

    Notes
    -----
    Factors are ``data_set_id``, ``type``, ``account_id``, ``region``, ``bucket``, ``key_prefix``
    (each level that the slashes of keys make), ``asset_type`` (how keys and names end),
    ``encryption_type`` ("none" for jobs of types that may have one), ``started`` ("automatic" by an
    event action, or "manual"), ``hour`` and ``weekday`` of creation (UTC), ``assets`` (how many a
    job names) and ``days`` (since the first job of the data set). Values of fewer than 5 jobs are
    not looked at.

    The test is Fisher's exact one of a greater risk (R. A. Fisher, JRSS 98, 1935), adjusted as Y.
    Benjamini and Y. Hochberg do (JRSS B 57, 1995), with weights that give each factor an equal
    share, so that the many prefixes of keys do not hide a data set (C. R. Genovese et al.,
    *Biometrika* 93, 2006); of what is found the strongest has the greatest chi-square.

    Jobs of a revision share their fate: from how alike two of them are, :math:`\rho`, follows the
    design effect of jobs of which each has :math:`m` in its revision, in the mean,
    :math:`1 + \rho (m - 1)` (L. Kish, *Survey Sampling*, 1965). The p-value then is no less than
    that of a beta distribution with the variance that the rate of such jobs has, chi-square is
    divided by the effect, and the variance of each rate in the interval is multiplied with it. That
    is an interval of the logarithm of the ratio, of the variance
    :math:`1/k_1 - 1/n_1 + 1/k_2 - 1/n_2` (D. Katz et al., *Biometrics* 34, 1978); if none of the
    others failed, :math:`\tfrac12` is added to each of :math:`k_i` and :math:`n_i - k_i`, also for
    the ratio.

    What is found goes along with failures: that need not be why they failed.

    Examples
    --------
    >>> import dxnotebook as dx
    >>> tables = dx.load_jobs(dx.demo.client())
    >>> found = dx.risk_factors(tables, since="2026-08-31", until="2026-09-07")
    >>> found["factor"][0], found["also"][0]
    ('data_set_id', ['bucket: grid-load-raw-us-east-1', 'key_prefix: grid-load/'])
    """
    tables, states = checked(tables), texts("failed", failed)
    check_confidence(confidence)
    has_failed = tables.jobs["state"].isin(states).to_numpy()
    left = has_failed | (tables.jobs["state"] == "COMPLETED").to_numpy()
    left &= created_within(tables.jobs, since, until)
    has_failed = has_failed & left
    cluster, (has, values) = clusters_of(tables.jobs), _matrix(tables, left)
    by_value = has.T  # once, as it takes a part of the time of each test
    rows: list[dict[Any, Any]] = []
    while len(rows) < _MOST_RISKS and has_failed[left].any():
        tested = _tested(by_value, values, left, has_failed & left, cluster, confidence=confidence)
        found = tested[tested["p_adjusted"] <= 1 - confidence]
        if found.empty:
            break
        strongest: Any = found["strength"].idxmax()
        both = (by_value @ (_having(has, strongest) & left).astype(float))[tested.index]
        either = tested["jobs"] + tested["jobs"][strongest] - both
        same = tested[both >= _SAME * either]
        # of those that cannot be told apart the first, as factors come by what people think in
        best = same.index[same.index.isin(found.index)][0]
        also = (same["factor"] + ": " + same["value"]).drop(best).tolist()
        rows.append(tested.loc[best].to_dict() | {"also": also})
        left &= ~_having(has, best)
    answer = pd.DataFrame(rows, columns=[*_RISK])
    return readable(answer.assign(share=answer["share"] / has_failed.sum()).astype(_RISK))


def _matrix(tables: JobTables, wanted: Mask) -> tuple[Any, pd.DataFrame]:
    """Return which values each of the wanted jobs has, and the factors and values."""
    from scipy.sparse import csr_array  # noqa: PLC0415 (takes long, and few ask for it)

    wanted, first = np.append(wanted, False), 0  # what is of no job is in row -1
    rows, numbers, labels = [], [], []
    for factor, row, code, names in _factors(tables):
        is_there = (code >= 0) & wanted[row]
        rows.append(row[is_there].astype(np.int32))
        numbers.append((code[is_there] + first).astype(np.int32))
        labels.append(pd.DataFrame({"factor": factor, "value": names.to_pandas()}))
        first += len(names)
    places = np.concatenate(rows), np.concatenate(numbers)
    has = csr_array((np.ones(len(places[0]), np.int8), places), shape=(len(wanted) - 1, first))
    has.data[:] = 1  # also where a job has a value several times
    return has, pd.concat(labels, ignore_index=True)


def _factors(tables: JobTables) -> Iterator[Factor]:
    """Yield the factors: which jobs have which value."""
    jobs, details = tables.jobs, tables.details
    every = np.arange(len(jobs))
    listed = located(details["job_id"], jobs["job_id"])
    names_asset, _ = naming_assets(tables, listed >= 0)
    assets = pd.Series(np.bincount(listed[names_asset], minlength=len(jobs)).clip(min=1))
    created = jobs["created_at"]
    age = (created - created.groupby(jobs["data_set_id"]).transform("min")).dt.days
    can_encrypt = jobs["type"].isin(jobs["type"][jobs["encryption_type"].notna()])
    single = {name: jobs[name] for name in _COLUMNS} | {
        "encryption_type": jobs["encryption_type"].fillna("none").where(can_encrypt),
        "started": jobs["event_action_arn"].notna().map({True: "automatic", False: "manual"}),
        "hour": created.dt.hour.map({hour: f"{hour:02}:00" for hour in range(24)}),
        "weekday": created.dt.day_of_week.map(dict(enumerate(day_name))),
        "assets": pd.cut(assets, _SIZES[0], labels=_SIZES[1]),
        "days": pd.cut(age, _AGES[0], labels=_AGES[1]),
    }
    for name, column in single.items():
        codes, values = pd.factorize(column)
        yield name, every, codes, text_array(pd.Series(values).astype("str"))
    both = np.append(listed, every)
    buckets = [text_array(details["bucket"]), text_array(jobs["asset_source_bucket"])]
    yield "bucket", both, *coded(pa.concat_arrays(buckets))
    keys = text_array(details["key"].fillna(details["key_prefix"]))
    yield from _key_levels(listed, keys)
    named = pa.concat_arrays([keys, text_array(jobs["asset_name"])])
    codes, endings = coded(pc.utf8_lower(_split_at_last(named, ".")[1]))
    is_type = pc.match_substring_regex(endings, _ENDING)
    yield "asset_type", both, codes, pc.if_else(is_type, endings, None)


def _split_at_last(texts: pa.Array, mark: str) -> tuple[pa.Array, pa.Array]:
    """Return what is before and behind the last mark in each text; null where there is none."""
    parts = pc.split_pattern(texts, mark, max_splits=1, reverse=True)
    before = pa.array(parts.offsets.to_numpy()[:-1], mask=list_lengths(parts) < 2)
    pieces = parts.values  # noqa: PD011 (no pandas)
    return pieces.take(before), pieces.take(pc.add(before, 1))


def _key_levels(rows: Integers, keys: pa.Array) -> Iterator[Factor]:
    """Yield the levels of keys, which are of one factor."""
    codes, folders = coded(_split_at_last(keys, "/")[0])
    for level in range(_MOST_LEVELS):
        begins = pc.extract_regex(folders, f"^(?P<begin>(?:[^/]*/){{{level}}}[^/]*)")
        number, labels = coded(pc.struct_field(begins, "begin"))
        if not len(labels):
            return
        named = pc.replace_substring_regex(labels, "$", "/")
        yield "key_prefix", rows, np.append(number, -1)[codes], named


def _having(has: Any, value: int) -> Mask:
    """Return which jobs have a value."""
    having: Mask = has @ (np.arange(has.shape[1]) == value).astype(float) > 0
    return having


def _tested(
    by_value: Any,
    values: pd.DataFrame,
    left: Mask,
    failed: Mask,
    cluster: Integers,
    *,
    confidence: float,
) -> pd.DataFrame:
    """Return the values of enough of the jobs that are left, and what is different about these."""
    size, fails = (np.bincount(cluster[jobs], minlength=len(left)) for jobs in (left, failed))
    counted = np.column_stack([left, failed, left * size[cluster]]).astype(float)
    all_n, all_k, all_shared = counted.sum(axis=0)
    rate = all_k / all_n
    # how alike the fates of two jobs of a revision are
    spread = ((fails - rate * size) ** 2).sum() / (rate * (1 - rate) or 1) - all_n
    alike = np.clip(spread / max(all_shared - all_n, 1), 0, 1)
    counts = pd.DataFrame(by_value @ counted, columns=_TALLY)
    enough = (counts["n"] >= _LEAST) & (counts["n"] < all_n) & values["value"].notna()
    n, k, shared = (counts.loc[enough, name] for name in _TALLY)
    effect = 1 + alike * (shared / n - 1)
    others, others_k = all_n - n, all_k - k
    others_effect = 1 + alike * ((all_shared - shared) / others - 1)
    half = np.where(others_k > 0, 0, 0.5)
    ratio = (k + half) / (n + 2 * half) * (others + 2 * half) / (others_k + half)
    variance = effect * (1 / (k + half) - 1 / (n + 2 * half))
    variance += others_effect * (1 / (others_k + half) - 1 / (others + 2 * half))
    reach = np.exp(NormalDist().inv_cdf((1 + confidence) / 2) * np.sqrt(variance))
    rows: pd.DataFrame = values[enough].assign(
        jobs=n, failed=k, rate=k / n, others_rate=others_k / others, risk_ratio=ratio,
        low=ratio / reach, high=ratio * reach, share=k - n * others_k / others,
        p=_p_values(k, n, all_k, all_n, effect),
        strength=(k - n * rate) ** 2 / (n * (1 - n / all_n) * effect),
    )  # fmt: skip
    # each factor has an equal share, so that the many prefixes of keys do not hide a data set
    values_of = rows.groupby("factor")["jobs"].transform("size")
    weighted = rows["p"] * values_of * rows["factor"].nunique() / max(len(rows), 1)
    return rows.assign(p_adjusted=benjamini_hochberg(weighted.clip(upper=1).to_numpy()))


def _p_values(
    k: pd.Series[float], n: pd.Series[float], all_k: float, all_n: float, effect: pd.Series[float]
) -> pd.Series[float]:
    """Return how likely so many failures, or more, are by chance; 1 of no greater risk."""
    from scipy.special import betainc  # noqa: PLC0415 (as above)

    more, p, rate = k * all_n > all_k * n, pd.Series(1.0, k.index), all_k / all_n
    p[more] = _fisher(k[more].to_numpy(), n[more].to_numpy(), all_k, all_n)
    # a beta distribution has the variance of the rate of jobs that share their fate
    weight = (n / effect / (1 - n / all_n) - 1).clip(lower=1e-9)
    tail = betainc((1 - rate) * weight, rate * weight, 1 - (k - 0.5).clip(lower=0) / n)
    return p.where(~more | (effect == 1), np.maximum(p, tail))


def _fisher(k: Array, n: Array, all_k: float, all_n: float) -> Array:
    """Return the probabilities that of n jobs k or more are among all that failed."""
    from scipy.special import gammaln  # noqa: PLC0415 (as above)

    def ways(n: Any, k: Any) -> Any:
        return gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)

    term = np.exp(ways(n, k) + ways(all_n - n, all_k - k) - ways(all_n, all_k))
    total: Array = term
    while (term > total * 1e-17).any():
        term = term * (n - k) * (all_k - k) / ((k + 1) * (all_n - n - all_k + k + 1))
        k, total = k + 1, total + term
    return total
