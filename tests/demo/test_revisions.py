"""The revisions of the simulated account beside its jobs."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError

from dxnotebook import demo
from tests.demo.conftest import get


def test_every_revision_that_a_job_names_is_listed_newest_first(small):
    jobs = [job for page in small.pages() for job in json.loads(page)["Jobs"]]
    for data_set in small.data_sets:
        revisions = small.revisions(data_set["Id"])
        created = [one["CreatedAt"] for one in revisions]
        assert created == sorted(created, reverse=True)
        details = [next(iter(job["Details"].values())) for job in jobs]
        named = {one.get("RevisionId") for one in details if one["DataSetId"] == data_set["Id"]}
        assert named - {None} <= {one["Id"] for one in revisions}
        assert all(
            one["Arn"].endswith(f"{data_set['Id']}/revisions/{one['Id']}") for one in revisions
        )
        assert all(one["Finalized"] for one in revisions if one["Revoked"])


def test_at_another_moment_later_revisions_are_not_there_and_later_ends_not_known():
    story = demo.Account().story
    then = demo.Account(now=demo.NOW - timedelta(days=10))
    assert then.story.finalized_early == story.finalized_early
    revisions = then.revisions(story.data_set_id)
    assert revisions[0]["CreatedAt"][:10] == f"{then.now:%Y-%m-%d}"
    assert all(one["UpdatedAt"] <= then.now.isoformat() for one in revisions)


def test_pages_and_unknown_data_sets(small):
    name = small.data_sets[0]["Id"]
    with demo.Endpoint(small) as endpoint:
        client = endpoint.client()
        pages = client.get_paginator("list_data_set_revisions").paginate(
            DataSetId=name, PaginationConfig={"PageSize": 30}
        )
        ids = [one["Id"] for page in pages for one in page["Revisions"]]
        assert ids == [one["Id"] for one in small.revisions(name)]
        assert len(endpoint.requests) == 4
        with pytest.raises(ClientError, match="Data set aaaa") as missing:
            client.list_data_set_revisions(DataSetId="a" * 32)
        assert missing.value.response["Error"]["Code"] == "ResourceNotFoundException"
        token = client.list_data_set_revisions(DataSetId=name, MaxResults=5)["NextToken"]
        assert get(endpoint, f"/v1/data-sets?nextToken={token}")[0] == 400
        assert get(endpoint, f"/v1/data-sets/{name}/revisions?maxResults=0")[0] == 400
        assert get(endpoint, f"/v1/data-sets/{name}/revisions", "POST")[0] == 405
