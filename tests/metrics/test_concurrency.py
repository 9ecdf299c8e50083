"""Open jobs against a loop over moments, and stuck ones against what was planted."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dxnotebook as dx
from dxnotebook import DataWarning, DxError
from tests.strategies import frame_of_jobs, job_frames

START = pd.Timestamp("2026-03-27", tz="UTC")
OPEN = ["WAITING", "IN_PROGRESS"]


def open_at(jobs, moment):
    """Count the jobs that are open at a moment, one by one."""
    return sum(
        job["created_at"] <= moment and (job["state"] in OPEN or moment < job["updated_at"])
        for job in jobs.to_dict("records")
    )


@pytest.mark.property
@given(job_frames())
def test_the_number_of_open_jobs_is_what_a_loop_counts(jobs):
    steps = dx.concurrency(jobs, "type")
    assert list(steps) == ["type", "at", "open", "peak", "quota"]
    told = 0
    for name, mine in jobs.groupby("type", observed=True, dropna=False):
        series = steps[steps["type"].isna() if pd.isna(name) else steps["type"] == name]
        moments = sorted({*mine["created_at"], *mine["updated_at"][~mine["state"].isin(OPEN)]})
        counted = pd.Series([open_at(mine, moment) for moment in moments], moments, dtype="int64")
        changes = counted[counted.diff().fillna(counted) != 0]
        assert dict(zip(series["at"], series["open"], strict=True)) == changes.to_dict()
        assert series["at"].is_monotonic_increasing
        assert series["peak"].unique().tolist() == ([counted.max()] if len(changes) else [])
        told += len(changes)
    assert len(steps) == told


@pytest.mark.property
@given(job_frames(), st.integers(0, 5 * 24 * 60), st.integers(1, 24 * 60))
def test_in_a_window_the_number_is_that_of_all_jobs(jobs, begin, minutes):
    since = START + pd.Timedelta(begin, "min")
    until = since + pd.Timedelta(minutes, "min")
    steps = dx.concurrency(jobs, None, since=since, until=until)
    assert ((steps["at"] >= since) & (steps["at"] < until)).all()
    for at, number in zip(steps["at"], steps["open"], strict=True):
        assert number == open_at(jobs, at)
    last = steps["open"].iloc[-1] if len(steps) else 0
    assert last == open_at(jobs, until - pd.Timedelta(1, "us"))


def test_a_job_that_waits_was_never_started():
    states = [("COMPLETED", 0, 1), ("WAITING", 5, 0), ("IN_PROGRESS", 6, 0)]
    jobs = frame_of_jobs([("A", *state, "eu") for state in states])
    stuck = dx.stuck_jobs(jobs, "2026-03-28", since="1h").set_index("state")
    ids = stuck["job_id"]
    assert stuck["remedy"].to_dict() == {
        "WAITING": f"It was never started: aws dataexchange start-job --job-id {ids['WAITING']}",
        "IN_PROGRESS": "Cancel it, and run it anew: aws dataexchange cancel-job --job-id "
        + ids["IN_PROGRESS"],
    }
    assert len(dx.stuck_jobs(jobs, "2026-03-28", until=jobs["created_at"][2])) == 1
    assert dx.stuck_jobs(jobs[:1])["remedy"].dtype == "str"


def test_all_jobs_may_be_one_group():
    jobs = frame_of_jobs(
        [
            ("A", "COMPLETED", 0, 10, "eu"),
            ("B", "COMPLETED", 5, 10, "eu"),
            ("B", "ERROR", 7, 0, "us"),
        ]
    )
    assert dx.concurrency(jobs, None)["open"].tolist() == [1, 2, 1, 0]


def test_quotas_are_of_one_type_in_one_account_and_region():
    jobs = frame_of_jobs(
        [
            ("EXPORT_REVISIONS_TO_S3", "COMPLETED", 0, 10, "eu"),
            ("UNKNOWN", "COMPLETED", 5, 10, "eu"),
        ]
    )
    assert dx.concurrency(jobs)["quota"].tolist() == [5, 5, pd.NA, pd.NA]
    two = pd.concat([jobs, jobs.assign(region="us")])
    assert dx.concurrency(two)["quota"].isna().all()
    of_each = pd.concat([jobs, jobs.iloc[:1].assign(type="IMPORT_ASSETS_FROM_S3", region="us")])
    assert dx.concurrency(of_each).groupby("type")["quota"].first().dropna().tolist() == [5, 10]
    assert dx.concurrency(two, ["region", "type"])["quota"].dropna().tolist() == [5] * 4
    assert dx.concurrency(two, "region")["quota"].isna().all()


def test_peaks_of_the_demo_are_the_quotas_that_its_backfills_hit():
    jobs = dx.load_jobs(dx.demo.client()).jobs
    peaks = dx.concurrency(jobs).groupby("type", observed=True)[["peak", "quota"]].first()
    hit = peaks[(peaks["peak"] >= peaks["quota"]).fillna(value=False).astype(bool)]
    assert set(hit.index) == {job_type for _, job_type in dx.demo.Account().story.quota_bursts}
    assert (hit["peak"] == hit["quota"]).all()


def test_stuck_jobs_are_those_that_were_planted():
    account = dx.demo.Account()
    stuck = dx.stuck_jobs(dx.load_jobs(dx.demo.client()).jobs)
    assert set(stuck["job_id"]) == set(account.story.stuck_job_ids)
    assert (stuck["open_s"] > stuck["usual_s"]).all()
    assert stuck["open_s"].is_monotonic_decreasing


def test_what_is_usual_is_the_types_own_or_that_of_all():
    rows = [("A", "COMPLETED", number, 10, "eu") for number in range(50)]
    jobs = frame_of_jobs([*rows, ("A", "WAITING", 0, 0, "eu"), ("NEW", "IN_PROGRESS", 0, 0, "eu")])
    assert dx.stuck_jobs(jobs, now=jobs["created_at"][0] + pd.Timedelta("9min")).empty
    late = dx.stuck_jobs(jobs, now=jobs["created_at"][0] + pd.Timedelta("11min"))
    assert late[["type", "open_s", "usual_s"]].to_numpy().tolist() == [
        ["A", 660.0, 600.0],
        ["NEW", 660.0, 600.0],
    ]
    assert (
        len(dx.stuck_jobs(jobs)) == 2
    )  # the latest time in the frame is that of the last job's end
    assert dx.stuck_jobs(frame_of_jobs([])).empty


def test_jobs_without_a_time_are_warned_of():
    jobs = frame_of_jobs([("A", "COMPLETED", None, 10, "eu"), ("A", "COMPLETED", 5, 10, "eu")])
    with pytest.warns(DataWarning, match="1 job has no created_at and is left out"):
        assert dx.concurrency(jobs)["open"].tolist() == [1, 0]


@pytest.mark.parametrize("call", [dx.concurrency, dx.stuck_jobs])
def test_what_is_no_frame_is_refused(call):
    with pytest.raises(DxError, match=r"Give a pandas frame, such as `tables\.jobs`"):
        call([1])
    with pytest.raises(DxError, match="no column 'state'"):
        call(frame_of_jobs([]).drop(columns="state"))


def test_many_groups_over_a_long_time_are_no_matter():
    rows = [(f"type {number}", "COMPLETED", 0, 60, "eu") for number in range(3000)]
    jobs = frame_of_jobs(rows)
    jobs["created_at"] = pd.date_range("0100-01-01", "9900-01-01", 3000, tz="UTC", unit="us")
    jobs["updated_at"] = jobs["created_at"] + pd.Timedelta("1h")
    steps = dx.concurrency(jobs)
    assert steps["open"].tolist() == [1, 0] * 3000
    assert (steps["peak"] == 1).all()
    first = steps.groupby("type", observed=True)["at"].first()
    assert first.to_dict() == jobs.set_index("type")["created_at"].to_dict()
