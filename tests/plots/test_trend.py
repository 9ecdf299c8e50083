"""The failure rate of each period against its limits."""

from __future__ import annotations

from datetime import UTC, datetime

import dxnotebook as dx
from tests.plots.conftest import texts_of


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


def test_a_run_that_goes_on_says_since_when():
    account = dx.demo.Account(now=datetime(2026, 9, 4, tzinfo=UTC))
    ax = dx.plot_failure_trend(dx.read_jobs(list(account.pages())).jobs)
    assert "since 31 Aug" in texts_of(ax)
