"""Ranks against scipy's binomial distribution, intervals with open jobs against statsmodels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.duration.survfunc import SurvfuncRight

from dxnotebook.metrics.quantiles import Ordered, order_ranks, survival_quantiles


@pytest.mark.property
@given(st.integers(1, 400), st.floats(0.01, 0.99), st.floats(0.5, 0.999))
def test_ranks_are_scipys_binomial_quantiles(n, share, confidence):
    low, high = order_ranks(np.array([n]), share, confidence)
    tail = (1 - confidence) / 2
    assert low[0] == scipy.stats.binom.ppf(tail, n, share)
    assert high[0] == scipy.stats.binom.ppf(1 - tail, n, share) + 1


def test_intervals_with_open_jobs_are_those_of_statsmodels():
    chance = np.random.default_rng(1)
    took = pd.Series(chance.exponential(100, 80).round(2))
    is_open = pd.Series(chance.random(80) < 0.3)
    found = survival_quantiles(took, is_open, {"median": 0.5, "p25": 0.25}, 0.9)
    curve = SurvfuncRight(took.to_numpy(), (~is_open).to_numpy().astype(int))
    for name, share in (("median", 0.5), ("p25", 0.25)):
        with np.errstate(all="ignore"):
            bounds = curve.quantile_ci(share, alpha=0.1, method="cloglog")
        assert (found[f"{name}_low"], found[f"{name}_high"]) == pytest.approx(bounds)


def test_no_values_have_no_quantiles():
    values = Ordered(np.array([np.nan, 2.0]), np.array([0, 2]), 3)
    assert values.n.tolist() == [0, 0, 1]
    assert np.isnan(values.quantile(0.5)).tolist() == [True, True, False]
    assert survival_quantiles(pd.Series([], dtype=float), pd.Series([], dtype=bool), {}, 0.9) == {}


def test_values_that_are_in_order_need_no_sorting():
    rng = np.random.default_rng(5)
    values, group = rng.exponential(size=200), rng.integers(0, 5, 200)
    order = np.lexsort((values, group))
    sorted_here = Ordered(values, group, 5)
    sorted_before = Ordered(values[order], group[order], 5, in_order=True)
    for share in (0.1, 0.5, 0.95):
        assert (sorted_here.quantile(share) == sorted_before.quantile(share)).all()
