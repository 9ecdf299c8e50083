"""Nothing is lost between the bytes and the tables and back; and what one does with tables."""

from __future__ import annotations

import json
import pickle
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import dxnotebook as dx
from dxnotebook import demo
from tests.conftest import job, page_of, parsed_by_boto3, pruned, tables_of
from tests.strategies import jobs

FRAMES = ("jobs", "details", "errors", "rejects")


def by_arn(found):
    return sorted(map(pruned, found), key=lambda one: one["Arn"])


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


@pytest.mark.filterwarnings("ignore::dxnotebook.DataWarning")
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(jobs())
def test_dicts_take_the_same_road_as_bytes(found):
    content = page_of(*found)
    from_dicts = dx.read_jobs(parsed_by_boto3(content), redact=False)
    assert by_arn(from_dicts.to_jobs()) == by_arn(parsed_by_boto3(content))


@pytest.mark.filterwarnings("ignore::dxnotebook.DataWarning")
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(jobs(), st.integers(0, 2**6))
def test_filter_and_concat_undo_each_other(found, bits):
    tables = tables_of(page_of(*found))
    mask = pd.Series([bits >> n & 1 == 1 for n in range(len(tables.jobs))], dtype=bool)
    both = dx.concat([tables.filter(mask), tables.filter(~mask)])
    assert sorted(map(str, both.to_jobs())) == sorted(map(str, tables.to_jobs()))


def test_dtypes_are_the_same_with_and_without_jobs():
    full, empty = dx.load_jobs(demo.client(jobs=2_000), progress=False), tables_of(page_of())
    for name in FRAMES:
        assert list(getattr(full, name)) == list(getattr(empty, name))
        pd.testing.assert_series_equal(getattr(full, name).dtypes, getattr(empty, name).dtypes)
    assert full.jobs.dtypes.astype(str).value_counts().to_dict() == {
        "str": 24, "category": 2, "datetime64[us, UTC]": 4, "float64": 1, "int64": 1,
    }  # fmt: skip
    assert empty.to_jobs() == []


def test_jobs_come_in_their_order_with_what_is_derived_from_them():
    tables = tables_of(
        page_of(
            job(2, State="ERROR", UpdatedAt="2026-09-01T00:02:30.500Z", Errors=[{"Code": "x"}, {}]),
            job(1, State="IN_PROGRESS"),
        )
    )
    assert tables.jobs["job_id"].tolist() == [f"{2:032x}", f"{1:032x}"]
    assert tables.jobs["duration_s"].tolist()[0] == 150.5
    assert np.isnan(tables.jobs["duration_s"].tolist()[1])
    assert tables.jobs["error_count"].tolist() == [2, 0]
    assert tables.jobs["region"].tolist() == ["us-east-1"] * 2
    assert tables.jobs["account_id"].tolist() == ["111122223333"] * 2


def test_details_are_rows_in_the_order_of_their_lists():
    expression = [{"TagKey": "k", "TagValues": ["a", "b"]}, {"TagKey": "l"}]
    policy = {"Database": {"Expression": expression, "Permissions": ["DESCRIBE"]}}
    sources = [{"Bucket": "b", "Key": f"{n}"} for n in range(3)]
    tables = tables_of(
        page_of(
            job(1, Details={"ImportAssetsFromLakeFormationTagPolicy": policy}, Type="IMPORT_ASSETS_FROM_LAKE_FORMATION_TAG_POLICY"),
            job(2, Details={"ImportAssetsFromS3": {"AssetSources": sources}}, AssetConfiguration={"Tags": [{"Key": "t"}]}),
        )
    )  # fmt: skip
    rows = tables.details[
        ["job_id", "field", "position", "key", "tag_key", "tag_value", "permission"]
    ]
    shown = [
        tuple(None if pd.isna(cell) else cell for cell in row)
        for row in rows.itertuples(index=False)
    ]
    one, two = f"{1:032x}", f"{2:032x}"
    lake = "ImportAssetsFromLakeFormationTagPolicy.Database"
    assert shown == [
        (one, f"{lake}.Expression", 0, None, "k", "a", None),
        (one, f"{lake}.Expression", 0, None, "k", "b", None),
        (one, f"{lake}.Expression", 1, None, "l", None, None),
        (one, f"{lake}.Permissions", 0, None, None, None, "DESCRIBE"),
        *((two, "ImportAssetsFromS3.AssetSources", n, str(n), None, None, None) for n in range(3)),
        (two, "AssetConfiguration.Tags", 0, "t", None, None, None),
    ]


