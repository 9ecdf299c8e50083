"""What is planted in an account, and what is everyday."""

import itertools
from datetime import UTC, datetime, timedelta

from dxnotebook import demo
from tests.demo.conftest import OPEN, details, keys, when
from tests.demo.test_job import MODEL

# The story


def test_the_bad_week(account, jobs):
    story = account.story
    start, end = story.bad_week
    imports = [
        job
        for job in jobs
        if details(job)["DataSetId"] == story.data_set_id and job["Type"] == "IMPORT_ASSETS_FROM_S3"
    ]
    denied = [
        job
        for job in imports
        if any(
            story.bucket in error["Message"] and "policy" in error["Message"]
            for error in job.get("Errors", ())
        )
    ]
    week = [job for job in imports if start <= when(job) < end]
    assert (start, end) == (datetime(2026, 8, 31, tzinfo=UTC), datetime(2026, 9, 7, tzinfo=UTC))
    assert all(error["Code"] == story.code for job in denied for error in job["Errors"])
    assert len(denied) == story.failed > 0.9 * len(week) > 100
    assert all(start <= when(job) < end for job in denied)
    reruns = {
        keys(job): job
        for job in imports
        if story.fixed_at <= when(job) < story.fixed_at + timedelta(hours=4)
    }
    for job in denied:
        again = reruns[keys(job)]
        assert again["State"] == "COMPLETED"
        assert details(again)["RevisionId"] != details(job)["RevisionId"]


def test_the_everyday_failure_rate_is_about_three_percent(account, jobs):
    start, end = account.story.bad_week
    usual = [
        job
        for job in jobs
        if not start <= when(job) < end and job["State"] not in (*OPEN, "CANCELLED")
    ]
    refused = [
        job for job in usual if "concurrent" in job.get("Errors", [{"Message": ""}])[0]["Message"]
    ]
    failed = sum(job["State"] != "COMPLETED" for job in usual) - len(refused)
    assert 0.02 < failed / len(usual) < 0.04


def test_the_malware_and_the_stuck_jobs(account, jobs):
    found = [
        job
        for job in jobs
        if any(error["Code"] == "MALWARE_DETECTED" for error in job.get("Errors", ()))
    ]
    assert [job["Id"] for job in found] == [account.story.malware_job_id]
    stuck = [
        job for job in jobs if job["State"] in OPEN and when(job) < demo.NOW - timedelta(days=1)
    ]
    assert {job["Id"] for job in stuck} == set(account.story.stuck_job_ids)
    assert len(stuck) == 4


def test_the_quota_bursts_reach_the_quota_and_nothing_exceeds_it(account, jobs):
    peaks = {}
    for job_type in MODEL.shape_for("Type").enum:
        mine = [job for job in jobs if job["Type"] == job_type]
        ends = ((demo.NOW if job["State"] in OPEN else when(job, "UpdatedAt"), -1) for job in mine)
        moments = sorted([*((when(job), 1) for job in mine), *ends])
        peaks[job_type] = max(itertools.accumulate(step for _, step in moments))
    quotas = dict.fromkeys(peaks, 10) | {"EXPORT_REVISIONS_TO_S3": 5}
    bursts = {job_type: at for at, job_type in account.story.quota_bursts}
    for job_type, peak in peaks.items():
        assert peak == quotas[job_type] if job_type in bursts else peak < quotas[job_type]
    for job in jobs:
        if "concurrent" in job.get("Errors", [{"Message": ""}])[0]["Message"]:
            assert job["Errors"][0]["Code"] == "SERVICE_QUOTA_EXCEEDED_EXCEPTION"
            assert timedelta() <= when(job) - bursts[job["Type"]] < timedelta(minutes=15)
