"""Nothing is lost between the bytes and the tables and back."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import dxnotebook as dx
from tests.conftest import job, page_of, parsed_by_boto3, pruned, tables_of
from tests.strategies import jobs


def by_arn(found):
    return sorted(map(pruned, found), key=lambda one: one["Arn"])


@pytest.mark.property
@pytest.mark.filterwarnings("ignore::dxnotebook.DataWarning")
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(jobs(), st.booleans(), st.booleans())
def test_to_jobs_gives_what_boto3_parses(found, ascii_only, together):
    halves = [found[::2], found[1::2]]
    contents = [json.dumps({"Jobs": half}, ensure_ascii=ascii_only).encode() for half in halves]
    tables = tables_of(*contents, redact=False, together=together, warn=True)
    expected = [one for content in contents for one in parsed_by_boto3(content)]
    assert by_arn(tables.to_jobs()) == by_arn(expected)
    assert len(tables.jobs) + len(tables.rejects) == len(found)


@pytest.mark.property
@pytest.mark.filterwarnings("ignore::dxnotebook.DataWarning")
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(jobs())
def test_dicts_take_the_same_road_as_bytes(found):
    content = page_of(*found)
    from_dicts = dx.read_jobs(parsed_by_boto3(content), redact=False)
    assert by_arn(from_dicts.to_jobs()) == by_arn(parsed_by_boto3(content))


def test_times_in_to_jobs_are_datetimes_in_utc():
    [one] = tables_of(page_of(job(1))).to_jobs()
    assert one["CreatedAt"] == datetime(2026, 9, 1, tzinfo=UTC)
    assert type(one["CreatedAt"]) is datetime
    assert one["CreatedAt"].utcoffset() == timedelta(0)


def test_lists_of_an_element_come_back_with_its_other_members():
    expression = [{"TagKey": "k", "TagValues": ["a", "b"]}, {"TagKey": "l"}, {"TagValues": ["c"]}]
    policy = {"Database": {"Expression": expression, "Permissions": ["DESCRIBE"]}}
    tag_job = job(
        1,
        Type="IMPORT_ASSETS_FROM_LAKE_FORMATION_TAG_POLICY",
        Details={"ImportAssetsFromLakeFormationTagPolicy": policy},
    )
    [rebuilt] = tables_of(page_of(tag_job)).to_jobs()
    assert rebuilt["Details"] == tag_job["Details"]


def test_rows_whose_job_is_gone_belong_to_none():
    tables = tables_of(page_of(job(1, Errors=[{"Code": "A"}]), job(2, Errors=[{"Code": "B"}])))
    kept = dx.JobTables(tables.jobs[1:], tables.details, tables.errors, tables.rejects)
    assert [one["Errors"] for one in kept.to_jobs()] == [[{"Code": "B"}]]
