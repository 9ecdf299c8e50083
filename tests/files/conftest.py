"""What the tests of files share: an account, exports without a bar, and comparing."""

from __future__ import annotations

import openpyxl
import pandas as pd
import pytest

import dxnotebook as dx
from dxnotebook import demo

FRAMES = ("jobs", "details", "errors", "rejects")
SUFFIXES = (".parquet", ".feather", ".csv", ".csv.gz", ".xlsx", ".jsonl", ".jsonl.gz")


def equal(left, right, *, attrs=True):
    for name in FRAMES:
        pd.testing.assert_frame_equal(getattr(left, name), getattr(right, name))
        assert not attrs or getattr(left, name).attrs == getattr(right, name).attrs
    assert left.to_jobs() == right.to_jobs()


def exported(what, path, **options):
    return dx.export(what, path, progress=False, **options)


def cells_of(path, sheet="data"):
    return [[cell.value for cell in row] for row in openpyxl.load_workbook(path)[sheet].iter_rows()]


@pytest.fixture(scope="module")
def account():
    client = demo.client(jobs=600)
    return dx.with_names(dx.load_jobs(client, progress=False), client)
