"""Pages that are broken, odd or refused: a listing of two, of which the second is the bad one."""

from __future__ import annotations

import gzip
import json
import os
import signal
import threading

import pytest
from botocore.stub import Stubber

import dxnotebook as dx
from dxnotebook import demo
from tests.conftest import job, page_of
from tests.hostile.common import (
    DIGITS,
    FIRST,
    account,
    assert_recovers_or_breaks,
    assert_rejected,
    assert_same,
    between,
    broken,
    filled,
    first_page,
    load,
    nested,
    numbers,
    old,
    read_quietly,
    reply,
    timed,
    unbroken,
)


def test_the_message_of_a_broken_listing_names_the_page():
    assert "page" in str(broken(demo.Fault("cut", 1), "line 1")).split("`.partial`")[0]


def test_01_body_shorter_than_content_length():
    assert_recovers_or_breaks(demo.Fault("truncate", 1), "cut short: [0-9]+ of [0-9]+ bytes|closed")


@pytest.mark.slow
def test_02_truncated_json():
    assert_recovers_or_breaks(demo.Fault("cut", 1), "line 1, column [0-9]+")


def test_03_empty_200():
    assert_recovers_or_breaks(demo.Fault("empty", 1), "0 documents, not one page")


def test_04_html_200():
    assert_recovers_or_breaks(demo.Fault("html", 1), "line 1, column 1: expecting value")


def test_05_error_document_with_200():
    body = b'{"__type": "InternalServerException", "Message": "x"}'
    assert_recovers_or_breaks(reply(body), "neither a page with 'Jobs'")


@pytest.mark.parametrize("headers", [(), (("Content-Encoding", "gzip"),)])
def test_06_gzip_is_decoded_whether_or_not_its_header_says_so(headers):
    tables = load(reply(gzip.compress(page_of(old(1), old(2))), headers=headers))
    assert numbers(tables)[FIRST:] == [1, 2]


@pytest.mark.parametrize("headers", [(), (("Content-Encoding", "gzip"),)])
def test_06_gzip_that_is_damaged(headers):
    body = gzip.compress(page_of(*(old(n) for n in range(99))))[:-20]
    assert_recovers_or_breaks(reply(body, headers=headers), "gzip")


def test_07_invalid_utf8():
    body = page_of(old()).replace(b"COMPLETED", b"COMP\xff")
    assert_recovers_or_breaks(reply(body), "line 1: a byte \\(0xff\\) that is not UTF-8")


def test_08_byte_order_mark():
    assert numbers(load(reply(b"\xef\xbb\xbf" + page_of(old(1)))))[FIRST:] == [1]


@pytest.mark.parametrize(
    ("body", "what"), [(b"null", "found null"), (b"[]", "0 documents"), (b'"x"', "a string")]
)
def test_09_body_that_is_no_object(body, what):
    assert_recovers_or_breaks(reply(body), what)


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b'{"Jobs": null}', "'Jobs' is null, not a list"),
        (b'{"Jobs": {"a": 1}}', "'Jobs' is an object, not a list"),
        (b'{"NextToken": "x"}', "neither a page with 'Jobs'"),
        (b"{}", "neither a page with 'Jobs'"),
    ],
)
def test_10_jobs_that_is_no_list(body, what):
    assert_recovers_or_breaks(reply(body), what)
    with pytest.raises(dx.LoadError, match=what):
        dx.read_jobs(body)


@pytest.mark.parametrize(
    ("odd", "kind"),
    [
        ("null", "null"),
        ('"gone"', "a string"),
        ("5", "a number"),
        ("true", "a boolean"),
        ("[1]", "a list"),
    ],
)
def test_11_something_else_than_a_job_inside_jobs(odd, kind):
    tables = dx.read_jobs(between("@", odd))
    assert numbers(tables) == [1, 3]
    assert tables.rejects[["source", "page", "position", "raw"]].to_numpy().tolist() == [
        ["bytes", 0, 1, odd]
    ]
    assert tables.rejects["reason"].tolist() == [f"found {kind} where a job should be"]
    assert tables.to_jobs()[2] == json.loads(odd)


