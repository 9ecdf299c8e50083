"""What the plots draw: artists, not pixels."""

from __future__ import annotations

import warnings
from datetime import UTC, datetime
from types import SimpleNamespace

import matplotlib as mpl
import matplotlib.dates as mdates
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PolyCollection, QuadMesh
from matplotlib.figure import Figure

import dxnotebook as dx
from dxnotebook import DxError
from dxnotebook.plots import lanes
from tests.strategies import frame_of_jobs

PLOTS = {
    "trend": lambda tables, **options: dx.plot_failure_trend(tables.jobs, **options),
    "durations": lambda tables, **options: dx.plot_durations(tables.jobs, **options),
    "causes": dx.plot_error_causes,
    "calendar": lambda tables, **options: dx.plot_calendar(tables.jobs, **options),
    "concurrency": lambda tables, **options: dx.plot_concurrency(tables.jobs, **options),
    "timeline": lambda tables, **options: dx.plot_timeline(tables.jobs, **options),
}


@pytest.fixture(scope="module")
def tables():
    client = dx.demo.client()
    return dx.with_names(dx.load_jobs(client, progress=False), client)


@pytest.fixture(autouse=True)
def _leaves_no_trace():
    """Hold that no plot leaves a figure with pyplot or changes the style."""
    before = dict(mpl.rcParams)
    yield
    assert plt.get_fignums() == []
    assert dict(mpl.rcParams) == before


def texts_of(ax):
    return [text.get_text() for text in ax.texts]


