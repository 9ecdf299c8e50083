"""What a load must survive: broken pages, broken files, odd fields, odd times, and secrets wherever they stand."""

from __future__ import annotations

import gzip
import json
import os
import signal
import threading
import warnings
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache

import pandas as pd
import pytest
from botocore.stub import Stubber

import dxnotebook as dx
from dxnotebook import demo
from dxnotebook.aws import pages as client_room
from tests.conftest import job, page_of, parsed_by_boto3, pruned

FIRST, ALL = 200, 220
NAMES = ("jobs", "details", "errors", "rejects")
S3 = "ImportAssetsFromS3"
DIGITS = "9" * 5_000


def old(number=1, **members):
    """Return a job from before all of the simulated account's, so that it may stand on a page after theirs."""
    return job(
        number,
        **{"CreatedAt": "2020-01-01T00:00:00Z", "UpdatedAt": "2020-01-01T00:01:00Z", **members},
    )


def filled(content, value):
    """Return a body with this JSON where it says "@"."""
    return content.replace(b'"@"', value if isinstance(value, bytes) else value.encode())


def nested(depth, kind="lists"):
    return (
        b"[" * depth + b"]" * depth if kind == "lists" else b'{"a":' * depth + b"1" + b"}" * depth
    )


def numbers(tables):
    return [int(found, 16) for found in tables.jobs["job_id"]]


def timed(one):
    """Return a job with its times as boto3 has them."""
    return {
        **one,
        **{
            name: datetime.fromisoformat(one[name])
            for name in ("CreatedAt", "UpdatedAt")
            if one.get(name)
        },
    }


def read(*jobs):
    return dx.read_jobs(page_of(*jobs))


def between(odd, value="null"):
    """Return a page on which a job, with this JSON where it says "@", stands between two that are in order."""
    return filled(page_of(job(1), odd, job(3)), value)


def assert_kept(tables, odd):
    assert tables.rejects.empty
    assert [pruned(one) for one in tables.to_jobs()] == [
        pruned(timed(one)) for one in (job(1), odd, job(3))
    ]


def assert_rejected(tables, reason, verbatim):
    """Check that the second of three jobs is the one reject, and is given back."""
    assert numbers(tables) == [1, 3]
    [reject] = tables.rejects.to_dict("records")
    assert (reject["source"], reject["page"], reject["position"]) == ("bytes", 0, 1)
    assert reason in reject["reason"]
    assert verbatim in reject["raw"]
    *rest, given_back = tables.to_jobs()
    assert [pruned(one) for one in rest] == [pruned(timed(one)) for one in (job(1), job(3))]
    assert given_back.keys() == json.loads(reject["raw"]).keys()


# Pages: a listing of two, of which the second is broken


@cache
def account():
    return demo.Account(ALL)


@cache
def unbroken():
    return load()


def reply(body, **options):
    return demo.Fault("reply", 1, body=body, **options)


def load(*faults):
    with demo.Endpoint(account(), faults=faults) as endpoint:
        return dx.load_jobs(endpoint.client(), progress=False)


@cache
def first_page():
    return unbroken().filter(unbroken().jobs["job_id"][:FIRST])


def assert_same(tables, expected):
    assert tables.rejects.empty
    for name in NAMES:
        assert getattr(tables, name).equals(getattr(expected, name))


def assert_recovers(fault):
    assert_same(load(replace(fault, times=1)), unbroken())


def broken(fault, what, advice="Load again"):
    """Check that a listing breaks with a message that says what, where and what to do; return the error."""
    with pytest.raises(dx.LoadError, match=what) as caught:
        load(replace(fault, times=None))
    message = str(caught.value)
    assert "us-east-1" in message
    assert advice in message
    assert "`.partial`" in message
    return caught.value


def assert_breaks(fault, what, advice="Load again"):
    """Check that a listing breaks at its second page, and that the first is kept."""
    error = broken(fault, what, advice)
    assert f"after {FIRST} jobs" in str(error)
    assert_same(error.partial, first_page())


def assert_recovers_or_breaks(fault, what):
    assert_recovers(fault)
    assert_breaks(fault, what)


def test_the_message_of_a_broken_listing_names_the_page():
    assert "page" in str(broken(demo.Fault("cut", 1), "line 1")).split("`.partial`")[0]


def test_01_body_shorter_than_content_length():
    assert_recovers_or_breaks(demo.Fault("truncate", 1), "cut short: [0-9,]+ of [0-9,]+ bytes")


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


def read_quietly(source, **options):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        return dx.read_jobs(source, **options), caught


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


@pytest.mark.parametrize("kind", ["reset", "cut", "unavailable"])
def test_21_broken_between_pages_and_run_again(kind):
    fault = demo.Fault(kind, 1, times=client_room._MOST_ATTEMPTS)
    with demo.Endpoint(account(), faults=[fault]) as endpoint:
        client = endpoint.client()
        with pytest.raises(dx.LoadError) as caught:
            dx.load_jobs(client, progress=False)
        again = dx.load_jobs(client, progress=False)
    assert_same(caught.value.partial, first_page())
    assert_same(again, unbroken())
    assert_same(dx.concat([caught.value.partial, again]), unbroken())


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


# Files


def saved(folder, content, name="jobs.json"):
    path = folder / name
    path.write_bytes(content)
    return path


def unread(source, what):
    """Check that a source does not read, and that the message names it, says what and what to do; return the rest."""
    with pytest.raises(dx.LoadError, match=what) as caught:
        dx.read_jobs(source)
    message = str(caught.value)
    assert str(source) in message or isinstance(source, bytes)
    assert "Expected ListJobs pages or jobs" in message
    return caught.value.partial


def test_22_page_without_jobs(tmp_path):
    full = read(
        job(
            1,
            Errors=[{"Code": "MALWARE_SCAN_ENCRYPTED_FILE"}],
            Details={S3: {"AssetSources": [{"Key": "k"}]}},
        )
    )
    for source in (
        b'{"Jobs": []}',
        b'{"Jobs":[],"NextToken":null}',
        saved(tmp_path, b'{"Jobs": []}'),
        {"Jobs": []},
    ):
        empty = dx.read_jobs(source)
        for name in NAMES:
            assert getattr(empty, name).empty
            pd.testing.assert_series_equal(getattr(empty, name).dtypes, getattr(full, name).dtypes)
        assert empty.to_jobs() == []


