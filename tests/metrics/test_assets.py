"""The assets of jobs against what a loop finds in each job."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from hypothesis import given

import dxnotebook as dx
from dxnotebook.metrics.assets import assets_of
from tests.conftest import job
from tests.metrics.work import TYPES, assets_by_hand, jobs_of, made, tables_of_jobs


@pytest.mark.property
@given(jobs_of(list(TYPES)))
def test_each_asset_of_a_job_is_there_once_and_has_the_number_of_its_like(jobs):
    tables = tables_of_jobs(jobs)
    found = assets_of(tables, tables.jobs)
    expected = {(row, asset) for row, job in enumerate(jobs) for asset in assets_by_hand(job)}
    assert len(found) == len(expected)
    assert Counter(found["row"]) == Counter(row for row, _ in expected)
    alike = Counter(asset for _, asset in expected)
    assert sorted(found["asset"].value_counts()) == sorted(alike.values())
    some = tables.jobs["state"].eq("COMPLETED").to_numpy()
    wanted = assets_of(tables, tables.jobs, some)
    assert set(wanted["row"]) == {*some.nonzero()[0]}


def test_the_tags_of_an_expression_are_one_asset_in_whatever_order():
    lake = "ImportAssetsFromLakeFormationTagPolicy"
    orders = (["a", "b"], ["b", "a"], ["a"])
    jobs = [made(n, lake, "d", "r", names, "ERROR", 0, 1) for n, names in enumerate(orders)]
    tables = tables_of_jobs(jobs)
    found = assets_of(tables, tables.jobs)
    sets = found.groupby("row")["asset"].agg(set)
    assert sets.map(len).tolist() == [2, 2, 2]
    assert sets[0] == sets[1]
    assert not sets[0] & sets[2]


def test_lists_of_a_type_that_is_not_known_yet_name_assets_too():
    def pigeon(number, state, ring):
        birds = [{"Ring": ring, "KmsKeyArn": "k"}]
        details = {"ImportAssetsByPigeon": {"DataSetId": "d", "RevisionId": "r", "Birds": birds}}
        return job(number, Type="IMPORT_ASSETS_BY_PIGEON", State=state, Details=details)

    content = json.dumps({"Jobs": [pigeon(1, "ERROR", "a"), pigeon(2, "COMPLETED", "b")]})
    with pytest.warns(dx.UnknownFieldWarning):
        tables = dx.read_jobs(content.encode())
    assert assets_of(tables, tables.jobs)["asset"].nunique() == 2
    (row,) = dx.revisions(tables).to_dict("records")
    assert (row["assets_asked"], row["assets_missing"]) == (2, 1)
