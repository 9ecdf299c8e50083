"""Views of the explorer that are kept, copied and linked to."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, quote

import pytest
from playwright.sync_api import expect

import dxnotebook as dx
from tests.browser.conftest import Shown, counts, rows

pytestmark = pytest.mark.browser
HOSTILE = [
    "null", "5", "[]", '"x"', "{", '{"colour": 1}', '{"sort": 5}', '{"filters": {"state": 5}}',
    '{"zone": "<script>"}', '{"columns": {"a": 1}}', '{"__proto__": {"filters": 1}}', '{"job": []}',
    '{"filters": {"text": "<img src=x onerror=alert(1)>"}, "job": "<img src=x onerror=alert(1)>"}',
]  # fmt: skip


def copied(page, label):
    page.locator("summary", has_text="Share").click()
    text = page.get_by_role("textbox", name=label, exact=True).input_value()
    page.keyboard.press("Escape")
    return text


def change(page):
    """Change each part of the view by hand."""
    page.locator("summary", has_text="State").click()
    page.get_by_role("group", name="State").get_by_label("ERROR").check()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Exclude State: ERROR").click()
    expect(page.locator(".dxn-chip", has_text="not State: ERROR")).to_be_visible()
    page.get_by_role("button", name="Duration").click()
    page.get_by_label("Times in").select_option("America/New_York")
    page.get_by_role("button", name="Created").press("Shift+ArrowRight")
    rows(page).nth(2).click()
    expect(page.locator(".dxn-copy").nth(2)).to_be_visible()


def test_a_view_is_copied_as_python_and_as_a_link(page, shown, tables):
    explorer = shown().explorer
    expect(page.locator(".dxn-cause").first).to_be_visible()
    change(page)
    row = rows(page).nth(2).inner_text()
    python, link = copied(page, "as Python"), copied(page, "link")
    view = explorer.view
    assert view["filters"] == {"not": {"state": ["ERROR"]}}
    assert (view["sort"], view["zone"]) == (["duration_s", True], "America/New_York")
    assert view["widths"] == {"created_at": 164}
    assert view["job"] in set(tables.jobs["job_id"])
    again = eval(python, {"dx": dx, "tables": tables})
    assert again.view == view
    page.evaluate("sessionStorage.clear()")
    fragment = parse_qs(link.split("#")[1])
    assert [json.loads(one) for one in fragment[next(iter(fragment))]] != []
    page.goto("about:blank")
    restored = Shown.restored(page, explorer, link)
    expect(page.locator(".dxn-chip", has_text="not State: ERROR")).to_be_visible()
    expect(rows(page).nth(2)).to_have_attribute("aria-selected", "true")
    assert rows(page).nth(2).inner_text() == row
    expect(page.locator(".dxn-detail .dxn-copy").first).to_be_visible()
    assert restored.view == view


def test_a_cell_that_runs_again_comes_back_as_it_was(page, shown, tables):
    explorer = shown().explorer
    expect(page.locator(".dxn-cause").first).to_be_visible()
    change(page)
    view = explorer.view
    again = Shown.restored(page, explorer, "http://explorer.test/")
    expect(page.locator(".dxn-chip", has_text="not State: ERROR")).to_be_visible()
    assert again.view == view


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_link_is_inert(page, shown, text):
    explorer = shown().explorer
    expect(page.locator(".dxn-cause").first).to_be_visible()
    key = explorer._about["key"]
    page.evaluate("sessionStorage.clear()")
    page.goto("about:blank")
    link = f"http://explorer.test/#{quote(f'dxnotebook-{key}')}={quote(text)}"
    again = Shown.restored(page, explorer, link)
    expect(page.locator(".dxn-causes")).not_to_contain_text("Looking")
    if "img" in text:
        expect(page.locator(".dxn-chip", has_text="<img src=x")).to_be_visible()
        expect(page.locator(".dxn-view")).to_contain_text("No jobs match")
    else:
        expect(counts(page)).to_contain_text("6,000 jobs")
        assert again.filters == {}


def test_every_filter_turns_round_and_what_no_job_has_says_so(page, shown, tables):
    explorer = shown(filters={"state": ["PAUSED"], "text": "grid", "since": "2026-09-01"}).explorer
    expect(page.locator(".dxn-chip", has_text="State: PAUSED (no job has this)")).to_be_visible()
    expect(page.locator(".dxn-view")).to_contain_text("no job has state: PAUSED")
    page.get_by_role("button", name="Clear State: PAUSED").click()
    page.get_by_role("button", name="Exclude text: grid").click()
    page.get_by_role("button", name="Exclude from 2026-09-01 00:00").click()
    expect(page.locator(".dxn-chip", has_text="not from 2026-09-01")).to_be_visible()
    expect(page.get_by_label("Search", exact=True)).to_have_value("")
    assert explorer.filters == {"not": {"text": "grid", "since": "2026-09-01T00:00:00+00:00"}}
    page.get_by_role("button", name="Exclude text: grid").click()
    expect(page.get_by_label("Search", exact=True)).to_have_value("grid")
    assert explorer.filters["text"] == "grid"


def test_a_job_that_is_gone_is_told_and_closed(page, shown):
    explorer = shown(view={"job": "<b>gone</b>"}).explorer
    expect(page.get_by_role("alert")).to_contain_text("There is no job '<b>gone</b>'")
    expect(page.get_by_role("region", name="Job", exact=True)).to_be_hidden()
    expect(page.locator(".dxn-cause").first).to_be_visible()
    assert explorer.view["job"] is None


def test_escape_closes_a_menu_and_then_the_job(page, shown):
    explorer = shown().explorer
    expect(page.locator(".dxn-cause").first).to_be_visible()
    rows(page).first.click()
    expect(page.locator(".dxn-detail .dxn-copy").first).to_be_visible()
    page.locator("summary", has_text="Columns").click()
    page.keyboard.press("Escape")
    expect(page.locator(".dxn-detail .dxn-copy").first).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("region", name="Job", exact=True)).to_be_hidden()
    page.wait_for_timeout(100)
    assert explorer.view["job"] is None


def test_nothing_jumps_when_a_cause_is_clicked(page, shown):
    shown()
    expect(page.locator(".dxn-cause").first).to_be_visible()
    parts = [".dxn-chart", ".dxn-cause >> nth=0", ".dxn-cause >> nth=3", ".dxn-view"]
    before = [page.locator(part).bounding_box() for part in parts]
    page.locator(".dxn-cause").first.click()
    expect(counts(page)).to_contain_text("167 of 6,000 jobs")
    assert [page.locator(part).bounding_box() for part in parts] == before
