"""Failure rates against other people's statistics and loops by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

import dxnotebook as dx
from dxnotebook import DataWarning
from tests.metrics.by_hand import groups_of, keys_of
from tests.strategies import frame_of_jobs, job_frames

FAILED, FINISHED = {"ERROR", "TIMED_OUT"}, {"COMPLETED", "ERROR", "TIMED_OUT"}
RATES = ["n", "failed", "rate", "low", "high"]


@pytest.mark.property
@given(job_frames(), st.sampled_from([[], ["type"], ["type", "region"]]))
def test_rates_are_what_a_loop_counts_and_intervals_what_statsmodels_gives(jobs, by):
    result = dx.failure_rate(jobs, by or None, confidence=0.9)
    assert list(result) == [*by, *RATES]
    groups = groups_of(jobs, by)
    if by:
        assert sorted(map(str, keys_of(result, by))) == sorted(map(str, groups))
    for key, row in zip(keys_of(result, by), result.to_dict("records"), strict=True):
        rows = groups.get(key, [])
        n = sum(job["state"] in FINISHED for job in rows)
        failed = sum(job["state"] in FAILED for job in rows)
        assert (row["n"], row["failed"]) == (n, failed)
        if n:
            assert row["rate"] == failed / n
            low, high = proportion_confint(failed, n, alpha=0.1, method="wilson")
            assert (row["low"], row["high"]) == pytest.approx((low, high), abs=1e-12)
        else:
            assert np.isnan([row["rate"], row["low"], row["high"]]).all()


@pytest.mark.property
@given(
    job_frames(),
    st.sampled_from(["1h", "6h", "1d", "1w", "1mo"]),
    st.sampled_from(["UTC", "Europe/Berlin"]),
)
def test_every_period_is_there_and_holds_the_jobs_created_in_it(jobs, every, tz):
    result = dx.failure_rate(jobs, "type", every, tz=tz)
    assert list(result) == ["type", "period", *RATES]
    assert str(result["period"].dt.tz) == tz
    frequency = {"1d": "D", "1w": "W-MON", "1mo": "MS"}.get(every, every)
    for name, mine in result.groupby("type", dropna=False, observed=True):
        starts = pd.DatetimeIndex(mine["period"])
        usual = pd.date_range(starts[0], starts[-1], freq=frequency)
        assert list(starts) == list(usual)
        of_type = jobs[jobs["type"].isna() if pd.isna(name) else jobs["type"] == name]
        finished = of_type[of_type["state"].isin(FINISHED)]
        edges = [*starts, pd.Timestamp.max.tz_localize("UTC")]
        counted = [
            ((finished["created_at"] >= a) & (finished["created_at"] < b)).sum()
            for a, b in itertools.pairwise(edges)
        ]
        assert counted == mine["n"].tolist()
    assert result["n"].sum() == jobs["state"].isin(FINISHED).sum()
    assert (result["rate"].isna() == (result["n"] == 0)).all()


@pytest.mark.parametrize("states", [["ERROR", "ERROR", "TIMED_OUT"], ["COMPLETED"] * 3])
def test_all_failed_and_none_failed(states):
    jobs = frame_of_jobs([("A", state, 5, 1, "eu") for state in states])
    rate = 0.0 if states[0] == "COMPLETED" else 1.0
    row = dx.failure_rate(jobs).iloc[0]
    assert row["rate"] == rate
    assert rate in (row["low"], row["high"])
    trend = dx.failure_trend(jobs)
    assert trend["baseline"].tolist() == [rate]
    assert not trend["flagged"].any()


def test_what_counts_as_failed_is_up_to_the_user():
    jobs = frame_of_jobs(
        [
            ("A", state, 5, 1, "eu")
            for state in ["CANCELLED", "ERROR", "TIMED_OUT", "COMPLETED", "PAUSED"]
        ]
    )
    assert dx.failure_rate(jobs, failed="CANCELLED")[["n", "failed"]].iloc[0].tolist() == [4, 1]
    assert dx.failure_rate(jobs, failed=["ERROR"])[["n", "failed"]].iloc[0].tolist() == [3, 1]
    assert dx.failure_rate(jobs, finished=(s for s in ["COMPLETED", "PAUSED"]))[
        ["n", "failed"]
    ].iloc[0].tolist() == [
        4,
        2,
    ]


def test_jobs_without_a_time_are_warned_of_and_counted_without_periods():
    jobs = frame_of_jobs([("A", "ERROR", None, 1, "eu"), ("A", "ERROR", 5, 1, "eu")])
    with pytest.warns(DataWarning, match="1 job has no created_at and is left out"):
        assert dx.failure_rate(jobs, every="1d")["n"].sum() == 1
    assert dx.failure_rate(jobs)["n"].sum() == 2


def test_numbers_at_the_ends_of_what_is_valid():
    jobs = frame_of_jobs([("A", "ERROR", 5, 1, "eu"), ("A", "COMPLETED", 6, 1, "eu")])
    wide = dx.failure_rate(jobs, confidence=0.9999999999999999)
    assert 0 <= wide["low"][0] < 0.05
    assert 0.95 < wide["high"][0] <= 1
    assert dx.failure_trend(jobs, baseline=0)["baseline"].dtype == "float64"
