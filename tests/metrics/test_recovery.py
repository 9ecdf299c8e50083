"""How long failed work took, against Kaplan and Meier by hand, and how much is undone."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dxnotebook as dx
from tests.metrics.test_durations import kaplan_meier_by_hand


@pytest.fixture(scope="module")
def tables():
    client = dx.demo.client()
    return dx.with_names(dx.load_jobs(client), client)


def test_undone_work_counts_as_censored(tables):
    back, left = dx.recoveries(tables), dx.unresolved_failures(tables)
    now = pd.Timestamp(tables.jobs.attrs["as_of"])
    waited = (now - left["first_failed_at"]).dt.total_seconds().tolist()
    took = [*back["recovery_s"].tolist(), *waited]
    censored = [False] * len(back) + [True] * len(left)
    [found] = dx.recovery_times(tables).to_dict("records")
    assert (found["n"], found["undone"]) == (len(took), len(left))
    assert found["median"] == kaplan_meier_by_hand(took, censored, 0.5)
    assert found["median"] > 2 * back["recovery_s"].median()
    assert found["median_low"] < found["median"] < found["median_high"]


def test_recovery_times_of_groups_add_up(tables):
    found = dx.recovery_times(tables, ["type", "data_set_name"])
    assert list(found)[:4] == ["type", "data_set_name", "n", "undone"]
    [overall] = dx.recovery_times(tables).to_dict("records")
    assert found["n"].sum() == overall["n"]
    assert found["undone"].sum() == overall["undone"]
    with pytest.raises(dx.DxError, match="no column 'colour'"):
        dx.recovery_times(tables, "colour")


@settings(max_examples=10)
@given(st.integers(0, 80), st.integers(1, 60))
def test_what_failed_in_a_window_is_judged_by_all_jobs(tables, begin, days):
    since = pd.Timestamp("2026-07-02", tz="UTC") + pd.Timedelta(begin, "D")
    window = {"since": since, "until": since + pd.Timedelta(days, "D")}
    jobs = tables.jobs.set_index("job_id")
    inside = jobs["created_at"].between(*window.values(), inclusive="left")
    left, all_left = dx.unresolved_failures(tables, **window), dx.unresolved_failures(tables)
    # what is undone in the end is so in each window that one of its failures is in
    assert set(left["job_id"]) <= set(all_left["job_id"])
    assert set(all_left["job_id"][inside[all_left["job_id"]].to_numpy()]) <= set(left["job_id"])
    back = dx.recoveries(tables, **window)
    assert inside[back["first_job_id"]].any() or back.empty or (back["attempts"] > 2).any()
    [rate] = dx.undone_rate(tables, **window).to_dict("records")
    assert rate["undone"] == len(left) <= rate["work"]


def test_august_is_judged_by_what_came_after(tables):
    august = {"since": "2026-08-01", "until": "2026-09-01"}
    alone = tables.filter(tables.jobs["created_at"].between("2026-08-01", "2026-08-31T23:59:59Z"))
    assert len(dx.unresolved_failures(alone)) == 61
    assert len(dx.unresolved_failures(tables, **august)) == 37


def test_of_no_work_there_is_no_rate():
    empty = dx.read_jobs([])
    assert dx.undone_rate(empty)[["work", "undone"]].to_numpy().tolist() == [[0, 0]]
    assert dx.undone_rate(empty)["rate"].isna().all()
    assert dx.recovery_times(empty)["n"].tolist() == [0]
    assert dx.recovery_times(empty, "type").empty
