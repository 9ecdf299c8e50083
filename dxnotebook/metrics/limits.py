"""What is usual of rates over time, how far chance strays from it, and what has shifted.

Arrays have a row for each group and a column for each period.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from dxnotebook.arrays import Array, Integers, Mask

NO_SEASON = 7  # a period without a baseline of its own; 0 to 6 are those of the weekdays
THREE_SIGMAS = 0.0013498980316300933  # of a normal distribution lies beyond, on each side
_RARE = 0.0005  # what is so far above the usual has no part in it
_CELLS = 50_000  # of a table, which then is in the processor's cache
# logarithms of likelihood ratios: of one stretch of periods, the likeliest of very many; of a
# shift; and how much of that a shift may lose before it is over
_STRETCH, _SHIFT, _LOSS = 12.0, 6.0, 1.0
# a shift's rate over the usual one, and the least that is found of it
_SHIFTS = ((4.0, 3.5), (2.0, 0.0))
_MOST_UNUSUAL = 0.75  # of the jobs; what is so most of the time is usual


def quantiles(n: Array, rate: Array, dispersion: Array, shares: Sequence[float]) -> list[Array]:
    """Return quantiles of how many of n jobs fail, beta-binomially distributed.

    The variance is that of the binomial distribution times a dispersion, with 1 the distribution is
    that. Equal rows are computed once, from the ratios of successive probabilities.
    """
    shape = n.shape
    rows = np.stack([n.ravel(), rate.ravel(), dispersion.ravel()])
    order = np.lexsort(rows)
    is_new, number = np.ones(n.size, bool), np.empty(n.size, np.int64)
    is_new[1:] = (np.diff(rows[:, order]) != 0).any(axis=0)
    number[order] = np.cumsum(is_new) - 1
    n, rate, dispersion = rows[:, order[is_new]]
    rate = np.clip(rate, 0, 1 - 1e-12)
    shared = np.clip((dispersion - 1) / np.maximum(n - 1, 1), 0, 1 - 1e-9)
    low, width = _support(n, rate, shared)
    result = np.full((len(shares), len(n)), np.nan)
    order = np.argsort(-width)
    order = order[(n > 0)[order] & (rate >= 0)[order]]
    while len(order):
        widest = int(width[order[0]]) + 1
        part, order = np.split(order, [1 + _CELLS // widest])
        sums = _cumulated(n[part, None], rate[part, None], shared[part, None], low[part], widest)
        for row, share in enumerate(shares):
            result[row, part] = low[part] + (sums < share).sum(axis=1)
    return [each[number].reshape(shape) for each in result]


def _support(n: Array, rate: Array, shared: Array) -> tuple[Array, Array]:
    """Return from which number of failures on, and how many numbers, have a probability to count.

    Beside a normal distribution's tails there are those of a gamma distribution of a small shape.
    """
    sd = np.sqrt(n * rate * (1 - rate) * (1 + (n - 1) * shared))
    shape = np.minimum(rate, 1 - rate) * (1 - shared) / np.maximum(shared, 1e-12)
    reach = sd * (8 + 10 / np.sqrt(np.maximum(shape, 1e-12))) + 1
    low = np.floor(np.maximum(n * rate - reach, 0))
    return low, np.minimum(n * rate + reach, n) - low


def _cumulated(n: Array, rate: Array, shared: Array, low: Array, width: int) -> Array:
    """Return the distribution function at so many numbers of failures from a lowest one on."""
    failing, others = rate * (1 - shared), (1 - rate) * (1 - shared)
    k = low[:, None] + np.arange(width)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = (n - k) * (failing + k * shared) / ((k + 1) * (others + (n - 1 - k) * shared))
        steps = np.where(k < n, np.log(ratio), -np.inf)
    logs = np.cumsum(np.hstack([np.zeros_like(n), steps]), axis=1)
    sums = np.cumsum(np.exp(logs - logs.max(axis=1, keepdims=True)), axis=1)
    result: Array = sums / sums[:, -1:]
    return result


def usual(failed: Array, n: Array, season: Integers) -> tuple[Array, Array]:
    """Return the usual rate of each period, and how much more than by chance a group's rates vary.

    Periods far above it, and one stretch whose rate is higher than that of the others, are left
    out.
    """
    used = n > 0
    # Laney's dispersion sees single bad periods, once the worse ones are out; the other one, of
    # what is left, takes back those that are common, as batches are
    for laney in (True, True, True, False):
        rate = _mean_rates(failed, n, used, season)
        dispersion = _dispersion(failed, n, rate, used, used, laney=laney)
        used = (n > 0) & ~_above(failed, n, rate, dispersion)
    rate = _mean_rates(failed, n, used, season)
    stretch = _highest_stretch(failed, n, rate, used)
    # a change of level is no variation
    dispersion = _dispersion(failed, n, rate, used, stretch)
    sides = [
        [np.where(used & side, each, 0).sum(axis=1) for each in (failed, n, n * rate)]
        for side in (stretch, ~stretch)
    ]
    with np.errstate(divide="ignore", invalid="ignore"):
        evidence = sum(log_ratio(k, jobs, e / jobs, k / jobs) for k, jobs, e in sides)
    high = (evidence > _STRETCH * dispersion) & (sides[0][1] <= _MOST_UNUSUAL * n.sum(axis=1))
    used &= ~(stretch & high[:, None])
    rate = _mean_rates(failed, n, used, season)
    return rate, _dispersion(failed, n, rate, used, used)


def _above(failed: Array, n: Array, rate: Array, dispersion: Array) -> Mask:
    """Return which periods are so high as is rare by chance."""
    spread = np.broadcast_to(dispersion[:, None], n.shape)
    above: Mask = failed > n * rate + np.sqrt(n * rate * (1 - rate) * spread)
    # of the others nothing need be computed
    (limit,) = quantiles(n[above], rate[above], spread[above], [1 - _RARE])
    above[above] = failed[above] > limit
    return above


def _mean_rates(failed: Array, n: Array, used: Mask, season: Integers) -> Array:
    """Return for each period the rate of its group's used periods, or of those of its season."""
    size = NO_SEASON + 1
    place = season + size * np.arange(len(n))[:, None]
    sums = [
        np.bincount(place.ravel(), np.where(used, each, 0).ravel(), size * len(n)).reshape(-1, size)
        for each in (failed, n)
    ]
    with np.errstate(divide="ignore", invalid="ignore"):
        rates, all_used = sums[0] / sums[1], sums[0].sum(axis=1) / sums[1].sum(axis=1)
    rates[:, NO_SEASON] = all_used
    found = np.take_along_axis(rates, season, axis=1)
    return np.where(np.isnan(found), all_used[:, None], found)


