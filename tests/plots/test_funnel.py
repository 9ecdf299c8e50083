"""Groups' rates against the limits of their numbers of jobs."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from scipy import stats

import dxnotebook as dx
from dxnotebook import DxError
from dxnotebook.text import percent
from tests.plots.conftest import drawn, texts_of


def jobs_of(groups, seed=0):
    """Return jobs of groups of all sizes, of which every tenth fails more often."""
    random = np.random.default_rng(seed)
    sizes = np.geomspace(400, 4, groups).astype(int)
    rates = np.where(np.arange(groups) % 10, 0.05, 0.25)
    group = np.repeat(np.arange(groups), sizes)
    fails = random.random(len(group)) < rates[group]
    return pd.DataFrame(
        {
            "state": np.where(fails, "ERROR", "COMPLETED"),
            "feed": [f"A feed with a long name, number {number}" for number in group],
        }
    )


def boxes_of(ax):
    renderer = ax.figure.canvas.get_renderer()
    names = [text for text in ax.texts if "number" in text.get_text()]
    return [text.get_window_extent(renderer) for text in names]


@pytest.mark.parametrize("groups", [5, 300])
def test_groups_outside_are_named_and_no_name_touches_another(groups):
    jobs = jobs_of(groups)
    ax = drawn(dx.plot_funnel(jobs, by="feed"))
    rates = dx.failure_rate(jobs, "feed")
    usual = rates["failed"].sum() / rates["n"].sum()
    n, failed = rates["n"], rates["failed"]
    high = stats.binom.sf(failed - 1, n, usual) < 0.0009
    low = stats.binom.cdf(failed, n, usual) < 0.001
    inside, outside = (points.get_offsets() for points in ax.collections)
    assert {tuple(row) for row in rates.loc[high | low, ["n", "rate"]].to_numpy()} <= {
        tuple(row) for row in outside
    }
    assert len(inside) + len(outside) == groups
    boxes = boxes_of(ax)
    assert 0 < len(boxes) <= len(outside)
    for number, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:number])
    assert f"all {percent(usual)}" in texts_of(ax)


def test_limits_hold_what_they_say_of_equal_groups():
    random = np.random.default_rng(1)
    group = np.repeat(np.arange(2000), 100)
    fails = random.random(len(group)) < 0.2
    jobs = pd.DataFrame({"state": np.where(fails, "ERROR", "COMPLETED"), "feed": group})
    ax = dx.plot_funnel(jobs, by="feed")
    (_, outside) = (points.get_offsets() for points in ax.collections)
    assert len(outside) <= 10


def test_jobs_that_fail_together_are_fewer():
    group = np.repeat(np.arange(40), 100)
    batch = np.arange(4000) // 20
    fails = np.random.default_rng(2).random(200)[batch] < 0.1
    jobs = pd.DataFrame(
        {"state": np.where(fails, "ERROR", "COMPLETED"), "feed": group, "revision_id": batch}
    )
    plain = dx.plot_funnel(jobs, by="feed")
    effective = dx.plot_funnel(jobs, by="feed", cluster="revision_id")
    outside = [len(ax.collections[1].get_offsets()) for ax in (plain, effective)]
    assert outside[0] > 5 * outside[1]
    assert effective.get_xlabel() == "finished jobs (effective)"


@pytest.mark.parametrize("state", ["ERROR", "COMPLETED"])
def test_nothing_or_all_failed(state):
    jobs = pd.DataFrame({"state": [state] * 12, "feed": ["a", "b", None] * 4})
    ax = drawn(dx.plot_funnel(jobs, by="feed"))
    assert len(ax.collections[0].get_offsets()) == 3
    assert not len(ax.collections[1].get_offsets())


def test_texts_have_the_colour_of_the_style():
    with plt.style.context("dark_background"):
        ax = drawn(dx.plot_funnel(jobs_of(30), by="feed"))
    assert [text.get_color() for text in ax.texts if text.get_text().startswith("all")] == ["white"]


def test_what_cannot_be_grouped():
    with pytest.raises(DxError, match="no column 'data_set_id'"):
        dx.plot_funnel(jobs_of(3))
    with pytest.raises(DxError, match="is the name of one column"):
        dx.plot_funnel(jobs_of(3), by=["feed", "state"])
