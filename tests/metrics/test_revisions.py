"""Revisions, deliveries and missing assets against loops by hand, and what the demo planted."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dxnotebook as dx
from tests.metrics.work import (
    EXPORTS,
    IMPORTS,
    START,
    assets_by_hand,
    branch_of,
    created_of,
    ended_of,
    jobs_of,
    made,
    tables_of_jobs,
)

CREATED = st.integers(0, 8) | st.none()
WINDOWS = st.none() | st.tuples(st.integers(0, 8), st.integers(0, 8))
S3 = "ImportAssetsFromS3"


def revision_of(job):
    _, details = branch_of(job)
    return job["Arn"].split(":")[4], details["DataSetId"], details["RevisionId"]


def asks_by_hand(jobs):
    """Return what each revision asks for: the jobs of each of its assets."""
    found = {}
    for job in jobs:
        for asset in assets_by_hand(job):
            found.setdefault(revision_of(job), {}).setdefault(asset, []).append(job)
    return found


def deliveries_by_hand(jobs):
    """Return the same for each revision and place that exports name."""
    found = {}
    for job in jobs:
        branch, details = branch_of(job)
        head = (job["Arn"].split(":")[4], details["DataSetId"])
        own = details.get("RevisionId")
        if branch == "ExportRevisionsToS3":
            places = [
                (one["RevisionId"], "b", None, "p") for one in details["RevisionDestinations"]
            ]
        elif branch == "ExportAssetsToS3" and details["AssetDestinations"]:
            places = [(own, "b", one["Key"][:2], None) for one in details["AssetDestinations"]]
        else:
            places = [(own, None, None, None)]
        for revision, *place in places:
            for asset in assets_by_hand(job):
                fits = branch != "ExportRevisionsToS3" or asset[-1] == revision
                fits &= branch != "ExportAssetsToS3" or not place[0] or asset[-1][1][:2] == place[1]
                asking = found.setdefault((*head, revision, *place), {}).setdefault(asset, [])
                if fits and job not in asking:
                    asking.append(job)
    return {
        key: filled
        for key, asks in found.items()
        if (filled := {a: j for a, j in asks.items() if j})
    }


def judged_by_hand(asks):
    """Return the row of each group of assets."""
    rows = {}
    for group, assets in asks.items():
        jobs = {job["Id"]: job for asking in assets.values() for job in asking}.values()
        states = Counter(job["State"] for job in jobs)
        came = {
            asset: min((ended_of(job) for job in done if ended_of(job)), default=None)
            for asset, asking in assets.items()
            if (done := [job for job in asking if job["State"] == "COMPLETED"])
        }
        begun = min((created_of(job) for job in jobs if created_of(job)), default=None)
        whole_at = (
            max(filter(None, came.values()), default=None) if len(came) == len(assets) else None
        )
        took = max((whole_at - begun).total_seconds(), 0) if whole_at and begun else None
        rows[group] = {
            "jobs": len(jobs),
            "completed": states["COMPLETED"],
            "failed": states["ERROR"] + states["TIMED_OUT"],
            "cancelled": states["CANCELLED"],
            "open": states["WAITING"] + states["IN_PROGRESS"],
            "assets_asked": len(assets),
            "assets_in": len(came),
            "assets_missing": len(assets) - len(came),
            "attempts": max(map(len, assets.values())),
            "first_created_at": begun,
            "whole_at": whole_at,
            "took": took,
            "missing": assets.keys() - came.keys(),
            "came": set(came),
        }
    for row in rows.values():
        later = [
            other
            for other in rows.values()
            if not other["missing"]
            and other["first_created_at"]
            and row["first_created_at"]
            and other["first_created_at"] > row["first_created_at"]
            and row["missing"] <= other["came"]
        ]
        row["status"] = (
            "whole" if not row["missing"]
            else "superseded" if later
            else "open" if row["open"]
            else "incomplete"
        )  # fmt: skip
    return rows


def window_of(minutes):
    if minutes is None:
        return {}, lambda job: True
    since, until = (START + timedelta(minutes=one) for one in minutes)
    until = max(until, since + timedelta(minutes=1))  # none is empty
    return (
        {"since": since, "until": until},
        lambda job: created_of(job) is None or since <= created_of(job) < until,
    )


def assert_same(found, asks, keys, took, is_in):
    expected = {
        group: row
        for group, row in judged_by_hand(asks).items()
        if any(is_in(job) for asking in asks[group].values() for job in asking)
    }
    assert found["first_created_at"].dropna().is_monotonic_decreasing
    assert len(found) == len(expected)
    for row in found.rename(columns={took: "took"}).to_dict("records"):
        wanted = expected[tuple(None if pd.isna(row[key]) else row[key] for key in keys)]
        for name in wanted.keys() - {"missing", "came"}:
            value = None if pd.isna(row[name]) else row[name]
            assert value == wanted[name], name


@pytest.mark.property
@given(jobs_of(IMPORTS, created=CREATED), WINDOWS)
def test_revisions_are_what_a_loop_finds(jobs, minutes):
    limits, is_in = window_of(minutes)
    found = dx.revisions(tables_of_jobs(jobs), **limits)
    keys = ["account_id", "data_set_id", "revision_id"]
    assert_same(found, asks_by_hand(jobs), keys, "publish_s", is_in)


@pytest.mark.property
@given(jobs_of([S3], most=30))
def test_revisions_of_one_feed_are_superseded_as_a_loop_finds(jobs):
    found = dx.revisions(tables_of_jobs(jobs))
    keys = ["account_id", "data_set_id", "revision_id"]
    assert_same(found, asks_by_hand(jobs), keys, "publish_s", lambda job: True)


@pytest.mark.property
@given(jobs_of(EXPORTS, created=CREATED), WINDOWS)
def test_deliveries_are_what_a_loop_finds(jobs, minutes):
    limits, is_in = window_of(minutes)
    found = dx.deliveries(tables_of_jobs(jobs), **limits)
    keys = ["account_id", "data_set_id", "revision_id", "bucket", "key_prefix", "key_pattern"]
    asks = deliveries_by_hand(jobs)
    assert_same(found, asks, keys, "delivery_s", is_in)
    for row in found.to_dict("records"):
        asking = asks[tuple(None if pd.isna(row[key]) else row[key] for key in keys)]
        auto = ["EventActionArn" in branch_of(job)[1] for one in asking.values() for job in one]
        assert row["automatic"] == any(auto)


@pytest.mark.property
@given(jobs_of(IMPORTS, created=CREATED), WINDOWS)
def test_missing_assets_are_what_a_loop_finds(jobs, minutes):
    limits, is_in = window_of(minutes)
    tables = tables_of_jobs(jobs)
    missing, revisions = dx.missing_assets(tables, **limits), dx.revisions(tables, **limits)
    asks = asks_by_hand(jobs)
    rows = judged_by_hand(asks)
    expected = Counter()
    for revision, assets in asks.items():
        if not any(is_in(job) for asking in assets.values() for job in asking):
            continue
        for asset in rows[revision]["missing"]:
            order = sorted(assets[asset], key=lambda job: (str(ended_of(job) or ""), job["Id"]))
            failed = [job for job in order if job["State"] in ("ERROR", "TIMED_OUT")]
            error = failed[-1].get("Errors", [{}])[0] if failed else {}
            last = order[-1]
            said = (len(order), last["State"], last["Id"], error.get("Message"))
            when = ended_of(failed[-1]) if failed else None
            expected[*revision, last["Type"], rows[revision]["status"], *said, when] += 1
    names = ["account_id", "data_set_id", "revision_id", "type", "status", "attempts", "state"]
    names += ["job_id", "message", "failed_at"]
    shown = missing[names].astype(object).where(missing[names].notna(), None)
    assert Counter(shown.itertuples(index=False, name=None)) == expected
    assert len(missing) == revisions["assets_missing"].sum()


def test_an_error_that_names_the_asset_comes_before_the_first_of_its_job():
    errors = [
        {"Code": "INTERNAL_SERVER_EXCEPTION", "Message": "of all"},
        {
            "Code": "ACCESS_DENIED_EXCEPTION",
            "Message": "of b",
            "Details": {"ImportAssetsFromS3JobErrorDetails": [{"Bucket": "b", "Key": "x/b"}]},
        },
    ]
    job = made(1, S3, "one", "r1", ["x/a", "x/b"], "ERROR", 0, 5) | {"Errors": errors}
    missing = dx.missing_assets(tables_of_jobs([job]))
    assert missing[["asset", "bucket", "key", "message"]].to_numpy().tolist() == [
        ["x/a", "b", "x/a", "of all"],
        ["x/b", "b", "x/b", "of b"],
    ]
    assert missing["code"].dtype == "category"


@pytest.mark.parametrize(
    ("branch", "asset"),
    [
        ("ImportAssetFromSignedUrl", "x/a"),
        ("ImportAssetsFromRedshiftDataShares", "x/a"),
        ("ImportAssetFromApiGatewayApi", "x/a/prod"),
        ("CreateS3DataAccessFromS3Bucket", "x/a"),
        ("ImportAssetsFromLakeFormationTagPolicy", "team=x/a"),
    ],
)
def test_what_is_missing_has_a_name(branch, asset):
    tables = tables_of_jobs([made(1, branch, "one", "r1", ["x/a"], "ERROR", 0, 5)])
    assert set(dx.missing_assets(tables)["asset"]) == {asset}


def test_a_window_chooses_rows_and_all_jobs_judge_them():
    tables = tables_of_jobs(
        [
            made(1, S3, "one", "r1", ["x/a"], "ERROR", 0, 5),
            made(2, S3, "one", "r1", ["x/a"], "COMPLETED", 60, 5),
            made(3, S3, "one", "r2", ["x/b"], "COMPLETED", 60, 5),
        ]
    )
    early = {"until": "2026-09-01 00:30"}
    (row,) = dx.revisions(tables, **early).to_dict("records")
    assert (row["revision_id"], row["status"], row["attempts"]) == ("r1", "whole", 2)
    assert row["publish_s"] == 65 * 60
    assert dx.revisions(tables, since="10min")["revision_id"].tolist() == ["r2", "r1"]
    with pytest.raises(dx.DxError, match="Invalid since"):
        dx.deliveries(tables, since="soon")


def test_the_bad_week_of_the_demo_is_superseded_where_one_later_revision_has_it_all():
    story = dx.demo.Account().story
    tables = dx.load_jobs(dx.demo.client())
    found = dx.revisions(tables, since=story.bad_week[0], until=story.bad_week[1])
    feed = found[found["data_set_id"] == story.data_set_id]
    assert (feed["failed"] > 15).sum() >= 6
    assert dx.missing_assets(tables, since="30d")["message"].str.len().max() > 0


def test_empty_tables_give_empty_frames_of_the_same_types():
    tables, empty = dx.load_jobs(dx.demo.client(jobs=1_000)), dx.read_jobs([])
    for function in (dx.revisions, dx.deliveries, dx.missing_assets):
        assert not len(function(empty))
        pd.testing.assert_series_equal(function(empty).dtypes, function(tables).dtypes)
        with pytest.raises(dx.DxError, match="Give JobTables"):
            function(tables.jobs)


def test_names_of_data_sets_are_shown():
    client = dx.demo.client(jobs=500)
    tables = dx.with_names(dx.load_jobs(client), client)
    for function in (dx.revisions, dx.deliveries, dx.missing_assets):
        assert function(tables)["data_set_name"].notna().all()
