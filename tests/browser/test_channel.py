"""Questions and answers between the explorer's page and the kernel."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import counts, rows

pytestmark = pytest.mark.browser


def test_two_views_of_one_explorer_show_the_same(page, shown, tables):
    explorer = shown().explorer
    expect(page.locator(".dxn-cause").first).to_be_visible()
    page.evaluate("""async () => { const { default: part } = await import('/explorer.js');
        part.render({ model, el: document.body.appendChild(document.createElement('main')) }); }""")
    expect(page.locator(".dxn").nth(1).locator(".dxn-cause").first).to_be_visible()
    page.locator(".dxn").first.get_by_role("checkbox", name="Tick this job").first.click()
    expect(
        page.locator(".dxn").nth(1).get_by_role("checkbox", name="Tick this job").first
    ).to_be_checked()
    page.locator(".dxn").nth(1).locator(".dxn-cause").first.click()
    expect(page.locator(".dxn").first.locator(".dxn-counts")).to_contain_text("167 of 6,000 jobs")
    assert len(explorer.selection) == 167


def test_what_is_done_before_the_answer_is_done_to_what_was_asked_for(page, shown):
    explorer = shown().explorer
    expect(page.locator(".dxn-cause").first).to_be_visible()
    page.evaluate("hold()")
    page.locator("summary", has_text="State").click()
    page.get_by_role("group", name="State").get_by_label("TIMED_OUT").check()
    page.get_by_role("button", name="Tick all shown", exact=True).click()
    expect(page.locator(".dxn-note", has_text="13 ticked")).to_be_visible()
    page.evaluate("end_hold()")
    expect(counts(page)).to_contain_text("13 of 6,000 jobs")
    assert explorer.selected.jobs["state"].unique().tolist() == ["TIMED_OUT"]


def test_a_failing_answer_is_told_and_the_explorer_goes_on(page, shown):
    explorer = shown()
    expect(page.locator(".dxn-cause").first).to_be_visible()
    page.evaluate("model.send({ kind: 'detail', id: `${sent.at(-1).id}-x`, job: 'x' })")
    expect(page.get_by_role("alert")).to_contain_text("no job")
    rows(page).first.click()
    expect(page.locator(".dxn-detail .dxn-copy").first).to_be_visible()
    expect(page.locator(".dxn-message")).to_be_empty()
    assert explorer.asked("detail")


def test_a_stale_answer_never_overwrites_a_newer_one(page, shown, tables):
    shown()
    expect(page.locator(".dxn-cause").first).to_be_visible()
    page.evaluate("hold()")
    for state in ("ERROR", "CANCELLED", "TIMED_OUT"):
        page.evaluate("state => change({ state: [state] })", state)
        page.get_by_label("Search").fill(state)
        page.wait_for_function("() => document.querySelector('.dxn input[type=search]').value")
    page.wait_for_timeout(400)
    old = page.evaluate("() => held.length")
    assert old == 1  # the others wait for its answer, and become one
    page.evaluate("() => release()")
    page.wait_for_function("() => held.length === 1")
    page.evaluate("""tell('msg:custom',
        { kind: 'view', id: 'stale', total: 1, first: 0, rows: [], view: {} })""")
    page.evaluate("() => release()")
    expect(page.locator(".dxn-chip", has_text="text: TIMED_OUT")).to_be_visible()
    expect(counts(page)).not_to_contain_text("1 of 6,000")