def test_errors_are_rows_an_asset():
    listed = {
        "ImportAssetsFromS3JobErrorDetails": [
            {"Bucket": "b", "Key": "1"},
            {"Bucket": "b", "Key": "2"},
        ]
    }
    named = {"ImportAssetFromSignedUrlJobErrorDetails": {"AssetName": "n"}}
    errors = [{"Code": "A", "Details": listed}, {"Code": "B", "Details": named}, {"Code": "C"}]
    found = tables_of(page_of(job(1, Errors=errors))).errors
    assert found["code"].tolist() == ["A", "A", "B", "C"]
    assert found["position"].tolist() == [0, 0, 1, 2]
    assert found["key"].fillna("").tolist() == ["1", "2", "", ""]
    assert found["asset_name"].fillna("").tolist() == ["", "", "n", ""]


VERSIONS = st.lists(
    st.tuples(
        st.integers(0, 4), st.none() | st.integers(0, 3), st.sampled_from(["WAITING", "COMPLETED"])
    ),
    max_size=12,
)


@settings(max_examples=50, deadline=None)
@given(VERSIONS, st.randoms(use_true_random=False))
@pytest.mark.filterwarnings("ignore::dxnotebook.DataWarning")
def test_the_newest_version_wins_whatever_the_order(versions, random):
    def made(version):
        number, updated, state = version
        times = {} if updated is None else {"UpdatedAt": f"2026-09-01T00:00:0{updated}Z"}
        return {**job(number, State=state), "UpdatedAt": None} | times

    tables = tables_of(page_of(*map(made, versions)))
    newest = {}
    for version in versions:
        number, updated, _ = version
        newest.setdefault(number, set()).add((updated is not None, updated or 0, version))
    for one in tables.to_jobs():
        number = int(one["Id"], 16)
        latest = max(key[:2] for key in newest.pop(number))
        updated = one.get("UpdatedAt")
        assert (updated is not None, updated.second if updated else 0) == latest
    assert not newest
    shuffled = list(versions)
    random.shuffle(shuffled)
    again = tables_of(page_of(*map(made, shuffled)))
    assert by_arn(again.to_jobs()) == by_arn(tables.to_jobs())


def test_details_and_errors_of_an_older_version_go_with_it():
    sources = [{"ImportAssetsFromS3": {"AssetSources": [{"Key": key}]}} for key in ("old", "new")]
    old = job(1, Details=sources[0], Errors=[{"Code": "X"}])
    new = job(1, Details=sources[1], UpdatedAt="2026-09-02T00:00:00Z")
    for order in ([old, new], [new, old]):
        tables = dx.concat([tables_of(page_of(order[0], job(2))), tables_of(page_of(order[1]))])
        assert tables.details["key"].tolist() == ["new"]
        assert tables.errors.empty
        assert len(tables) == 2


def test_concat_keeps_accounts_with_the_same_id_apart_however_often():
    here = job(1, Details={"ImportAssetsFromS3": {"AssetSources": [{"Key": "here"}]}})
    there = {**here, "Arn": here["Arn"].replace("1111", "9999"), "State": "ERROR"}
    one, two = tables_of(page_of(here)), tables_of(page_of(there))
    with pytest.warns(dx.DataWarning, match="share their id"):
        both = dx.concat([one, two])
    assert both.jobs["job_id"].tolist() == both.jobs["job_arn"].tolist()
    assert [pruned(x) for x in both.to_jobs()] == [
        pruned(x) for x in parsed_by_boto3(page_of(here, there))
    ]
    with pytest.warns(dx.DataWarning, match="share their id"):
        thrice = dx.concat([both, one, both])
    assert thrice.to_jobs() == both.to_jobs()
    assert dx.concat([both.filter([there["Arn"]])]).jobs["job_id"].tolist() == [there["Id"]]


