"""The explorer's own part in a browser, with the kernel's side in this process; Jupyter is in test_jupyter."""

from __future__ import annotations

import io
import re
import zipfile

import pandas as pd
import pytest
from playwright.sync_api import expect

import dxnotebook as dx
from tests.browser.conftest import Shown
from tests.conftest import job, page_of, tables_of
from tests.explorer.conftest import HOSTILE


def counts(page):
    return page.locator(".dxn-counts")


def rows(page):
    return page.locator(".dxn-view tbody tr")


def brush(page, first, last, of=91):
    """Drag over some periods of the chart."""
    box = page.locator(".dxn-chart").bounding_box()
    at = [box["x"] + (number + 0.5) * box["width"] / of for number in (first, last)]
    page.mouse.move(at[0], box["y"] + 60)
    page.mouse.down()
    page.mouse.move(at[1], box["y"] + 60, steps=4)
    page.mouse.up()


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


def test_typing_is_asked_once_in_its_last_form(page, shown, tables):
    explorer = shown()
    expect(page.locator(".dxn-cause").first).to_be_visible()
    before = len(explorer.asked("view"))
    page.get_by_label("Search").press_sequentially("grid-load", delay=5)
    expect(counts(page)).to_contain_text("of 6,000 jobs")
    texts = [content["filters"].get("text") for content in explorer.asked("view")[before:]]
    assert texts == ["grid-load"]
    page.get_by_label("Search").fill("nothing has this")
    expect(page.locator(".dxn-view")).to_contain_text("No jobs match the filters.")


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
        hidden = page.evaluate("""() => { const view = document.querySelector('.dxn-view').getBoundingClientRect();
            const head = document.querySelector('.dxn-view thead').getBoundingClientRect();
            const row = document.querySelector('.dxn-active').getBoundingClientRect();
            return Math.max(row.bottom - view.bottom, head.bottom - row.top); }""")
        assert hidden < 4


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
    page.evaluate("""() => { window.held = []; const { deliver } = window;
        window.deliver = (content) => content.kind === 'view' ? held.push(content) : deliver(content);
        window.release = () => { window.deliver = deliver; held.splice(0).forEach(deliver); }; }""")
    page.locator("summary", has_text="State").click()
    page.get_by_role("group", name="State").get_by_label("TIMED_OUT").check()
    page.get_by_role("button", name="Tick all shown", exact=True).click()
    expect(page.locator(".dxn-note", has_text="13 ticked")).to_be_visible()
    page.evaluate("release()")
    expect(counts(page)).to_contain_text("13 of 6,000 jobs")
    assert explorer.selected.jobs["state"].unique().tolist() == ["TIMED_OUT"]


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


def test_a_job_is_copied_from_and_leads_to_other_runs(page, shown, tables):
    back = dx.recoveries(tables).iloc[0]
    shown(filters={"text": back["first_job_id"]})
    rows(page).first.click()
    detail = page.get_by_role("region", name="Job", exact=True)
    expect(detail.get_by_label("ARN", exact=True)).to_have_value(
        re.compile(f"jobs/{back['first_job_id']}$")
    )
    detail.get_by_role("button", name="Copy Command").click()
    expect(detail.get_by_role("button", name="Copy Command")).to_have_text(
        re.compile("Copied|Press")
    )
    detail.locator(".dxn-runs button:enabled", has_text="COMPLETED").first.click()
    expect(detail.get_by_role("heading").first).to_contain_text("COMPLETED")
    expect(detail.get_by_label("ARN", exact=True)).to_have_value(
        re.compile(f"jobs/{back['recovered_job_id']}$")
    )


def test_the_selection_is_downloaded(page, shown):
    shown(filters={"state": ["TIMED_OUT"]})
    page.locator("summary", has_text="Export").click()
    page.get_by_label("Format").select_option("csv")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download").click()
    expect(page.locator(".dxn-message")).to_contain_text("Downloaded 13 jobs as jobs-")
    content = waiting.value.path().read_bytes()
    assert any(
        name.endswith("jobs.csv") for name in zipfile.ZipFile(io.BytesIO(content)).namelist()
    )


