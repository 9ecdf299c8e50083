"""Rates, durations and trends against other people's statistics and loops by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.duration.survfunc import SurvfuncRight
from statsmodels.stats.proportion import proportion_confint

import dxnotebook as dx
from dxnotebook import DataWarning, DxError
from tests.strategies import frame_of_jobs, job_frames

FAILED, FINISHED = {"ERROR", "TIMED_OUT"}, {"COMPLETED", "ERROR", "TIMED_OUT"}
RATES = ["n", "failed", "rate", "low", "high"]
DURATIONS = ["n", "median", "p90", "p95", "p99", "max"]
QUANTILES = {"median": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "max": 1.0}


def groups_of(jobs, by):
    """Return the rows of each group, null being one, by hand."""
    found = {}
    for row in jobs.to_dict("records"):
        key = tuple(None if pd.isna(row[name]) else row[name] for name in by)
        found.setdefault(key, []).append(row)
    return found


def keys_of(result, by):
    return [
        tuple(None if pd.isna(value) else value for value in row)
        for row in result[by].itertuples(index=False)
    ]


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
    """Return the first time at which the product of the shares that go on is down to what is asked for."""
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


def test_empty_frames_give_typed_results():
    jobs = frame_of_jobs([])
    assert dx.failure_rate(jobs)[["n", "failed"]].to_numpy().tolist() == [[0, 0]]
    for result, columns in [
        (dx.failure_rate(jobs, "type", "1d"), ["type", "period", *RATES]),
        (dx.durations(jobs, "type", "1mo", tz="Europe/Berlin"), ["type", "period", *DURATIONS]),
        (dx.durations(jobs, "type", open_jobs="censored", now="2026-01-01"), ["type", *DURATIONS]),
    ]:
        assert list(result) == columns
        assert not len(result)
        assert result["n"].dtype == "int64"
        assert result.iloc[:, -1].dtype == "float64"
    assert dx.failure_trend(jobs)["flagged"].dtype == bool


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


@settings(max_examples=15)
@given(job_frames(null_times=True), st.randoms(use_true_random=False))
def test_the_order_and_the_index_of_the_rows_do_not_matter_and_nothing_is_changed(jobs, random):
    jobs = jobs[jobs["created_at"].notna()]
    order = list(range(len(jobs)))
    random.shuffle(order)
    other = jobs.take(order).set_axis([0] * len(jobs), axis=0)
    kept = other.copy(deep=True)
    for metric in (
        lambda frame: dx.failure_rate(frame, "type", "1d"),
        lambda frame: dx.durations(frame, ["region", "type"], "1w"),
        lambda frame: dx.durations(frame, "type", open_jobs="censored"),
        lambda frame: dx.failure_trend(frame, "6h", by="type"),
        dx.concurrency,
    ):
        pd.testing.assert_frame_equal(metric(jobs), metric(other))
    pd.testing.assert_frame_equal(other, kept)


def test_thirty_groups_and_duplicate_ids_are_no_matter():
    jobs = frame_of_jobs(
        [
            (f"type {number % 30:02}", "ERROR" if number % 3 else "COMPLETED", number, 1, "eu")
            for number in range(300)
        ]
    )
    jobs["job_id"] = "same"
    result = dx.failure_rate(jobs, "type")
    assert result["n"].tolist() == [10] * 30
    assert result["type"].tolist() == sorted(result["type"])


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda jobs: dx.failure_rate(jobs, "colour"), "no column 'colour'; it has: job_id, type"),
        (lambda jobs: dx.failure_rate(jobs.drop(columns="state")), "no column 'state'"),
        (lambda jobs: dx.failure_rate(jobs, confidence=1), "Invalid confidence: 1"),
        (lambda jobs: dx.failure_rate(jobs, every="daily"), "Invalid every: 'daily'"),
        (lambda jobs: dx.failure_rate(jobs, every="1d", tz="Mars"), "Invalid tz: 'Mars'"),
        (lambda jobs: dx.failure_rate(jobs.assign(period=1), "period"), "named 'period'"),
        (lambda jobs: dx.failure_rate(jobs.assign(low=1), ["type", "low"]), "named 'low', as the result has one"),
        (lambda jobs: dx.failure_trend(jobs.assign(upper=1), by="upper"), "named 'upper'"),
        (lambda jobs: dx.durations(jobs.assign(median=1), "median"), "named 'median'"),
        (lambda jobs: dx.concurrency(jobs.assign(open=1), "open"), "named 'open'"),
        (lambda jobs: dx.failure_rate(jobs, 5), "Invalid by: 5. Valid is a text, or a list of texts"),
        (lambda jobs: dx.failure_rate(jobs, ["type", None]), r"Invalid by: \['type', None\]"),
        (lambda jobs: dx.failure_rate(jobs, failed=None), "Invalid failed: None"),
        (lambda jobs: dx.failure_rate(jobs, finished=[3]), "Invalid finished"),
        (lambda jobs: dx.failure_rate(jobs, confidence="high"), "Invalid confidence: 'high'"),
        (lambda jobs: dx.failure_trend(jobs, baseline="low"), "Invalid baseline: 'low'"),
        (lambda jobs: dx.failure_rate(jobs.assign(**{"7": 1}).rename(columns={"7": 7}), "colour"), "has: .*, 7"),
        (lambda jobs: dx.failure_rate(pd.concat([jobs, jobs[["type"]]], axis=1)), "several columns 'type'"),
        (lambda jobs: dx.stuck_jobs(jobs, now=pd.NaT), "Invalid now: NaT"),
        (lambda jobs: dx.durations(jobs, open_jobs="censored", now=""), "Invalid now: ''"),
        (lambda jobs: dx.failure_rate([1, 2]), "Invalid jobs: a list. Give a frame"),
        (lambda jobs: dx.failure_rate(jobs.astype({"created_at": "str"}), every="1d"), "'created_at' holds String, not times"),
        (lambda jobs: dx.durations(jobs.astype({"duration_s": "str"})), "'duration_s' holds String, not numbers"),
        (lambda jobs: dx.failure_trend(jobs, baseline=5), "Invalid baseline: 5"),
        (lambda jobs: dx.durations(jobs, open_jobs="dropped"), "Invalid open_jobs: 'dropped'"),
        (lambda jobs: dx.durations(jobs, open_jobs="censored", now="noon"), "Invalid now: 'noon'"),
        (
            lambda jobs: dx.failure_rate(jobs.assign(created_at=pd.to_datetime(["1900-01-01", "2026-01-01"], utc=True)), "state", "1min"),
            "2 groups of 66,270,241 periods are more than 20,000,000 rows. Choose a longer",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_is_said(call, told):
    jobs = frame_of_jobs([("A", "ERROR", 5, 1, "eu"), ("A", "COMPLETED", 6, 1, "eu")])
    with pytest.raises(DxError, match=told):
        call(jobs)


def test_an_empty_frame_needs_no_types():
    jobs = pd.DataFrame(columns=list(frame_of_jobs([])))
    for metric in (dx.failure_rate, dx.failure_trend, dx.durations, dx.concurrency, dx.stuck_jobs):
        metric(jobs)
    assert dx.durations(jobs, "type", "1d", open_jobs="censored").empty
    assert [text.get_text() for text in dx.plot_timeline(jobs).texts] == ["no jobs"]


def test_columns_to_group_by_may_have_any_name_that_no_result_has():
    jobs = frame_of_jobs([("A", "ERROR", 5, 1, "eu"), ("A", "WAITING", 6, 1, "eu")])
    for name in ("jobs", "took", "open", "left", "band", "state"):
        named = jobs.assign(**({} if name == "state" else {name: "x"}))
        if name != "open":
            assert len(dx.concurrency(named, name))
            assert len(dx.plot_timeline(named, by=name).collections)
        assert dx.failure_rate(named, [name, name])["n"].sum() == 1
        assert dx.durations(named, name, "1d", open_jobs="censored")["n"].sum() == 2


def test_times_and_numbers_of_other_types_are_the_same_ones():
    jobs = frame_of_jobs(
        [("A", "ERROR", 5, 1, "eu"), ("A", "WAITING", 6, 1, "eu"), ("A", "COMPLETED", 0, 2, "eu")]
    )
    naive = jobs.assign(
        **{name: jobs[name].dt.tz_localize(None) for name in ("created_at", "updated_at")}
    )
    shapes = [
        naive,
        naive.assign(updated_at=jobs["updated_at"]),
        jobs.assign(
            created_at=jobs["created_at"].dt.as_unit("ns"),
            updated_at=jobs["updated_at"].dt.as_unit("ms"),
        ),
        jobs.astype({"duration_s": "Float64"}),
        jobs.astype({"duration_s": "Int64"}),
        jobs.astype({"duration_s": "double[pyarrow]", "created_at": "timestamp[us, UTC][pyarrow]"}),
        jobs.set_index("type", drop=False),
    ]
    for other in shapes:
        for metric in (
            dx.concurrency,
            dx.stuck_jobs,
            lambda frame: dx.durations(frame, "type", "1d", open_jobs="censored"),
            lambda frame: dx.failure_rate(frame, "type", "1d"),
        ):
            pd.testing.assert_frame_equal(metric(other), metric(jobs))
        assert len(dx.plot_timeline(other).collections) == len(dx.plot_timeline(jobs).collections)


def test_numbers_at_the_ends_of_what_is_valid():
    jobs = frame_of_jobs([("A", "ERROR", 5, 1, "eu"), ("A", "COMPLETED", 6, 1, "eu")])
    wide = dx.failure_rate(jobs, confidence=0.9999999999999999)
    assert 0 <= wide["low"][0] < 0.05
    assert 0.95 < wide["high"][0] <= 1
    assert dx.failure_trend(jobs, baseline=0)["baseline"].dtype == "float64"


def test_odd_groups_are_sorted_or_refused():
    jobs = frame_of_jobs([("A", "ERROR", number, 1, "eu") for number in range(4)])
    assert dx.failure_rate(jobs.assign(mixed=["b", 1, "a", None]), "mixed")["mixed"].tolist()[
        :3
    ] == [1, "a", "b"]
    for call in (dx.failure_rate, dx.durations, dx.concurrency):
        with pytest.raises(DxError, match="Cannot group by 'lists': unhashable type"):
            call(jobs.assign(lists=[[1]] * 4), "lists")