def test_concat_of_loads_that_met_different_members():
    plain, odd = tables_of(page_of(job(1))), tables_of(page_of(job(2, NewMember=5, NewList=["x"])))
    both = dx.concat([plain, odd])
    assert both.jobs["new_member"].astype(object).where(
        both.jobs["new_member"].notna(), None
    ).tolist() == [None, 5]
    assert both.details["new_list"].tolist() == ["x"]
    assert both.to_jobs()[1]["NewMember"] == 5
    assert both.to_jobs()[1]["NewList"] == ["x"]


def test_concat_of_loads_that_typed_a_member_differently():
    number, text = (tables_of(page_of(job(n, NewMember=value))) for n, value in ((1, 5), (2, "x")))
    assert dx.concat([number, text]).jobs["new_member"].tolist() == ["5", "x"]


@pytest.mark.parametrize("wrong", [[], [1]])
def test_concat_says_what_it_wants(wrong):
    with pytest.raises(dx.DxError, match="JobTables"):
        dx.concat(wrong)


def test_filter_takes_masks_and_ids_and_says_what_is_wrong():
    tables = tables_of(page_of(job(1), job(2), job(3), None))
    ids = tables.jobs["job_id"].tolist()
    assert tables.filter([True, False, True]).jobs["job_id"].tolist() == [ids[0], ids[2]]
    assert tables.filter(ids[1]).jobs["job_id"].tolist() == [ids[1]]
    assert tables.filter(reversed(ids[:2])).jobs["job_id"].tolist() == ids[:2]
    assert tables.filter([]).jobs.empty
    assert len(tables.filter([]).rejects) == 1
    with pytest.raises(dx.DxError, match="2 values for 3 jobs"):
        tables.filter([True, False])
    with pytest.raises(dx.DxError, match="'nope'"):
        tables.filter(["nope"])


def test_repr_counts_and_html_is_text():
    tables = tables_of(page_of(job(1), job(2, State="<script>alert(1)</script>"), "x"))
    assert repr(tables).startswith("JobTables: 2 jobs, 0 details, 0 errors, 1 rejects\n")
    assert "2026-09-01 00:00 to 2026-09-01 00:00 UTC" in repr(tables)
    assert "<script>" not in tables._repr_html_()
    assert "&lt;script&gt;alert(1)" in tables._repr_html_()
    assert repr(tables_of(page_of())) == "JobTables: 0 jobs, 0 details, 0 errors, 0 rejects"


def test_tables_are_frozen():
    with pytest.raises(AttributeError):
        tables_of(page_of()).jobs = pd.DataFrame()


def test_tables_travel_between_processes_and_through_parquet(tmp_path):
    odd = job(
        1,
        New=5,
        Mixed=[1, "a"],
        CreatedAt="2024-01-01T00:00:00.123456789Z",
        Details={"Warp": {"Factor": 1.5}},
    )
    tables = tables_of(page_of(odd, job(2, Errors=[{"Hint": 3}]), None))
    assert pickle.loads(pickle.dumps(tables)).to_jobs() == tables.to_jobs()
    frames = {}
    for name in FRAMES:
        getattr(tables, name).to_parquet(tmp_path / name)
        frames[name] = pd.read_parquet(tmp_path / name)
        pd.testing.assert_frame_equal(frames[name], getattr(tables, name))
    assert dx.JobTables(**frames).to_jobs() == tables.to_jobs()


def test_times_in_to_jobs_are_datetimes_in_utc():
    [one] = tables_of(page_of(job(1))).to_jobs()
    assert one["CreatedAt"] == datetime(2026, 9, 1, tzinfo=UTC)
    assert type(one["CreatedAt"]) is datetime
    assert one["CreatedAt"].utcoffset() == timedelta(0)


def test_names_of_data_sets_survive_a_concat_with_tables_that_have_none():
    client = dx.demo.client(60)
    tables = dx.load_jobs(client, progress=False)
    named = dx.with_names(tables, client)
    for parts in ([named, tables], [tables, named]):
        together = dx.concat(parts)
        names = named.jobs.set_index("job_id")["data_set_name"]
        assert together.jobs.set_index("job_id")["data_set_name"].equals(
            names.reindex(together.jobs["job_id"])
        )
