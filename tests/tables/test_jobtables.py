"""What one does with tables: choose, look at, send elsewhere; when they are of."""

from __future__ import annotations

import pickle

import pandas as pd
import pytest

import dxnotebook as dx
from dxnotebook.tables import jobtables
from dxnotebook.times import Window
from tests.conftest import job, page_of, tables_of

FRAMES = ("jobs", "details", "errors", "rejects")


def test_filter_takes_masks_and_ids_and_says_what_is_wrong():
    tables = tables_of(page_of(job(1), job(2), job(3), None))
    ids = tables.jobs["job_id"].tolist()
    assert tables.filter([True, False, True]).jobs["job_id"].tolist() == [ids[0], ids[2]]
    assert tables.filter(ids[1]).jobs["job_id"].tolist() == [ids[1]]
    assert tables.filter(reversed(ids[:2])).jobs["job_id"].tolist() == ids[:2]
    assert tables.filter([]).jobs.empty
    assert len(tables.filter([]).rejects) == 1
    with pytest.raises(dx.DxError, match="2 values for 3 jobs"):
        tables.filter([True, False])
    with pytest.raises(dx.DxError, match="'nope'"):
        tables.filter(["nope"])
    for wrong in (None, 5, b"x"):
        with pytest.raises(dx.DxError, match="Invalid jobs"):
            tables.filter(wrong)


def test_repr_counts_and_html_is_text():
    tables = tables_of(page_of(job(1), job(2, State="<script>alert(1)</script>"), "x"))
    assert repr(tables).startswith("JobTables: 2 jobs, 0 details, 0 errors, 1 rejects\n")
    assert "2026-09-01 00:00 to 2026-09-01 00:00 UTC" in repr(tables)
    assert "\n  state    COMPLETED 1 · <script>" in repr(tables)
    assert "<script>" not in tables._repr_html_()
    assert "&lt;script&gt;alert(1)" in tables._repr_html_()
    assert repr(tables_of(page_of())) == "JobTables: 0 jobs, 0 details, 0 errors, 0 rejects"


def test_tables_are_frozen():
    with pytest.raises(AttributeError):
        tables_of(page_of()).jobs = pd.DataFrame()


def test_tables_travel_between_processes_and_through_parquet(tmp_path):
    odd = job(
        1,
        New=5,
        Mixed=[1, "a"],
        CreatedAt="2024-01-01T00:00:00.123456789Z",
        Details={"Warp": {"Factor": 1.5}},
    )
    tables = tables_of(page_of(odd, job(2, Errors=[{"Hint": 3}]), None))
    assert pickle.loads(pickle.dumps(tables)).to_jobs() == tables.to_jobs()
    frames = {}
    for name in FRAMES:
        getattr(tables, name).to_parquet(tmp_path / name)
        frames[name] = pd.read_parquet(tmp_path / name)
        pd.testing.assert_frame_equal(frames[name], getattr(tables, name))
    assert dx.JobTables(**frames).to_jobs() == tables.to_jobs()


def test_one_job_is_not_called_jobs():
    tables = tables_of(page_of(job(1, CreatedAt=None)))
    assert repr(tables).startswith("JobTables: 1 job, 0 details")
    with pytest.raises(dx.DxError, match="1 of 1 job id is not in these tables"):
        tables.filter("nope")
    with pytest.raises(dx.DxError, match="3 values for 1 job;"):
        tables.filter([True] * 3)
    with pytest.warns(dx.DataWarning, match="1 job has no created_at and is left out"):
        assert jobtables.dated(tables.jobs).empty
    with pytest.warns(dx.DataWarning, match="2 jobs have no created_at and are left out"):
        jobtables.warn_undated(2)


@pytest.mark.parametrize(
    ("since", "until", "days"),
    [
        (None, None, [1, 2, 3, None]),
        ("2026-09-02", None, [2, 3, None]),
        (None, "2026-09-03", [1, 2, None]),
        ("2026-09-02", "2026-09-03", [2, None]),
    ],
)
def test_a_window_keeps_what_was_created_in_it_or_does_not_say_when(since, until, days):
    times = {1: "2026-09-01", 2: "2026-09-02", 3: "2026-09-03", 4: None}
    jobs = [job(n, CreatedAt=time, UpdatedAt="2026-09-09") for n, time in times.items()]
    tables = tables_of(page_of(*jobs))
    kept = jobtables.within(tables, Window.of(since, until)).jobs["created_at"]
    assert [None if pd.isna(time) else time.day for time in kept] == days


def test_jobs_are_as_of_what_is_given_what_they_say_or_their_latest_time():
    jobs = tables_of(page_of(job(1))).jobs
    assert jobtables.observed_at(jobs) == pd.Timestamp("2026-09-01 00:01", tz="UTC")
    jobs.attrs[jobtables.AS_OF] = pd.Timestamp("2026-09-05", tz="UTC")
    assert jobtables.observed_at(jobs) == pd.Timestamp("2026-09-05", tz="UTC")
    assert jobtables.observed_at(jobs, "2026-09-07") == pd.Timestamp("2026-09-07", tz="UTC")


def test_what_is_no_tables_is_refused_and_an_index_of_ones_own_dropped():
    with pytest.raises(dx.DxError, match="Invalid tables: a DataFrame"):
        jobtables.checked(pd.DataFrame())
    tables = tables_of(page_of(job(1), job(2)))
    own = dx.JobTables(tables.jobs.set_axis(["a", "b"]), *(getattr(tables, n) for n in FRAMES[1:]))
    pd.testing.assert_frame_equal(jobtables.checked(own).jobs, tables.jobs)
