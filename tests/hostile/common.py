"""What the tests of hostile input share: odd pages and listings, and what must come of them."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace
from datetime import datetime
from functools import cache

import pytest

import dxnotebook as dx
from dxnotebook import demo
from tests.conftest import job, page_of, pruned

FIRST, ALL = 200, 220
NAMES = ("jobs", "details", "errors", "rejects")
S3 = "ImportAssetsFromS3"
DIGITS = "9" * 5_000


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


def read_quietly(source, **options):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        return dx.read_jobs(source, **options), caught


def between(odd, value="null"):
    """Return a page on which a job, with this JSON where it says "@", stands between good ones."""
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


def old(number=1, **members):
    """Return a job from before all of the simulated account's, for a page after theirs."""
    return job(
        number,
        **{"CreatedAt": "2020-01-01T00:00:00Z", "UpdatedAt": "2020-01-01T00:01:00Z", **members},
    )


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
    """Check that a listing breaks and says what, where and what to do; return the error."""
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


def saved(folder, content, name="jobs.json"):
    path = folder / name
    path.write_bytes(content)
    return path
