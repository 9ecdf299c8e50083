"""History: what jobs were seen as, what was not seen, what was loaded then."""

from __future__ import annotations

from datetime import timedelta

import pandas as pd
import pytest

import dxnotebook as dx
from dxnotebook import demo
from dxnotebook.archive.history import known_syncs
from dxnotebook.archive.store import Store
from tests.archive.conftest import TABLES, sync


def test_an_account_that_has_no_jobs_any_more_is_still_watched(archive, world):
    account, _, client = world
    account.create(1, state="COMPLETED")
    for _ in range(4):
        sync(archive, client)
        account.now += timedelta(days=60)
    assert archive.gaps(account.now).empty


@pytest.mark.slow
def test_the_history_of_a_job_and_its_transitions(archive, world):
    account, _, client = world
    arn = account.create(1)
    times = [account.now]
    for state in (None, "IN_PROGRESS", None, "COMPLETED"):
        sync(archive, client)
        account.now += timedelta(minutes=10)
        if state:
            account.change(arn, state)
        times.append(account.now)
        account.now += timedelta(minutes=10)
    sync(archive, client)
    asked = known_syncs(Store(archive.uri))["asked_at"].tolist()
    history = archive.history("1".zfill(32))
    assert history["state"].tolist() == ["WAITING", "IN_PROGRESS", "COMPLETED"]
    assert history["updated_at"].tolist() == [times[0], times[2], times[4]]
    assert history["seen_at"].tolist() == [asked[0], asked[2], asked[4]]
    changes = archive.transitions()
    assert changes["from_state"].tolist()[1:] == ["WAITING", "IN_PROGRESS"]
    assert changes["to_state"].tolist() == ["WAITING", "IN_PROGRESS", "COMPLETED"]
    # not only since it was first seen waiting: the second sync found it so still
    assert changes["after"].tolist() == [times[0], asked[1], asked[3]]
    assert changes["before"].tolist() == [times[0], times[2], times[4]]
    assert archive.transitions(since="2027-01-01").empty


@pytest.mark.slow
def test_as_of_gives_what_was_loaded_then(archive):
    then = {}
    for day in (60.0, 5.0, 4.99, 0.0):
        now = demo.NOW - timedelta(days=day)
        with demo.Endpoint(demo.Account(now=now)) as endpoint:
            sync(archive, endpoint.client())
            then[now] = archive.load()
    for now, tables in then.items():
        found = archive.as_of(now + timedelta(seconds=1))
        for name in TABLES:
            pd.testing.assert_frame_equal(
                getattr(found, name), getattr(tables, name), obj=f"{name} at {now}"
            )
        assert found.to_jobs() == tables.to_jobs()
    assert len(archive.as_of("2020-01-01")) == 0
    with pytest.raises(dx.DxError, match="Invalid time"):
        archive.as_of("then")