def _dispersion(
    failed: Array, n: Array, rate: Array, used: Mask, level: Mask, *, laney: bool = False
) -> Array:
    """Return the variance of each group's standardised rates, at least 1.

    It is half the mean square of the differences of successive used periods of one level, or
    Laney's, from their mean.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        z = (failed / n - rate) / np.sqrt(rate * (1 - rate) / n)
    used = used & np.isfinite(z)
    z = np.where(used, z, 0)
    at = np.where(used, np.arange(n.shape[1]), -1)
    before = np.maximum.accumulate(at, axis=1)[:, :-1]
    paired = used[:, 1:] & (before >= 0)
    paired &= level[:, 1:] == np.take_along_axis(level, before, axis=1)
    steps = np.where(paired, z[:, 1:] - np.take_along_axis(z, before, axis=1), 0)
    count = np.maximum(paired.sum(axis=1), 1)
    mean = (np.abs(steps).sum(axis=1) / count / 1.128) ** 2
    result: Array = np.maximum(1, mean if laney else (steps**2).sum(axis=1) / count / 2)
    return result


def _highest_stretch(failed: Array, n: Array, rate: Array, used: Mask) -> Mask:
    """Return the periods between which the excess of failures grew most, of the used ones.

    They may be the first and the last ones: then the failures were fewest between.
    """
    walk = _summed(np.where(used, failed - n * rate, 0))
    low, high = walk.argmin(axis=1)[:, None], walk.argmax(axis=1)[:, None]
    at = np.arange(n.shape[1])
    between = (at >= np.minimum(low, high)) & (at < np.maximum(low, high))
    stretch: Mask = between == (low < high)
    return stretch


def log_ratio(failed: Array, n: Array, rate: Array, other: Array) -> Array:
    """Return the logarithm of how much likelier another rate makes so many failures of n jobs."""
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = failed * np.log(other / rate), (n - failed) * np.log((1 - other) / (1 - rate))
    result: Array = sum(np.nan_to_num(part, posinf=0, neginf=0) for part in parts)
    return result


def shifts(failed: Array, n: Array, rate: Array, dispersion: Array) -> Mask:
    """Return which periods belong to a shift: first those of severe ones, then of what is left."""
    shifted = np.zeros(n.shape, bool)
    for factor, least in _SHIFTS:
        other = np.minimum(factor * rate, (1 + rate) / 2)
        scores = log_ratio(failed, n, rate, other) / dispersion[:, None]
        walk = _summed(np.where(shifted, 0, scores))
        rises = (walk - np.minimum.accumulate(walk, axis=1)).max(axis=1)
        for group in np.flatnonzero(rises > _SHIFT):
            k, expected = failed[group], n[group] * rate[group]
            for begin, end in spans(walk[group].tolist()):
                if k[begin:end].sum() >= least * np.nansum(expected[begin:end]):
                    shifted[group, begin:end] = True
    return shifted


def spans(walk: list[float]) -> Iterator[tuple[int, int]]:
    """Return from where to where a sum rises by a shift's evidence, and does not fall by as much.

    A span begins where the sum was last at its lowest, as where a CUSUM was last zero, and ends
    where it is last near its highest.
    """
    begin, turn, last = None, 0, 0
    for at, value in enumerate(walk):
        change = value - walk[turn]
        if begin is None:
            if change <= 0:
                turn = at
            elif change > _SHIFT:
                begin, turn, last = turn, at, at
        elif change >= 0:
            turn = last = at
        elif change >= -_LOSS:
            last = at
        elif change < -_SHIFT:
            yield begin, last
            begin, turn = None, at
    if begin is not None:
        yield begin, last


def _summed(steps: Array) -> Array:
    """Return sums of the steps of each row so far, beginning with 0."""
    return np.cumsum(np.hstack([np.zeros((len(steps), 1)), steps]), axis=1)
