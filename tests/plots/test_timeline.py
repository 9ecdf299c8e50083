"""Jobs as bars."""

from __future__ import annotations

import matplotlib.dates as mdates
import numpy as np
import pytest
from matplotlib.collections import PolyCollection

import dxnotebook as dx
from dxnotebook import DxError
from dxnotebook.plots import lanes
from tests.plots.conftest import drawn, texts_of
from tests.strategies import frame_of_jobs


def bars_of(ax):
    """Return the bars of each state, as left and right ends."""
    groups = [artist for artist in ax.collections if isinstance(artist, PolyCollection)]
    return {
        group.get_label().rpartition(" ")[0]: [
            (p.vertices[0, 0], p.vertices[1, 0]) for p in group.get_paths()
        ]
        for group in groups
        if " " in group.get_label()
    }


def test_a_timeline_draws_each_job_from_created_to_finished(tables):
    since, until = "2026-09-10 02:00", "2026-09-10 04:00"
    ax = drawn(dx.plot_timeline(tables.jobs, since=since, until=until))
    jobs = tables.jobs
    seen = jobs[
        (jobs["created_at"] < until)
        & ((jobs["updated_at"] >= since) | jobs["state"].isin(["WAITING", "IN_PROGRESS"]))
    ]
    found = bars_of(ax)
    assert {state: len(bars) for state, bars in found.items()} == seen["state"].value_counts()[
        lambda n: n > 0
    ].to_dict()
    bin_width = 2 / 24 / lanes.BINS
    for state, bars in found.items():
        mine = seen[seen["state"] == state]
        begun, ended = (
            mdates.date2num(mine[name].dt.tz_convert(None).to_numpy())
            for name in ("created_at", "updated_at")
        )
        window = mdates.date2num(np.array([since, until], "M8[ms]"))
        assert sorted(left for left, _ in bars) == pytest.approx(
            sorted(np.clip(begun, *window)), abs=1.01 * bin_width
        )
        if state != "WAITING":
            assert sorted(right for _, right in bars) == pytest.approx(
                sorted(np.clip(ended, *window)), abs=1.01 * bin_width
            )


def test_times_are_those_that_other_plots_take(tables):
    since, until = (f"2026-09-{day} 12:00" for day in (20, 25))
    relative = dx.plot_timeline(tables.jobs, since="10d", until="5d")
    assert bars_of(relative) == bars_of(dx.plot_timeline(tables.jobs, since=since, until=until))
    with pytest.raises(DxError, match="not before until"):
        dx.plot_timeline(tables.jobs, since="5d", until="10d")


@pytest.mark.slow
def test_a_timeline_of_many_jobs_draws_a_sample_and_says_so():
    many = dx.read_jobs(list(dx.demo.Account(20_000).pages())).jobs
    ax = drawn(dx.plot_timeline(many))
    assert "10,000 of 20,000 jobs drawn" in ax.get_xlabel()
    found = {state: len(bars) for state, bars in bars_of(ax).items()}
    assert sum(found.values()) == 10_000
    assert found["ERROR"] / 10_000 == pytest.approx((many["state"] == "ERROR").mean(), rel=0.05)
    with pytest.raises(DxError, match="Invalid since: 'noon'"):
        dx.plot_timeline(many, since="noon")
    assert texts_of(dx.plot_timeline(many, since="2030-01-01")) == ["no jobs in this time"]


def test_a_timeline_counts_the_groups_it_draws():
    jobs = frame_of_jobs(
        [(f"type {n}", "ERROR" if n < 5 else "COMPLETED", n, 1, "eu") for n in range(45)]
    )
    ax = drawn(dx.plot_timeline(jobs))
    counted = [int(text.get_text().split()[1]) for text in ax.get_legend().get_texts()]
    assert (sum(counted), len(ax.get_yticklabels())) == (30, 30)
    assert "(30 of 45 groups)" in ax.get_xlabel()


def test_unknown_states_and_types_are_drawn(tables):
    jobs = tables.jobs.head(50).astype({"state": "str", "type": "str"})
    jobs.loc[0, "state"], jobs.loc[1, "type"], jobs.loc[2, "state"] = "PAUSED", None, None
    legend = [text.get_text() for text in drawn(dx.plot_timeline(jobs)).get_legend().get_texts()]
    assert {"PAUSED 1", "no state 1"} <= set(legend)
    drawn(dx.plot_concurrency(jobs))
    drawn(dx.plot_durations(jobs))
