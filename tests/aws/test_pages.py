"""Pages over real HTTP: the user's own client, what is asked for again, how often and when."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from botocore.credentials import RefreshableCredentials
from botocore.session import Session
from botocore.stub import Stubber

import dxnotebook as dx
from dxnotebook import demo
from dxnotebook.aws import pages
from dxnotebook.aws.background import GIVEN_UP
from tests.conftest import job


def load(client, **kwargs):
    return dx.load_jobs(client, progress=False, **kwargs)


def handlers_of(client):
    events = client.meta.events
    names = ["before-parse.dataexchange.ListJobs", "needs-retry.dataexchange.ListJobs"]
    return [events._emitter._handlers.prefix_search(name) for name in names]


def test_the_users_own_calls_on_the_same_client_are_answered_as_ever():
    client = demo.client(jobs=2_000, delay=0.01)
    before = handlers_of(client)
    expected = client.list_jobs(MaxResults=50)["Jobs"]
    seen, stop = [], threading.Event()

    def user():
        while not stop.is_set():
            seen.append(client.list_jobs(MaxResults=50)["Jobs"])

    thread = threading.Thread(target=user)
    thread.start()
    try:
        assert len(load(client)) == 2_000
    finally:
        stop.set()
        thread.join()
    assert seen
    assert all(answer == expected for answer in seen)
    assert handlers_of(client) == before


def test_no_handler_is_left_when_a_load_breaks():
    client = demo.client(jobs=400, faults=[demo.Fault("denied", 1, times=None)])
    before = handlers_of(client)
    with pytest.raises(dx.LoadError):
        load(client)
    assert handlers_of(client) == before


def test_two_loads_of_one_client_at_once():
    client = demo.client(jobs=1_000)
    results = []
    threads = [threading.Thread(target=lambda: results.append(len(load(client)))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [1_000] * 4


@pytest.mark.parametrize(
    "kind", ["throttle", "server_error", "unavailable", "reset", "truncate", "cut", "empty", "html"]
)
def test_what_passes_is_asked_for_again(kind):
    client = demo.client(jobs=600, faults=[demo.Fault(kind, 1, times=5)])
    assert len(load(client)) == 600


def test_attempts_are_bounded_and_more_than_botocores():
    endpoint = demo.Endpoint(demo.Account(10), faults=[demo.Fault("throttle", 0, times=None)])
    with endpoint, pytest.raises(dx.LoadError):
        load(endpoint.client())
    assert len(endpoint.requests) == 8


class Waits(threading.Event):
    """Waits for nothing, and knows how long it was to."""

    def __init__(self):
        super().__init__()
        self.waits = []

    def wait(self, timeout=None):
        self.waits.append(timeout)


def test_pauses_grow_and_stay_within_their_limit(monkeypatch):
    monkeypatch.setattr(pages, "PAUSES", pages.Pauses())
    client = demo.client(jobs=1, faults=[demo.Fault("throttle", 0, times=None)])
    given_up = Waits()
    before = GIVEN_UP.set(given_up)
    with pytest.raises(dx.LoadError):
        load(client)
    GIVEN_UP.reset(before)
    waits = given_up.waits
    assert len(waits) == 7
    assert all(0.05 * 2**n <= wait <= 0.1 * 2**n for n, wait in enumerate(waits[:6]))
    assert 2.5 <= waits[6] <= 5


def test_credentials_that_are_refreshed_midway_are_used():
    def refreshed():
        made.append(len(made))
        expiry = datetime.now(UTC) + timedelta(seconds=(len(made) > 1) * 3_600)
        keys = {"access_key": f"key {len(made)}", "secret_key": "x", "token": "x"}
        return {**keys, "expiry_time": expiry.isoformat()}

    made, signed = [], []
    with demo.Endpoint(demo.Account(500)) as endpoint:
        session = Session()
        session._credentials = RefreshableCredentials.create_from_metadata(
            refreshed(), refreshed, "test"
        )
        client = session.create_client("dataexchange", "us-east-1", endpoint_url=endpoint.url)
        client.meta.events.register(
            "before-send", lambda request, **_: signed.append(request.headers["Authorization"])
        )
        assert len(load(client)) == 500
    assert [b"key 2" in header or "key 2" in str(header) for header in signed] == [True] * 3


def test_a_stubbed_client_works_though_it_has_no_bodies():
    client = boto3.client(
        "dataexchange", "us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    with Stubber(client) as stub:
        times = {
            "CreatedAt": datetime(2026, 9, 1, tzinfo=UTC),
            "UpdatedAt": datetime(2026, 9, 1, tzinfo=UTC),
        }
        for number, token in ((1, {"NextToken": "t"}), (2, {})):
            stub.add_response(
                "list_jobs", {"Jobs": [{**job(number, Details={}), **times}], **token}
            )
        assert load(client).jobs["job_id"].tolist() == [job(1)["Id"], job(2)["Id"]]
