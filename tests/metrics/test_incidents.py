"""Incidents of the demo account, which planted them, and of jobs by hand."""

from __future__ import annotations

import pandas as pd
import pytest

import dxnotebook as dx
from dxnotebook import DxError
from tests.conftest import job, page_of, tables_of


def test_the_bad_week_and_the_bursts_are_the_incidents_of_the_demo():
    story = dx.demo.Account().story
    found = dx.incidents(dx.load_jobs(dx.demo.client(), progress=False))
    days = (
        {first.floor("D") for first, _ in story.quota_bursts}
        if isinstance(story.quota_bursts[0][0], pd.Timestamp)
        else None
    )
    (week,) = found[found["until"] - found["since"] > pd.Timedelta("1D")].to_dict("records")
    assert (week["since"], week["until"]) == story.bad_week
    assert (week["cause_jobs"], week["cause_data_set_id"]) == (story.failed, story.data_set_id)
    assert week["recovered"] >= story.failed
    assert story.fixed_at < week["recovered_at"] < story.fixed_at + pd.Timedelta("4h")
    assert days is None or set(found["since"]) - {week["since"]} == days
    assert ((found["rate"] > found["baseline"]) & (found["failed"] <= found["n"])).all()


def test_an_incident_that_lasts_ends_with_the_last_job_and_may_have_no_message():
    jobs = [
        job(
            n,
            State="ERROR" if n >= 900 else "COMPLETED",
            CreatedAt=f"2026-09-{1 + n // 100:02}T00:{n % 60:02}:00Z",
            UpdatedAt=None,
            Details={"ImportAssetsFromS3": {"DataSetId": f"{n}"}},
        )
        for n in range(1000)
    ]
    (last,) = dx.incidents(tables_of(page_of(*jobs))).to_dict("records")
    assert (last["since"], last["until"]) == (
        pd.Timestamp("2026-09-10", tz="UTC"),
        pd.Timestamp("2026-09-10 00:59:00.000001", tz="UTC"),
    )
    assert (last["n"], last["failed"], last["rate"], last["unresolved"], last["recovered"]) == (
        100,
        100,
        1.0,
        100,
        0,
    )
    assert pd.isna(last["cause"])
    assert pd.isna(last["recovered_at"])


def test_a_doubling_that_lasts_is_one_incident_with_one_start():
    failing = [2 + day % 3 + 3 * (day >= 40) for day in range(60)]
    jobs = [
        job(
            day * 60 + number,
            State="ERROR" if number < failing[day] else "COMPLETED",
            CreatedAt=f"2026-{8 + day // 30:02}-{1 + day % 30:02}T00:{number:02}:00Z",
            UpdatedAt=None,
        )
        for day in range(60)
        for number in range(60)
    ]
    (found,) = dx.incidents(tables_of(page_of(*jobs))).to_dict("records")
    assert found["since"] == pd.Timestamp("2026-09-11", tz="UTC")
    assert found["n"] == 20 * 60


def test_what_is_undone_counts_in_how_long_an_incident_took_to_be_mended():
    def one(number, data_set, state, day, hour):
        at = f"2026-09-{day:02}T{hour:02}:{number % 60:02}:00Z"
        details = {"ImportAssetsFromS3": {"DataSetId": data_set}}
        return job(number, State=state, CreatedAt=at, UpdatedAt=at, Details=details)

    usual = [one(n, f"usual {n}", "COMPLETED", 1 + n // 50, n % 24) for n in range(1000)]
    failed = [one(1000 + n, f"bad {n}", "ERROR", 10, 12) for n in range(30)]
    mended = [one(1000 + n, f"bad {n - 60}", "COMPLETED", 11, 12) for n in range(60, 70)]
    more = [one(1000 + n, f"bad {n - 60}", "COMPLETED", 15, 12) for n in range(70, 80)]
    jobs = page_of(*usual, *failed, *mended, *more)
    (found,) = dx.incidents(tables_of(jobs)).to_dict("records")
    assert (found["recovered"], found["unresolved"]) == (20, 10)
    # of those that are done the half is after a day, of all of them after five
    assert found["recovery_s"] == 5 * 86_400
    (found,) = dx.incidents(tables_of(page_of(*usual, *failed, *mended))).to_dict("records")
    assert pd.isna(found["recovery_s"])


def test_empty_tables_and_other_things():
    found = dx.incidents(tables_of(page_of()))
    assert found.empty
    assert str(found["since"].dtype) == "datetime64[us, UTC]"
    with pytest.raises(DxError, match="Give JobTables"):
        dx.incidents(pd.DataFrame())
    with pytest.raises(DxError, match="Invalid every"):
        dx.incidents(tables_of(page_of()), "daily")
