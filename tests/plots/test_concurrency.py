"""Open jobs over time against the quota."""

from __future__ import annotations

import dxnotebook as dx
from tests.plots.conftest import texts_of


def test_concurrency_stands_against_the_quota(tables):
    ax = dx.plot_concurrency(tables.jobs)
    peaks = dx.concurrency(tables.jobs).groupby("type", observed=True)[["peak", "quota"]].first()
    told = texts_of(ax)
    assert sorted(text for text in told if text.startswith("peak")) == sorted(
        f"peak {peak}" for peak in peaks["peak"]
    )
    assert told.count("quota 10") == (peaks["quota"] == 10).sum()
    assert sum(line.get_marker() == "v" for line in ax.lines) == 3
    assert sum(line.get_linestyle() == "--" for line in ax.lines) == peaks["quota"].notna().sum()
