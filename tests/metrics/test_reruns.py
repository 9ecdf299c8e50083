"""Failures and their re-runs against loops by hand, and against what the demo account planted."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dxnotebook as dx
from dxnotebook import DxError
from tests.conftest import job

KEYS = ["a", "b", "c"]


def tables_of_runs(runs):
    """Return the tables of runs: type, data set, keys, state, minute of creation, minutes taken."""
    jobs = [run_as_job(number, run) for number, run in enumerate(runs)]
    return dx.read_jobs(json.dumps({"Jobs": jobs}).encode())


def run_as_job(number, run):
    kind, data_set, keys, state, created, took = run
    start = pd.Timestamp("2026-09-01") + pd.Timedelta(minutes=created)
    details = {
        "import": {
            "ImportAssetsFromS3": {
                "DataSetId": data_set,
                "RevisionId": f"r{number}",
                "AssetSources": [{"Bucket": "bucket", "Key": key} for key in keys],
            }
        },
        "export": {
            "ExportRevisionsToS3": {
                "DataSetId": data_set,
                "RevisionDestinations": [{"Bucket": "bucket", "RevisionId": key} for key in keys],
            }
        },
        "url": {
            "ImportAssetFromSignedUrl": {
                "DataSetId": data_set,
                "RevisionId": f"r{number}",
                "AssetName": keys[0],
            }
        },
    }[kind]
    types = {
        "import": "IMPORT_ASSETS_FROM_S3",
        "export": "EXPORT_REVISIONS_TO_S3",
        "url": "IMPORT_ASSET_FROM_SIGNED_URL",
    }
    return job(
        number,
        Type=types[kind],
        Details=details,
        State=state,
        CreatedAt=f"{start.isoformat()}.000Z",
        UpdatedAt=f"{(start + pd.Timedelta(minutes=took)).isoformat()}.000Z",
        AssetConfiguration={"Tags": [{"Key": "run", "Value": str(number)}]},
    )


def runs(*, most=12):
    run = st.tuples(
        st.sampled_from(["import", "export", "url"]),
        st.sampled_from(["one", "two"]),
        st.lists(st.sampled_from(KEYS), min_size=1, max_size=3, unique=True),
        st.sampled_from(
            ["COMPLETED", "COMPLETED", "ERROR", "ERROR", "TIMED_OUT", "CANCELLED", "WAITING"]
        ),
        st.integers(0, 8),
        st.integers(0, 30),
    )
    return st.lists(run, max_size=most)


def recovered_by_hand(all_runs, failed):
    """Return when each part of a failed run was first done by one begun later, or None."""
    kind, data_set, keys, _, created, _ = failed
    parts = keys[:1] if kind == "url" else keys
    found = {}
    for part in parts:
        later = [
            other[4] + other[5]
            for other in all_runs
            if other[:2] == (kind, data_set)
            and other[3] == "COMPLETED"
            and other[4] > created
            and part in (other[2][:1] if kind == "url" else other[2])
        ]
        found[part] = min(later, default=None)
    return found


@pytest.mark.property
@given(runs())
def test_failures_are_resolved_as_a_loop_finds(all_runs):
    tables = tables_of_runs(all_runs)
    left, back = dx.unresolved_failures(tables), dx.recoveries(tables)
    failed = [
        (number, run) for number, run in enumerate(all_runs) if run[3] in ("ERROR", "TIMED_OUT")
    ]
    undone, done_at = {}, set()
    for number, run in failed:
        done = recovered_by_hand(all_runs, run)
        if None in done.values():
            work = (run[0], run[1], frozenset(run[2][:1] if run[0] == "url" else run[2]))
            undone.setdefault(work, []).append((run[4] + run[5], number))
        else:
            done_at.add(max(done.values()))
    assert len(left) == len(undone)
    assert sorted(left["attempts"]) == sorted(len(attempts) for attempts in undone.values())
    assert {int(identity, 16) for identity in left["job_id"]} == {
        max(ends)[1] for ends in undone.values()
    }
    start = pd.Timestamp("2026-09-01", tz="UTC")
    for name, which in (("first_failed_at", min), ("last_failed_at", max)):
        expected = sorted(start + pd.Timedelta(minutes=which(ends)[0]) for ends in undone.values())
        assert sorted(left[name]) == expected
    assert set(back["recovered_at"]) == {start + pd.Timedelta(minutes=at) for at in done_at}
    again = dx.JobTables(
        tables.jobs[::-1], tables.details[::-1], tables.errors[::-1], tables.rejects
    )
    pd.testing.assert_frame_equal(dx.recoveries(again), back)
    pd.testing.assert_frame_equal(dx.unresolved_failures(again), left)
    assert left["attempts"].sum() + (back["attempts"] - 1).sum() == len(failed)
    assert (back["recovery_s"] >= 0).all()


def test_a_rerun_recovers_even_in_several_jobs_or_in_a_larger_one():
    tables = tables_of_runs(
        [
            ("import", "one", ["a", "b"], "ERROR", 0, 5),
            ("import", "one", ["a", "b"], "TIMED_OUT", 10, 5),
            ("import", "one", ["a"], "COMPLETED", 20, 5),
            ("import", "one", ["c", "b"], "COMPLETED", 30, 7),
            ("import", "two", ["a", "b"], "COMPLETED", 40, 5),
            ("import", "two", ["c"], "ERROR", 1, 1),
        ]
    )
    (recovery,) = dx.recoveries(tables).to_dict("records")
    assert (recovery["attempts"], recovery["recovery_s"]) == (3, (37 - 5) * 60)
    assert [int(recovery[name], 16) for name in ("first_job_id", "recovered_job_id")] == [0, 3]
    (left,) = dx.unresolved_failures(tables).to_dict("records")
    assert (left["data_set_id"], left["attempts"]) == ("two", 1)


def test_a_part_is_recovered_by_the_first_success_to_end_and_the_whole_by_the_last_part():
    failure = ("import", "one", ["a", "b"], "ERROR", 0, 5)
    shared = [
        failure,
        ("import", "one", ["a"], "COMPLETED", 120, 1080),
        ("import", "one", ["b"], "COMPLETED", 180, 60),
    ]
    (recovery,) = dx.recoveries(tables_of_runs(shared)).to_dict("records")
    assert (int(recovery["recovered_job_id"], 16), recovery["recovery_s"]) == (1, (1200 - 5) * 60)
    (recovery,) = dx.recoveries(
        tables_of_runs([*shared, ("import", "one", ["a"], "COMPLETED", 300, 60)])
    ).to_dict("records")
    assert (int(recovery["recovered_job_id"], 16), recovery["recovery_s"]) == (3, (360 - 5) * 60)


def test_a_key_that_is_listed_twice_is_the_same_work():
    runs = [("import", "one", keys, "ERROR", at, 5) for at, keys in enumerate((["a", "a"], ["a"]))]
    assert dx.unresolved_failures(tables_of_runs(runs))["attempts"].tolist() == [2]


def test_the_first_error_is_told_whatever_the_order_of_the_rows_and_their_index():
    errors = [
        {"Code": code, "Message": code.lower()}
        for code in ("LIMIT_EXCEEDED_EXCEPTION", "INTERNAL_SERVER_EXCEPTION")
    ]
    tables = dx.read_jobs(json.dumps({"Jobs": [job(1, State="ERROR", Errors=errors)]}).encode())
    odd = dx.JobTables(
        tables.jobs.set_index("job_id", drop=False),
        tables.details,
        tables.errors[::-1].set_axis([0, 0]),
        tables.rejects,
    )
    assert dx.unresolved_failures(odd)["message"].tolist() == ["limit_exceeded_exception"]
    named = odd.errors.set_index("job_id", drop=False)
    odd = dx.JobTables(odd.jobs, odd.details, named, odd.rejects)
    assert dx.fingerprints(odd).index.name == "job_id"
    pd.testing.assert_frame_equal(dx.error_causes(odd), dx.error_causes(tables))


def test_a_revision_is_part_of_the_work_of_an_export_only():
    runs = [("export", "one", ["r1"], "ERROR", 0, 5), ("export", "one", ["r2"], "COMPLETED", 10, 5)]
    assert len(dx.unresolved_failures(tables_of_runs(runs))) == 1
    assert dx.unresolved_failures(
        tables_of_runs([*runs, ("export", "one", ["r1"], "COMPLETED", 20, 5)])
    ).empty


def test_a_success_at_the_same_moment_or_of_a_job_begun_earlier_is_none_of_it():
    failure = ("import", "one", ["a"], "ERROR", 5, 5)
    for created in (0, 5):
        assert (
            len(
                dx.unresolved_failures(
                    tables_of_runs([failure, ("import", "one", ["a"], "COMPLETED", created, 60)])
                )
            )
            == 1
        )


def test_the_bad_week_of_the_demo_recovers_when_it_was_fixed():
    story = dx.demo.Account().story
    client = dx.demo.client()
    tables = dx.with_names(dx.load_jobs(client), client)
    back = dx.recoveries(tables)
    week = back[
        back["first_failed_at"].between(*story.bad_week)
        & (back["data_set_id"] == story.data_set_id)
    ]
    assert len(week) == story.failed
    assert set(week["data_set_name"]) == {story.data_set_name}
    assert week["recovered_at"].min() - story.fixed_at < pd.Timedelta("10min")
    assert week["recovered_at"].between(story.fixed_at, story.fixed_at + pd.Timedelta("4h")).all()
    left = dx.unresolved_failures(tables)
    assert story.malware_job_id in set(tables.jobs["job_id"])
    assert (
        left["attempts"].sum() + (back["attempts"] - 1).sum()
        == tables.jobs["state"].isin(["ERROR", "TIMED_OUT"]).sum()
    )


def test_empty_tables_and_other_things():
    for function in (dx.unresolved_failures, dx.recoveries):
        empty = function(dx.read_jobs([]))
        assert not len(empty)
        assert str(empty["first_failed_at"].dtype) == "datetime64[us, UTC]"
        with pytest.raises(DxError, match="Give JobTables"):
            function(pd.DataFrame())
