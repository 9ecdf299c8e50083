"""What is told of rejects: as much as is legible, and always what they go by."""

from __future__ import annotations

import json

import pandas as pd

from dxnotebook.tables.rejects import told
from tests.conftest import job


def test_as_much_is_told_as_is_legible():
    good, raws = job(1), [job(1), job(2, Arn=7, CreatedAt="soon"), {"State": []}, "x", None, [1]]
    frame = told(pd.DataFrame({"raw": map(json.dumps, raws)}, index=range(3, 9)))
    assert frame["key"].tolist() == [good["Arn"], f"{2:032x}", *map(json.dumps, raws[2:])]
    assert frame["region"].dropna().tolist() == ["us-east-1"]
    assert frame["account_id"].dropna().tolist() == ["111122223333"]
    assert frame["state"].dropna().tolist() == ["COMPLETED", "COMPLETED"]
    assert frame["created_at"].dropna().tolist() == [pd.Timestamp(good["CreatedAt"])]
    assert list(frame.index) == list(range(3, 9))


def test_of_no_rejects_nothing_is_told():
    frame = told(pd.DataFrame({"raw": pd.Series([], dtype="str")}))
    assert frame.empty
    assert frame["account_id"].dtype == frame["key"].dtype == "str"