@pytest.mark.parametrize(
    "form",
    [
        lambda jobs: jobs,
        lambda jobs: [{"Jobs": jobs}],
        lambda jobs: [{"Jobs": [one]} for one in jobs],
    ],
)
def test_23_bare_list(tmp_path, form):
    jobs = [job(n) for n in range(1, 4)]
    tables = dx.read_jobs(saved(tmp_path, json.dumps(form(jobs), indent=1).encode()))
    assert tables.to_jobs() == parsed_by_boto3(page_of(*jobs))


def test_23_one_job(tmp_path):
    got = {**job(1), "ResponseMetadata": {"HTTPStatusCode": 200}}
    assert dx.read_jobs(saved(tmp_path, json.dumps(got).encode())).to_jobs() == [timed(job(1))]


@pytest.mark.parametrize(
    ("indent", "separator"), [(4, b"\n"), (4, b""), (None, b"\n"), (None, b""), (None, b" \r\n\t")]
)
def test_24_concatenated_pages(tmp_path, indent, separator):
    pages = [{"Jobs": [job(n), job(n + 1)], "NextToken": "t"} for n in (1, 3, 5)] + [{"Jobs": []}]
    tables = dx.read_jobs(
        saved(tmp_path, separator.join(json.dumps(page, indent=indent).encode() for page in pages))
    )
    assert numbers(tables) == [1, 2, 3, 4, 5, 6]
    assert tables.rejects.empty


@pytest.mark.parametrize("cut", [1, 10, 60, 150])
def test_25_half_a_last_line(tmp_path, cut):
    lines = [json.dumps(job(n)).encode() for n in range(1, 6)]
    path = saved(tmp_path, b"\n".join(lines)[:-cut], "jobs.ndjson")
    partial = unread(path, "line 5, column [0-9]+: ")
    assert partial.to_jobs() == [timed(job(n)) for n in range(1, 5)]


def test_26_gzip_is_read_whatever_its_name(tmp_path):
    content = gzip.compress(page_of(job(1))) + gzip.compress(page_of(job(2)))
    for name in ("jobs.json.gz", "jobs.json"):
        assert numbers(dx.read_jobs(saved(tmp_path, content, name))) == [1, 2]
    assert numbers(dx.read_jobs(content)) == [1, 2]


DAMAGES = {
    "cut": lambda content: content[:-9],
    "one byte wrong": lambda content: content[:40] + bytes([content[40] ^ 0xFF]) + content[41:],
    "wrong checksum": lambda content: content[:-8] + bytes(4) + content[-4:],
    "only a head": lambda content: content[:2],
    "garbage behind": lambda content: content + b"garbage",
    "nothing in it": lambda content: gzip.compress(b""),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_26_gzip_that_is_damaged_in_a_file(tmp_path, damage):
    content = DAMAGES[damage](gzip.compress(page_of(*(job(n) for n in range(9)))))
    what = "no page and no job" if damage == "nothing in it" else "gzip data is damaged"
    assert unread(saved(tmp_path, content, "jobs.json.gz"), what).jobs.empty


def test_27_zip_bomb(tmp_path):
    bomb = gzip.compress(page_of(job(1))) + gzip.compress(b" " * 2**24) * 25
    assert len(bomb) < 2**20
    assert unread(
        saved(tmp_path, bomb, "jobs.json.gz"), "swells to more than [0-9,]+ bytes"
    ).jobs.empty


@pytest.mark.parametrize("content", [b"", b" \n\t ", b"\xef\xbb\xbf"])
def test_28_empty_file(tmp_path, content):
    assert unread(saved(tmp_path, content), "no page and no job").jobs.empty


@pytest.mark.parametrize(
    "encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig", "latin-1"]
)
def test_29_other_encodings(tmp_path, encoding):
    content = page_of(job(1, State="é")).replace(b"\\u00e9", "é".encode()).decode()
    path = saved(tmp_path, content.encode(encoding))
    if encoding in ("utf-16", "utf-8-sig"):
        assert dx.read_jobs(path).jobs["state"].tolist() == ["é"]
    else:
        assert unread(path, "line 1").jobs.empty


def test_29_utf16_that_breaks_off(tmp_path):
    assert unread(
        saved(tmp_path, page_of(job(1)).decode().encode("utf-16")[:-1]), "UTF-16"
    ).jobs.empty


TWICE = {
    "State": ({"State": "ERROR"}, {"State": "CANCELLED"}),
    "Id": ({"Id": "other"}, {"Id": f"{2:032x}"}),
    "Errors": ({"Errors": [{"Code": "first"}]}, {"Errors": [{"Code": "second"}]}),
    "Details": (
        {"Details": {S3: {"DataSetId": "first"}}},
        {"Details": {S3: {"DataSetId": "second"}}},
    ),
    "New": ({"New": "first"}, {"New": {"second": 2}}),
}


@pytest.mark.filterwarnings("ignore::dxnotebook.UnknownFieldWarning")
@pytest.mark.parametrize("name", TWICE)
def test_30_duplicate_keys(name):
    first, second = (
        {**{k: v for k, v in job(2).items() if k != name}, **half} for half in TWICE[name]
    )
    twice = json.dumps(first)[:-1] + "," + json.dumps(TWICE[name][1])[1:]
    with pytest.warns(dx.DataWarning, match=f"same key twice: {name}"):
        tables = dx.read_jobs(between("@", twice))
    assert tables.rejects.empty
    one, both, three = tables.to_jobs()
    assert [one, three] == [timed(job(1)), timed(job(3))]
    assert both[name] == second[name]
    assert str(first[name]) in str(both)


def test_30_jobs_twice_on_a_page():
    content = b'{"Jobs": [%b], "Jobs": [%b]}' % (
        json.dumps(job(1)).encode(),
        json.dumps(job(2)).encode(),
    )
    with pytest.warns(dx.DataWarning, match="same key twice: Jobs"):
        assert numbers(dx.read_jobs(content)) == [1, 2]


def lowered(one):
    return {name.lower(): value for name, value in one.items()}


@pytest.mark.parametrize(
    "content",
    [
        {"jobs": []},
        {"jobs": [job(1)]},
        {"JOBS": [job(1)], "NextToken": "t"},
        {"jobs": [lowered(job(1))]},
        lowered(job(1)),
        [lowered(job(1))],
        {"Jobs": [lowered(job(1))]},
        {"Jobs": [lowered(job(1)), lowered(job(2))]},
    ],
)
def test_31_wrong_case_keys(tmp_path, content):
    body = json.dumps(content).encode()
    assert unread(
        saved(tmp_path, body), "found '(jobs|JOBS|arn)' where the API writes '(Jobs|Arn)'"
    ).jobs.empty


def test_31_wrong_case_keys_on_a_page():
    assert_recovers_or_breaks(reply(b'{"jobs": []}'), "found 'jobs' where the API writes 'Jobs'")


