"""Durations against numpy's quantiles, a product by hand and statsmodels' Kaplan–Meier curve."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.duration.survfunc import SurvfuncRight

import dxnotebook as dx
from tests.metrics.by_hand import groups_of, keys_of
from tests.strategies import job_frames

DURATIONS = ["n", "median", "p90", "p95", "p99", "max"]
QUANTILES = {"median": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "max": 1.0}


@pytest.mark.property
@given(job_frames(), st.sampled_from([[], ["type"], ["type", "region"]]))
def test_quantiles_are_numpys(jobs, by):
    result = dx.durations(jobs, by or None)
    assert list(result) == [*by, *DURATIONS]
    groups = groups_of(jobs, by)
    for key, row in zip(keys_of(result, by), result.to_dict("records"), strict=True):
        took = [job["duration_s"] for job in groups.get(key, []) if not pd.isna(job["duration_s"])]
        assert row["n"] == len(took)
        for name, share in QUANTILES.items():
            assert row[name] == pytest.approx(
                np.quantile(took, share) if took else np.nan, nan_ok=True
            )


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
    result = dx.durations(jobs, "region", open_jobs="censored", now=now)
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
    assert every["n"].tolist() == [(jobs["duration_s"].notna() | is_open).sum()]
