"""Durations against numpy's quantiles, a product by hand and statsmodels' Kaplan–Meier curve."""

from __future__ import annotations

import math

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.duration.survfunc import SurvfuncRight

import dxnotebook as dx
from tests.metrics.by_hand import groups_of, keys_of
from tests.strategies import frame_of_jobs, job_frames

DURATIONS = ["n", "median", "median_low", "median_high", "p90", "p95", "p95_low", "p95_high",
             "p99", "max"]  # fmt: skip
QUANTILES = {"median": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "max": 1.0}


@pytest.mark.property
@given(job_frames(), st.sampled_from([[], ["type"], ["type", "region"]]))
def test_quantiles_are_numpys(jobs, by):
    result = dx.durations(jobs, by or None, states=None)
    assert list(result) == [*by, *DURATIONS]
    groups = groups_of(jobs, by)
    for key, row in zip(keys_of(result, by), result.to_dict("records"), strict=True):
        took = [job["duration_s"] for job in groups.get(key, []) if not pd.isna(job["duration_s"])]
        assert row["n"] == len(took)
        for name, share in QUANTILES.items():
            assert row[name] == pytest.approx(
                np.quantile(took, share) if took else np.nan, nan_ok=True
            )


def bounds_by_hand(values, share, confidence):
    """Return the narrowest pair of values that a quantile lies between often enough, each side."""
    values, n, tail = sorted(values), len(values), (1 - confidence) / 2
    chance = [math.comb(n, i) * share**i * (1 - share) ** (n - i) for i in range(n + 1)]
    below = [sum(chance[: k + 1]) for k in range(n + 1)]
    lows = [rank for rank in range(1, n + 1) if below[rank - 1] <= tail]
    highs = [rank for rank in range(1, n + 1) if 1 - below[rank - 1] <= tail]
    return (
        values[max(lows) - 1] if lows else np.nan,
        values[min(highs) - 1] if highs else np.nan,
    )


@pytest.mark.property
@given(job_frames(days=1), st.sampled_from([0.8, 0.9, 0.95]))
def test_intervals_are_order_statistics(jobs, confidence):
    result = dx.durations(jobs, "region", confidence=confidence)
    for region, row in zip(result["region"], result.to_dict("records"), strict=True):
        is_counted = (jobs["region"] == region) & (jobs["state"] == "COMPLETED")
        took = jobs["duration_s"][is_counted].dropna().tolist()
        assert row["n"] == len(took)
        for name, share in (("median", 0.5), ("p95", 0.95)):
            low, high = bounds_by_hand(took, share, confidence)
            assert row[f"{name}_low"] == pytest.approx(low, nan_ok=True)
            assert row[f"{name}_high"] == pytest.approx(high, nan_ok=True)


@pytest.mark.property
@given(job_frames(), st.sampled_from([None, "1d"]), st.sampled_from([[], ["type", "region"]]))
def test_an_engine_that_is_asked_says_the_same(jobs, every, by):
    columns = ["type", "region", "state", "created_at", "duration_s"]
    jobs = jobs[columns].astype({"type": "str", "state": "str"})
    expected = dx.durations(jobs, by or None, every)
    for frame in (pl.from_pandas(jobs).lazy(), duckdb.from_df(jobs)):
        result = dx.durations(frame, by or None, every)
        found = result.df() if hasattr(result, "df") else result.collect().to_pandas()
        for name in DURATIONS:
            assert found[name].astype("float64").tolist() == pytest.approx(
                expected[name].astype("float64").tolist(), nan_ok=True
            )


def test_failures_are_no_quick_jobs():
    jobs = frame_of_jobs([("A", "COMPLETED", 0, 10, "eu")] * 3 + [("A", "ERROR", 0, 1, "eu")] * 9)
    assert dx.durations(jobs).loc[0, ["n", "median"]].tolist() == [3, 600]
    assert dx.durations(jobs, states=None).loc[0, ["n", "median"]].tolist() == [12, 60]
    assert dx.durations(jobs, states=["ERROR"]).loc[0, "n"] == 9
    # a group without such jobs is one of which nothing is known
    assert dx.durations(jobs, "state", states="COMPLETED")["n"].tolist() == [3, 0]


def kaplan_meier_by_hand(took, is_open, share):
    """Return the first time at which the product of the shares that go on is down enough."""
    left = 1.0
    for time in sorted(set(took)):
        at_risk = sum(other >= time for other in took)
        ended = sum(
            other == time and not censored for other, censored in zip(took, is_open, strict=True)
        )
        left *= 1 - ended / at_risk
        if left <= 1 - share + 1e-9:
            return time
    return np.nan


@pytest.mark.property
@given(job_frames())
def test_open_jobs_count_as_censored(jobs):
    now = (
        jobs["updated_at"].max() + pd.Timedelta("1h")
        if len(jobs)
        else pd.Timestamp("2026-04-01", tz="UTC")
    )
    result = dx.durations(jobs, "region", open_jobs="censored", now=now, states=None)
    for name, row in zip(result["region"], result.to_dict("records"), strict=True):
        mine = jobs[jobs["region"] == name]
        is_open = mine["state"].isin(["WAITING", "IN_PROGRESS"])
        took = mine["duration_s"].where(~is_open, (now - mine["created_at"]).dt.total_seconds())
        took, is_open = took.dropna(), is_open[took.notna()]
        assert row["n"] == len(took)
        for quantile, share in QUANTILES.items():
            expected = kaplan_meier_by_hand(took.tolist(), is_open.tolist(), share)
            assert row[quantile] == pytest.approx(expected, nan_ok=True)
        if len(took):
            curve = SurvfuncRight(took.to_numpy(), (~is_open).to_numpy().astype(int))
            reached = curve.surv_times[curve.surv_prob <= 0.5 + 1e-9]
            assert row["median"] == pytest.approx(
                reached[0] if len(reached) else np.nan, nan_ok=True
            )


def test_censored_of_all_jobs_is_what_one_group_has():
    jobs = dx.load_jobs(dx.demo.client(300), progress=False).jobs
    every = dx.durations(jobs, open_jobs="censored")
    one = dx.durations(jobs.assign(all="x"), "all", open_jobs="censored")
    pd.testing.assert_frame_equal(every, one.drop(columns="all"))
    is_open = jobs["state"].isin(["WAITING", "IN_PROGRESS"])
    completed = jobs["state"] == "COMPLETED"
    assert every["n"].tolist() == [(completed | is_open).sum()]
