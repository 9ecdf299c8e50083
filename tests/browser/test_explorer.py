"""The page's part of the explorer as a whole, with the kernel's side in this process."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

import dxnotebook as dx
from tests.browser.conftest import Shown, brush, counts, rows

pytestmark = pytest.mark.browser


def test_the_bad_week_is_found_by_mouse_in_five_actions(page, shown):
    story = dx.demo.Account().story
    explorer = shown().explorer
    expect(page.locator(".dxn-cause").first).to_be_visible()
    brush(page, 60, 66)  # 1
    expect(counts(page)).to_contain_text("of 6,000 jobs")
    page.locator(".dxn-cause").first.click()  # 2
    expect(counts(page)).to_contain_text(f"{story.failed} of 6,000 jobs")
    rows(page).first.click()  # 3
    detail = page.get_by_role("region", name="Job", exact=True)
    expect(detail).to_contain_text(
        f"the bucket policy of {story.bucket} does not allow s3:GetObject"
    )
    expect(
        detail.get_by_role("group", name="Errors")
        .get_by_role("cell", name=story.bucket, exact=True)
        .first
    ).to_be_visible()
    expect(detail).to_contain_text("Runs of the same work: 2")
    assert len(explorer.selection) == story.failed
    assert [explorer.filters[name][:10] for name in ("since", "until")] == [
        "2026-08-31",
        "2026-09-07",
    ]


def test_all_of_it_by_keyboard(page, shown, tables):
    explorer = shown().explorer
    expect(page.locator(".dxn-cause").first).to_be_visible()
    page.get_by_label("Search").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # opens the states
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(counts(page)).to_contain_text("386 of 6,000 jobs")
    assert explorer.filters == {"state": ["ERROR"]}
    expect(page.locator(".dxn-list input:focus")).to_be_checked()
    page.keyboard.press("Escape")
    expect(page.locator("summary:focus")).to_contain_text("State (1)")
    page.get_by_label("First period").focus()
    for _ in range(60):
        page.keyboard.press("ArrowRight")
    expect(page.locator(".dxn-chip", has_text="from 2026-08-31 00:00")).to_be_visible()
    failed = tables.jobs[
        (tables.jobs["state"] == "ERROR") & (tables.jobs["created_at"] >= "2026-08-31")
    ]
    expect(counts(page)).to_contain_text(f"{len(failed)} of 6,000 jobs")
    grid = page.get_by_role("grid")
    grid.focus()
    page.keyboard.press("End")
    expect(rows(page).last).to_have_class("dxn-active")
    page.keyboard.press("PageUp")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Space")
    expect(page.locator(".dxn-note", has_text="1 ticked")).to_be_visible()
    assert explorer.selected.jobs["job_id"].tolist() == [
        failed.sort_values("created_at", ascending=False)["job_id"].iloc[-15]
    ]
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Job", exact=True)).to_be_focused()
    page.get_by_role("button", name="Close").press("Enter")
    expect(grid).to_be_focused()


def test_empty_tables_say_so(page, tables):
    Shown(page, tables.filter([]))
    expect(page.locator(".dxn-view")).to_contain_text("There are no jobs.")
    expect(page.locator(".dxn-causes")).to_contain_text("No errors")
    expect(counts(page)).to_contain_text("0 jobs")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 470, 1130, 1600])
def test_axe_finds_no_violation_and_nothing_is_wider_than_the_page(
    page, shown, tables, scheme, width
):
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415 (a script of half a megabyte)

    page.set_viewport_size({"width": width, "height": 900})
    newest = tables.jobs["created_at"].max()
    older = tables.filter(tables.jobs["created_at"] < newest)
    shown(older, scheme=scheme, refresh=lambda: tables, filters={"not": {"state": ["GONE"]}})
    expect(page.locator(".dxn-cause").first).to_be_visible()
    page.get_by_role("button", name="Refresh").click()
    expect(page.locator(".dxn-new")).to_be_visible()
    page.locator(".dxn-cause").first.click()
    rows(page).first.click()
    expect(page.locator(".dxn-detail .dxn-copy").first).to_be_visible()
    page.locator("summary", has_text="Export").click()
    found = Axe().run(page).response["violations"]
    in_explorer = [
        one
        for one in found
        if "dxn" in one["nodes"][0]["html"] or ".dxn" in str(one["nodes"][0]["target"])
    ]
    assert [(one["id"], one["nodes"][0]["html"][:200]) for one in in_explorer] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_what_is_left_behind_is_nothing(page, shown):
    shown()
    expect(page.locator(".dxn-cause").first).to_be_visible()
    page.evaluate("() => { end(); sent.length = 0; change({ state: ['ERROR'] }); }")
    page.wait_for_timeout(100)
    assert page.evaluate("sent.length") == 0
