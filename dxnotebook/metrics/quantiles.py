"""Quantiles of durations with their intervals: by order statistics, and where some are censored."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd

from dxnotebook.arrays import Array, Integers, by_group

_ROUNDING = 1e-9  # of a survival probability, the product of many fractions


def order_ranks(n: Array, share: float, confidence: float) -> tuple[Array, Array]:
    """Return the ranks, from 1, of the order statistics that a quantile lies between.

    So many of n values are below the quantile as a binomial distribution says (W. J. Conover,
    *Practical Nonparametric Statistics*, 3.2). A rank is 0 or n + 1 where there are too few values
    for a bound.

    Examples
    --------
    >>> import numpy as np
    >>> from dxnotebook.metrics.quantiles import order_ranks
    >>> [rank.astype(int).tolist() for rank in order_ranks(np.array([5, 10]), 0.5, 0.95)]
    [[0, 2], [6, 9]]
    """
    tail = (1 - confidence) / 2
    numbers, place = np.unique(n, return_inverse=True)
    low, high = (_binomial_quantiles(numbers, share, p) for p in (tail, 1 - tail))
    return low[place], high[place] + 1


def _binomial_quantiles(n: Array, share: float, probability: float) -> Array:
    """Return the binomial quantiles at a probability: of n trials, each of which may succeed."""
    from scipy.special import bdtr, bdtrik  # noqa: PLC0415 (takes long, and few ask for it)

    # of no trials there are no successes
    quantile = np.ceil(np.where(n > 0, bdtrik(probability, np.maximum(n, 1), share), 0))
    one_less = np.maximum(quantile - 1, 0)
    return np.where(bdtr(one_less, n, share) >= probability, one_less, quantile)


class Ordered:
    """Values of several groups, in order, to take quantiles of.

    Parameters
    ----------
    values : array of float
        The values; NaN is none.
    group : array of int
        The number of each value's group.
    groups : int
        How many groups there are.
    in_order : bool
        Whether they are sorted already: by group, the least first.

    Attributes
    ----------
    n : array of int
        How many values each group has.

    Examples
    --------
    >>> import numpy as np
    >>> from dxnotebook.metrics.quantiles import Ordered
    >>> values = Ordered(np.array([3.0, 1.0, 9.0, np.nan]), np.array([0, 0, 1, 1]), 2)
    >>> values.n.tolist(), values.quantile(0.5).tolist()
    ([2, 1], [2.0, 9.0])
    """

    def __init__(
        self, values: Array, group: Integers, groups: int, *, in_order: bool = False
    ) -> None:
        known = ~np.isnan(values)
        values, group = values[known], group[known]
        order = slice(None) if in_order else by_group(group, np.argsort(values))
        # one more, so that there is one to take where there are none
        self._values = np.append(values[order], np.nan)
        self.n = np.bincount(group, minlength=groups)
        self._first = np.cumsum(self.n) - self.n

    def quantile(self, share: float) -> Array:
        """Return the quantile of each group, interpolated linearly; NaN of none."""
        place = np.maximum(self.n - 1, 0) * share
        below, above = (self.ranked(side(place) + 1) for side in (np.floor, np.ceil))
        return below + (above - below) * (place % 1)

    def ranked(self, rank: Array) -> Array:
        """Return the value of each group at a rank, from 1; NaN where there is none."""
        is_there = (rank >= 1) & (rank <= self.n)
        place = np.where(is_there, self._first + rank - 1, len(self._values) - 1)
        return self._values[place.astype(np.int64)]


def survival_quantiles(
    took: pd.Series[float], censored: pd.Series[bool], shares: dict[str, float], confidence: float
) -> dict[str, float]:
    """Return quantiles by Kaplan and Meier, each with the bounds of its interval.

    The interval of a quantile are the times at which the curve's own, by the logarithm of the
    logarithm, contains it (R. Brookmeyer and J. Crowley, Biometrics 38, 1982).

    Examples
    --------
    >>> import pandas as pd
    >>> from dxnotebook.metrics.quantiles import survival_quantiles
    >>> took, censored = pd.Series([1.0, 2, 3, 4]), pd.Series([False, False, False, True])
    >>> survival_quantiles(took, censored, {"median": 0.5}, 0.95)
    {'median': np.float64(2.0), 'median_low': np.float64(1.0), 'median_high': nan}
    """
    from scipy.stats import CensoredData, ecdf  # noqa: PLC0415 (as above)

    if not len(took):
        return {}
    curve: Any = ecdf(CensoredData(uncensored=took[~censored], right=took[censored])).sf
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        with np.errstate(divide="ignore", invalid="ignore"):
            band = curve.confidence_interval(confidence, method="log-log")
    left = pd.DataFrame({"": curve.probabilities})
    # it has no width while all are left, and is not known where none is
    low, high = (side.probabilities for side in (band.low, band.high))
    is_one = left[""] == 1
    left["_low"] = pd.Series(low).mask(is_one, 1).fillna(0)
    left["_high"] = pd.Series(high).mask(is_one, 1).ffill()
    result: dict[str, float] = {}
    for name, share in shares.items():
        for suffix in left:
            reached = curve.quantiles[left[suffix] <= 1 - share + _ROUNDING]
            result[f"{name}{suffix}"] = reached[0] if len(reached) else np.nan
    return result
