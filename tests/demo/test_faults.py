"""Everything that can go wrong goes wrong as it should."""

import http.client
import json

import pytest
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    PaginationError,
    ReadTimeoutError,
)

from dxnotebook import demo
from tests.demo.conftest import ONCE, get

# Faults


def faulty(account, kind, page=1, **more):
    return demo.Endpoint(account, faults=[demo.Fault(kind, page, **more)])


def walk(endpoint, size=10, limit=15):
    """The job ids of each page, following the tokens, and how the walk ended."""
    client, pages, token = endpoint.client(config=ONCE), [], None
    while len(pages) < limit:
        answer = client.list_jobs(MaxResults=size, **({"NextToken": token} if token else {}))
        pages.append([job["Id"] for job in answer["Jobs"]])
        token = answer.get("NextToken")
        if not token:
            break
    return pages


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("throttle", 429, "ThrottlingException"),
        ("server_error", 500, "InternalServerException"),
        ("expired", 403, "ExpiredTokenException"),
        ("denied", 403, "AccessDeniedException"),
        ("unavailable", 503, "503"),
    ],
)
def test_errors_on_request(tiny, kind, status, code):
    with faulty(tiny, kind) as endpoint, pytest.raises(ClientError) as raised:
        walk(endpoint)
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert raised.value.response["Error"]["Code"] == code
    assert len(endpoint.requests) == 2
    if kind == "denied":
        assert "dataexchange:ListJobs" in str(raised.value)


@pytest.mark.parametrize(("times", "statuses"), [(2, [429, 429, 200]), (None, [429, 429, 429])])
def test_a_fault_is_over_after_its_times(small, times, statuses):
    with faulty(small, "throttle", page=0, times=times) as endpoint:
        assert [get(endpoint, "/v1/jobs?maxResults=1")[0] for _ in statuses] == statuses


def test_boto3_retries_what_passes(small):
    with faulty(small, "reset", page=0) as endpoint:
        assert len(endpoint.client().list_jobs(MaxResults=5)["Jobs"]) == 5
        assert len(endpoint.requests) == 2


def test_a_page_is_known_by_its_offset(small):
    with faulty(small, "server_error", page=3) as endpoint:
        token = json.loads(small.page(50, 10))["NextToken"]
        assert get(endpoint, f"/v1/jobs?nextToken={token}&maxResults=10")[0] == 200
        assert get(endpoint, f"/v1/jobs?nextToken={token}&maxResults=20")[0] == 500


def test_stall_and_reset(small):
    with faulty(small, "stall", page=0, seconds=0.5) as endpoint:
        with pytest.raises(ReadTimeoutError):
            endpoint.client(config=ONCE.merge(Config(read_timeout=0.1))).list_jobs()
        assert len(endpoint.client().list_jobs()["Jobs"]) == 200
    with faulty(small, "reset", page=0) as endpoint, pytest.raises(ConnectionClosedError):
        endpoint.client(config=ONCE).list_jobs()


def test_truncate_sends_less_than_it_says(small):
    with faulty(small, "truncate", page=0) as endpoint:
        with pytest.raises(http.client.IncompleteRead) as raised:
            get(endpoint, "/v1/jobs")
        assert len(raised.value.partial) + raised.value.expected == len(small.page())
        assert get(endpoint, "/v1/jobs")[2] == small.page()


@pytest.mark.parametrize("kind", ["cut", "empty", "html"])
def test_bodies_that_are_no_json(small, kind):
    with faulty(small, kind, page=0) as endpoint:
        status, headers, body = get(endpoint, "/v1/jobs")
    assert (status, int(headers["Content-Length"])) == (200, len(body))
    assert {
        "cut": small.page().startswith(body) and body,
        "empty": not body,
        "html": body.startswith(b"<html>"),
    }[kind]


def test_a_reply_is_given_as_it_is(small):
    with faulty(
        small, "reply", page=0, status=418, headers=(("X-Tea", "pot"),), body=b"\xef\xbb\xbf{}"
    ) as endpoint:
        status, headers, body = get(endpoint, "/v1/jobs")
    assert (status, headers["X-Tea"], body) == (418, "pot", b"\xef\xbb\xbf{}")


@pytest.mark.slow
def test_tokens_that_lead_astray(tiny):
    with demo.Endpoint(tiny) as endpoint:
        pages = walk(endpoint)
    assert len(pages) == 10
    with faulty(tiny, "repeat_token", page=2) as endpoint:
        assert walk(endpoint) == [*pages[:3], *pages[2:]]
    with (
        faulty(tiny, "repeat_token", page=2, times=None) as endpoint,
        pytest.raises(PaginationError),
    ):
        list(
            endpoint.client().get_paginator("list_jobs").paginate(PaginationConfig={"PageSize": 10})
        )
    with faulty(tiny, "cycle_token", page=2) as endpoint:
        assert walk(endpoint) == [*pages[:3], *pages]
    with faulty(tiny, "cycle_token", page=2, times=None) as endpoint:
        assert walk(endpoint) == pages[:3] * 5
    with faulty(tiny, "empty_token", page=2) as endpoint:
        assert walk(endpoint) == pages[:3]
    for times in (1, None):
        with faulty(tiny, "empty_page", page=2, times=times) as endpoint:
            assert walk(endpoint) == [*pages[:2], [], *pages[2:]]


def test_faults_of_one_page_come_one_after_the_other(small):
    faults = [demo.Fault("throttle", 0), demo.Fault("server_error", 0), demo.Fault("empty", 0)]
    with demo.Endpoint(small, faults=faults) as endpoint:
        assert [get(endpoint, "/v1/jobs")[0] for _ in range(4)] == [429, 500, 200, 200]


def test_an_unknown_kind_of_fault_is_refused():
    with pytest.raises(ValueError, match=r"Invalid kind: 'flood'\. Valid options are: throttle, "):
        demo.Fault("flood", 0)
