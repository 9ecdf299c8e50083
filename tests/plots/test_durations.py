"""Median and 95th percentile of each group."""

from __future__ import annotations

import dxnotebook as dx
from tests.plots.conftest import drawn, texts_of
from tests.strategies import frame_of_jobs


def test_durations_are_told_as_people_do(tables):
    ax = dx.plot_durations(tables.jobs)
    found = dx.durations(tables.jobs, "type").sort_values("median")
    median, p95, _ = ax.lines
    assert median.get_xdata().tolist() == found["median"].tolist()
    assert p95.get_xdata().tolist() == found["p95"].tolist()
    assert ax.get_xscale() == "log"
    assert {label.get_text() for label in ax.get_xticklabels()} >= {"30 s", "1 min", "10 min"}
    assert "median of all: 2.7 min" in texts_of(ax)
    assert "n = 3,703" in texts_of(ax)
    assert "2 h" in texts_of(dx.plot_durations(tables.jobs, reference=7200))
    days = frame_of_jobs([("A", "COMPLETED", 0, 60 * 24 * 3, "eu"), ("B", "ERROR", 0, 0, "eu")])
    drawn(dx.plot_durations(days))
