"""Median and 95th percentile of each group."""

from __future__ import annotations

import pytest

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
    assert "median of all: 2.81 min" in texts_of(ax)
    assert "n = 3,393" in texts_of(ax)
    assert "2 h" in texts_of(dx.plot_durations(tables.jobs, reference=7200))
    days = frame_of_jobs([("A", "COMPLETED", 0, 60 * 24 * 3, "eu"), ("B", "COMPLETED", 0, 0, "eu")])
    drawn(dx.plot_durations(days))


def test_durations_over_time_come_with_their_intervals(tables):
    ax = dx.plot_durations(tables.jobs, every="1w")
    found = dx.durations(tables.jobs, every="1w")
    median, p95 = ax.lines[:2]
    assert median.get_ydata().tolist() == found["median"].tolist()
    assert p95.get_ydata().tolist() == found["p95"].tolist()
    bands = [band.get_paths()[0].get_extents() for band in ax.collections[:2]]
    assert [band.ymax for band in bands] == [found["median_high"].max(), found["p95_high"].max()]
    assert ax.get_yscale() == "log"
    assert "10 min" in {label.get_text() for label in ax.get_yticklabels()}
    drawn(ax)


def test_durations_over_time_of_few_and_of_no_jobs():
    few = frame_of_jobs([("A", "COMPLETED", 0, 3, "eu"), ("B", "ERROR", 0, 0, "eu")])
    drawn(dx.plot_durations(few, every="1d"))
    assert "no completed jobs" in " ".join(texts_of(dx.plot_durations(few[1:], every="1d")))
    with pytest.raises(dx.DxError, match="Give `by` or `every`"):
        dx.plot_durations(few, by="type", every="1d")
    for reference in ("1h", -1, float("nan"), float("inf")):
        with pytest.raises(dx.DxError, match="Invalid reference"):
            dx.plot_durations(few, reference=reference)
    with pytest.raises(dx.DxError, match="Invalid ax: 'left'"):
        dx.plot_durations(few, ax="left")
