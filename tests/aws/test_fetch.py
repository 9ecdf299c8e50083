"""Many listings at once: order, failures, how far ahead of the caller they are fetched."""

from __future__ import annotations

import time

import pandas as pd
import pytest

import dxnotebook as dx
from dxnotebook import demo
from dxnotebook.aws.fetch import Fetch


def load(client, **kwargs):
    return dx.load_jobs(client, progress=False, **kwargs)


def fetch_of(client, **kwargs):
    return Fetch([client], progress=False, **kwargs)


def test_many_clients_come_in_their_order():
    expected = [(f"{n:012d}", region) for n in range(3) for region in ("eu-west-1", "us-east-1")]
    tables = load(
        demo.client(jobs=300, account_id=account, region=region) for account, region in expected
    )
    assert (
        list(dict.fromkeys(zip(tables.jobs["account_id"], tables.jobs["region"], strict=True)))
        == expected
    )
    assert len(tables) == 1_800


def test_one_failing_client_does_not_sink_the_others():
    bad = demo.client(jobs=600, region="eu-west-1", faults=[demo.Fault("expired", 1, times=None)])
    with pytest.warns(dx.PartialLoadWarning, match="1 of 2 clients failed: eu-west-1"):
        tables = load([bad, demo.client(jobs=300)])
    assert tables.jobs["region"].value_counts().to_dict() == {"us-east-1": 300, "eu-west-1": 200}
    assert list(tables.failures) == ["eu-west-1"]
    assert "ExpiredTokenException" in str(tables.failures["eu-west-1"])
    assert "failed   eu-west-1" in repr(tables)


def test_when_all_clients_fail_the_load_fails():
    clients = [
        demo.client(jobs=300, faults=[demo.Fault("denied", 1, times=None)]) for _ in range(2)
    ]
    with pytest.raises(dx.LoadError, match="All 2 clients failed") as caught:
        load(clients)
    assert len(caught.value.partial) == 200


@pytest.mark.slow
def test_the_next_page_is_fetched_while_the_last_is_used():
    with demo.Endpoint(demo.Account(800)) as endpoint:
        asked = []

        def slow():
            time.sleep(0.2)
            asked.append(len(endpoint.requests))

        fetch_of(endpoint.client(), batch_pages=1).run(slow)
        assert asked[0] > 1
        assert len(asked) == 5  # for each page, and at the end


def test_only_so_many_pages_wait_for_a_slow_caller():
    with demo.Endpoint(demo.Account(2_000)) as endpoint:
        asked = []

        def slow():
            time.sleep(0 if asked else 0.3)
            asked.append(len(endpoint.requests))

        fetch = fetch_of(endpoint.client(), batch_pages=1, pages_ahead=2)
        fetch.run(slow)
        assert asked[0] == 1 + 2 + 1  # the one in use, those that wait, one that waits for room
        assert fetch.listings[0].jobs == 2_000
        assert fetch.listings[0].read == 10


def test_a_caller_that_fails_ends_the_fetching():
    def broken():
        raise RuntimeError("full")

    with demo.Endpoint(demo.Account(4_000)) as endpoint:
        with pytest.raises(RuntimeError, match="full"):
            fetch_of(endpoint.client(), batch_pages=1, pages_ahead=2).run(broken)
        time.sleep(0.2)
        assert len(endpoint.requests) <= 5


def test_what_is_nobody_elses_doing_is_raised_as_it_is():
    def broken(name, owner, now):
        raise ZeroDivisionError

    fetch = fetch_of(demo.client(jobs=1), since=broken)
    fetch.run()
    assert fetch.listings[0].done
    with pytest.raises(ZeroDivisionError):
        fetch.failures()


def test_whoever_fetches_is_asked_once_how_far_to_read():
    def limited(name, owner, now):
        seen.append((name, owner, now))
        return now - pd.Timedelta(days=1)

    seen = []
    with demo.Endpoint(demo.Account(2_000)) as endpoint:
        fetch = fetch_of(endpoint.client(), since=limited)
        fetch.run()
        assert seen == [("us-east-1", ("111122223333", "us-east-1"), pd.Timestamp(demo.NOW))]
        assert len(endpoint.requests) == 1