def drawn(ax):
    """Draw a figure, and hold that nothing of it is cut off and that it drew without a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        FigureCanvasAgg(ax.figure).draw()
    box = ax.figure.get_tightbbox()
    width, height = ax.figure.get_size_inches()
    assert -0.05 <= box.x0 <= box.x1 <= width + 0.05
    assert -0.05 <= box.y0 <= box.y1 <= height + 0.05
    return ax


@pytest.mark.parametrize("name", PLOTS)
def test_every_plot_takes_and_gives_axes(tables, name):
    assert isinstance(drawn(PLOTS[name](tables)), Axes)
    ax = Figure(figsize=(9, 6), layout="constrained").add_subplot()
    assert PLOTS[name](tables, ax=ax) is ax


@pytest.mark.parametrize("plot", [dx.plot_durations, dx.plot_concurrency, dx.plot_timeline])
@pytest.mark.parametrize("by", [None, ["type", "state"]])
def test_plots_group_by_one_column(tables, plot, by):
    with pytest.raises(DxError, match=r"Invalid by: .* Valid is the name of one column"):
        plot(tables.jobs, by=by)


def test_a_timeline_counts_the_groups_it_draws():
    jobs = frame_of_jobs(
        [(f"type {n}", "ERROR" if n < 5 else "COMPLETED", n, 1, "eu") for n in range(45)]
    )
    ax = drawn(dx.plot_timeline(jobs))
    counted = [int(text.get_text().split()[1]) for text in ax.get_legend().get_texts()]
    assert (sum(counted), len(ax.get_yticklabels())) == (30, 30)
    assert "(30 of 45 groups)" in ax.get_xlabel()


def test_causes_of_jobs_without_a_time_are_drawn(tables):
    undated = dx.JobTables(
        tables.jobs.assign(created_at=np.nan).astype({"created_at": "datetime64[us, UTC]"}),
        tables.details,
        tables.errors,
        tables.rejects,
    )
    assert not any(
        "last" in text
        for text in texts_of(drawn(dx.plot_error_causes(undated)))
        if "jobs ·" in text
    )
    with pytest.raises(DxError, match="Invalid top: 'all'"):
        dx.plot_error_causes(tables, top="all")


@pytest.mark.parametrize("name", PLOTS)
def test_an_empty_frame_says_so(tables, name):
    assert texts_of(drawn(PLOTS[name](tables.filter([])))) == ["no jobs"]


CASES = {
    "one job": lambda jobs: jobs.index == 3000,
    "one open job": lambda jobs: jobs.index == 0,
    "one failure": lambda jobs: jobs.index == jobs.index[jobs["state"] == "ERROR"][0],
    "all failed": lambda jobs: jobs["state"] == "ERROR",
    "none failed": lambda jobs: jobs["state"] == "COMPLETED",
    "an hour": lambda jobs: jobs["created_at"].between("2026-09-10 02:00", "2026-09-10 03:00"),
}


@pytest.mark.parametrize("name", PLOTS)
@pytest.mark.parametrize("case", CASES)
def test_few_and_uniform_jobs_are_drawn(tables, name, case):
    drawn(PLOTS[name](tables.filter(np.asarray(CASES[case](tables.jobs)))))


@pytest.mark.parametrize("plot", [dx.plot_durations, dx.plot_concurrency, dx.plot_timeline])
def test_many_groups_with_long_names_are_drawn_shortened(tables, plot):
    names = [f"A very long name of a data set, $x_1$, number {number}" for number in range(40)]
    jobs = tables.jobs.assign(data_set_name=np.resize([*names, None], len(tables.jobs)))
    ax = drawn(plot(jobs, by="data_set_name"))
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert len(labels) == 30
    assert max(map(len, labels)) <= 50
    assert all(label == "none" or label.split()[-1].isdigit() for label in labels)


def test_the_trend_shows_rates_counts_limits_baseline_and_the_bad_week(tables):
    ax = PLOTS["trend"](tables)
    trend = dx.failure_trend(tables.jobs)
    flagged = trend["flagged"]
    points = {container.get_label(): container[0].get_ydata() for container in ax.containers}
    assert points["rate with 95 % interval"].tolist() == trend["rate"][~flagged].tolist()
    assert points["flagged: above the limit"].tolist() == trend["rate"][flagged].tolist()
    assert f"baseline {100 * trend['baseline'][0]:.1f} %" in texts_of(ax)
    assert "31 Aug – 06 Sep" in texts_of(ax)
    (counts,) = [other for other in ax.figure.axes if other is not ax]
    columns, _, _ = counts.patches[0].get_data()
    assert columns.tolist() == trend["n"].tolist()
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    assert legend == ["control limit", "rate with 95 % interval", "flagged: above the limit"]


def test_a_run_that_goes_on_says_since_when():
    account = dx.demo.Account(now=datetime(2026, 9, 4, tzinfo=UTC))
    ax = dx.plot_failure_trend(dx.read_jobs(list(account.pages())).jobs)
    assert "since 31 Aug" in texts_of(ax)


def test_durations_are_told_as_people_do(tables):
    ax = PLOTS["durations"](tables)
    found = dx.durations(tables.jobs, "type").sort_values("median")
    median, p95, _ = ax.lines
    assert median.get_xdata().tolist() == found["median"].tolist()
    assert p95.get_xdata().tolist() == found["p95"].tolist()
    assert ax.get_xscale() == "log"
    assert {label.get_text() for label in ax.get_xticklabels()} >= {"30 s", "1 min", "10 min"}
    assert "median of all: 2.7 min" in texts_of(ax)
    assert "n = 3,703" in texts_of(ax)
    assert "2 h" in texts_of(PLOTS["durations"](tables, reference=7200))
    days = frame_of_jobs([("A", "COMPLETED", 0, 60 * 24 * 3, "eu"), ("B", "ERROR", 0, 0, "eu")])
    drawn(dx.plot_durations(days))


def test_causes_are_bars_with_what_messages_share(tables):
    ax = PLOTS["causes"](tables, top=4)
    causes = dx.error_causes(tables)
    assert [bar.get_width() for bar in ax.patches] == causes["jobs"].head(4).tolist()
    assert any(
        text.startswith("ACCESS_DENIED_EXCEPTION: Access denied to <url>") for text in texts_of(ax)
    )
    assert "167 jobs · 43 % · last 2026-09-06" in texts_of(ax)
    assert (
        ax.get_xlabel()
        == f"jobs ({len(causes) - 4} more causes hit {causes['jobs'][4:].sum()} jobs)"
    )
    with pytest.raises(DxError, match="Invalid top: 0"):
        PLOTS["causes"](tables, top=0)


def test_a_calendar_tells_days_without_jobs_from_days_without_failures():
    jobs = frame_of_jobs(
        [("A", "COMPLETED", 0, 1, "eu"), ("A", "ERROR", 3 * 1440, 1, "eu")]
    )  # a Friday and a Monday
    ax = drawn(dx.plot_calendar(jobs))
    (mesh,) = [artist for artist in ax.collections if isinstance(artist, QuadMesh)]
    rates = np.ma.filled(mesh.get_array().astype(float), np.nan).reshape(7, 2)
    assert rates[4, 0] == 0.0
    assert rates[0, 1] == 1.0
    assert np.isfinite(rates).sum() == 2
    assert sorted(patch.get_xy() for patch in ax.patches) == [(0, 5), (0, 6)]
    assert all(patch.get_hatch() for patch in ax.patches)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["no finished jobs"]
    assert sorted(texts_of(ax)) == ["0", "100"]


def test_concurrency_stands_against_the_quota(tables):
    ax = PLOTS["concurrency"](tables)
    peaks = dx.concurrency(tables.jobs).groupby("type", observed=True)[["peak", "quota"]].first()
    told = texts_of(ax)
    assert sorted(text for text in told if text.startswith("peak")) == sorted(
        f"peak {peak}" for peak in peaks["peak"]
    )
    assert told.count("quota 10") == (peaks["quota"] == 10).sum()
    assert sum(line.get_marker() == "v" for line in ax.lines) == 3
    assert sum(line.get_linestyle() == "--" for line in ax.lines) == peaks["quota"].notna().sum()


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
    ax = drawn(PLOTS["timeline"](tables, since=since, until=until))
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


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 9)), max_size=40))
def test_lanes_are_as_few_as_can_be_and_no_two_bars_overlap(spans):
    left = np.array([start for start, _ in spans], np.int64)
    right = left + np.array([length for _, length in spans], np.int64)
    lane = lanes.lanes(left, right, 100)
    for i in range(len(left)):
        for j in range(i):
            assert lane[i] != lane[j] or left[i] >= right[j] or left[j] >= right[i]
    most = max((sum((left <= moment) & (moment < right)) for moment in left), default=0)
    assert len(set(lane.tolist())) == most


def test_unknown_states_and_types_are_drawn(tables):
    jobs = tables.jobs.head(50).astype({"state": "str", "type": "str"})
    jobs.loc[0, "state"], jobs.loc[1, "type"], jobs.loc[2, "state"] = "PAUSED", None, None
    legend = [text.get_text() for text in drawn(dx.plot_timeline(jobs)).get_legend().get_texts()]
    assert {"PAUSED 1", "no state 1"} <= set(legend)
    drawn(dx.plot_concurrency(jobs))
    drawn(dx.plot_durations(jobs))


@pytest.mark.parametrize("name", PLOTS)
def test_what_is_no_pandas_frame_is_refused(tables, name):
    wrong = tables.jobs if name == "causes" else SimpleNamespace(jobs=tables)
    with pytest.raises(DxError, match=r"Give (JobTables|a pandas frame)"):
        PLOTS[name](wrong)
