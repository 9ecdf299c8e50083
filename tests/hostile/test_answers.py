"""Answers that no service should give: odd errors and clocks, what never ends, stalls."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pandas as pd
import pytest
from botocore.config import Config
from botocore.endpoint import Endpoint as BotocoreEndpoint

import dxnotebook as dx
from dxnotebook import demo
from dxnotebook.aws import pages
from dxnotebook.tables.jobtables import observed_at
from tests.conftest import job, page_of
from tests.hostile.common import (
    FIRST,
    account,
    assert_same,
    first_page,
    load,
    nested,
    numbers,
    old,
    reply,
    unbroken,
)
from tests.scripted import Scripted
from tests.served import served

ODD_BODIES = [
    *(
        b"",
        b"null",
        b"[]",
        b'"x"',
        b"7",
        b"{",
        b"NaN",
        b"\x00",
        b"\x1f\x8bnot gzip",
        b"\xff\xfe\x00",
    ),
    b"<html><body><h1>Bad \xff Gateway</h1></body></html>",
    *(b'{"message": null}', b'{"Message": 7}', b'{"message": ["x"]}', b'{"Message": {"a": 1}}'),
    *(
        b'{"__type": 7}',
        b'{"__type": null}',
        b'{"code": [1]}',
        b'{"Code": {}}',
        b'{"__type": "#:"}',
    ),
    b'{"__type": "\\ud800", "message": "\\udfff"}',
    nested(100_000),
    nested(100_000, "objects"),
    b'{"message": %b}' % nested(100_000),
    b'{"message": 1%b}' % (b"0" * 5_000),
]
ODD_HEADERS = [
    {},
    {"Content-Type": "application/json", "x-amzn-ErrorType": ":#"},
    {"x-amzn-ErrorType": "InternalServerException:http://x/", "x-amzn-query-error": ";"},
    {"Date": "Mon, 01 Jan 0001 00:00:00 +2359", "Retry-After": "x", "Content-Type": "\xff"},
]
STATUSES = [400, 401, 403, 404, 408, 413, 429, 499, 500, 502, 503, 504, 599]


@pytest.mark.slow
@pytest.mark.parametrize("status", STATUSES)
def test_70_an_error_around_any_body(monkeypatch, status):
    monkeypatch.setattr(pages, "PAUSES", pages.Pauses(first_s=0, attempts=2))
    may_pass = status >= 500 or status in (408, 429)
    odd = [(body, {}) for body in ODD_BODIES] + [(ODD_BODIES[1], one) for one in ODD_HEADERS]
    for body, headers in odd:
        fault = reply(body, status=status, headers=tuple(headers.items()), times=None)
        with demo.Endpoint(account(), faults=[fault]) as endpoint:
            with pytest.raises(dx.LoadError, match=f"after {FIRST} jobs: ") as caught:
                dx.load_jobs(endpoint.client(), progress=False)
            assert len(endpoint.requests) == 1 + (2 if may_pass else 1)
        assert len(caught.value.partial) == FIRST
        assert len(str(caught.value).encode()) < 3_000


@pytest.mark.parametrize("status", [502, 404])
def test_70_an_error_around_an_odd_body_leaves_other_accounts(monkeypatch, status):
    monkeypatch.setattr(pages, "PAUSES", pages.Pauses(first_s=0, attempts=2))
    other = demo.client(jobs=30, region="eu-west-1")
    for body in ODD_BODIES:
        fault = reply(body, status=status, times=None)
        said = pytest.warns(dx.PartialLoadWarning, match="1 of 2 clients failed: us-east-1")
        with demo.Endpoint(account(), faults=[fault]) as endpoint, said:
            tables = dx.load_jobs([endpoint.client(), other], progress=False)
        assert len(tables) == FIRST + 30
        assert list(tables.failures) == ["us-east-1"]


def test_70_an_error_around_an_odd_body_that_passes():
    for body in ODD_BODIES:
        assert len(load(reply(body, status=502, times=3))) == len(unbroken())


def test_70_names_that_end_in_an_odd_error():
    tables = dx.load_jobs(demo.client(jobs=5), progress=False)
    for body in ODD_BODIES:
        answers = served(lambda _, body=body: (404, {}, [body]))
        wanted = pytest.raises(dx.LoadError, match=r"404 Not Found|ud800")
        with answers as (client, _), wanted as caught:
            dx.with_names(tables, client)
        assert caught.value.partial is tables


@pytest.mark.parametrize("status", [201, 202, 203, 206, 226])
def test_71_a_page_with_another_2xx(status):
    with pytest.warns(dx.UnknownFieldWarning, match="New"):
        tables = load(reply(page_of(old(1, New=5)), status=status, times=None))
    assert numbers(tables)[FIRST:] == [1]
    with pytest.raises(dx.LoadError, match="neither a page"):
        load(reply(b"{}", status=status, times=None))


@pytest.mark.parametrize("status", [204, 205])
def test_71_no_page_with_another_2xx(status):
    with pytest.raises(dx.LoadError, match="0 documents") as caught:
        load(reply(b"", status=status, times=None))
    assert_same(caught.value.partial, first_page())


@pytest.mark.parametrize(
    "date",
    [
        *("", "never", "0", "Mon, 01 Jan 0001 00:00:00 +2359", "Fri, 31 Dec 9999 23:59:59 -2359"),
        *("Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 01 Jan 0001 00:00:00 GMT"),
        *("Wed, 30 Sep 2026 12:00:00 +99999999999", "Wed, 99 Sep 2026 12:00:00 GMT", "\xff"),
    ],
)
@pytest.mark.filterwarnings("ignore:The Date of an answer:dxnotebook.DataWarning")
def test_72_a_date_that_is_none(date):
    for page in (0, 1):
        body = list(account().pages())[page]
        fault = demo.Fault("reply", page, times=None, body=body, headers=(("Date", date),))
        assert_same(load(fault), unbroken())


@pytest.mark.parametrize("token", ["\\ud800", "a\\udfff", "\\udfff\\ud800"])
def test_73_a_token_with_half_a_surrogate_pair(token):
    body = page_of(old(), NextToken="@").replace(b"@", token.encode())
    assert len(load(reply(body, times=2))) == len(unbroken())
    with pytest.raises(dx.LoadError, match="NextToken is not") as caught:
        load(reply(body, times=None))
    assert_same(caught.value.partial, first_page())


@pytest.mark.parametrize("jobs", [[], [job(1)], [job(n) for n in range(200)]])
def test_74_fresh_tokens_without_end(monkeypatch, jobs):
    monkeypatch.setattr(pages, "PAUSES", pages.Pauses(repeated_pages=50))

    def answer(number):
        return 200, {}, [page_of(*jobs, NextToken=f"token {number}")]

    with served(answer) as (client, asked):
        with pytest.raises(
            dx.LoadError, match="last 50 pages, to page 51, brought nothing new"
        ) as caught:
            dx.load_jobs(client, progress=False)
        assert len(asked) == 51
    assert len(caught.value.partial) == len(jobs)


def test_74_fresh_tokens_without_end_in_the_names(monkeypatch):
    monkeypatch.setattr(pages, "PAUSES", pages.Pauses(repeated_pages=50))
    tables = dx.load_jobs(demo.client(jobs=5), progress=False)

    def answer(number):
        return 200, {}, [b'{"DataSets": [], "NextToken": "%d"}' % number]

    with served(answer) as (client, _), pytest.raises(dx.LoadError, match="nothing new"):
        dx.with_names(tables, client)


def test_74_many_empty_pages_are_no_end():
    def answer(number):
        more = {"NextToken": f"token {number}"} if number < 300 else {}
        return 200, {}, [page_of(*[job(number)] * (number % 150 == 0), **more)]

    with served(answer) as (client, _):
        assert numbers(dx.load_jobs(client, progress=False)) == [0, 150, 300]


@pytest.mark.slow
@pytest.mark.parametrize("status", [200, 404, 502])
def test_75_a_body_that_comes_byte_by_byte(monkeypatch, status):
    monkeypatch.setattr(pages, "PAUSES", pages.Pauses(read_timeouts=1))

    def drip(_):
        length = {"Content-Length": "100000"}
        return status, length, (time.sleep(0.05) or b" " for _ in range(100_000))

    config = Config(connect_timeout=0.2, read_timeout=0.5)
    tables = dx.load_jobs(demo.client(jobs=5), progress=False)
    with served(drip, config=config) as (client, asked):
        other = demo.client(jobs=30, region="eu-west-1")
        with pytest.warns(dx.PartialLoadWarning, match="not whole after 1 s.*read_timeout"):
            assert len(dx.load_jobs([client, other], progress=False)) == 30
        assert len(asked) == 1
        with pytest.raises(dx.LoadError, match="not whole after") as caught:
            dx.with_names(tables, client)
        assert caught.value.partial is tables


def off_by(body, date, page=0, **options):
    headers = (("Date", format_datetime(date, usegmt=True)),)
    return demo.Fault("reply", page, body=body, headers=headers, **options)


def world_of(jobs, now, quiet_h=1):
    """Return an account with a job every hour until a while ago."""
    world = Scripted(now=now.replace(microsecond=0))
    for number in range(jobs):
        world.create(number, at=world.now - timedelta(hours=quiet_h + number), state="COMPLETED")
    return world


@pytest.mark.parametrize(("jobs", "quiet_h"), [(100, 1), (900, 1), (100, 72), (900, 72)])
@pytest.mark.parametrize("days", [-400, -30, 30, 400])
@pytest.mark.parametrize("here", [datetime.now(UTC), demo.NOW])
def test_76_one_date_that_is_off_moves_no_limit(here, days, jobs, quiet_h):
    """This machine's clock is right, or ahead, as is the simulated account's."""
    world = world_of(jobs, here, quiet_h)
    limits = {"since": "20d", "until": "0d", "progress": False}
    with demo.Endpoint(world) as endpoint:
        expected = dx.load_jobs(endpoint.client(), **limits)
    assert len(expected) == min(jobs, 20 * 24 - quiet_h + 1)
    fault = off_by(world.page(), world.now + timedelta(days=days))
    said = pytest.warns(dx.DataWarning, match="The Date of an answer .* d .* off")
    with demo.Endpoint(world, faults=[fault]) as endpoint, said:
        tables = dx.load_jobs(endpoint.client(), **limits)
    at = observed_at(tables.jobs)
    assert abs(world.now - at) <= timedelta(hours=quiet_h, minutes=1)
    missing = set(expected.jobs["job_id"]) - set(tables.jobs["job_id"])
    assert missing <= {expected.jobs["job_id"].iloc[0]}  # the one that is not before itself


def test_76_a_machine_whose_clock_is_behind_hides_no_job():
    world = world_of(900, datetime.now(UTC) + timedelta(days=40))
    with demo.Endpoint(world) as endpoint, pytest.warns(dx.DataWarning, match="Check this machine"):
        tables = dx.load_jobs(endpoint.client(), since="20d", progress=False)
    assert len(tables) == 20 * 24 + 1


@pytest.mark.parametrize("page", [1, 3])
def test_76_a_later_date_that_is_off_is_said_and_moves_nothing(page):
    world = world_of(900, datetime.now(UTC))
    for days in (-30, 30):
        fault = off_by(world.page(200 * page), world.now + timedelta(days=days), page)
        with demo.Endpoint(world, faults=[fault]) as endpoint:
            with pytest.warns(dx.DataWarning, match="The Date of an answer"):
                tables = dx.load_jobs(endpoint.client(), since="30d", until="2h", progress=False)
            assert 30 * 24 - 2 <= len(tables) <= 30 * 24
    with demo.Endpoint(world) as endpoint:
        assert len(dx.load_jobs(endpoint.client(), since="30d", progress=False)) == 30 * 24


def test_76_a_job_of_a_far_future_is_no_clock():
    world = Scripted(now=datetime.now(UTC))
    world.create(1, at=world.now + timedelta(days=4_000))
    world.create(2, at=world.now - timedelta(days=3))
    with demo.Endpoint(world) as endpoint:
        at = observed_at(dx.load_jobs(endpoint.client(), progress=False).jobs)
    assert abs(at - pd.Timestamp(world.now)) < timedelta(minutes=1)


@pytest.mark.parametrize("mode", ["legacy", "standard", "adaptive"])
@pytest.mark.parametrize(
    "kind", ["throttle", "server_error", "unavailable", "reset", "cut", "empty"]
)
def test_77_any_mode_of_retrying_makes_as_many_requests(mode, kind):
    config = Config(retries={"mode": mode})
    with demo.Endpoint(account(), faults=[demo.Fault(kind, 1, times=40)]) as endpoint:
        client = endpoint.client(config=config)
        with pytest.raises(dx.LoadError) as caught:
            dx.load_jobs(client, progress=False)
        assert len(endpoint.requests) == 1 + 8
        endpoint.faults = (demo.Fault(kind, 1, times=7),)
        endpoint._used.clear()
        assert_same(dx.load_jobs(client, progress=False), unbroken())
    assert_same(caught.value.partial, first_page())


@pytest.mark.parametrize("kind", ["throttle", "reset", "cut"])
def test_77_a_client_that_would_ask_for_ever(monkeypatch, kind):
    """Another botocore may ask nobody whether to try again."""
    monkeypatch.setattr(BotocoreEndpoint, "_needs_retry", lambda *_, **__: True)
    with demo.Endpoint(account(), faults=[demo.Fault(kind, 1, times=40)]) as endpoint:
        with pytest.raises(dx.LoadError) as caught:
            dx.load_jobs(endpoint.client(), progress=False)
        assert len(endpoint.requests) == 1 + 8
    assert_same(caught.value.partial, first_page())


def test_77_a_client_that_breaks_in_its_own_way():
    def broken(request, **_):
        if "nextToken" in request.url:
            raise ZeroDivisionError("of the user's own")

    client, other = demo.client(jobs=220), demo.client(jobs=30, region="eu-west-1")
    client.meta.events.register("request-created.dataexchange", broken)
    with pytest.warns(dx.PartialLoadWarning, match="ZeroDivisionError: of the user's own"):
        assert len(dx.load_jobs([client, other], progress=False)) == FIRST + 30


INTERRUPTED = """
import sys
import dxnotebook as dx
from dxnotebook import demo
what, folder = sys.argv[1:]
[client] = dx.clients()
tables = dx.load_jobs(demo.client(jobs=5))
calls = {
    "load": lambda: dx.load_jobs([client] * 40),
    "sync": lambda: dx.Archive(folder).sync(client),
    "names": lambda: dx.with_names(tables, client),
}
try:
    calls[what]()
