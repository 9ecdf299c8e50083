"""The table of the explorer's page."""

from __future__ import annotations

import pandas as pd
import pytest
from playwright.sync_api import expect

import dxnotebook as dx
from tests.browser.conftest import Shown, counts, rows

pytestmark = pytest.mark.browser


def test_sorting_columns_and_the_filters_set_in_python(page, shown, tables):
    explorer = shown().explorer
    page.get_by_role("button", name="Duration").click()
    longest = tables.jobs.sort_values("duration_s", ascending=False, kind="stable")
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
