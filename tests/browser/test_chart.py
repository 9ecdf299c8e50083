"""The chart of the explorer's page."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Shown, brush, counts
from tests.conftest import job, page_of, tables_of

pytestmark = pytest.mark.browser


def test_a_slider_pushes_the_other_one_and_the_readout_says_what_it_is_at(page, shown, tables):
    explorer = shown().explorer
    expect(page.locator(".dxn-cause").first).to_be_visible()
    first, last = page.get_by_label("First period"), page.get_by_label("Last period")
    expect(last).to_have_attribute("aria-valuetext", "until 2026-10-01 00:00 UTC")
    last.fill("66")
    expect(page.locator(".dxn-chip", has_text="to 2026-09-07 00:00")).to_be_visible()
    first.fill("70")
    expect(last).to_have_value("70")
    expect(first).to_have_attribute("aria-valuetext", "from 2026-09-10 00:00 UTC")
    readout = page.locator("figure > .dxn-note")
    jobs = tables.jobs[tables.jobs["created_at"].dt.strftime("%F") == "2026-09-10"]
    failed = int(jobs["state"].isin(["ERROR", "TIMED_OUT"]).sum())
    finished = failed + int((jobs["state"] == "COMPLETED").sum())
    expect(readout).to_contain_text(f"2026-09-10 UTC: {finished} finished, {failed} failed")
    expect(page.locator(".dxn-chip", has_text="from 2026-09-10 00:00")).to_be_visible()
    assert explorer.filters["since"] == "2026-09-10T00:00:00+00:00"
    assert explorer.filters["until"] == "2026-09-11T00:00:00+00:00"


def test_all_periods_filter_nothing(page, shown):
    explorer = shown().explorer
    expect(page.locator(".dxn-cause").first).to_be_visible()
    brush(page, 66, 60)  # backwards
    expect(counts(page)).to_contain_text("of 6,000 jobs")
    assert sorted(explorer.filters) == ["since", "until"]
    brush(page, 0, 90)
    expect(page.locator(".dxn-chip")).to_have_count(0)
    expect(counts(page)).not_to_contain_text("of 6,000")


def test_one_job_is_a_job(page):
    Shown(page, tables_of(page_of(job(1, State="ERROR"))))
    expect(counts(page)).to_contain_text("1 job1 failed")
    expect(page.locator(".dxn-chart text").first).to_have_text("1 job")
    expect(page.locator(".dxn-chart")).to_have_attribute(
        "aria-label",
        "Finished jobs of 1 period, from 2026-09-01 00:00 UTC; the two sliders below select a time",
    )
    page.get_by_role("checkbox", name="Tick this job").click()
    expect(page.locator(".dxn-message")).to_have_text("1 job ticked.")
