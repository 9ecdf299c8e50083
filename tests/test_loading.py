"""Loads over real HTTP: order, limits, many clients, faults, the user's own client, names."""

from __future__ import annotations

import io
import threading
import time
from datetime import UTC, datetime, timedelta

import boto3
import numpy as np
import pandas as pd
import pytest
from botocore.stub import Stubber

import dxnotebook as dx
from dxnotebook import demo
from dxnotebook.aws import load as loading
from dxnotebook.aws import pages as client_room
from dxnotebook.aws.clients import label
from dxnotebook.aws.progress import Progress
from tests.conftest import job, page_of, parsed_by_boto3, pruned

ALWAYS = None


def load(client, **kwargs):
    return dx.load_jobs(client, progress=False, **kwargs)


def reply(page, body, **kwargs):
    return demo.Fault("reply", page, times=ALWAYS, body=body, **kwargs)


def handlers_of(client):
    events = client.meta.events
    names = ["before-parse.dataexchange.ListJobs", "needs-retry.dataexchange.ListJobs"]
    return [events._emitter._handlers.prefix_search(name) for name in names]


def test_a_load_is_what_the_paginator_gives():
    client = demo.client(jobs=500)
    pages = client.get_paginator("list_jobs").paginate(PaginationConfig={"PageSize": 200})
    expected = [pruned(one) for page in pages for one in page["Jobs"]]
    assert [pruned(one) for one in load(client, redact=False).to_jobs()] == expected


@pytest.mark.parametrize("jobs", [0, 1, 200, 201])
def test_sizes_around_a_page(jobs):
    assert len(load(demo.client(jobs=jobs))) == jobs


def test_filters_reach_the_service():
    with demo.Endpoint(demo.Account(2_000)) as endpoint:
        client = endpoint.client()
        data_set_id = endpoint.account.data_sets[0]["Id"]
        revision_id = load(client, data_set_id=data_set_id).jobs["revision_id"].iloc[0]
        endpoint.requests.clear()
        found = load(client, data_set_id=data_set_id, revision_id=revision_id)
        assert set(found.jobs["data_set_id"]) == {data_set_id}
        assert {method for method, _, _ in endpoint.requests} == {"GET"}
        assert endpoint.requests[0][2] == {
            "dataSetId": data_set_id,
            "revisionId": revision_id,
            "maxResults": "200",
        }


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
        low, high = (
            limit if limit is None else now - pd.Timedelta(limit.replace("d", "D").replace("w", "W")) if str(limit)[-1] in "dhw"
            else now - limit if isinstance(limit, timedelta) else pd.Timestamp(limit).tz_localize("UTC")
            if pd.Timestamp(limit).tzinfo is None else pd.Timestamp(limit)
            for limit in (since, until)
        )  # fmt: skip
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
    client = demo.client(jobs=400, faults=[demo.Fault("denied", 1, times=ALWAYS)])
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


@pytest.mark.parametrize(
    ("kind", "said", "remedy"),
    [
        ("expired", "ExpiredTokenException", "aws sso login"),
        ("denied", "AccessDeniedException", "dataexchange:ListJobs"),
        ("throttle", "ThrottlingException", "fewer clients"),
        ("server_error", "InternalServerException", "Load again"),
        ("cut", "the text ends in the middle", "Load again"),
        ("truncate", "cut short", "Load again"),
        ("repeat_token", "NextToken that came before", "Load again"),
        ("cycle_token", "NextToken that came before", "Load again"),
    ],
)
def test_what_stays_is_an_error_that_keeps_what_was_read(kind, said, remedy):
    with pytest.raises(dx.LoadError, match=said) as caught:
        load(demo.client(jobs=600, faults=[demo.Fault(kind, 1, times=ALWAYS)]))
    assert remedy in str(caught.value)
    assert "us-east-1" in str(caught.value)
    assert len(caught.value.partial) == (400 if "token" in kind else 200)


def test_attempts_are_bounded_and_more_than_botocores():
    endpoint = demo.Endpoint(demo.Account(10), faults=[demo.Fault("throttle", 0, times=ALWAYS)])
    with endpoint, pytest.raises(dx.LoadError):
        load(endpoint.client())
    assert len(endpoint.requests) == 8