def test_hostile_values_are_texts(page):
    jobs = [
        job(n, State=text[:40], Type=text[:60], Errors=[{"Code": text[:30], "Message": text}],
            Details={"ImportAssetsFromS3": {"DataSetId": text, "AssetSources": [{"Bucket": "b", "Key": text}]}})
        for n, text in enumerate(HOSTILE)
    ]  # fmt: skip
    Shown(page, tables_of(page_of(*jobs)))
    expect(page.locator(".dxn-causes")).to_contain_text("<img src=x onerror=alert(<n>)>")
    page.locator("summary", has_text="Data set").click()
    page.get_by_role("group", name="Data set").locator("label", has_text="</script>").locator(
        "input"
    ).check()
    expect(counts(page)).to_contain_text("1 of 5 jobs")
    rows(page).first.click()
    expect(page.get_by_role("region", name="Job", exact=True)).to_contain_text(HOSTILE[1])
    page.get_by_role("button", name="Clear all").click()
    for number in range(5):
        rows(page).nth(number).click()
        expect(page.locator(".dxn-detail .dxn-grid").first).to_be_visible()
    expect(page.locator(".dxn-detail")).to_contain_text("x" * 10_000)
    assert page.locator(".dxn img, .dxn script").count() == 0


def test_a_failing_answer_is_told_and_the_explorer_goes_on(page, shown):
    explorer = shown()
    expect(page.locator(".dxn-cause").first).to_be_visible()
    page.evaluate(
        "model.send({ kind: 'detail', id: sent.at(-1).id.split('-')[0] + '-x', row: 10**9 })".replace(
            "10**9", "1e9"
        )
    )
    expect(page.get_by_role("alert")).to_contain_text("IndexError")
    rows(page).first.click()
    expect(page.locator(".dxn-detail .dxn-copy").first).to_be_visible()
    expect(page.locator(".dxn-message")).to_be_empty()
    assert explorer.asked("detail")


def test_a_stale_answer_never_overwrites_a_newer_one(page, shown, tables):
    shown()
    expect(page.locator(".dxn-cause").first).to_be_visible()
    page.evaluate("""() => { window.held = []; const { deliver } = window;
        window.deliver = (content) => content.kind === 'view' ? held.push(content) : deliver(content);
        window.release = () => { const now = held.splice(0); now.forEach(deliver); return now.length; }; }""")
    for state in ("ERROR", "CANCELLED", "TIMED_OUT"):
        page.evaluate("state => change({ state: [state] })", state)
        page.get_by_label("Search").fill(state)
        page.wait_for_function("() => document.querySelector('.dxn input[type=search]').value")
    page.wait_for_timeout(400)
    old = page.evaluate("() => held.length")
    assert old == 1  # the others wait for its answer, and become one
    page.evaluate("() => release()")
    page.wait_for_function("() => held.length === 1")
    page.evaluate(
        "tell('msg:custom', { kind: 'view', id: 'stale', total: 1, first: 0, rows: [], filters: {} })"
    )
    page.evaluate("() => release()")
    expect(page.locator(".dxn-chip", has_text="text: TIMED_OUT")).to_be_visible()
    expect(counts(page)).not_to_contain_text("1 of 6,000")


def test_empty_tables_say_so(page, tables):
    Shown(page, tables.filter([]))
    expect(page.locator(".dxn-view")).to_contain_text("There are no jobs.")
    expect(page.locator(".dxn-causes")).to_contain_text("No errors")
    expect(counts(page)).to_contain_text("0 jobs")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1200])
def test_axe_finds_no_serious_violation_and_nothing_is_wider_than_the_page(
    page, shown, scheme, width
):
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415 (a script of half a megabyte)

    page.set_viewport_size({"width": width, "height": 900})
    shown(scheme=scheme)
    expect(page.locator(".dxn-cause").first).to_be_visible()
    page.locator(".dxn-cause").first.click()
    rows(page).first.click()
    expect(page.locator(".dxn-detail .dxn-copy").first).to_be_visible()
    page.locator("summary", has_text="Export").click()
    found = Axe().run(page).response["violations"]
    assert [
        (one["id"], one["nodes"][0]["html"][:200])
        for one in found
        if one["impact"] in ("serious", "critical")
    ] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_what_is_left_behind_is_nothing(page, shown):
    shown()
    expect(page.locator(".dxn-cause").first).to_be_visible()
    page.evaluate("() => { end(); sent.length = 0; change({ state: ['ERROR'] }); }")
    page.wait_for_timeout(100)
    assert page.evaluate("sent.length") == 0