# Fields


def test_32_unknown_type_state_and_code():
    odd = job(
        2,
        Type="NEW_TYPE",
        State="NEW_STATE",
        Errors=[{"Code": "NEW", "LimitName": "L", "ResourceType": "R"}],
    )
    tables = dx.read_jobs(between(odd))
    assert_kept(tables, odd)
    assert tables.jobs.loc[1, ["type", "state"]].tolist() == ["NEW_TYPE", "NEW_STATE"]
    assert tables.errors.loc[0, ["code", "limit_name", "resource_type"]].tolist() == [
        "NEW",
        "L",
        "R",
    ]
    assert pd.isna(tables.jobs.loc[1, "duration_s"])
    for frame, column in ((tables.jobs, "type"), (tables.jobs, "state"), (tables.errors, "code")):
        assert isinstance(frame[column].dtype, pd.CategoricalDtype)
        assert frame[column].cat.categories[-1].startswith("NEW")


def test_33_unknown_branch_of_details():
    branch = {
        "DataSetId": "d",
        "Crater": "c",
        "Depth": 5,
        "Rocks": [{"Key": "k", "Weight": 1.5}],
        "Names": ["a", "b"],
    }
    odd = job(2, Type="IMPORT_ASSETS_FROM_MOON", Details={"ImportAssetsFromMoon": branch})
    with pytest.warns(dx.UnknownFieldWarning, match="ImportAssetsFromMoon"):
        tables = dx.read_jobs(between(odd))
    assert_kept(tables, odd)
    assert tables.jobs.loc[1, ["data_set_id", "crater", "depth"]].tolist() == ["d", "c", 5]
    assert tables.details["field"].tolist() == [
        "ImportAssetsFromMoon.Rocks",
        *["ImportAssetsFromMoon.Names"] * 2,
    ]
    assert tables.details["position"].tolist() == [0, 0, 1]
    assert tables.details["key"].tolist()[0] == "k"


@pytest.mark.parametrize("branch", [{}, None])
def test_33_unknown_branch_without_anything_in_it(branch):
    odd = job(2, Details={"ImportAssetsFromMoon": branch})
    assert_kept(dx.read_jobs(between(odd)), odd)


UNKNOWN_VALUES = {
    "text": "x",
    "integer": 5,
    "large integer": 2**62,
    "larger integer": 2**70,
    "number": 1.5,
    "boolean": True,
    "date": "2024-01-02T03:04:05Z",
    "texts": ["x", "y"],
    "numbers": [1, 2, 2**60 + 1],
    "mixed": [1, "x"],
    "null among texts": ["x", None, "y"],
    "integer and number": [1, 1.5],
    "lists": [[1], [2, 3]],
    "mixed lists": [1, ["x"]],
    "list and object": [{"a": 1}, ["x"]],
    "object": {"A": 1, "B": {"C": "x"}},
    "objects": [{"A": 1}, {"B": "x"}],
    "objects of one member in two types": [{"A": 1}, {"A": "x"}, {"A": None}],
    "objects with lists": [{"A": [1, 2], "B": [{"C": 1}]}, {"A": []}],
    "objects with lists of lists": [{"A": [[1], [2]]}],
    "lists below lists": [{"A": [{"B": [1, {"C": [2]}]}]}],
    "names that look like marks": {":json": 1, "x:text": 2, "x": 3, "\0json": 4, "x\0text": 5},
    "names that look like paths": {"[]": 1, "a.b": [1], "a": {"b": [2]}, "": 3},
    "names that are no UTF-8": {"\ud800": 1, "x\udfff": {"y": 2}},
    "names of our own": {
        "Ordinal": 1,
        "job #": 2,
        "Position": 3,
        "Field": "x",
        "JobId": "y",
        "AccountId": 4,
    },
    "lists of such names": [{"Ordinal": 5, "Position": 6, "[]": 7}, {"Field": [8]}],
}
UNKNOWN_PLACES = {
    "job": lambda value: {"New": value},
    "details": lambda value: {"Details": {S3: {"New": value, "DataSetId": "d"}}},
    "element": lambda value: {
        "Details": {S3: {"AssetSources": [{"Key": "k", "New": value}, {"Key": "l"}]}}
    },
    "error": lambda value: {"Errors": [{"Code": "c", "New": value}, {"Code": "d"}]},
    "error's details": lambda value: {
        "Errors": [{"Details": {"ImportAssetsFromS3JobErrorDetails": [{"New": value}]}}]
    },
    "encryption": lambda value: {"Details": {"ExportAssetsToS3": {"Encryption": {"New": value}}}},
}


@pytest.mark.parametrize("value", UNKNOWN_VALUES)
def test_34_unknown_member(value):
    odd = [
        job(n, **place(UNKNOWN_VALUES[value])) for n, place in enumerate(UNKNOWN_PLACES.values(), 2)
    ]
    with pytest.warns(dx.UnknownFieldWarning, match="New") as caught:
        tables = read(job(1), *odd, job(99))
    assert len(caught) == 1
    assert tables.rejects.empty
    assert [pruned(one) for one in tables.to_jobs()] == [
        pruned(timed(one)) for one in (job(1), *odd, job(99))
    ]


def test_34_unknown_members_are_columns_and_rows():
    odd = job(2, New="x", Size=5, Names=["a", "b"], Errors=[{"Code": "c", "Hint": "h"}])
    with pytest.warns(dx.UnknownFieldWarning, match="New, Size, Names\\[\\], Errors\\[\\].Hint"):
        tables = dx.read_jobs(between(odd))
    assert tables.jobs["new"].fillna("").tolist() == ["", "x", ""]
    assert tables.jobs["size"].fillna(0).tolist() == [0, 5, 0]
    assert tables.details[["field", "position", "name"]].to_numpy().tolist() == [
        ["Names", 0, "a"],
        ["Names", 1, "b"],
    ]
    assert tables.errors["hint"].tolist() == ["h"]


def test_34_unknown_member_whose_type_changes_from_page_to_page():
    values = [1, "x", 1.5, None, {"a": 1}, [1], ["x"], True, {"a": "x"}, 2**70, [{"a": 1}], 2]
    jobs = [job(n, New=value) for n, value in enumerate(values)]
    pages = b"".join(page_of(one) for one in jobs)
    for source in (pages, page_of(*jobs), [page_of(one) for one in jobs]):
        with pytest.warns(dx.UnknownFieldWarning, match="New") as caught:
            tables = dx.read_jobs(source)
        assert len(caught) == 1
        assert tables.rejects.empty
        assert [one.get("New") for one in tables.to_jobs()] == values


