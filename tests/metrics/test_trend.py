"""Trends against the binomial distribution and against runs by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import dxnotebook as dx
from tests.strategies import frame_of_jobs


def trend_of(counts, **options):
    """Return the trend of days of so many jobs, of which so many failed."""
    rows = [
        ("A", "ERROR" if number < failed else "COMPLETED", day * 1440 + number % 1440, 1, "eu")
        for day, (n, failed) in enumerate(counts)
        for number in range(n)
    ]
    return dx.failure_trend(frame_of_jobs(rows), **options)


def test_a_bad_run_is_flagged_and_says_since_when():
    trend = trend_of(
        [(50, 2)] * 20 + [(50, 30)] * 3 + [(0, 0), (50, 29)] + [(50, 2)] * 3 + [(50, 25)]
    )
    bad = trend["bad_since"].notna()
    assert np.flatnonzero(trend["flagged"]).tolist() == [20, 21, 22, 24, 28]
    assert np.flatnonzero(bad).tolist() == [
        20,
        21,
        22,
        23,
        24,
        28,
    ]  # the day without jobs ends no run
    assert trend["bad_since"][bad].tolist() == [trend["period"][20]] * 5 + [trend["period"][28]]
    assert trend["baseline"].unique() == pytest.approx(
        [2 / 50]
    )  # what is flagged has no part in it


@pytest.mark.property
@given(st.integers(1, 400), st.floats(0.001, 0.5))
def test_limits_are_those_of_the_binomial_distribution(n, usual):
    trend = trend_of([(n, n // 2)], baseline=usual)
    upper = round(trend["upper"][0] * n)
    assert stats.binom.sf(upper, n, usual) <= stats.norm.sf(3) < stats.binom.sf(upper - 1, n, usual)
    lower = round(trend["lower"][0] * n)
    assert (
        stats.binom.cdf(lower, n, usual) >= stats.norm.sf(3) > stats.binom.cdf(lower - 1, n, usual)
    )
    assert trend["flagged"][0] == (n // 2 > upper)


def test_limits_come_close_to_three_sigmas_when_jobs_are_many():
    trend = trend_of([(5000, 500)] * 4)
    sigma = np.sqrt(0.1 * 0.9 / 5000)
    assert trend["upper"].to_numpy() == pytest.approx(0.1 + 3 * sigma, abs=3e-4)
    assert trend["lower"].to_numpy() == pytest.approx(0.1 - 3 * sigma, abs=3e-4)


def test_a_single_failure_of_a_quiet_hour_is_not_flagged():
    trend = trend_of([(1, 0)] * 30 + [(1, 1)] + [(2, 0)] * 5 + [(2, 1)])
    assert not trend["flagged"].any()


def test_a_trend_of_groups_has_a_baseline_for_each():
    jobs = pd.concat(
        [
            frame_of_jobs([(name, state, 5, 1, "eu")] * n)
            for name, state, n in [("A", "ERROR", 3), ("A", "COMPLETED", 7), ("B", "COMPLETED", 9)]
        ]
    )
    trend = dx.failure_trend(jobs, by="type")
    assert trend.set_index("type")["baseline"].to_dict() == {"A": 0.3, "B": 0.0}
