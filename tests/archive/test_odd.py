"""One job that cannot be made a row is kept in another form, and keeps no other out."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

import dxnotebook as dx
from dxnotebook.archive.odd import rows_of
from dxnotebook.archive.rows import archived, restored
from tests.conftest import job, page_of, tables_of
from tests.scripted import START

SEEN = pd.Timestamp(START)


def broken(tables, number):
    """Return tables with a text, of one job, that Arrow cannot hold."""
    details = tables.details.astype({"key": object})
    details.loc[details["job_id"] == f"{number:032x}", "key"] = "half a surrogate: \ud83d"
    return replace(tables, details=details)


def with_keys(*numbers):
    sources = [{"Bucket": "b", "Key": "k"}]
    details = {"ImportAssetsFromS3": {"DataSetId": "d", "AssetSources": sources}}
    return tables_of(page_of(*(job(number, Details=details) for number in numbers), 5))


def test_all_but_the_odd_one_are_rows_as_ever():
    tables = with_keys(*range(1, 8))
    with pytest.raises(UnicodeEncodeError):
        archived(broken(tables, 3), SEEN)
    with pytest.warns(dx.DataWarning, match=f"{3:032x}.*kept as JSON"):
        back = restored(rows_of(broken(tables, 3), SEEN))
    assert back.rejects["raw"].tolist() == ["5"]
    found = {one["Id"]: one for one in back.to_jobs()[:7]}
    expected = {one["Id"]: one for one in tables.to_jobs()[:7]}
    odd = found.pop(f"{3:032x}")["Details"]["ImportAssetsFromS3"]["AssetSources"]
    assert odd == [{"Bucket": "b", "Key": "half a surrogate: \\ud83d"}]
    assert found == {name: one for name, one in expected.items() if name in found}
    assert len(found) == 6


def test_a_job_of_which_nothing_can_be_told_is_a_reject():
    tables = with_keys(1, 2)
    jobs = tables.jobs.astype({"asset_name": object, "created_at": object})
    jobs.loc[0, ["asset_name", "created_at"]] = ["\ud83d", object()]
    with pytest.warns(dx.DataWarning, match="kept as JSON"):
        back = restored(rows_of(replace(tables, jobs=jobs), SEEN))
    assert back.jobs["job_id"].tolist() == [f"{2:032x}"]
    assert back.rejects["reason"].str.startswith("no row could be made").sum() == 1
    assert f"jobs/{1:032x}" in "".join(back.rejects["raw"])