def test_34_unknown_lists_that_would_share_a_name():
    branch = {S3: {"AssetSources": [{"Bucket": "b", "Key": "k"}], "Foo": {"Bars": [1]}}}
    odd = [
        job(2, Details=branch, ImportAssetsFromS3={"AssetSources": [{"Key": "other"}]}),
        job(3, Details=branch, **{f"{S3}.AssetSources": [{"Key": "third"}]}),
        job(
            4, Details={**branch, "AssetConfiguration": {"Tags": [{"Key": "t"}]}}, Foo={"Bars": [2]}
        ),
    ]
    with pytest.warns(dx.UnknownFieldWarning):
        tables = read(job(1), *odd)
    assert [pruned(one) for one in tables.to_jobs() if one["Id"] != job(4)["Id"]] == [
        pruned(timed(one)) for one in (job(1), *odd[:2])
    ]
    assert pruned(timed(odd[2])) in [pruned(one) for one in tables.to_jobs()]


TWO_BRANCHES = {
    "two known": {S3: {"DataSetId": "a"}, "ExportAssetsToS3": {"DataSetId": "b"}},
    "known and unknown": {S3: {"DataSetId": "a"}, "ImportAssetsFromMoon": {"DataSetId": "b"}},
    "two unknown": {
        "ImportAssetsFromMoon": {"DataSetId": "a"},
        "ImportAssetsFromMars": {"DataSetId": "b"},
    },
}


@pytest.mark.filterwarnings("ignore::dxnotebook.UnknownFieldWarning")
@pytest.mark.parametrize("details", TWO_BRANCHES)
def test_35_two_branches_of_details(details):
    odd = job(2, Details=TWO_BRANCHES[details])
    tables = dx.read_jobs(between(odd))
    if tables.rejects.empty:
        assert_kept(tables, odd)
    else:
        assert_rejected(tables, "Details has 2 branches", '"DataSetId": "b"')
    assert TWO_BRANCHES[details] in [one.get("Details") for one in tables.to_jobs()]


@pytest.mark.parametrize("other", [None, {}])
def test_35_a_second_branch_that_is_empty(other):
    odd = job(2, Details={S3: {"DataSetId": "a"}, "ExportAssetsToS3": other})
    assert_kept(dx.read_jobs(between(odd)), odd)


def test_36_details_null():
    odd = job(2, Details=None)
    assert_kept(dx.read_jobs(between(odd)), odd)


@pytest.mark.parametrize("value", ['"text"', "[]", '[{"a": 1}]', "5", "true"])
@pytest.mark.parametrize("path", ["Details", f"Details.{S3}"])
def test_37_details_that_is_no_object(path, value):
    odd = job(2, Details="@" if path == "Details" else {S3: "@"})
    assert_rejected(dx.read_jobs(between(odd, value)), f"{path} is", value)


@pytest.mark.parametrize("missing", ["Arn", "Id"])
@pytest.mark.parametrize("how", ["absent", "null", "empty"])
def test_38_arn_or_id_missing(missing, how):
    odd = job(2, **{missing: {"null": None, "empty": ""}.get(how)})
    if how == "absent":
        del odd[missing]
    assert_rejected(dx.read_jobs(between(odd)), f"no {missing}", '"CreatedAt": "2026-09-01')


@pytest.mark.parametrize(
    "value", ["5", "0", "1.5", "true", "false", "{}", '{"a": 1}', '["x"]', "NaN", "1e400"]
)
def test_39_arn_that_is_no_text(value):
    assert_rejected(dx.read_jobs(between(job(2, Arn="@"), value)), "Arn", value)


@pytest.mark.parametrize("errors", [None, []])
def test_40_errors_null_or_empty(errors):
    odd = job(2, Errors=errors)
    tables = dx.read_jobs(between(odd))
    assert_kept(tables, odd)
    assert tables.jobs["error_count"].tolist() == [0, 0, 0]


@pytest.mark.parametrize("value", ["{}", '{"Code": "x"}', '"x"', "5", '["x"]', "[[]]"])
def test_41_errors_that_is_no_list_of_objects(value):
    assert_rejected(dx.read_jobs(between(job(2, Errors="@"), value)), "Errors", value)


def test_42_null_among_errors_and_null_details():
    listed = {"ImportAssetsFromS3JobErrorDetails": [{"Key": "j"}, {"Key": "k"}]}
    errors = [None, {"Code": "a", "Details": None}, {"Code": "b", "Details": listed}, None]
    tables = dx.read_jobs(between(job(2, Errors=errors)))
    assert tables.rejects.empty
    assert numbers(tables) == [1, 2, 3]
    assert tables.jobs["error_count"].tolist() == [0, 4, 0]
    assert tables.errors["position"].tolist() == [0, 1, 2, 2, 3]
    assert tables.errors["code"].astype("str").fillna("").tolist() == ["", "a", "b", "b", ""]
    found = tables.to_jobs()[1]["Errors"]
    assert [error.get("Code") for error in found] == [None, "a", "b", None]
    assert found[2]["Details"] == listed


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("5", 5.0),
        ('"5"', 5.0),
        ('"5.5"', 5.5),
        ("-0.0", 0.0),
        ("1e308", 1e308),
        ("1E+20", 1e20),
        (str(2**53), float(2**53)),
        (str(2**63), float(2**63)),
        ("100000000000000000000", 1e20),
        ("5e-324", 5e-324),
    ],
)
def test_43_limit_value_that_is_a_number(text, number):
    odd = job(2, Errors=[{"Code": "c", "LimitValue": "@"}])
    tables = dx.read_jobs(between(odd, text))
    assert tables.errors["limit_value"].dtype == "float64"
    assert tables.errors["limit_value"].tolist() == [number]
    assert_kept(tables, {**odd, "Errors": [{"Code": "c", "LimitValue": number}]})


@pytest.mark.parametrize(
    "text",
    [
        "NaN",
        "Infinity",
        "-Infinity",
        "1e400",
        "-1e400",
        '"NaN"',
        '"inf"',
        '"x"',
        '""',
        "true",
        "[5]",
        '{"a": 5}',
        '"1_000"',
    ],
)
def test_43_limit_value_that_is_none(text):
    odd = job(2, Errors=[{"Code": "c", "LimitValue": "@"}])
    assert_rejected(dx.read_jobs(between(odd, text)), "LimitValue is", text.strip('"'))


@pytest.mark.parametrize("text", [str(2**53 + 1), f'"{2**53 + 1}"', "1" * 30])
def test_43_limit_value_that_a_float_would_round(text):
    tables = dx.read_jobs(between(job(2, Errors=[{"Code": "c", "LimitValue": "@"}]), text))
    assert text.strip('"') in str(tables.to_jobs())
    assert len(tables.jobs) + len(tables.rejects) == 3


