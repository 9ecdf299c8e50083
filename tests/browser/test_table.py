"""The table of the explorer's page."""

from __future__ import annotations

import pandas as pd
import pytest
from playwright.sync_api import expect

import dxnotebook as dx
from tests.browser.conftest import Shown, counts, rows

pytestmark = pytest.mark.browser


def test_columns_are_made_wider_by_mouse_and_by_keyboard_and_as_they_were(page, shown):
    explorer = shown().explorer
    expect(page.locator(".dxn-cause").first).to_be_visible()
    head = page.get_by_role("columnheader", name="Type")
    before = head.bounding_box()["width"]
    grip = head.locator(".dxn-grip").bounding_box()
    page.mouse.move(grip["x"] + 3, grip["y"] + 9)
    page.mouse.down()
    page.mouse.move(grip["x"] + 63, grip["y"] + 9, steps=4)
    page.mouse.up()
    page.wait_for_timeout(300)
    assert explorer.view["widths"]["type"] == pytest.approx(before + 60, abs=2)
    assert head.bounding_box()["width"] > before + 40
    assert explorer.view["sort"] == ["created_at", True]
    width = explorer.view["widths"]["type"]
    head.get_by_role("button").press("Shift+ArrowLeft")
    page.wait_for_timeout(300)
    assert explorer.view["widths"] == {"type": width - 16}
    expect(head.get_by_role("button")).to_be_focused()
    head.locator(".dxn-grip").dblclick()
    page.wait_for_timeout(300)
    assert explorer.view["widths"] == {}


def test_nothing_useful_is_cut_off_in_a_notebook(page, shown):
    page.set_viewport_size({"width": 1130, "height": 900})
    shown()
    expect(page.locator(".dxn-cause").first).to_be_visible()
    view = page.locator(".dxn-view")
    assert view.evaluate("view => view.scrollWidth <= view.clientWidth")


def test_narrow_rows_are_cards_with_all_that_the_columns_have(page, shown):
    page.set_viewport_size({"width": 400, "height": 900})
    explorer = shown(filters={"state": ["ERROR"]}).explorer
    expect(page.locator(".dxn-cause").first).to_be_visible()
    card = page.locator(".dxn-view tbody tr").nth(1)
    box = page.locator(".dxn-view").bounding_box()
    for cell in card.locator("td").all()[1:]:
        inner = cell.bounding_box()
        assert box["x"] <= inner["x"]
        assert inner["x"] + inner["width"] <= box["x"] + box["width"] + 1
    expect(card).to_contain_text("ERROR")
    for _ in range(5):
        page.locator(".dxn-view").evaluate("view => view.scrollBy(0, 300)")
        page.wait_for_timeout(50)
    assert int(card.get_attribute("aria-rowindex")) > 5
    page.locator(".dxn-view").evaluate("view => view.scrollTo(0, 1e9)")
    expect(page.locator(".dxn-view tbody tr").last).to_have_attribute(
        "aria-rowindex", str(len(explorer.selection) + 1)
    )
    last = page.locator(".dxn-view tbody tr").last.bounding_box()
    assert last["y"] + last["height"] <= box["y"] + box["height"] + 2


def test_the_message_is_a_column(page, shown, tables):
    explorer = shown(
        view={"columns": ["state", "message"], "filters": {"state": ["ERROR"]}}
    ).explorer
    first = tables.errors.drop_duplicates("job_id").set_index("job_id")["message"]
    message = first[explorer.selection.jobs["job_id"].iloc[0]]
    expect(page.locator(".dxn-view tbody tr").first).to_contain_text(message[:40])


def test_sorting_columns_and_the_filters_set_in_python(page, shown, tables):
    explorer = shown().explorer
    page.get_by_role("button", name="Duration").click()
    longest = dx.stuck_jobs(tables.jobs)  # open jobs have taken what they have so far
    expect(rows(page).first.locator("td").last).to_have_text(longest["job_id"].iloc[0])
    expect(page.get_by_role("columnheader", name="Duration")).to_have_attribute(
        "aria-sort", "descending"
    )
    page.get_by_role("button", name="Duration").click()
    expect(rows(page).first.locator("td").last).to_have_text(
        tables.jobs.sort_values("duration_s", kind="stable")["job_id"].iloc[0]
    )
    page.locator("summary", has_text="Columns").click()
    page.get_by_role("group", name="Columns").get_by_label("Region").check()
    expect(page.get_by_role("columnheader", name="Region")).to_be_visible()
    expect(rows(page).first.locator("td").last).to_have_text("us-east-1")
    explorer.filters = {"state": ["CANCELLED"]}
    page.evaluate("change({ state: ['CANCELLED'] })")
    expect(counts(page)).to_contain_text(
        f"{(tables.jobs['state'] == 'CANCELLED').sum()} of 6,000 jobs"
    )
    expect(page.locator(".dxn-chip", has_text="State: CANCELLED")).to_be_visible()


def test_the_last_of_a_hundred_thousand_rows_is_reached_by_slices(page, tables):
    jobs = pd.concat([tables.jobs] * 17, ignore_index=True)
    jobs["job_id"] = [f"job {number}" for number in range(len(jobs))]
    many = dx.JobTables(jobs, tables.details.iloc[:0], tables.errors.iloc[:0], tables.rejects)
    shown = Shown(page, many)
    order = jobs["job_id"][jobs["created_at"].sort_values(ascending=False, kind="stable").index]
    expect(rows(page).first).to_contain_text(order.iloc[0])
    page.locator(".dxn-view").evaluate("view => view.scrollTo(0, view.scrollHeight)")
    expect(rows(page).last).to_contain_text(order.iloc[-1])
    expect(rows(page).last).to_be_in_viewport()
    page.locator(".dxn-view").evaluate("view => view.scrollTo(0, view.scrollHeight / 2)")
    expect(page.locator(".dxn-view tbody tr[aria-rowindex='51002']")).to_contain_text(
        order.iloc[51000]
    )
    assert len(jobs) == 102_000
    assert max(content["count"] for content in shown.asked("view")) < 60
    assert rows(page).count() < 30


def test_arrows_keep_the_active_row_in_sight_where_a_pixel_is_more_than_a_row(page, tables):
    jobs = pd.concat([tables.jobs] * 50, ignore_index=True)
    jobs["job_id"] = [f"job {number}" for number in range(len(jobs))]
    Shown(page, dx.JobTables(jobs, tables.details.iloc[:0], tables.errors.iloc[:0], tables.rejects))
    expect(rows(page).first).to_contain_text("job ")
    grid = page.get_by_role("grid")
    grid.focus()
    for first, arrow in (("Home", "ArrowDown"), ("End", "ArrowUp")):
        page.keyboard.press(first)
        for _ in range(17):
            page.keyboard.press(arrow)
        page.wait_for_timeout(100)
        hidden = page.evaluate("""() => {
            const box = (selector) => document.querySelector(selector).getBoundingClientRect();
            const view = box('.dxn-view'), head = box('.dxn-view thead'), row = box('.dxn-active');
            return Math.max(row.bottom - view.bottom, head.bottom - row.top);
        }""")
        assert hidden < 4
