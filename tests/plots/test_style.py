"""What the plots have in common: artists, not pixels."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import dxnotebook as dx
from dxnotebook import DxError
from tests.plots.conftest import drawn, texts_of

PLOTS = {
    "trend": lambda tables, **options: dx.plot_failure_trend(tables.jobs, **options),
    "durations": lambda tables, **options: dx.plot_durations(tables.jobs, **options),
    "causes": dx.plot_error_causes,
    "calendar": lambda tables, **options: dx.plot_calendar(tables.jobs, **options),
    "concurrency": lambda tables, **options: dx.plot_concurrency(tables.jobs, **options),
    "funnel": lambda tables, **options: dx.plot_funnel(tables.jobs, **options),
    "timeline": lambda tables, **options: dx.plot_timeline(tables.jobs, **options),
    "feeds": dx.plot_feeds,
}


CASES = {
    "one job": lambda jobs: jobs.index == 3000,
    "one open job": lambda jobs: jobs.index == 0,
    "one failure": lambda jobs: jobs.index == jobs.index[jobs["state"] == "ERROR"][0],
    "all failed": lambda jobs: jobs["state"] == "ERROR",
    "none failed": lambda jobs: jobs["state"] == "COMPLETED",
    "an hour": lambda jobs: jobs["created_at"].between("2026-09-10 02:00", "2026-09-10 03:00"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", PLOTS)
def test_every_plot_takes_and_gives_axes(tables, name):
    assert isinstance(drawn(PLOTS[name](tables)), Axes)
    ax = Figure(figsize=(9, 6), layout="constrained").add_subplot()
    assert PLOTS[name](tables, ax=ax) is ax


@pytest.mark.parametrize(
    "plot", [dx.plot_durations, dx.plot_concurrency, dx.plot_funnel, dx.plot_timeline]
)
@pytest.mark.parametrize("by", [None, ["type", "state"]])
def test_plots_group_by_one_column(tables, plot, by):
    if plot is dx.plot_durations and by is None:
        pytest.skip("by type where nothing else is said")
    with pytest.raises(DxError, match=r"Invalid by: .* Valid is the name of one column"):
        plot(tables.jobs, by=by)


@pytest.mark.parametrize("name", PLOTS)
def test_an_empty_frame_says_so(tables, name):
    assert texts_of(drawn(PLOTS[name](tables.filter([])))) == ["no jobs"]


@pytest.mark.slow
@pytest.mark.parametrize("name", PLOTS)
@pytest.mark.parametrize("case", CASES)
def test_few_and_uniform_jobs_are_drawn(tables, name, case):
    drawn(PLOTS[name](tables.filter(np.asarray(CASES[case](tables.jobs)))))


@pytest.mark.slow
@pytest.mark.parametrize("plot", [dx.plot_durations, dx.plot_concurrency, dx.plot_timeline])
def test_many_groups_with_long_names_are_drawn_shortened(tables, plot):
    names = [f"A very long name of a data set, $x_1$, number {number}" for number in range(40)]
    jobs = tables.jobs.assign(data_set_name=np.resize([*names, None], len(tables.jobs)))
    ax = drawn(plot(jobs, by="data_set_name"))
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert len(labels) == 30
    assert max(map(len, labels)) <= 50
    assert all(label == "none" or label.split()[-1].isdigit() for label in labels)


@pytest.mark.parametrize("name", PLOTS)
def test_what_is_no_pandas_frame_is_refused(tables, name):
    wrong = tables.jobs if name in ("causes", "feeds") else SimpleNamespace(jobs=tables)
    with pytest.raises(DxError, match=r"Give (JobTables|a pandas frame)"):
        PLOTS[name](wrong)