def test_11_something_else_than_a_job_on_a_page():
    tables = load(reply(page_of(old(1), None, "gone", old(2))))
    assert numbers(tables)[FIRST:] == [1, 2]
    assert tables.rejects[["source", "page", "position", "raw"]].to_numpy().tolist() == [
        ["us-east-1", 1, 1, "null"],
        ["us-east-1", 1, 2, '"gone"'],
    ]


NESTED_SOMEWHERE = {
    "Jobs": lambda job: b'{"Jobs": "@"}',
    "a job": lambda job: page_of(job(1), "@", job(3)),
    "an unknown member": lambda job: page_of(job(1), job(2, New="@"), job(3)),
    "an unknown branch": lambda job: page_of(job(1), job(2, Details={"New": "@"}), job(3)),
    "Details": lambda job: page_of(job(1), job(2, Details="@"), job(3)),
    "CreatedAt": lambda job: page_of(job(1), job(2, CreatedAt="@"), job(3)),
    "an error": lambda job: page_of(job(1), job(2, Errors=["@"]), job(3)),
}


@pytest.mark.parametrize("kind", ["lists", "objects"])
@pytest.mark.parametrize("where", NESTED_SOMEWHERE)
def test_12_nesting_of_100_000_levels(where, kind):
    content = filled(NESTED_SOMEWHERE[where](old), nested(100_000, kind))
    with pytest.raises(dx.LoadError, match="nested too deeply") as caught:
        dx.read_jobs(content)
    assert numbers(caught.value.partial) == ([] if where == "Jobs" else [1])


@pytest.mark.parametrize("where", ["Jobs", "a job", "an unknown member"])
def test_12_nesting_of_100_000_levels_on_a_page(where):
    error = broken(
        reply(filled(NESTED_SOMEWHERE[where](old), nested(100_000))), "nested too deeply"
    )
    assert (
        error.partial.jobs["job_id"].tolist()[:FIRST] == unbroken().jobs["job_id"].tolist()[:FIRST]
    )


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["lists", "objects"])
@pytest.mark.parametrize("depth", [100, 330, 900, 980])
@pytest.mark.parametrize("where", [name for name in NESTED_SOMEWHERE if name != "Jobs"])
def test_12_nesting_that_only_just_parses(where, depth, kind):
    content = filled(NESTED_SOMEWHERE[where](job), nested(depth, kind))
    raised = None
    try:
        tables, _ = read_quietly(content)
    except (dx.LoadError, RecursionError) as error:
        raised = error
    assert not isinstance(raised, RecursionError)
    if raised:
        assert "nested too deeply" in str(raised)
        assert numbers(raised.partial) == [1]
    else:
        assert len(tables.jobs) + len(tables.rejects) == len(tables.to_jobs()) == 3
        assert {1, 3} <= set(numbers(tables))


@pytest.mark.filterwarnings("ignore::dxnotebook.UnknownFieldWarning")
@pytest.mark.parametrize("depth", [330, 980])
@pytest.mark.parametrize("where", ["Jobs", "a job", "an unknown member", "Details"])
def test_12_nesting_that_only_just_parses_on_a_page(where, depth):
    fault = reply(filled(NESTED_SOMEWHERE[where](old), nested(depth)), times=None)
    tables = None
    try:
        tables = load(fault)
    except dx.LoadError as error:
        tables = error.partial
    except RecursionError:
        pass
    assert tables is not None
    assert tables.jobs["job_id"].tolist()[:FIRST] == unbroken().jobs["job_id"].tolist()[:FIRST]


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"Errors": [{"LimitValue": "@"}]}, "Errors[].LimitValue is not a number"),
        ({"CreatedAt": "@"}, "CreatedAt is not a time"),
        ({"Arn": "@"}, "Arn is a number"),
    ],
)
def test_13_an_integer_of_5_000_digits(members, reason):
    assert_rejected(dx.read_jobs(between(job(2, **members), DIGITS)), reason, DIGITS)


def test_13_an_integer_of_5_000_digits_that_nobody_knows_is_not_lost():
    with pytest.warns(dx.UnknownFieldWarning, match="New"):
        tables = dx.read_jobs(between(job(2, New="@"), DIGITS))
    assert DIGITS in str(tables.to_jobs())
    assert len(tables.jobs) + len(tables.rejects) == 3