def test_pauses_grow_and_stay_within_their_limit(monkeypatch):
    monkeypatch.setattr(client_room, "_FIRST_PAUSE_S", 0.1)
    monkeypatch.setattr(client_room, "_LONGEST_PAUSE_S", 5.0)
    tap = client_room._Tap(demo.client(jobs=0), "list_jobs", lambda body: body)
    with tap._listening():
        pauses = [tap._pause(None, n, OSError(), endpoint=None) for n in range(1, 9)]
    assert all(
        0.05 * 2 ** (n - 1) <= pause <= 0.1 * 2 ** (n - 1) for n, pause in enumerate(pauses[:6], 1)
    )
    assert pauses[6] <= 5
    assert pauses[7] is False


def test_many_clients_come_in_their_order():
    clients = [demo.client(jobs=300, account_id=f"{n:012d}", region=region) for n in range(3) for region in ("eu-west-1", "us-east-1")]  # fmt: skip
    tables = load(clients)
    expected = [(f"{n:012d}", region) for n in range(3) for region in ("eu-west-1", "us-east-1")]
    assert (
        list(dict.fromkeys(zip(tables.jobs["account_id"], tables.jobs["region"], strict=True)))
        == expected
    )
    assert len(tables) == 1_800


def test_one_failing_client_does_not_sink_the_others():
    bad = demo.client(jobs=600, region="eu-west-1", faults=[demo.Fault("expired", 1, times=ALWAYS)])
    with pytest.warns(dx.PartialLoadWarning, match="1 of 2 clients failed: eu-west-1"):
        tables = load([bad, demo.client(jobs=300)])
    assert tables.jobs["region"].value_counts().to_dict() == {"us-east-1": 300, "eu-west-1": 200}
    assert list(tables.failures) == ["eu-west-1"]
    assert "ExpiredTokenException" in str(tables.failures["eu-west-1"])
    assert "failed   eu-west-1" in repr(tables)


def test_when_all_clients_fail_the_load_fails():
    clients = [
        demo.client(jobs=300, faults=[demo.Fault("denied", 1, times=ALWAYS)]) for _ in range(2)
    ]
    with pytest.raises(dx.LoadError, match="All 2 clients failed") as caught:
        load(clients)
    assert len(caught.value.partial) == 200


def test_an_endpoint_out_of_reach_is_named():
    endpoint = demo.Endpoint(demo.Account(1))
    client = endpoint.client()
    endpoint.close()
    with pytest.raises(dx.LoadError, match="Check the network"):
        load(client)


