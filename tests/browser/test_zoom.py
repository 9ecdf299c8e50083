"""The time that the explorer's chart is of."""

from __future__ import annotations

import pandas as pd
import pytest
from playwright.sync_api import expect

from dxnotebook.tables.jobtables import observed_at
from tests.browser.conftest import brush, counts

pytestmark = pytest.mark.browser


@pytest.fixture
def explorer(page, shown):
    explorer = shown().explorer
    expect(page.locator(".dxn-cause").first).to_be_visible()
    return explorer


def chart(page):
    return page.locator(".dxn-chart")


def test_the_chosen_time_is_drawn_by_button_key_and_double_click(page, explorer):
    brush(page, 60, 66)
    expect(counts(page)).to_contain_text("of 6,000 jobs")
    page.get_by_role("button", name="Zoom", exact=True).click()
    expect(chart(page)).to_have_attribute("aria-label", "Finished jobs of 84 periods, from "
        "2026-08-31 00:00 UTC; the two sliders below select a time")  # fmt: skip
    assert explorer.view["zoom"] == [explorer.filters["since"], explorer.filters["until"]]
    brush(page, 12, 23, of=84)  # a day
    expect(page.locator(".dxn-chip").first).to_contain_text("from 2026-09-01 00:00")
    page.get_by_label("First period").focus()
    page.keyboard.press("z")
    expect(chart(page)).to_have_attribute("aria-label", "Finished jobs of 96 periods, from "
        "2026-09-01 00:00 UTC; the two sliders below select a time")  # fmt: skip
    page.keyboard.press("Shift+Z")
    expect(chart(page)).to_have_attribute("aria-label", "Finished jobs of 91 periods, from "
        "2026-07-02 00:00 UTC; the two sliders below select a time")  # fmt: skip
    assert explorer.filters["since"] == "2026-09-01T00:00:00+00:00"
    brush(page, 60, 66)
    expect(page.locator(".dxn-chip").first).to_contain_text("from 2026-08-31 00:00")
    box = chart(page).bounding_box()
    page.mouse.dblclick(box["x"] + 63.5 * box["width"] / 91, box["y"] + 60)
    expect(chart(page)).to_have_attribute("aria-label", "Finished jobs of 84 periods, from "
        "2026-08-31 00:00 UTC; the two sliders below select a time")  # fmt: skip
    assert explorer.filters["since"] == "2026-08-31T00:00:00+00:00"


@pytest.mark.parametrize(("name", "hours"), [("24 h", 24), ("7 d", 168), ("30 d", 720)])
def test_the_latest_jobs_are_chosen_and_drawn(page, explorer, tables, name, hours):
    page.get_by_role("button", name=name, exact=True).click()
    expect(counts(page)).to_contain_text("of 6,000 jobs")
    since = tables.jobs["created_at"] >= observed_at(tables.jobs) - pd.Timedelta(hours=hours)
    assert len(explorer.selection) == since.sum()
    page.get_by_role("button", name="All", exact=True).click()
    expect(counts(page)).not_to_contain_text("of 6,000")
    assert (explorer.filters, explorer.view["zoom"]) == ({}, None)


def test_axis_and_readout_are_in_the_zone_that_is_chosen(page, explorer):
    page.get_by_label("Times in").select_option("America/New_York")
    expect(chart(page)).to_have_attribute("aria-label", "Finished jobs of 91 periods, from "
        "2026-07-02 00:00 America/New_York; the two sliders below select a time")  # fmt: skip
    box = chart(page).bounding_box()
    page.mouse.move(box["x"] + 60.5 * box["width"] / 91, box["y"] + 60)
    expect(page.locator("figure > .dxn-note")).to_contain_text("2026-08-31 America/New_York:")
    expect(page.locator("figure > .dxn-note")).to_contain_text("usual is up to")


def test_jobs_that_are_chosen_by_their_state_have_no_line_of_their_rate(page, explorer):
    expect(page.locator(".dxn-rate")).not_to_have_attribute("points", "")
    expect(page.locator(".dxn-incident")).to_have_count(4)
    page.locator(".dxn-counts").get_by_role("button", name="failed").click()
    expect(counts(page)).to_contain_text("399 of 6,000 jobs")
    expect(page.locator(".dxn-rate")).to_have_attribute("points", "")
    expect(page.locator(".dxn-usual")).to_have_count(0)
    expect(chart(page)).not_to_contain_text("100 %")
