"""The grid of feeds and time."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.dates import num2date

import dxnotebook as dx
from tests.metrics.test_feeds import DAY, NOW, START, account, every
from tests.plots.conftest import drawn, texts_of

AT = pd.Timestamp(START) + pd.Timedelta(seconds=NOW)
FEEDS = {
    "fails": every(DAY, until=85 * DAY) + every(DAY, first=85 * DAY, states="ERROR"),
    "stops": every(DAY, until=80 * DAY),
    "well": every(DAY),
}


def cells_of(ax):
    """Return for each outcome the days and rows of its cells."""
    return {
        each.get_label(): {
            (num2date(x).strftime("%m-%d"), int(y)) for x, y in np.asarray(each.get_offsets())
        }
        for each in ax.collections
        if not each.get_label().startswith("_")
    }


def names_of(ax):
    return [label.get_text().partition(" ·")[0] for label in ax.get_yticklabels()]


def test_a_cell_is_a_run_and_what_did_not_come_is_marked():
    ax = drawn(dx.plot_feeds(account(FEEDS), now=AT))
    assert names_of(ax) == ["fails", "stops", "well"]
    cells = cells_of(ax)
    assert cells["failed"] == {(f"09-{day}", 0) for day in range(24, 29)}
    assert cells["missed"] == {("09-19", 1)}
    assert [len([1 for _, row in cells["completed"] if row == n]) for n in range(3)] == [85, 80, 90]
    assert [text.split(" ")[0] for text in texts_of(ax)] == ["failing", "overdue", "fine"]
    shapes = {tuple(map(tuple, each.get_paths()[0].vertices)) for each in ax.collections}
    assert len(shapes) == len(ax.collections)


def test_a_window_is_drawn_in_finer_steps():
    ax = drawn(dx.plot_feeds(account(FEEDS), since="3d", now=AT))
    assert names_of(ax) == ["fails", "well"]
    first, last = (num2date(x) for x in ax.get_xlim())
    assert first == AT - pd.Timedelta("3D")
    assert last <= AT + pd.Timedelta("1h")


def test_of_many_feeds_those_are_drawn_that_need_attention():
    many = {f"feed {n:03}": every(7 * DAY) for n in range(80)} | FEEDS
    ax = drawn(dx.plot_feeds(account(many), now=AT))
    assert len(names_of(ax)) == 60
    assert names_of(ax)[:2] == ["fails", "stops"]
    assert "well" in names_of(ax)
    assert "60 of 83 groups" in ax.get_xlabel()


def test_a_century_of_runs_is_cut_in_so_many_steps():
    runs = [(year * 365 * DAY, "COMPLETED") for year in range(50)]
    ax = drawn(dx.plot_feeds(account({"yearly": runs})))
    assert len(cells_of(ax)["completed"]) == 50


def test_texts_and_hollow_cells_are_seen_on_a_dark_ground():
    with mpl.rc_context({"text.color": "white", "axes.facecolor": "black"}):
        ax = dx.plot_feeds(account(FEEDS), now=AT)
    assert {text.get_color() for text in ax.texts} == {"white"}
    (missed,) = [each for each in ax.collections if each.get_label() == "missed"]
    assert to_hex(missed.get_edgecolor()[0]) == "#ffffff"


@pytest.mark.parametrize("names", [True, False])
def test_feeds_go_by_their_data_set_type_and_what_differs(tables, names):
    jobs = tables.jobs if names else tables.jobs.drop(columns="data_set_name")
    jobs = jobs.assign(region=np.where(jobs.index % 2, "eu-west-1", "us-east-1"))
    ax = drawn(dx.plot_feeds(dx.JobTables(jobs, tables.details, tables.errors, tables.rejects)))
    assert {text.get_text()[-9:] for text in ax.get_yticklabels()} == {"eu-west-1", "us-east-1"}
