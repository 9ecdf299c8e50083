"""What all grouped metrics do alike: order, types, empty frames, what cannot be."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dxnotebook as dx
from dxnotebook import DxError
from tests.strategies import frame_of_jobs, job_frames

RATES = ["n", "failed", "rate", "low", "high"]
DURATIONS = ["n", "median", "median_low", "median_high", "p90", "p95", "p95_low", "p95_high",
             "p99", "max"]  # fmt: skip


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


@pytest.mark.property
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
    ("call", "message"),
    [
        (lambda jobs: dx.failure_rate(jobs, "colour"), "no column 'colour'; it has: job_id, type"),
        (lambda jobs: dx.failure_rate(jobs.drop(columns="state")), "no column 'state'"),
        (lambda jobs: dx.failure_rate(jobs, confidence=1), "Invalid confidence: 1"),
        (lambda jobs: dx.failure_rate(jobs, every="daily"), "Invalid every: 'daily'"),
        (lambda jobs: dx.failure_rate(jobs, every="1d", tz="Mars"), "Invalid tz: 'Mars'"),
        (lambda jobs: dx.failure_rate(jobs.assign(period=1), "period"), "named 'period'"),
        (
            lambda jobs: dx.failure_rate(jobs.assign(low=1), ["type", "low"]),
            "named 'low', as the result has one",
        ),
        (lambda jobs: dx.failure_trend(jobs.assign(upper=1), by="upper"), "named 'upper'"),
        (lambda jobs: dx.durations(jobs.assign(median=1), "median"), "named 'median'"),
        (lambda jobs: dx.concurrency(jobs.assign(open=1), "open"), "named 'open'"),
        (
            lambda jobs: dx.failure_rate(jobs, 5),
            "Invalid by: 5. Valid is a text, or a list of texts",
        ),
        (lambda jobs: dx.failure_rate(jobs, ["type", None]), r"Invalid by: \['type', None\]"),
        (lambda jobs: dx.failure_rate(jobs, failed=None), "Invalid failed: None"),
        (lambda jobs: dx.failure_rate(jobs, finished=[3]), "Invalid finished"),
        (lambda jobs: dx.failure_rate(jobs, confidence="high"), "Invalid confidence: 'high'"),
        (lambda jobs: dx.failure_trend(jobs, baseline="low"), "Invalid baseline: 'low'"),
        (
            lambda jobs: dx.failure_rate(
                jobs.assign(**{"7": 1}).rename(columns={"7": 7}), "colour"
            ),
            "has: .*, 7",
        ),
        (
            lambda jobs: dx.failure_rate(pd.concat([jobs, jobs[["type"]]], axis=1)),
            "several columns 'type'",
        ),
        (lambda jobs: dx.stuck_jobs(jobs, now=pd.NaT), "Invalid now: NaT"),
        (lambda jobs: dx.durations(jobs, open_jobs="censored", now=""), "Invalid now: ''"),
        (lambda jobs: dx.failure_rate([1, 2]), "Invalid jobs: a list. Give a frame"),
        (
            lambda jobs: dx.failure_rate(jobs.astype({"created_at": "str"}), every="1d"),
            "'created_at' holds String, not times",
        ),
        (
            lambda jobs: dx.durations(jobs.astype({"duration_s": "str"})),
            "'duration_s' holds String, not numbers",
        ),
        (lambda jobs: dx.failure_trend(jobs, baseline=5), "Invalid baseline: 5"),
        (lambda jobs: dx.failure_trend(jobs, every=None), "Invalid every: None"),
        (lambda jobs: dx.durations(jobs, open_jobs="dropped"), "Invalid open_jobs: 'dropped'"),
        (lambda jobs: dx.durations(jobs, open_jobs="censored", now="noon"), "Invalid now: 'noon'"),
        (
            lambda jobs: dx.failure_rate(
                jobs.assign(created_at=pd.to_datetime(["1900-01-01", "2026-01-01"], utc=True)),
                "state",
                "1min",
            ),
            "2 groups of 66,270,241 periods are more than 20,000,000 rows. Choose a longer",
        ),
    ],
)
def test_what_cannot_be_is_said(call, message):
    jobs = frame_of_jobs([("A", "ERROR", 5, 1, "eu"), ("A", "COMPLETED", 6, 1, "eu")])
    with pytest.raises(DxError, match=message):
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
        took = dx.durations(named, name, "1d", open_jobs="censored", states=None)
        assert took["n"].sum() == 2


@pytest.mark.slow
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


def test_odd_groups_are_sorted_or_refused():
    jobs = frame_of_jobs([("A", "ERROR", number, 1, "eu") for number in range(4)])
    assert dx.failure_rate(jobs.assign(mixed=["b", 1, "a", None]), "mixed")["mixed"].tolist()[
        :3
    ] == [1, "a", "b"]
    for call in (dx.failure_rate, dx.durations, dx.concurrency):
        with pytest.raises(DxError, match="Cannot group by 'lists': unhashable type"):
            call(jobs.assign(lists=[[1]] * 4), "lists")
