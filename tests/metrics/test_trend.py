"""Trends against the binomial distribution and against runs by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import dxnotebook as dx
from benchmarks.statistics import CASES, SHIFT, WEEK, Case
from dxnotebook import DxError
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
def test_limits_are_those_of_the_binomial_distribution_where_nothing_varies(n, usual):
    trend = trend_of([(n, n // 2)], baseline=usual)
    upper = round(trend["upper"][0] * n)
    assert stats.binom.sf(upper, n, usual) <= stats.norm.sf(3) < stats.binom.sf(upper - 1, n, usual)
    lower = round(trend["lower"][0] * n)
    assert (
        stats.binom.cdf(lower, n, usual) >= stats.norm.sf(3) > stats.binom.cdf(lower - 1, n, usual)
    )
    assert trend["flagged"][0] == (n // 2 > upper)


def test_limits_heed_how_much_rates_vary():
    trend = trend_of([(60, 10 * (day % 3 == 0)) for day in range(90)])
    assert not trend["flagged"].any()
    assert not trend["shifted"].any()
    z = (trend["rate"] - trend["baseline"]) / np.sqrt(
        trend["baseline"] * (1 - trend["baseline"]) / 60
    )
    dispersion = (z.diff() ** 2).mean() / 2
    shared = (dispersion - 1) / 59
    a, b = (p * (1 - shared) / shared for p in (1 / 18, 17 / 18))
    assert trend["upper"][0] * 60 == stats.betabinom.isf(stats.norm.sf(3), 60, a, b)


def test_what_is_small_but_lasts_is_a_shift_and_says_since_when():
    trend = trend_of(
        [(60, 2 + day % 3) for day in range(60)] + [(60, 5 + day % 3) for day in range(30)]
    )
    assert not trend["flagged"].any()
    assert np.flatnonzero(trend["shifted"]).tolist() == list(range(60, 90))
    assert trend["bad_since"].dropna().unique().tolist() == [trend["period"][60]]
    assert trend["baseline"][0] == pytest.approx(3 / 60, rel=0.01)


def test_a_shift_that_is_over_ends():
    trend = trend_of(
        [(60, 2 + day % 3) for day in range(30)]
        + [(60, 6 + day % 3) for day in range(15)]
        + [(60, 2 + day % 3) for day in range(45)]
    )
    assert np.flatnonzero(trend["shifted"]).tolist() == list(range(30, 45))


def test_weekdays_have_their_own_baselines_where_there_are_four_weeks():
    counts = [(100, 20 + week % 2 if day >= 5 else 2) for week in range(8) for day in range(7)]
    trend = trend_of(counts, season="week")
    assert trend["baseline"].iloc[[0, 5, 6]].tolist() == [0.02, 0.205, 0.205]
    assert not (trend["flagged"] | trend["shifted"]).any()
    short = trend_of(counts[:27], season="week")
    saturday, thursday, friday = short["baseline"].iloc[-8:-5]
    assert (saturday, friday) == (0.205, 0.02)
    assert 0.04 < thursday < 0.08  # there are but three
    assert (trend_of(counts)["baseline"] == trend["failed"].sum() / trend["n"].sum()).all()
    with pytest.raises(DxError, match="Invalid season: 'year'"):
        trend_of(counts, season="year")
    with pytest.raises(DxError, match="Invalid season: 'week'"):
        trend_of(counts, every="1w", season="week")


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


SMALL = [case for case in CASES if case.jobs < 100]


@pytest.mark.slow
@pytest.mark.parametrize("case", SMALL, ids=lambda case: case.name)
def test_healthy_days_are_not_marked_and_bad_weeks_are(case):
    trend = case.trend(case.rates(), 50)
    assert trend["marked"].mean() <= 1.5 * case.marked
    assert trend["baseline"].mean() == pytest.approx(case.rates().mean(), rel=0.08)
    rates = case.rates()
    rates[WEEK] = 0.4
    trend = case.trend(rates, 50)
    assert trend["marked"][trend["day"].between(50, 56)].mean() >= 0.96


@pytest.mark.slow
@pytest.mark.parametrize("rate", [0.1, 0.15])
def test_a_small_shift_is_seen_once_with_its_start(rate):
    case = Case("shift", 60, 0)
    rates = case.rates()
    rates[SHIFT] = rate
    trend = case.trend(rates, 50)
    bad = trend[trend["bad_since"].notna()]
    first = bad[bad["day"] >= SHIFT.start].groupby("window")["bad_since"].min()
    assert len(first) >= 47
    assert (first - trend["period"].min()).dt.days.median() == pytest.approx(SHIFT.start, abs=2)
    assert bad.groupby("window")["bad_since"].nunique().mean() <= 1.2


def test_clusters_widen_the_intervals_of_a_trend():
    jobs = frame_of_jobs(
        [("A", "ERROR" if n < 5 else "COMPLETED", n, 1, str(n // 5)) for n in range(20)]
    )
    trend = dx.failure_trend(jobs, cluster="region")
    assert list(trend)[:3] == ["period", "n", "n_effective"]
    assert trend["n_effective"][0] == pytest.approx(4, rel=0.3)