@pytest.mark.parametrize("place", ["job", "element", "error"])
def test_44_10_000_keys(place):
    many = {f"Key{n}": n for n in range(10_000)}
    members = json.loads(
        json.dumps(UNKNOWN_PLACES[place]("@")).replace('"New": "@"', json.dumps(many)[1:-1])
    )
    odd = job(2, **members)
    with pytest.warns(dx.UnknownFieldWarning, match="and [0-9]+ more"):
        tables = dx.read_jobs(between(odd))
    assert_kept(tables, odd)
    assert max(len(getattr(tables, name).columns) for name in NAMES) < 1_000


@pytest.mark.parametrize("value", [{"a": 7}, [7, "text"]])
def test_44_10_000_keys_with_other_values(value):
    odd = job(2, **{f"Key{n}": value for n in range(10_000)})
    with pytest.warns(dx.UnknownFieldWarning, match="Key0"):
        tables = dx.read_jobs(between(odd))
    assert_kept(tables, odd)
    assert max(len(getattr(tables, name).columns) for name in NAMES) < 1_000


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("apart", [True, False])
def test_45_same_arn_with_an_older_update(newest_first, apart):
    def version(day, state, key):
        sources = {S3: {"AssetSources": [{"Key": key}]}}
        return job(
            2,
            UpdatedAt=f"2026-09-{day:02}T00:00:00Z",
            State=state,
            Details=sources,
            Errors=[{"Code": key}],
        )

    older, newer = version(2, "IN_PROGRESS", "older"), version(3, "COMPLETED", "newer")
    versions = [newer, older] if newest_first else [older, newer]
    pages = [page_of(job(1), versions[0]), page_of(versions[1], job(3))]
    tables = dx.read_jobs(pages if apart else page_of(job(1), *versions, job(3)))
    assert sorted(numbers(tables)) == [1, 2, 3]
    assert timed(newer) in tables.to_jobs()
    assert tables.details["key"].tolist() == ["newer"]
    assert tables.errors["code"].tolist() == ["newer"]


@pytest.mark.parametrize(
    "difference",
    [
        lambda n: {"State": ["ERROR", "COMPLETED"][n]},
        lambda n: {"Details": {S3: {"AssetSources": [{"Key": str(n)}]}}},
        lambda n: {"Errors": [{"Message": str(n)}]},
        lambda n: {"UpdatedAt": None, "State": ["ERROR", "COMPLETED"][n]},
    ],
)
def test_46_same_arn_and_update_with_other_content(difference):
    versions = [job(2, **difference(n)) for n in range(2)]
    kept = []
    for order in (versions, versions[::-1]):
        with pytest.warns(dx.DataWarning, match="1 job came in two versions"):
            tables = read(job(1), *order, job(3))
        assert sorted(numbers(tables)) == [1, 2, 3]
        kept += [one for one in tables.to_jobs() if one["Id"] == job(2)["Id"]]
    assert kept[0] == kept[1]
    assert pruned(kept[0]) in [pruned(timed(version)) for version in versions]


def test_46_the_very_same_job_twice():
    tables = read(job(1), job(2), job(2), job(3))
    assert tables.to_jobs() == [timed(job(n)) for n in (1, 2, 3)]


def test_47_updated_before_created():
    odd = job(2, UpdatedAt="2026-08-31T00:00:00Z")
    with pytest.warns(dx.DataWarning, match="1 job was updated before it was created"):
        tables = dx.read_jobs(between(odd))
    assert_kept(tables, odd)
    assert tables.jobs["duration_s"].fillna(-1).tolist() == [60, -1, 60]


def test_48_two_accounts_with_one_id():
    odd = {
        **job(1),
        "Arn": "arn:aws:dataexchange:us-east-1:999999999999:jobs/x",
        "Errors": [{"Code": "c"}],
    }
    with pytest.warns(dx.DataWarning, match="2 jobs share their id"):
        tables = dx.read_jobs(between(odd))
    assert_kept(tables, odd)
    assert tables.jobs["account_id"].tolist() == ["111122223333", "999999999999", "111122223333"]
    assert tables.jobs["job_id"].is_unique
    assert tables.errors["job_id"].tolist() == [odd["Arn"]]


# Times


def at(*parts):
    return datetime(*parts, tzinfo=UTC)


def read_time(value):
    """Return the tables of a page with this time as a job's own, and as one deep in another job."""
    own = job(2, CreatedAt="@", UpdatedAt=None)
    deep = job(4, Details={"ExportAssetToSignedUrl": {"SignedUrlExpiresAt": "@"}})
    return dx.read_jobs(filled(page_of(job(1), own, job(3), deep, job(5)), value))


def assert_time(tables, expected, given_back=None):
    """Check that both odd jobs have this time, and that nothing was rejected."""
    assert tables.rejects.empty
    assert numbers(tables) == [1, 2, 3, 4, 5]
    for name, row in (("created_at", 1), ("signed_url_expires_at", 3)):
        assert tables.jobs[name].dtype == "datetime64[us, UTC]"
        assert tables.jobs[name][row] == expected
    one, own, three, deep, five = tables.to_jobs()
    assert own["CreatedAt"] == (given_back or expected)
    assert deep["Details"]["ExportAssetToSignedUrl"]["SignedUrlExpiresAt"] == (
        given_back or expected
    )
    assert [one, three, five] == [timed(job(n)) for n in (1, 3, 5)]
    assert "JobTables: 5 jobs" in repr(tables)


def assert_no_time(tables, value, reason=" is not a time"):
    """Check that both odd jobs are rejects, with the time as it came, and that the others are there."""
    verbatim = value.strip('"')
    assert tables.rejects["position"].tolist() == [1, 3]
    own, deep = tables.rejects.to_dict("records")
    assert f"CreatedAt{reason}" in own["reason"]
    assert f"SignedUrlExpiresAt{reason}" in deep["reason"]
    assert verbatim in own["raw"]
    assert verbatim in deep["raw"]
    assert tables.to_jobs()[:3] == [timed(job(n)) for n in (1, 3, 5)]
    assert [one["Id"] for one in tables.to_jobs()[3:]] == [job(2)["Id"], job(4)["Id"]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1726000000", at(2024, 9, 10, 20, 26, 40)),
        ("1726000000.5", at(2024, 9, 10, 20, 26, 40, 500_000)),
        ("1.726e9", at(2024, 9, 10, 20, 26, 40)),
        ('"1726000000"', at(2024, 9, 10, 20, 26, 40)),
        ("4102444800", at(2100, 1, 1)),
    ],
)
def test_49_epoch_seconds(text, expected):
    assert_time(read_time(text), expected)


