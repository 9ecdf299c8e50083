"""Listings: limits in time, how far they are read, and in which order jobs come."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

import dxnotebook as dx
from dxnotebook import demo
from tests.conftest import job, page_of, parsed_by_boto3


def load(client, **kwargs):
    return dx.load_jobs(client, progress=False, **kwargs)


def reply(page, body, **kwargs):
    return demo.Fault("reply", page, times=None, body=body, **kwargs)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("since", "until"),
    [
        ("1d", None),
        ("36h", None),
        (timedelta(days=2), "12h"),
        ("2026-09-20", "2026-09-25 06:00"),
        (datetime(2026, 9, 20, 12, tzinfo=UTC), None),
        (pd.Timestamp("2026-09-20 12:00", tz="Asia/Tokyo"), None),
        (None, "80 d"),
        ("2w", "1w"),
    ],
)
def test_limits_keep_what_lies_between_and_stop_early(since, until):
    account = demo.Account()
    with demo.Endpoint(account) as endpoint:
        client = endpoint.client()
        created = load(client).jobs["created_at"]
        endpoint.requests.clear()
        found = load(client, since=since, until=until)
        now = pd.Timestamp(demo.NOW)

        def time_of(limit):
            if str(limit)[-1] in "dhw":
                return now - pd.Timedelta(limit.replace("d", "D").replace("w", "W"))
            if isinstance(limit, timedelta):
                return now - limit
            time = pd.Timestamp(limit)
            return time.tz_localize("UTC") if time.tzinfo is None else time

        low, high = (limit if limit is None else time_of(limit) for limit in (since, until))
        kept = created[
            (created >= low if low is not None else True)
            & (created < high if high is not None else True)
        ]
        assert found.jobs["created_at"].tolist() == kept.tolist()
        newer = len(created) if low is None else int((created >= low).sum())
        assert len(endpoint.requests) == min(newer // 200 + 1, 30)


@pytest.mark.parametrize(
    "wrong", ["yesterdayish", "10 parsecs", "5m", "", 5, 1.5, 5.5j, True, pd.NaT, "2026-02-30"]
)
def test_a_limit_that_is_no_time_says_so_before_anything_is_asked(wrong):
    with demo.Endpoint(demo.Account(1)) as endpoint:
        with pytest.raises(dx.DxError, match=r"Invalid since: .*'30d'"):
            load(endpoint.client(), since=wrong)
        assert not endpoint.requests


@pytest.mark.parametrize(
    "nothing", ["0d", demo.NOW, np.timedelta64(0, "s"), np.datetime64("2026-09-30T12:00")]
)
def test_a_limit_of_now_keeps_nothing(nothing):
    assert load(demo.client(jobs=300), since=nothing).jobs.empty


def test_a_listing_that_is_not_newest_first_is_read_to_its_end():
    account = demo.Account(600)
    _, second, third = account.pages()
    old = page_of(*(job(n, CreatedAt=f"202{n}-01-01T00:00:00Z") for n in range(3)), NextToken="b")
    with demo.Endpoint(account) as endpoint:
        token = endpoint.client().list_jobs(MaxResults=200)["NextToken"]
    odd = [reply(0, old.replace(b'"b"', f'"{token}"'.encode()))]
    with pytest.warns(dx.DataWarning, match="did not come newest first"):
        tables = load(demo.client(jobs=600, faults=odd), since="2026-07-10")
    expected = [one for page in (second, third) for one in parsed_by_boto3(page)]
    limit = datetime(2026, 7, 10, tzinfo=UTC)
    assert len(tables) == sum(one["CreatedAt"] >= limit for one in expected)
    assert len(tables) > 200


def test_jobs_that_shift_onto_the_next_page_come_once_and_are_no_disorder():
    jobs = [job(n, CreatedAt=f"2026-09-01T00:{59 - n:02d}:00Z", UpdatedAt=None) for n in range(8)]
    with demo.Endpoint(demo.Account(400)) as endpoint:
        token = endpoint.client().list_jobs(MaxResults=200)["NextToken"]
    faults = [reply(0, page_of(*jobs[:5], NextToken=token)), reply(1, page_of(*jobs[2:]))]
    assert load(demo.client(jobs=400, faults=faults), since="2026-09-01").jobs[
        "job_id"
    ].tolist() == [one["Id"] for one in jobs]


def test_the_limit_is_by_the_services_clock():
    then = demo.NOW - timedelta(days=40)
    with demo.Endpoint(demo.Account(now=then)) as endpoint:
        found = load(endpoint.client(), since="1d")
        assert not found.jobs.empty
        assert (found.jobs["created_at"] >= then - timedelta(days=1)).all()
