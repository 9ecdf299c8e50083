"""The search, times and chips of the explorer's page."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import counts, rows

pytestmark = pytest.mark.browser


def test_typing_is_asked_once_in_its_last_form(page, shown, tables):
    explorer = shown()
    expect(page.locator(".dxn-cause").first).to_be_visible()
    before = len(explorer.asked("view"))
    page.get_by_label("Search").press_sequentially("grid-load", delay=5)
    expect(counts(page)).to_contain_text("of 6,000 jobs")
    texts = [content["view"]["filters"].get("text") for content in explorer.asked("view")[before:]]
    assert texts == ["grid-load"]
    page.get_by_label("Search").fill("nothing has this")
    expect(page.locator(".dxn-view")).to_contain_text(
        "No jobs match the filters; no job has text: nothing has this."
    )


def test_times_can_be_typed_in_either_zone(page, shown, tables):
    explorer = shown().explorer
    page.get_by_label("From", exact=True).fill("2026-09-01T00:00")
    expect(page.locator(".dxn-chip", has_text="from 2026-09-01 00:00")).to_be_visible()
    page.get_by_label("Times in").select_option("America/New_York")
    expect(page.locator(".dxn-chip", has_text="from 2026-08-31 20:00")).to_be_visible()
    page.get_by_label("To", exact=True).fill("2026-09-01T00:00")
    expect(page.locator(".dxn-chip", has_text="to 2026-09-01 00:00")).to_be_visible()
    expect(rows(page).first.locator("td").nth(4)).to_have_text(re.compile("^2026-08-31 2[0-3]:"))
    assert explorer.filters == {
        "since": "2026-09-01T00:00:00+00:00",
        "until": "2026-09-01T04:00:00+00:00",
    }
