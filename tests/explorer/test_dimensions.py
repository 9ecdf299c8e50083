"""What divides jobs: values, some of them several of a job, and periods."""

from __future__ import annotations

import math
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from dxnotebook.explorer import dimensions
from dxnotebook.explorer.crossfilter import Crossfilter
from tests.conftest import job, page_of, tables_of
from tests.explorer.conftest import START


@pytest.mark.parametrize("days", [0, 1 / 1440, 0.1, 3, 90, 400, 4000, 360_000])
def test_periods_cover_all_times_in_at_most_some_steps(days):
    ends = [START - timedelta(days=min(days, 700_000)), START]
    tables = tables_of(
        page_of(
            *(job(n, CreatedAt=time.isoformat(), UpdatedAt=None) for n, time in enumerate(ends))
        )
    )
    trend = Crossfilter(tables).trend(Crossfilter(tables).view({}))
    assert sum(trend["succeeded"]) == 2
    assert len(trend["starts"]) <= 121
    assert all(
        math.isclose(b - a, trend["step"])
        for a, b in zip(trend["starts"], trend["starts"][1:], strict=False)
    )


@pytest.mark.parametrize("dtype", ["str", "category", object])
def test_each_job_has_one_value_of_a_column_and_none_is_one(dtype):
    column = pd.Series(["b", None, "a", "b"], dtype=dtype)
    dimension = dimensions.from_jobs(column)
    assert [dimension.names[code] for code in dimension.codes] == ["b", None, "a", "b"]
    assert dimension.mask(["b", None], 4).tolist() == [True, True, False, True]
    counts = dict(zip(dimension.names, dimension.counts(np.array([0, 1]), 4), strict=True))
    assert counts == {"b": 1, None: 1, "a": 0}


def test_a_job_has_each_value_of_its_errors_once():
    codes = pd.Series(["x", "x", None, "y", "x"], dtype="str")
    rows = np.array([2, 2, 2, 0, -1])  # the last is of a job that is not there
    dimension = dimensions.from_errors(codes, rows)
    assert dict(zip(dimension.names, dimension.counts(None, 3).tolist(), strict=True)) == {
        "x": 1,
        None: 1,
        "y": 1,
    }
    assert dimension.mask(["x"], 3).tolist() == [False, False, True]
    assert dimension.counts(np.array([0, 1]), 3).sum() == 1
    none = dimensions.from_errors(codes[:0], rows[:0])
    assert (none.names, none.mask(["x"], 2).tolist()) == ([], [False, False])


def test_periods_start_at_their_own_steps_and_a_job_without_a_time_is_in_none():
    hour = 3_600_000_000
    bins = dimensions.bins_of(np.array([0, 29 * hour, np.iinfo(np.int64).min]))
    assert (bins.step, bins.edges[0] % bins.step) == (hour // 4, 0)
    assert bins.codes.tolist() == [0, 116, bins.size]
    assert len(dimensions.bins_of(np.array([np.iinfo(np.int64).min])).edges) == 1
