"""The menus of the explorer's page."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def test_one_menu_is_open_and_escape_leads_back_to_its_title(page, shown):
    shown()
    expect(page.locator(".dxn-cause").first).to_be_visible()
    menus = page.locator(".dxn-menu[open]")
    page.locator("summary", has_text="State").click()
    page.locator("summary", has_text="Columns").click()
    expect(menus).to_have_count(1)
    expect(menus.locator("summary")).to_have_text("Columns")
    page.get_by_role("group", name="Columns").get_by_label("Region").focus()
    page.keyboard.press("Escape")
    expect(menus).to_have_count(0)
    expect(page.locator("summary:focus")).to_have_text("Columns")


def test_a_menu_stays_inside_of_the_explorer(page, shown):
    page.set_viewport_size({"width": 420, "height": 900})
    shown()
    expect(page.locator(".dxn-cause").first).to_be_visible()
    page.locator("summary", has_text="Error code").click()
    box = page.locator(".dxn-menu[open] .dxn-list").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 420
    page.set_viewport_size({"width": 320, "height": 900})  # as when a side bar opens
    expect(page.locator(".dxn-menu[open] .dxn-list")).to_be_visible()
    page.wait_for_function(
        "document.querySelector('.dxn-menu[open] .dxn-list').getBoundingClientRect().right <= 320"
    )
