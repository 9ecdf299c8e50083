"""The inputs of create-job: valid for botocore, and asking for what a loop finds undone."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from botocore.validate import ParamValidator
from hypothesis import given

import dxnotebook as dx
from dxnotebook.model import operation
from tests.conftest import job
from tests.metrics.work import (
    TYPES,
    assets_by_hand,
    branch_of,
    created_of,
    ended_of,
    jobs_of,
    made,
    tables_of_jobs,
)
from tests.strategies import JOB
from tests.strategies import jobs as any_jobs

S3 = "ImportAssetsFromS3"
LAKE = TYPES["ImportAssetsFromLakeFormationTagPolicy"]

NEEDS_TAGS = pytest.mark.skipif(
    "AssetConfiguration" not in JOB.members,
    reason="botocore before 1.42.80 knows no tags of assets",
)


def assert_valid(inputs):
    for one in inputs:
        report = ParamValidator().validate(one, operation("CreateJob").input_shape)
        assert not report.has_errors(), report.generate_report()
        assert json.loads(json.dumps(one)) == one


def undone_by_hand(jobs):
    """Return the last failed job of each asset that no job created later did."""
    found = {}
    for one in sorted(jobs, key=lambda one: (ended_of(one), one["Id"])):
        if one["State"] not in ("ERROR", "TIMED_OUT"):
            continue
        for asset in assets_by_hand(one):
            done = any(
                other["State"] == "COMPLETED"
                and created_of(other) > created_of(one)
                and asset in assets_by_hand(other)
                for other in jobs
            )
            if not done:
                found[asset] = one
    return found


def as_job(one):
    """Return an input as the job that it would make."""
    branch, details = branch_of(one)
    return {**one, "Arn": f"a:b:c:d:{one.account_id}:e", "Details": {branch: details}}


@pytest.mark.property
@given(jobs_of(list(TYPES), most=20))
def test_what_is_undone_is_asked_for_once_as_a_loop_finds(jobs):
    inputs = dx.rerun(tables_of_jobs(jobs))
    assert_valid(inputs)
    undone = undone_by_hand(jobs)
    asked = Counter()
    for one in inputs:
        branch, details = branch_of(one)
        if branch == "CreateS3DataAccessFromS3Bucket":
            for name in ("Keys", "KeyPrefixes"):
                details["AssetSource"].setdefault(name, [])
        elif branch == "ImportAssetsFromLakeFormationTagPolicy":
            assert len(details["Table"]["Expression"]) == 1
        fill = f"<FILL IN: Details.{branch}"
        wanted = assets_by_hand(as_job(one))
        wanted = {(*asset[:3], None) if fill in str(asset[3]) else asset for asset in wanted}
        asked.update(wanted)
        for asset in wanted & undone.keys():
            source = branch_of(undone[asset])[1]
            assert details.get("RevisionId") == source.get("RevisionId")
    policies = {asset for asset in asked if asset[1] == LAKE}
    assert set(asked) - policies == {asset for asset in undone if asset[1] != LAKE}
    assert policies >= {asset for asset in undone if asset[1] == LAKE}
    assert all(count == 1 for asset, count in asked.items() if asset not in policies)


@pytest.mark.property
@pytest.mark.filterwarnings("ignore::dxnotebook.DxWarning")
@given(any_jobs())
def test_whatever_failed_the_inputs_are_valid(jobs):
    failed = [one | {"State": "ERROR"} for one in jobs if one.get("Type") in TYPES.values()]
    assert_valid(dx.rerun(tables_of_jobs(failed)))


@NEEDS_TAGS
def test_all_nine_types_are_written_without_what_is_secret_or_of_the_past():
    jobs = [
        made(n, branch, "one", "r1", ["x/a", "x/b"], "ERROR", 0, 5)
        for n, branch in enumerate(TYPES)
    ]
    for redact in (True, False):
        tables = dx.read_jobs(json.dumps({"Jobs": jobs}).encode(), redact=redact)
        inputs = dx.rerun(tables)
        assert_valid(inputs)
        written = {one["Type"]: one for one in inputs}
        assert set(written) == set(TYPES.values())
        text = json.dumps(inputs)
        assert "hush" not in text
        assert "X-Amz" not in text
        assert "EventAction" not in text
    for one in jobs:
        _, details = branch_of(one)
        _, again = branch_of(written[one["Type"]])
        same = {
            k: v for k, v in details.items() if k not in ("SignedUrl", "EventActionArn", "ApiKey")
        }
        assert {name: again[name] for name in same} == same
        assert written[one["Type"]]["AssetConfiguration"] == one["AssetConfiguration"]
    url = written["IMPORT_ASSET_FROM_SIGNED_URL"]
    missing = "Details.ImportAssetFromSignedUrl.Md5Hash"
    assert url.to_fill == [missing, "SignedUrl, in create-job's answer"]
    assert url["Details"]["ImportAssetFromSignedUrl"]["Md5Hash"] == f"<FILL IN: {missing}>"
    assert (url.account_id, url.region) == ("111122223333", "us-east-1")
    api = written["IMPORT_ASSET_FROM_API_GATEWAY_API"]
    assert "Details.ImportAssetFromApiGatewayApi.ApiKey" in api.to_fill
    assert written["EXPORT_ASSETS_TO_S3"].to_fill == []


@NEEDS_TAGS
def test_jobs_that_differ_in_assets_only_are_joined_up_to_a_hundred():
    jobs = [made(n, S3, "one", "r1", [f"k{n}"], "ERROR", n, 5) for n in range(0, 500, 2)]
    inputs = dx.rerun(tables_of_jobs(jobs))
    sources = [one["Details"][S3]["AssetSources"] for one in inputs]
    assert [len(one) for one in sources] == [100, 100, 50]
    assert [one["Key"] for part in sources for one in part] == [f"k{n}" for n in range(0, 500, 2)]
    others = [
        made(1000, S3, "one", "r2", ["l"], "ERROR", 0, 5),
        made(1002, S3, "one", "r1", ["k"], "ERROR", 0, 5, account="444455556666"),
        made(1004, S3, "two", "r1", ["k"], "ERROR", 0, 5),
        made(1001, S3, "one", "r1", ["k"], "ERROR", 0, 5),  # with other tags
    ]
    assert len(dx.rerun(tables_of_jobs([*jobs, *others]))) == 7


def test_only_what_failed_in_the_window_is_run_again_and_all_jobs_say_what_is_undone():
    tables = tables_of_jobs(
        [
            made(1, S3, "one", "r1", ["x/a", "x/b"], "ERROR", 0, 5),
            made(2, S3, "one", "r1", ["x/b"], "COMPLETED", 60, 5),
            made(3, S3, "one", "r1", ["y/c"], "ERROR", 60, 5),
        ]
    )
    (one,) = dx.rerun(tables, until="2026-09-01 00:30")
    assert one["Details"][S3]["AssetSources"] == [{"Bucket": "b", "Key": "x/a"}]
    (other,) = dx.rerun(tables, since="10min")
    assert other["Details"][S3]["AssetSources"] == [{"Bucket": "b", "Key": "y/c"}]
    assert len(dx.rerun(tables, failed=["TIMED_OUT"])) == 0


def test_jobs_without_details_or_of_unknown_types_are_written_as_far_as_they_are_known():
    (one,) = dx.rerun(tables_of_jobs([job(1, State="ERROR")]))
    assert_valid([one])
    assert (
        one["Details"][S3]["AssetSources"][0]["Key"] == f"<FILL IN: Details.{S3}.AssetSources.Key>"
    )
    export = made(2, "ExportAssetsToS3", "one", "r1", ["x/a"], "ERROR", 0, 5)
    (odd,) = dx.rerun(tables_of_jobs([export | {"Type": TYPES[S3]}]))
    assert_valid([odd])
    assert [*odd["Details"]] == [S3]
    (other,) = dx.rerun(tables_of_jobs([job(1, State="ERROR", Type="IMPORT_BY_PIGEON")]))
    assert other == {"Details": {}, "Type": "IMPORT_BY_PIGEON"}


def test_when_all_inputs_were_sent_and_completed_nothing_is_unresolved():
    tables = dx.load_jobs(dx.demo.client())
    inputs = dx.rerun(tables)
    assert_valid(inputs)
    done = [
        dict(one)
        | {
            "Arn": f"arn:aws:dataexchange:{one.region}:{one.account_id}:jobs/n{number}",
            "Id": f"n{number}",
            "State": "COMPLETED",
            "CreatedAt": "2026-10-01T00:00:00Z",
            "UpdatedAt": "2026-10-01T00:01:00Z",
        }
        for number, one in enumerate(inputs)
    ]
    after = dx.concat([tables, tables_of_jobs(done)])
    assert len(dx.unresolved_failures(tables)) > 0
    assert len(dx.unresolved_failures(after)) == 0
    assert dx.rerun(after) == []


def test_nothing_and_other_things():
    assert dx.rerun(dx.read_jobs([])) == []
    with pytest.raises(dx.DxError, match="Give JobTables"):
        dx.rerun([])
