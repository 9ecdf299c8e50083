"""Records become rows: a job, an element of a list, an errored asset."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tests.conftest import job, page_of, tables_of


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
    tag_policy = "IMPORT_ASSETS_FROM_LAKE_FORMATION_TAG_POLICY"
    tags = {"Tags": [{"Key": "t"}]}
    tables = tables_of(
        page_of(
            job(1, Details={"ImportAssetsFromLakeFormationTagPolicy": policy}, Type=tag_policy),
            job(
                2,
                Details={"ImportAssetsFromS3": {"AssetSources": sources}},
                AssetConfiguration=tags,
            ),
        )
    )
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


def test_a_branch_that_is_not_the_types_is_named():
    details = {"ImportAssetsFromS3": {"DataSetId": "d"}}
    jobs = tables_of(
        page_of(
            job(1, Details=details),
            job(2, Details=details, Type="EXPORT_ASSETS_TO_S3"),
            job(3, Details=details, Type=None),
        )
    ).jobs
    odd = "ImportAssetsFromS3"
    assert jobs["details_branch"].fillna("").tolist() == ["", odd, odd]
    assert jobs["data_set_id"].tolist() == ["d"] * 3
    assert "details_branch" not in tables_of(page_of(job(1, Details=details))).jobs