@pytest.mark.parametrize("text", ["1726000000123", "1726000000123.0", '"1726000000123"'])
def test_50_epoch_milliseconds(text):
    tables = read_time(text)
    if tables.rejects.empty:
        assert_time(tables, at(2024, 9, 10, 20, 26, 40, 123_000))
    else:
        assert_no_time(tables, text)


@pytest.mark.parametrize("text", ["1726000000123456", "1726000000123456789", "100000000000"])
def test_50_epoch_microseconds_and_nanoseconds(text):
    assert_no_time(read_time(text), text)


@pytest.mark.parametrize(
    "text", ['"20240102"', "20240102", '"2024"', "2024", '"202401"', "0", "-1", "86400"]
)
def test_51_a_date_written_as_a_number(text):
    assert_no_time(read_time(text), text)


@pytest.mark.parametrize(
    "text", ['"Jan"', '"2024-01"', '"12:30"', '"now"', '"today"', '"Monday"', '""', '" "']
)
def test_52_a_part_of_a_date(text):
    assert_no_time(read_time(text), text)


@pytest.mark.parametrize(
    "text", ["2024-01-02T03:04:05", "2024-01-02 03:04:05.000", "2024-01-02T03:04"]
)
def test_53_no_zone(text):
    with pytest.warns(dx.DataWarning, match="2 times named no time zone and were taken as UTC"):
        tables = read_time(f'"{text}"')
    assert_time(tables, at(2024, 1, 2, 3, 4, 5 if text.count(":") == 2 else 0))


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("+05:30", at(2024, 1, 1, 21, 34, 5)),
        ("+0530", at(2024, 1, 1, 21, 34, 5)),
        ("+05", at(2024, 1, 1, 22, 4, 5)),
        ("-08:00", at(2024, 1, 2, 11, 4, 5)),
        ("-23:59", at(2024, 1, 3, 3, 3, 5)),
        ("+00:00", at(2024, 1, 2, 3, 4, 5)),
        ("-00:00", at(2024, 1, 2, 3, 4, 5)),
        (".250+05:30", at(2024, 1, 1, 21, 34, 5, 250_000)),
    ],
)
def test_54_offset(zone, expected):
    tables = read_time(f'"2024-01-02T03:04:05{zone}"')
    assert_time(tables, expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0001-01-01T00:00:00Z", at(1, 1, 1)),
        ("0001-01-01T05:30:00+05:30", at(1, 1, 1)),
        ("9999-12-31T23:59:59.999999Z", at(9999, 12, 31, 23, 59, 59, 999_999)),
        ("1677-01-01T00:00:00Z", at(1677, 1, 1)),
        ("2263-01-01T00:00:00Z", at(2263, 1, 1)),
        ("1969-12-31T23:59:59.999999Z", at(1969, 12, 31, 23, 59, 59, 999_999)),
    ],
)
def test_55_year_1_and_year_9999(text, expected):
    assert_time(read_time(f'"{text}"'), expected)


@pytest.mark.parametrize("created", ["0001-01-01T00:00:00Z", "1700-01-01T00:00:00Z"])
@pytest.mark.parametrize("updated", ["9999-12-31T23:59:59.999999Z", "2026-09-01T00:00:00Z"])
def test_55_created_centuries_before_it_was_updated(created, updated):
    odd = job(2, CreatedAt=created, UpdatedAt=updated)
    tables = dx.read_jobs(between(odd))
    assert_kept(tables, odd)
    expected = (datetime.fromisoformat(updated) - datetime.fromisoformat(created)).total_seconds()
    assert tables.jobs["duration_s"].tolist() == [60, pytest.approx(expected), 60]


@pytest.mark.filterwarnings("ignore:.*updated before .* created:dxnotebook.DataWarning")
def test_55_updated_centuries_before_it_was_created():
    odd = job(2, CreatedAt="9999-12-31T23:59:59Z", UpdatedAt="0001-01-01T00:00:00Z")
    tables = dx.read_jobs(between(odd))
    assert_kept(tables, odd)
    assert pd.isna(tables.jobs["duration_s"][1])


@pytest.mark.parametrize(
    "text",
    ["9999-12-31T23:59:59-05:00", "0001-01-01T00:00:00+00:01", "10000-01-01T00:00:00Z", "+12024-01-01T00:00:00Z",
     "0000-01-01T00:00:00Z", "-0001-01-01T00:00:00Z"],
)  # fmt: skip
def test_56_outside_the_years_1_to_9999(text):
    assert_no_time(read_time(f'"{text}"'), text, reason="")


@pytest.mark.parametrize(
    "text",
    ["2016-12-31T23:59:60Z", "2024-02-30T00:00:00Z", "2023-02-29T00:00:00Z", "2024-13-01T00:00:00Z", "garbage",
     "2024-01-02T25:00:00Z", "2024-01-02T03:60:00Z", "2024-01-02T03:04:05+24:00", "2024-01-02T03:04:05+99:99",
     "2024-01-02T03:04:05ZZ", "2024-01-02T03:04:05Z[UTC]", "Tue, 02 Jan 2024 03:04:05 GMT", "2024-W01-2", "2024-001",
     "٢٠٢٤-01-02T03:04:05Z", "01/02/2024"],
)  # fmt: skip
def test_57_leap_second_30_february_garbage(text):
    value = json.dumps(text, ensure_ascii=False)
    assert_no_time(read_time(value), text)


@pytest.mark.parametrize(
    "text", ["true", "{}", "[]", '["2024-01-02T03:04:05Z"]', "NaN", "1e400", DIGITS]
)
def test_57_not_even_a_text(text):
    assert_no_time(read_time(text), text)


@pytest.mark.parametrize(
    "text",
    [
        "2024-01-02T03:04:05.123456789Z",
        "2024-01-02T08:34:05.123456789+05:30",
        "2024-01-02T03:04:05.1234561Z",
    ],
)
def test_58_nanoseconds(text):
    tables = read_time(f'"{text}"')
    assert_time(tables, at(2024, 1, 2, 3, 4, 5, 123_456), given_back=text)


@pytest.mark.parametrize("text", ["2024-01-02T03:04:05.123456000Z", "2024-01-02T03:04:05.123456Z"])
def test_58_nanoseconds_that_are_none(text):
    assert_time(read_time(f'"{text}"'), at(2024, 1, 2, 3, 4, 5, 123_456))


# Secrets

