"""Loads over real HTTP: all jobs, faults, interrupts, names."""

from __future__ import annotations

import io

import pytest

import dxnotebook as dx
from dxnotebook import demo
from dxnotebook.aws.progress import Progress
from tests.conftest import job, page_of, pruned


def load(client, **kwargs):
    return dx.load_jobs(client, progress=False, **kwargs)


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


@pytest.mark.slow
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
        load(demo.client(jobs=600, faults=[demo.Fault(kind, 1, times=None)]))
    assert remedy in str(caught.value)
    assert "us-east-1" in str(caught.value)
    assert len(caught.value.partial) == (400 if "token" in kind else 200)


def test_an_endpoint_out_of_reach_is_named():
    endpoint = demo.Endpoint(demo.Account(1))
    client = endpoint.client()
    endpoint.close()
    with pytest.raises(dx.LoadError, match="Check the network"):
        load(client)


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


@pytest.mark.slow
def test_rejects_are_warned_of():
    faults = [demo.Fault("reply", 0, body=page_of("x"))]
    with pytest.warns(dx.DataWarning, match="^1 job could not be read"):
        dx.load_jobs(demo.client(5, faults=faults), progress=False)


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


def test_open_files_and_text_are_read_too():
    content = page_of(job(1))
    assert (
        len(dx.read_jobs(io.BytesIO(content)))
        == len(dx.read_jobs(io.StringIO(content.decode())))
        == 1
    )


def test_names_are_for_tables():
    client = demo.client(5)
    for wrong in (load(client).jobs, None):
        with pytest.raises(dx.DxError, match=r"Invalid tables: a .* Give JobTables"):
            dx.with_names(wrong, client)
