"""The failure rate of each period against its limits."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

import dxnotebook as dx
from dxnotebook import DxError
from tests.plots.conftest import drawn, texts_of

DAYS = pd.date_range("2026-06-01", periods=90, tz="UTC")


def test_the_trend_shows_rates_counts_limits_baseline_and_the_bad_week(tables):
    ax = dx.plot_failure_trend(tables.jobs)
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


def shifted_jobs(every=60):
    """Return jobs of days, of which twice as many fail from the first of August on."""
    failed = 2 + np.arange(90) % 3 + 3 * (np.arange(90) >= 61)
    states = [np.where(np.arange(every) < number, "ERROR", "COMPLETED") for number in failed]
    return pd.DataFrame({"state": np.concatenate(states), "created_at": DAYS.repeat(every)})


def test_a_shift_is_drawn_and_says_since_when():
    ax = drawn(dx.plot_failure_trend(shifted_jobs()))
    points = {container.get_label(): container[0].get_ydata() for container in ax.containers}
    assert len(points["shifted: higher for some time"]) == 29
    assert "since 01 Aug" in texts_of(ax)


def test_markers_are_listed_with_the_rates_before_and_after():
    markers = {"2026-08-01": "A new policy", pd.Timestamp("2026-06-16", tz="UTC"): "Deployed\n2.3"}
    ax = drawn(dx.plot_failure_trend(shifted_jobs(), markers=markers))
    (listed,) = [text for text in texts_of(ax) if "→" in text]
    assert listed.splitlines() == [
        "1  Deployed 2.3: 5.0 % → 5.0 %",
        "2  A new policy: 5.0 % → 10 %",
    ]
    assert {"1", "2"} <= set(texts_of(ax))
    outside = [("2025-01-01", "before all jobs"), ("2027-01-01", "after all")]
    ax = drawn(dx.plot_failure_trend(shifted_jobs(), markers=outside))
    (listed,) = [text for text in texts_of(ax) if "→" in text]
    assert listed.splitlines()[0] == "1  before all jobs: no jobs → 6.6 %"
    for wrong in ("2026-08-01", [("2026-08-01",)], 5, {"soon": "a text"}):
        with pytest.raises(DxError, match="Invalid markers"):
            dx.plot_failure_trend(shifted_jobs(), markers=wrong)


def test_weekdays_have_a_baseline_each():
    jobs = shifted_jobs()
    ax = dx.plot_failure_trend(jobs, season="week")
    trend = dx.failure_trend(jobs, season="week")
    drawn_lines = [patch.get_data()[0] for patch in ax.patches if hasattr(patch, "get_data")]
    assert any(np.array_equal(values, trend["baseline"]) for values in drawn_lines)


def test_texts_have_the_colour_of_the_style():
    with plt.style.context("dark_background"):
        ax = drawn(dx.plot_failure_trend(shifted_jobs(), markers=[(DAYS[9], "A")]))
    colours = {text.get_text().split()[0]: text.get_color() for text in ax.texts}
    assert (colours["baseline"], colours["1"]) == ("white", "white")


def test_a_run_that_goes_on_says_since_when():
    account = dx.demo.Account(now=datetime(2026, 9, 4, tzinfo=UTC))
    ax = dx.plot_failure_trend(dx.read_jobs(list(account.pages())).jobs)
    assert "since 31 Aug" in texts_of(ax)