SECRET = "wJalrXUtnFEMI7MDENGbPxRfiCYEXAMPLEKEY"
SIGNED = f"https://b.s3.amazonaws.com/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature={SECRET}"
QUOTED = {
    "alone": SIGNED,
    "in a sentence": f"GET {SIGNED} failed: 403",
    "in quotes": f'<Error url="{SIGNED}" />',
    "two of them": f"{SIGNED} {SIGNED}",
    "more behind": f"{SIGNED}&X-Amz-Expires=60&x={SECRET}",
    "more before": f"https://b/k?X-Amz-Security-Token={SECRET}&X-Amz-Signature=1",
    "a session's token": f"https://b/k?X-Amz-Security-Token={SECRET}",
    "version 2": f"https://b.s3.amazonaws.com/k?AWSAccessKeyId=A&Expires=1&Signature={SECRET}",
    "lower case": SIGNED.replace("X-Amz-Signature", "x-amz-signature"),
    "ampersands escaped": SIGNED.replace("&", "&amp;"),
    "percent-encoded": "https://r/?to="
    + SIGNED.replace("?", "%3F").replace("=", "%3D").replace("&", "%26"),
    "percent-encoded in lower case": SIGNED.replace("?", "%3f")
    .replace("=", "%3d")
    .replace("&", "%26"),
    "percent-encoded twice": SIGNED.replace("?", "%253F")
    .replace("=", "%253D")
    .replace("&", "%2526"),
    "escaped for JSON": SIGNED.replace("&", "\\u0026").replace("=", "\\u003d"),
    "wrapped before the query": SIGNED.replace("?", "\n?"),
    "wrapped within the query": SIGNED.replace("&X", "&\nX"),
    "wrapped before the value": SIGNED.replace(SECRET, "\n" + SECRET),
    "wrapped within the value": SIGNED.replace(SECRET, "0123456789abcdef\n" + SECRET),
    "a fragment only": f"…X-Amz-Signature={SECRET}",
    "Google": f"https://storage.googleapis.com/b/k?X-Goog-Date=1&X-Goog-Signature={SECRET}&X-Goog-Expires=1",
    "Azure": f"https://a.blob.core.windows.net/c/b?sv=2020-08-04&sr=b&sig={SECRET}&se=2026",
    "CloudFront": f"https://d1.cloudfront.net/k?Expires=1&Signature={SECRET}&Key-Pair-Id=K",
    "CloudFront's policy": f"https://d1.cloudfront.net/k?Policy={SECRET}&Signature=1&Key-Pair-Id=K",
    "CloudFront's key pair": f"https://d1.cloudfront.net/k?Key-Pair-Id={SECRET}",
}


def planted(url):
    """Return jobs that hold an URL in one place each, and one for each place of a reject."""
    source = {"Bucket": "b", "Key": url}
    places = {
        "Message": {"Errors": [{"Code": "c", "Message": url}]},
        "Key": {"Details": {S3: {"AssetSources": [source]}}},
        "AssetName": {"Details": {"ImportAssetFromSignedUrl": {"AssetName": url}}},
        "an error's Key": {
            "Errors": [{"Details": {"ImportAssetsFromS3JobErrorDetails": [source]}}]
        },
        "an error's AssetName": {
            "Errors": [{"Details": {"ImportAssetFromSignedUrlJobErrorDetails": {"AssetName": url}}}]
        },
        "ResourceId": {"Errors": [{"ResourceId": url}]},
        "State": {"State": url},
        "Type": {"Type": url},
        "a tag": {"AssetConfiguration": {"Tags": [{"Key": "k", "Value": url}]}},
        "unknown": {"New": url},
        "unknown, nested": {"New": {"A": {"B": url}}},
        "unknown, in a list": {"NewList": [url, "x"]},
        "unknown, in a list of objects": {"NewList": [{"A": url}]},
        "unknown, in a list of lists": {"NewLists": [[url]]},
        "unknown, in a branch": {
            "Details": {"ImportAssetsFromMoon": {"A": url, "B": [url], "C": {"D": [[url]]}}}
        },
        "unknown, in an error": {"Errors": [{"New": url, "NewList": [url]}]},
        "reject": {"Details": url},
        "reject, nested": {"Details": {S3: {"AssetSources": {"a": [[url]]}}}},
        "reject, its time": {"CreatedAt": url},
        "reject, its number": {"Errors": [{"LimitValue": url}]},
    }
    return {place: job(n, **members) for n, (place, members) in enumerate(places.items(), 1)}


def shown(tables, caught=()):
    """Return all that anybody gets to see of tables."""
    frames = [getattr(tables, name) for name in NAMES]
    texts = [frame.to_csv() + repr(frame.attrs) + repr(list(frame)) for frame in frames]
    said = [str(warning.message) for warning in caught]
    return "\n".join(
        [
            *texts,
            *said,
            repr(tables),
            tables._repr_html_(),
            str(tables.to_jobs()),
            str(tables.failures),
        ]
    )


def leaks(text, secret=SECRET):
    return secret in text


def assert_scrubbed(source, jobs):
    """Check that a source's secret is nowhere to be seen; return the tables."""
    tables, caught = read_quietly(source)
    assert len(tables.jobs) + len(tables.rejects) == jobs
    assert not leaks(shown(tables, caught))
    return tables


@pytest.mark.parametrize("form", QUOTED)
def test_66_signed_url_wherever_it_stands(form):
    jobs = planted(QUOTED[form])
    tables, caught = read_quietly(page_of(*jobs.values()))
    leaking = {one["Id"] for one in tables.to_jobs() if SECRET in str(one)}
    assert [place for place, one in jobs.items() if one["Id"] in leaking] == []
    assert len(tables.jobs) + len(tables.rejects) == len(jobs)
    assert not leaks(shown(tables, caught))


@pytest.mark.parametrize("form", ["in a sentence", "wrapped within the value", "escaped for JSON"])
def test_66_redact_false_leaves_everything_as_it_came(form):
    jobs = planted(QUOTED[form])
    tables, _ = read_quietly(page_of(*jobs.values()), redact=False)
    found = {one["Id"]: pruned(one) for one in tables.to_jobs()}
    for one in jobs.values():
        times = timed(
            {name: one[name] for name in ("CreatedAt", "UpdatedAt") if one[name].startswith("2026")}
        )
        assert found[one["Id"]] == pruned({**one, **times})