except dx.LoadInterrupted as error:
    print(None if error.partial is None else len(error.partial))
"""


def interrupted(command, stalled, folder, *, times=1):
    """Return how a process ends that is interrupted while it waits for an answer after others."""
    stalls, end = threading.Event(), threading.Event()

    def answer(number):
        if number == stalled:
            stalls.set()
        if number >= stalled:
            end.wait(60)
        jobs = page_of(job(number), NextToken=f"token {number}")
        return 200, {}, [jobs.replace(b"Jobs", b"DataSets") if "names" in command else jobs]

    keys = {f"AWS_{name}": "x" for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY")}
    keys |= {"AWS_DEFAULT_REGION": "us-east-1", "AWS_CONFIG_FILE": str(folder / "none")}
    with served(answer) as (client, _):
        process = subprocess.Popen(
            [*command, str(folder / "archive")],
            env=os.environ | keys | {"AWS_ENDPOINT_URL": client.meta.endpoint_url},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert stalls.wait(60)
        for pause in (0.3, 0.05)[:times]:
            time.sleep(pause)
            process.send_signal(signal.SIGINT)
        try:
            out, err = process.communicate(timeout=5)
        finally:
            process.kill()
            end.set()
    return process.returncode, out, err


@pytest.mark.slow
@pytest.mark.parametrize("stalled", [0, 1, 3])
@pytest.mark.parametrize(
    ("what", "kept"), [("load", (0, 1, 3)), ("sync", (None,) * 4), ("names", (5, 5, 5, 5))]
)
def test_78_an_interrupt_while_a_request_stalls(tmp_path, what, kept, stalled):
    command = [sys.executable, "-c", INTERRUPTED, what]
    returned, out, err = interrupted(command, stalled, tmp_path)
    assert (returned, out, err) == (0, f"{kept[min(stalled, 2)]}\n", "")


@pytest.mark.slow
@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("command", ["sync", "report"])
def test_78_an_interrupt_of_the_command_line(tmp_path, command, times):
    program = [sys.executable, "-c", "from dxnotebook.cli import main; main()"]
    returned, out, err = interrupted([*program, command], 2, tmp_path, times=times)
    assert (returned, out, err) == (130, "", "Interrupted.\n")


def test_78_an_interrupt_while_frames_are_made(monkeypatch):
    """And once more, while those of what was read are made."""
    late = {"CreatedAt": "2026-09-01T00:02:00Z"}  # after its update, of which frames are warned
    client = demo.client(jobs=1, faults=[demo.Fault("reply", 0, body=page_of(job(1, **late)))])
    interrupts = iter([KeyboardInterrupt, KeyboardInterrupt])

    def show(*_, **__):
        for interrupt in interrupts:
            raise interrupt

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        monkeypatch.setattr(warnings, "showwarning", show)
        with pytest.raises(dx.LoadInterrupted) as caught:
            dx.load_jobs(client, progress=False)
        with pytest.raises(KeyboardInterrupt):
            assert caught.value.partial
        assert numbers(caught.value.partial) == [1]
