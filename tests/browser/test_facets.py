"""The values to filter by on the explorer's page."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import counts
from tests.conftest import job, page_of, tables_of

pytestmark = pytest.mark.browser


def test_values_are_found_in_a_long_facet(page, shown):
    jobs = [
        job(n, Details={"ImportAssetsFromS3": {"DataSetId": f"set {n % 70:02}"}})
        for n in range(300)
    ]
    explorer = shown(tables_of(page_of(*jobs))).explorer
    expect(counts(page)).to_contain_text("300 jobs")
    page.locator("summary", has_text="Data set").click()
    group = page.get_by_role("group", name="Data set", exact=True)
    expect(group).to_contain_text("20 more: search for them above")
    page.get_by_label("Find in Data set").press_sequentially("T 6")
    expect(group.get_by_role("checkbox")).to_have_count(10)
    expect(page.get_by_label("Find in Data set")).to_be_focused()
    group.get_by_label("set 69").check()
    expect(counts(page)).to_contain_text("4 of 300 jobs")
    assert explorer.filters == {"data_set_id": ["set 69"]}
    page.get_by_label("Find in Data set").fill("nothing")
    expect(group.get_by_role("checkbox")).to_have_count(1)  # what is chosen stays


def test_filters_cross_and_are_cleared(page, shown, tables):
    explorer = shown().explorer
    page.locator("summary", has_text="State").click()
    page.get_by_role("group", name="State").get_by_label("TIMED_OUT").check()
    expect(counts(page)).to_contain_text(
        f"{(tables.jobs['state'] == 'TIMED_OUT').sum()} of 6,000 jobs"
    )
    page.keyboard.press("Escape")
    page.locator("summary", has_text="Type").click()
    left = tables.jobs[tables.jobs["state"] == "TIMED_OUT"]["type"].value_counts()
    name, number = left.index[0], int(left.iloc[0])
    option = page.get_by_role("group", name="Type").locator("label", has_text=name).first
    expect(option).to_contain_text(f" {number}")
    option.locator("input").check()
    expect(counts(page)).to_contain_text(f"{number} of 6,000 jobs")
    assert explorer.filters == {"state": ["TIMED_OUT"], "type": [name]}
    page.get_by_role("button", name="Clear State: TIMED_OUT").click()
    expect(counts(page)).to_contain_text(f"{(tables.jobs['type'] == name).sum():,} of 6,000 jobs")
    page.get_by_role("button", name="Clear all").click()
    expect(counts(page)).to_contain_text("6,000 jobs")
    assert explorer.filters == {}