def test_14_empty_page_with_a_token():
    tables = load(demo.Fault("empty_page", 1))
    assert_same(tables, unbroken())


def test_15_token_repeated():
    error = broken(demo.Fault("repeat_token", 1), "NextToken that came before")
    assert_same(error.partial, unbroken())


@pytest.mark.filterwarnings("ignore:.*did not come newest first:dxnotebook.DataWarning")
def test_16_tokens_in_a_cycle():
    error = broken(demo.Fault("cycle_token", 1), "page [0-9]+ has a NextToken that came before")
    assert_same(error.partial, unbroken())


def test_17_token_none_is_a_token_like_any_other():
    with demo.Endpoint(
        account(), faults=[reply(page_of(old(), NextToken="None"), times=None)]
    ) as endpoint:
        with pytest.raises(dx.LoadError, match="ValidationException") as caught:
            dx.load_jobs(endpoint.client(), progress=False)
        assert endpoint.requests[-1][2]["nextToken"] == "None"
    assert numbers(caught.value.partial)[FIRST:] == [1]


def test_17_token_none_that_leads_back_to_itself():
    client = demo.client(1)
    with Stubber(client) as stub:
        stub.add_response("list_jobs", {"Jobs": [timed(job(1, Details={}))], "NextToken": "None"})
        stub.add_response("list_jobs", {"Jobs": [timed(job(1, Details={}))], "NextToken": "None"})
        with pytest.raises(dx.LoadError, match="NextToken that came before") as caught:
            dx.load_jobs(client, progress=False)
    assert numbers(caught.value.partial) == [1]


@pytest.mark.slow
@pytest.mark.parametrize(
    "token", ["5", "0", "1.5", "true", "false", "{}", '["x"]', "1e400", "NaN", DIGITS]
)
def test_18_token_that_is_no_text(token):
    body = filled(page_of(old(), NextToken="@"), token)
    assert_recovers_or_breaks(reply(body), "NextToken is not a text")


def test_19_credentials_that_expire_before_page_two():
    with demo.Endpoint(account(), faults=[demo.Fault("expired", 1, times=None)]) as endpoint:
        with pytest.raises(dx.LoadError, match="ExpiredToken") as caught:
            dx.load_jobs(endpoint.client(), progress=False)
        assert len(endpoint.requests) == 2
    assert f"after {FIRST} jobs" in str(caught.value)
    assert "Renew the credentials" in str(caught.value)
    assert_same(caught.value.partial, first_page())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "what"),
    [("throttle", "Throttling"), ("server_error", "Internal"), ("reset", "closed")],
)
def test_20_endless_refusals_are_bounded(kind, what):
    with demo.Endpoint(account(), faults=[demo.Fault(kind, 1, times=None)]) as endpoint:
        with pytest.raises(dx.LoadError, match=what) as caught:
            dx.load_jobs(endpoint.client(), progress=False)
        assert 5 < len(endpoint.requests) < 20
    assert len(caught.value.partial) == FIRST
    assert_same(load(demo.Fault(kind, 1, times=5)), unbroken())


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["reset", "cut", "unavailable"])
def test_21_broken_between_pages_and_run_again(kind):
    with demo.Endpoint(account(), faults=[demo.Fault(kind, 1, times=None)]) as endpoint:
        client = endpoint.client()
        with pytest.raises(dx.LoadError) as caught:
            dx.load_jobs(client, progress=False)
        endpoint.faults = ()
        again = dx.load_jobs(client, progress=False)
    assert_same(caught.value.partial, first_page())
    assert_same(again, unbroken())
    assert_same(dx.concat([caught.value.partial, again]), unbroken())


@pytest.mark.slow
def test_21_interrupted_between_pages_and_run_again():
    interrupt = threading.Timer(0.3, os.kill, [os.getpid(), signal.SIGINT])
    with demo.Endpoint(account(), faults=[demo.Fault("stall", 1, seconds=0.6)]) as endpoint:
        client = endpoint.client()
        interrupt.start()
        with pytest.raises(dx.LoadInterrupted, match=r"`\.partial`") as caught:
            dx.load_jobs(client, progress=False)
        again = dx.load_jobs(client, progress=False)
    assert_same(caught.value.partial, first_page())
    assert_same(again, unbroken())