def test_no_credentials_says_what_to_do(monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(dx.LoadError, match="aws configure"):
        dx.load_jobs(dx.clients(regions="us-east-1"), progress=False)
    with pytest.raises(dx.DxError, match="AWS_DEFAULT_REGION"):
        dx.clients()
    with pytest.raises(dx.DxError, match="Invalid profile: 'nope'"):
        dx.clients(profiles="nope")
    assert len(dx.clients(regions="all")) > 5


def test_clients_are_named_after_their_profiles(monkeypatch, tmp_path):
    config = tmp_path / "config"
    config.write_text("[profile prod]\nregion=eu-west-1\n[profile dev]\nregion=us-west-2\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    made = dx.clients(["prod", "dev"])
    assert [label(client) for client in made] == ["prod eu-west-1", "dev us-west-2"]
    assert len(dx.clients(["prod", "dev"], ["us-east-1", "eu-west-1"])) == 4


@pytest.mark.parametrize("wrong", [[], [1], 5, boto3.client("s3", region_name="us-east-1")])
def test_what_is_no_client_says_so(wrong):
    with pytest.raises(dx.DxError, match=r"dx\.clients"):
        load(wrong)


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


def test_an_interrupt_keeps_what_was_read(monkeypatch):
    client = demo.client(jobs=1_000, faults=[demo.Fault("stall", 3, seconds=2)])
    show = Progress.show
    pages = []

    def interrupted(self, index, arrived, window):
        show(self, index, arrived, window)
        pages.append(arrived)
        if len(pages) >= 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(Progress, "show", interrupted)
    with pytest.raises(KeyboardInterrupt) as caught:
        load(client)
    assert isinstance(caught.value, dx.LoadInterrupted)
    assert len(caught.value.partial) == 600


def test_names_stand_beside_their_ids():
    account = demo.Account(3_000)
    with demo.Endpoint(account) as endpoint:
        client = endpoint.client()
        tables = load(client)
        endpoint.requests.clear()
        named = dx.with_names(tables, client)
        assert [(path, query["origin"]) for _, path, query in endpoint.requests] == [
            ("/v1/data-sets", "OWNED"),
            ("/v1/data-sets", "ENTITLED"),
        ]
    columns = list(named.jobs)
    assert columns[columns.index("data_set_id") + 1] == "data_set_name"
    names = {one["Id"]: one["Name"] for one in account.data_sets}
    assert named.jobs["data_set_name"].tolist() == [names[i] for i in named.jobs["data_set_id"]]
    assert named.jobs["data_set_name"].dtype == "str"
    assert "data_set_name" not in tables.jobs
    assert named.to_jobs() == tables.to_jobs()


def test_names_that_nobody_knows_stay_null_and_known_ones_stay():
    here, there = demo.client(jobs=50), demo.client(jobs=50, account_id="999900001111")
    tables = dx.with_names(load([here, there]), here)
    known = tables.jobs["account_id"] == "111122223333"
    assert tables.jobs["data_set_name"].notna().equals(known)
    assert dx.with_names(tables, there).jobs["data_set_name"].notna().all()
    assert dx.with_names(tables.filter([]), here).jobs["data_set_name"].dtype == "str"


def test_names_that_cannot_be_had_leave_the_tables(monkeypatch):
    tables = load(demo.client(jobs=50))
    endpoint = demo.Endpoint(demo.Account(1))
    client = endpoint.client()
    endpoint.close()
    with pytest.raises(dx.LoadError, match="data sets") as caught:
        dx.with_names(tables, client)
    assert caught.value.partial is tables


def test_progress_is_silent_elsewhere_than_in_a_terminal_and_knows_how_far_it_is(
    monkeypatch, capsys
):
    client = demo.client(jobs=1_000)
    dx.load_jobs(client)
    dx.load_jobs(client, progress=False)
    assert capsys.readouterr() == ("", "")
    shown, texts = [], []
    update = Progress._update

    def recorded(self):
        update(self)
        shown.append(self._bar.n)
        texts.append(self._bar.postfix)

    monkeypatch.setattr(Progress, "_update", recorded)
    dx.load_jobs(client, progress=True)
    assert shown == sorted(shown)
    assert any(10 < fraction < 90 for fraction in shown)
    assert shown[-1] == pytest.approx(100)
    assert texts[-1] == "1,000 jobs"
    assert capsys.readouterr().err


def test_the_next_page_is_fetched_while_the_last_is_decoded(monkeypatch):
    decode = loading._Load._decode
    with demo.Endpoint(demo.Account(800)) as endpoint:
        asked = []

        def slow(self):
            time.sleep(0.2)
            asked.append(len(endpoint.requests))
            decode(self)

        monkeypatch.setattr(loading._Load, "_decode", slow)
        monkeypatch.setattr(loading, "_BATCH_BYTES", 1)
        load(endpoint.client())
        assert asked[0] > 1


def test_the_limit_is_by_the_services_clock():
    then = demo.NOW - timedelta(days=40)
    with demo.Endpoint(demo.Account(now=then)) as endpoint:
        found = load(endpoint.client(), since="1d")
        assert not found.jobs.empty
        assert (found.jobs["created_at"] >= then - timedelta(days=1)).all()


def test_open_files_and_text_are_read_too():
    content = page_of(job(1))
    assert (
        len(dx.read_jobs(io.BytesIO(content)))
        == len(dx.read_jobs(io.StringIO(content.decode())))
        == 1
    )
