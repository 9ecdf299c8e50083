"""What the plots have in common: artists, not pixels."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.text import Text

import dxnotebook as dx
from dxnotebook import DxError
from dxnotebook.plots.style import RED
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
    wrong = (
        tables.jobs if name in ("causes", "feeds") else SimpleNamespace(jobs=tables.jobs.to_dict())
    )
    with pytest.raises(DxError, match=r"Give (JobTables|a pandas frame)"):
        PLOTS[name](wrong)


def _luminance(colour):
    parts = [
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in colour
    ]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def _contrast(colour, ground):
    """Return the contrast of a text, which may be transparent, as WCAG 2 counts it."""
    *front, alpha = to_rgba(colour)
    back = to_rgba(ground)[:3]
    blended = [alpha * one + (1 - alpha) * other for one, other in zip(front, back, strict=True)]
    light, dark = sorted((_luminance(blended), _luminance(back)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in PLOTS if name != "calendar"])
@pytest.mark.parametrize("style", ["default", "dark_background", "seaborn-v0_8"])
def test_texts_are_legible_in_any_style(tables, name, style):
    with plt.style.context(style):
        figure = PLOTS[name](tables).figure
        texts = [text for text in figure.findobj(Text) if text.get_text().strip()]
        grounds = {figure.get_facecolor(), plt.rcParams["axes.facecolor"]}
        # what the style's own texts have, where that is little
        least = min(4.5, *(_contrast(plt.rcParams["text.color"], ground) / 2 for ground in grounds))
        for text in texts:
            if text.get_color() == RED:  # larger, bold or beside a mark: the eye is drawn to it
                continue
            contrast = min(_contrast(text.get_color(), ground) for ground in grounds)
            assert contrast >= least, (text.get_text(), contrast)


@pytest.mark.slow
@pytest.mark.parametrize("name", PLOTS)
def test_texts_have_room_whatever_size_the_style_gives_texts(tables, name):
    sizes = []
    for size in (6, 20):
        with plt.rc_context({"font.size": size}):
            figure = PLOTS[name](tables).figure
            figure.canvas.draw()
        texts = [text for text in figure.findobj(Text) if text.get_text().strip()]
        sizes.append({text.get_text(): text.get_size() for text in texts})
    shared = sizes[0].keys() & sizes[1].keys()
    assert {text: sizes[0][text] for text in shared} == {text: sizes[1][text] for text in shared}
    assert len(shared) > 3
