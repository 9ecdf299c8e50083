"""The account: its listing, pages, tokens, data sets."""

import hashlib
import itertools
import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from dxnotebook import demo
from tests.demo.conftest import OPEN, details, when
from tests.demo.test_job import MODEL, SHAPE, leaves

# The listing


@pytest.mark.slow
def test_boto3_lists_the_whole_account(jobs):
    pages = list(demo.client().get_paginator("list_jobs").paginate())
    listed = [job for page in pages for job in page["Jobs"]]
    assert [len(page["Jobs"]) for page in pages] == [200] * 30
    assert [job["Arn"] for job in listed] == [job["Arn"] for job in jobs]
    assert [job["CreatedAt"] for job in listed] == [when(job) for job in jobs]
    assert {"NextToken"} == set(pages[0]) - set(pages[-1])


def test_jobs_are_in_strict_order_and_within_90_days(jobs):
    assert len({job["Arn"] for job in jobs}) == len({job["Id"] for job in jobs}) == 6_000
    assert all(newer > older for newer, older in itertools.pairwise(map(when, jobs)))
    assert demo.NOW - timedelta(days=90) <= when(jobs[-1])
    assert all(when(job) <= when(job, "UpdatedAt") <= demo.NOW for job in jobs)


@pytest.mark.slow
@pytest.mark.parametrize("size", [0, 1, 2, 13, 60, 600, 999, 7_001])
def test_any_size(size):
    account = demo.Account(size)
    listed = [job for body in account.pages() for job in json.loads(body)["Jobs"]]
    assert len(account) == len(listed) == len({job["Id"] for job in listed}) == size
    assert all(newer > older for newer, older in itertools.pairwise(map(when, listed)))


@pytest.mark.slow
def test_a_million_jobs_are_there_for_the_asking():
    account = demo.Account(1_000_000)
    for start in (0, 765_400, 999_900):
        page = json.loads(account.page(start))
        assert ("NextToken" in page) == (start < 999_900)
        assert all(newer > older for newer, older in itertools.pairwise(map(when, page["Jobs"])))
        for job in page["Jobs"]:
            assert {path for path, _, _ in leaves(job, SHAPE)} >= {".Arn", ".Id", ".State", ".Type"}
    assert account.page(300_000, 100) == account.page(300_000, 100)


@pytest.mark.slow
def test_the_same_bytes_in_any_process(account):
    code = """
import hashlib
from dxnotebook import demo
print(hashlib.sha256(b"".join(demo.Account().pages())).hexdigest())
"""
    command = [sys.executable, "-c", code]
    apart = {"env": os.environ | {"PYTHONHASHSEED": "7"}, "cwd": Path(demo.__file__).parents[2]}
    other = subprocess.run(command, **apart, capture_output=True, text=True, check=True)
    assert other.stdout.strip() == hashlib.sha256(b"".join(account.pages())).hexdigest()


def test_another_seed_account_or_region_has_other_ids():
    ids = [
        json.loads(demo.Account(1, **other).page())["Jobs"][0]["Id"]
        for other in ({}, {"seed": 1}, {"account_id": "444455556666"}, {"region": "eu-central-1"})
    ]
    assert len(set(ids)) == 4


def test_another_now_sees_the_same_account_at_another_time(jobs):
    earlier = demo.NOW - timedelta(days=3)
    past = [job for body in demo.Account(now=earlier).pages() for job in json.loads(body)["Jobs"]]
    assert [job["Id"] for job in past] == [job["Id"] for job in jobs if when(job) <= earlier]
    finished = {job["Id"]: job for job in jobs}
    for job in past:
        known = finished[job["Id"]]
        assert job == known or (job["State"] in OPEN and when(known, "UpdatedAt") > earlier)
    later = demo.Account(now=demo.NOW + timedelta(days=30))
    assert 3_500 < len(later) < 4_500
    assert json.loads(later.page())["Jobs"][0]["Id"] == jobs[0]["Id"]


# Filters, sizes, tokens


def test_filters_give_exactly_the_jobs_that_name_the_id(jobs):
    client = demo.client()
    exported = next(job for job in jobs if len(details(job).get("RevisionDestinations", ())) > 2)
    data_set = details(exported)["DataSetId"]
    revision = details(exported)["RevisionDestinations"][1]["RevisionId"]
    for filters, mentioned in (
        ({"DataSetId": data_set}, data_set),
        ({"RevisionId": revision}, revision),
        ({"DataSetId": data_set, "RevisionId": revision}, revision),
    ):
        pages = client.get_paginator("list_jobs").paginate(
            **filters, PaginationConfig={"PageSize": 50}
        )
        found = [job["Id"] for page in pages for job in page["Jobs"]]
        assert found == [
            job["Id"] for job in jobs if f'"{mentioned}"' in json.dumps(job["Details"])
        ]
    other = next(job for job in jobs if details(job)["DataSetId"] != data_set)
    assert (
        client.list_jobs(DataSetId=details(other)["DataSetId"], RevisionId=revision)["Jobs"] == []
    )


def test_data_sets():
    client = demo.client(0)
    owned = client.list_data_sets()["DataSets"]
    assert owned == client.list_data_sets(Origin="OWNED")["DataSets"]
    pages = client.get_paginator("list_data_sets").paginate(
        Origin="ENTITLED", PaginationConfig={"PageSize": 2}
    )
    entitled = [data_set for page in pages for data_set in page["DataSets"]]
    assert (len(owned), len(entitled)) == (22, 3)
    shape = MODEL.shape_for("DataSetEntry")
    for data_set in demo.Account(0).data_sets:
        assert all(value for _, value, _ in leaves(data_set, shape))
    assert {data_set["AssetType"] for data_set in owned} == set(MODEL.shape_for("AssetType").enum)
    with pytest.raises(client.exceptions.ValidationException, match="origin"):
        client.list_data_sets(Origin="STOLEN")


def test_jobs_belong_to_listed_data_sets(account, jobs):
    owners = {data_set["Id"]: data_set["Origin"] for data_set in account.data_sets}
    assert {details(job)["DataSetId"] for job in jobs} == set(owners)
    assert all(
        job["Type"].startswith("EXPORT")
        for job in jobs
        if owners[details(job)["DataSetId"]] == "ENTITLED"
    )


@pytest.mark.slow
def test_a_revision_belongs_to_one_data_set_however_many_jobs_there_are():
    account = demo.Account(1_000_000)
    owners = {}
    for start in range(0, 1_000_000, 25_000):
        for job in json.loads(account.page(start))["Jobs"]:
            (branch,) = job["Details"].values()
            for destination in branch.get("RevisionDestinations", [branch]):
                owner = owners.setdefault(destination["RevisionId"], branch["DataSetId"])
                assert owner == branch["DataSetId"]
    assert len(owners) > 1_000
