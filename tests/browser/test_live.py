"""Jobs that are read anew in the explorer's page."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from dxnotebook import DxError
from tests.browser.conftest import counts, rows

pytestmark = pytest.mark.browser


@pytest.fixture
def older(tables):
    return tables.filter(tables.jobs["created_at"] < "2026-09-30T08:00")


def told(page):
    return page.locator(".dxn-bar", has=page.get_by_role("button", name="Refresh")).get_by_role(
        "status"
    )


def refresh(page):
    page.get_by_role("button", name="Refresh").click()


def test_news_are_marked_until_they_were_seen_and_all_else_stays(page, shown, tables, older):
    new = len(tables) - len(older)
    explorer = shown(
        older, refresh=lambda: tables, filters={"not": {"state": ["CANCELLED"]}}
    ).explorer
    expect(page.locator(".dxn-cause").first).to_be_visible()
    expect(told(page)).to_have_text("as of 2026-09-30 12:00:00, 0 new, 0 changed")
    page.get_by_role("checkbox", name="Tick this job").first.check()
    rows(page).first.click()
    detail = page.get_by_role("region", name="Job", exact=True)
    expect(detail.locator(".dxn-copy").first).to_be_visible()
    view, ticked = explorer.view, explorer.selected.jobs["job_id"].tolist()
    page.clock.install()
    refresh(page)
    page.clock.run_for(1000)
    expect(told(page)).to_contain_text(f"{new} new, 0 changed")
    shown_now = (tables.jobs["state"] != "CANCELLED").sum()
    expect(counts(page)).to_contain_text(f"{shown_now:,} of 6,000 jobs")
    expect(page.locator(".dxn-new").first).to_be_visible()
    assert (explorer.view, explorer.selected.jobs["job_id"].tolist()) == (view, ticked)
    expect(detail.locator(".dxn-copy").first).to_be_visible()
    page.clock.run_for(4000)
    expect(page.locator(".dxn-new")).to_have_count(0)


def test_what_is_out_of_sight_stays_new_and_scrolling_stays(page, shown, tables, older):
    shown(older, refresh=lambda: tables)
    expect(page.locator(".dxn-cause").first).to_be_visible()
    page.locator(".dxn-view").evaluate("view => view.scrollTo(0, 5000)")
    expect(rows(page).nth(5)).not_to_contain_text("…")
    page.clock.install()
    refresh(page)
    page.clock.run_for(1000)
    expect(told(page)).to_contain_text(" new, 0 changed")
    page.clock.run_for(9000)
    assert page.locator(".dxn-view").evaluate("view => view.scrollTop") == 5000
    page.locator(".dxn-view").evaluate("view => view.scrollTo(0, 0)")
    expect(page.locator(".dxn-new").first).to_be_visible()


def test_a_failure_is_told_and_tried_again_ever_later_until_it_is_over(page, shown, tables):
    reads = []

    def read():
        reads.append(1)
        if len(reads) < 4:
            raise DxError("ExpiredToken. Renew the credentials <b>now</b>.")
        return tables

    shown(tables, refresh=read)
    expect(page.locator(".dxn-cause").first).to_be_visible()
    page.clock.install()
    page.get_by_label("Refresh every").select_option("30 s")
    for wait, times in ((29, 0), (2, 1), (58, 1), (3, 2), (118, 2), (3, 3), (241, 4)):
        page.clock.run_for(wait * 1000)
        page.clock.run_for(500)
        assert len(reads) == times
        if times in (1, 2, 3):
            expect(told(page)).to_contain_text("Renew the credentials <b>now</b>.")
            expect(told(page)).to_contain_text(f"trying again in {30 * 2**times} s")
            expect(counts(page)).to_contain_text("6,000 jobs")
    expect(told(page)).not_to_contain_text("Renew")
    page.evaluate("end()")
    page.clock.run_for(900_000)
    assert len(reads) == 4


def test_without_a_source_there_is_nothing_to_press(page, shown):
    shown()
    expect(page.locator(".dxn-cause").first).to_be_visible()
    expect(page.get_by_role("button", name="Refresh")).to_be_hidden()


def test_other_tables_may_have_other_columns_and_keep_the_place(page, shown, tables):
    explorer = shown(tables)
    expect(page.locator(".dxn-cause").first).to_be_visible()
    page.locator(".dxn-view").evaluate("view => view.scrollTo(0, 5000)")
    jobs = tables.jobs.drop(columns="data_set_name").assign(region="eu-west-1")
    jobs.loc[0, "region"] = "us-east-1"
    explorer.explorer.tables = type(tables)(jobs, tables.details, tables.errors, tables.rejects)
    page.evaluate(
        "about => { const get = model.get; model.get = (name) => name === '_about' ? about :"
        " get(name); tell('change:_about'); }",
        explorer.explorer._about,
    )
    expect(page.locator("summary", has_text="Region")).to_be_visible()
    expect(page.locator(".dxn")).to_have_count(1)
    expect(page.locator(".dxn-cause").first).to_be_visible()
    assert page.locator(".dxn-view").evaluate("view => view.scrollTop") == 5000