SECRET_MEMBERS = {
    "SignedUrl": {
        "Details": {"ImportAssetFromSignedUrl": {"SignedUrl": f"https://b/k?opaque={SECRET}"}}
    },
    "SignedUrl of an export": {"Details": {"ExportAssetToSignedUrl": {"SignedUrl": SIGNED}}},
    "SignedUrl on several lines": {
        "Details": {"ExportAssetToSignedUrl": {"SignedUrl": f"https://b/k?a=1\n&b={SECRET}"}}
    },
    "SignedUrl with a fragment": {
        "Details": {"ExportAssetToSignedUrl": {"SignedUrl": f"https://b/k#{SECRET}"}}
    },
    "SignedUrl percent-encoded": {
        "Details": {"ExportAssetToSignedUrl": {"SignedUrl": f"https://b/k%3Fopaque%3D{SECRET}"}}
    },
    "ApiSpecificationUploadUrl": {
        "Details": {
            "ImportAssetFromApiGatewayApi": {
                "ApiSpecificationUploadUrl": f"https://b/k?opaque={SECRET}"
            }
        }
    },
    "ApiKey": {"Details": {"ImportAssetFromApiGatewayApi": {"ApiKey": SECRET}}},
    "ApiKey, unknown place": {"New": {"ApiKey": SECRET}},
    "SignedUrl, unknown place": {"New": [{"SignedUrl": f"https://b/k?opaque={SECRET}"}]},
    "ApiKey, a list": {"Details": {"ImportAssetFromApiGatewayApi": {"ApiKey": [SECRET]}}},
    "ApiKey, an object": {
        "Details": {"ImportAssetFromApiGatewayApi": {"ApiKey": {"a": {"b": SECRET}}}}
    },
    "SignedUrl, a list": {
        "Details": {"ImportAssetFromSignedUrl": {"SignedUrl": [f"https://b/k?opaque={SECRET}"]}}
    },
    "SignedUrl, an object": {
        "Details": {
            "ImportAssetFromSignedUrl": {"SignedUrl": {"a": f"https://b/k?opaque={SECRET}"}}
        }
    },
    "ApiKey of mixed types": {"New": {"ApiKey": [1, SECRET]}},
    "ApiKey in a list of lists": {"New": [[{"ApiKey": SECRET}]]},
    "SignedUrl in a list of lists": {"New": [[{"SignedUrl": f"https://b/k?opaque={SECRET}"}]]},
    "unknown, of mixed types": {"New": [1, SIGNED]},
    "past the limit": {
        **{f"New{n}": SIGNED for n in range(250)},
        "ApiKey": SECRET,
        "SignedUrl": f"https://b/k?opaque={SECRET}",
        SIGNED: 1,
    },
    "a key": {SIGNED: 1},
    "a key in an object": {"New": {SIGNED: {"a": [1]}}},
    "a branch": {"Details": {SIGNED: {"a": 1}}},
    "a branch of a reject": {"Details": {SIGNED: {"a": 1}, S3: {"DataSetId": "d"}}},
    "Arn": {"Arn": f"arn:aws:x:y:z:{SIGNED}"},
    "Id": {"Id": SIGNED},
}


@pytest.mark.parametrize("member", SECRET_MEMBERS)
def test_66_secret_members(member):
    members = SECRET_MEMBERS[member]
    assert_scrubbed(page_of(job(1), job(2, **members), job(3)), 3)
    tolerant, reject = ({**members, "UpdatedAt": value} for value in (1_788_220_860, "garbage"))
    assert_scrubbed(page_of(job(1), job(2, **tolerant), job(3)), 3)
    assert_scrubbed(page_of(job(1), job(2, **reject), job(3)), 3)


@pytest.mark.parametrize("name", ["ApiKey", "SignedUrl"])
def test_66_secret_member_that_stands_there_twice(name):
    branch = "ImportAssetFromApiGatewayApi" if name == "ApiKey" else "ImportAssetFromSignedUrl"
    value = SECRET if name == "ApiKey" else f"https://b/k?opaque={SECRET}"
    details = json.dumps({branch: {name: value, "x": "other"}}).replace('"x"', f'"{name}"')
    assert_scrubbed(between(job(2, Details="@"), details), 3)


@pytest.mark.parametrize("branch", ["ImportAssetFromApiGatewayApi", "New"])
def test_66_api_key_that_is_a_number(branch):
    tables, caught = read_quietly(page_of(job(1, Details={branch: {"ApiKey": 918273645546}})))
    assert not leaks(shown(tables, caught), "918273645546")


def test_66_pages_and_jobs_as_boto3_gives_them():
    jobs = [
        timed(job(n, **SECRET_MEMBERS[name])) for n, name in enumerate(("SignedUrl", "ApiKey"), 1)
    ]
    for source in ([{"Jobs": jobs}], jobs, iter(jobs)):
        assert_scrubbed(source, 2)


def test_66_the_rest_of_a_load_that_breaks():
    good = page_of(*planted(SIGNED).values())
    with pytest.raises(dx.LoadError, match="line 2") as caught:
        read_quietly(good + b'\n{"' + SIGNED.encode())
    assert len(caught.value.partial) > 10
    assert not leaks(f"{caught.value!s} {caught.value!r} {shown(caught.value.partial)}")


@pytest.mark.parametrize(
    "content",
    [
        f'{{"{SIGNED}": 1}}',
        f'"{SIGNED}"',
        SIGNED,
        f'{{"Jobs": "{SIGNED}"}}',
        f'{{"Jobs": [], "{SIGNED}": 1}}',
        f'{{"Jobs": [], "NextToken": "{SIGNED}", "NextToken": "x"}}',
        f'{{"Jobs": []}} {SIGNED}',
    ],
)
def test_66_errors_and_warnings_of_what_is_no_listing(content):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            said = shown(dx.read_jobs(content.encode()))
        except dx.LoadError as error:
            said = f"{error!s} {error!r}"
    assert not leaks(said)
    assert not leaks("".join(str(warning.message) for warning in caught))


def test_66_error_text_of_the_service():
    headers = (("x-amzn-ErrorType", "ValidationException"),)
    fault = reply(
        json.dumps({"Message": QUOTED["in a sentence"]}).encode(), status=400, headers=headers
    )
    error = broken(fault, "ValidationException", advice="")
    assert not leaks(f"{error!s}{error!r}{error.partial.failures}")
    assert "https://b.s3.amazonaws.com/k?REDACTED failed" in str(error)


def test_66_texts_that_only_look_like_secrets_stay():
    texts = [
        "Signature mismatch",
        "what is the signature?",
        "50% = half?",
        "a?b=c",
        "design=x",
        "https://x/y?page=2",
    ]
    tables = read(*(job(n, Errors=[{"Message": text}]) for n, text in enumerate(texts)))
    assert tables.errors["message"].tolist() == texts
