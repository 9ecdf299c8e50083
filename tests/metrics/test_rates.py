"""Failure rates against other people's statistics and loops by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

import dxnotebook as dx
from benchmarks.statistics import COVERED
from dxnotebook import DataWarning, DxError
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


def clustered(counts, **more):
    """Return jobs of clusters, each of so many, of which so many failed."""
    rows = [
        ("A", "ERROR" if number < failed else "COMPLETED", number, 1, name)
        for name, (n, failed) in counts.items()
        for number in range(n)
    ]
    return frame_of_jobs(rows).assign(**more)


CLUSTERS = st.lists(
    st.integers(1, 12).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))),
    min_size=2,
    max_size=12,
)


@pytest.mark.property
@given(CLUSTERS)
def test_the_effective_number_is_that_of_statsmodels_cluster_variance(counts):
    jobs = clustered({str(number): count for number, count in enumerate(counts)})
    row = dx.failure_rate(jobs, cluster="region").iloc[0]
    n, failed = (sum(each) for each in zip(*counts, strict=True))
    assert (row["n"], row["failed"], row["rate"]) == (n, failed, pytest.approx(failed / n))
    if failed in (0, n):
        expected = n**2 / sum(size**2 for size, _ in counts)  # each cluster may be one job
    else:
        fails = (jobs["state"] == "ERROR").astype(float)
        model = sm.OLS(fails, np.ones(n))
        # the linearised variance of a ratio; statsmodels adds (n - 1) / (n - 1) of its own
        (variance,) = (
            model.fit(cov_type="cluster", cov_kwds={"groups": jobs["region"]})
            .cov_params()
            .to_numpy()[0]
        )
        single = row["rate"] * (1 - row["rate"]) / (n - 1)
        expected = n / max(1, variance / single)
    assert row["n_effective"] == pytest.approx(expected)
    low, high = proportion_confint(
        row["rate"] * row["n_effective"], row["n_effective"], method="wilson"
    )
    assert (row["low"], row["high"]) == pytest.approx((low, high), abs=1e-9)


def test_an_example_worked_by_hand():
    # 4 revisions of 5 jobs, of which 5, 1, 0 and 0 failed: p = 6/20 = 0.3, expected 1.5 in each
    # sum of squares: 3.5² + 0.5² + 1.5² + 1.5² = 17; variance 4/3 · 17 / 20² = 0.056667
    # of single jobs: 0.3 · 0.7 / 19 = 0.011053; design effect 5.1270; 20 / 5.1270 = 3.9009
    jobs = clustered({"a": (5, 5), "b": (5, 1), "c": (5, 0), "d": (5, 0)})
    row = dx.failure_rate(jobs, cluster="region").iloc[0]
    assert row["n_effective"] == pytest.approx(3.9009, abs=1e-4)


@pytest.mark.property
@given(job_frames(), st.sampled_from([None, "type"]), st.sampled_from([None, "1d"]))
def test_jobs_without_a_cluster_or_each_of_its_own_are_single_jobs(jobs, by, every):
    plain = dx.failure_rate(jobs, by, every)
    nobody = jobs.assign(a=pd.Series([None] * len(jobs), dtype="str"), b="same")
    for frame, cluster in ((jobs, "job_id"), (nobody, "a"), (nobody, ["b", "a"])):
        found = dx.failure_rate(frame, by, every, cluster=cluster)
        assert list(found)[-5:] == ["n_effective", "failed", "rate", "low", "high"]
        assert found["n_effective"].dtype == "float64"
        pd.testing.assert_series_equal(
            found["n_effective"].fillna(0), plain["n"].astype(float), check_names=False
        )
        pd.testing.assert_frame_equal(found[[*plain]], plain)


def test_where_it_cannot_be_known_the_design_effect_is_that_of_the_other_groups():
    some = clustered({str(number): (10, 10 * (number % 5 == 0)) for number in range(50)})
    none = clustered({str(number): (10, 0) for number in range(3)}).assign(type="B")
    one = clustered({"1": (10, 4)}).assign(type="C")
    found = dx.failure_rate(pd.concat([some, none, one]), "type", cluster="region")
    assert found["n_effective"].tolist() == pytest.approx([50, 3, 1], rel=0.03)


@pytest.mark.slow
@pytest.mark.parametrize("case", COVERED, ids=lambda case: case.name)
def test_intervals_of_clustered_jobs_cover_the_truth(case):
    (jobs,) = case.frames(case.rates(), 150)
    found = dx.failure_rate(jobs, "window", cluster="revision_id")
    assert 0.9 <= ((found["low"] <= case.rate) & (found["high"] >= case.rate)).mean() <= 0.99


def test_clusters_that_cannot_be():
    jobs = clustered({"a": (2, 1)})
    with pytest.raises(DxError, match="no column 'revision_id'"):
        dx.failure_rate(jobs, cluster="revision_id")
    with pytest.raises(DxError, match="Invalid cluster: 5"):
        dx.failure_rate(jobs, cluster=5)
    with pytest.raises(DxError, match="Cannot group by 'lists'"):
        dx.failure_rate(jobs.assign(lists=[[1], [2]]), cluster="lists")
