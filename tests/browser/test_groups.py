"""Groups on the explorer's page."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

import dxnotebook as dx
from tests.browser.conftest import Shown, counts
from tests.conftest import job, page_of, tables_of
from tests.explorer.conftest import HOSTILE

pytestmark = pytest.mark.browser


@pytest.fixture
def explorer(page, shown):
    explorer = shown(view={"group": "data_set_id"}).explorer
    expect(counts(page)).to_contain_text("undone", timeout=30_000)
    return explorer


def groups(page):
    return page.locator(".dxn-groups tbody tr")


def test_a_click_filters_and_another_ends_that(page, explorer, tables):
    sizes = tables.jobs["data_set_id"].value_counts()
    expect(groups(page)).to_have_count(len(sizes))
    first = groups(page).first.get_by_role("button")
    first.click()
    expect(counts(page)).to_contain_text(f"{sizes.iloc[0]:,} of 6,000 jobs")
    expect(first).to_have_attribute("aria-pressed", "true")
    expect(first).to_be_focused()
    expect(groups(page)).to_have_count(len(sizes))
    first.click()
    expect(counts(page)).not_to_contain_text("of 6,000")
    assert explorer.filters == {}


def test_groups_are_sorted_by_what_is_said_of_them(page, explorer):
    head = page.locator(".dxn-groups thead")
    for name in ("Finished", "95th percentile", "Undone", "Failure rate"):
        head.get_by_role("button", name=name).click()
        sorted_by = head.locator("th[aria-sort=descending]")
        expect(sorted_by).to_contain_text(name)
    head.get_by_role("button", name="Group").click()
    expect(head.locator("th[aria-sort=ascending]")).to_contain_text("Group")
    labels = page.locator(".dxn-groups .dxn-link").all_text_contents()
    assert labels == sorted(labels)
    assert explorer.view["group_sort"] == ["label", False]


def test_a_period_of_a_group_is_chosen_by_keyboard(page, explorer, tables):
    page.get_by_label("as a grid of periods").check()
    strip = page.get_by_label("Periods of Power Grid Load by Region, Hourly")
    strip.focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    jobs = tables.jobs[tables.jobs["data_set_name"] == "Power Grid Load by Region, Hourly"]
    jobs = jobs[jobs["created_at"].dt.strftime("%F") == "2026-07-03"]
    done = jobs["state"].isin(["COMPLETED", "ERROR", "TIMED_OUT"]).sum()
    expect(strip).to_have_attribute(
        "aria-valuetext", f"2026-07-03 00:00: {done} finished, 0 failed"
    )
    page.keyboard.press("Enter")
    expect(counts(page)).to_contain_text(f"{len(jobs)} of 6,000 jobs")
    assert explorer.filters["since"] == "2026-07-03T00:00:00+00:00"


def test_a_comparison_ends_with_its_filters(page, explorer):
    boxes = groups(page).get_by_role("checkbox")
    for number in (0, 1, 2):
        boxes.nth(number).check()
    sides = page.locator(".dxn-sides")
    expect(sides.get_by_role("row").first).to_contain_text("Intraday Power Prices")
    expect(boxes.nth(0)).not_to_be_checked()  # two at a time
    page.get_by_role("button", name="7 d", exact=True).click()
    expect(sides.get_by_role("row")).to_have_count(0)


def test_all_of_groups_and_of_a_comparison_is_in_sight(page, explorer):
    page.set_viewport_size({"width": 1130, "height": 900})
    boxes = groups(page).get_by_role("checkbox")
    boxes.nth(0).check()
    boxes.nth(1).check()
    expect(page.locator(".dxn-sides table")).to_be_visible(timeout=30_000)
    for part in (".dxn-groups", ".dxn-sides"):
        over = page.locator(part).evaluate("node => node.scrollWidth - node.clientWidth")
        assert over <= 0, part


def test_what_a_row_is_of_stays_in_sight_where_there_is_no_room(page, explorer):
    page.set_viewport_size({"width": 390, "height": 900})
    groups(page).first.scroll_into_view_if_needed()
    label = groups(page).first.locator(".dxn-of-label")
    page.locator(".dxn-groups").evaluate("node => node.scrollTo(10_000, 0)")
    left = page.locator(".dxn-groups").bounding_box()["x"]
    assert abs(label.bounding_box()["x"] - left) <= 2


def test_hostile_names_are_texts(page):
    jobs = [
        job(n, State="ERROR", Errors=[{"Code": "VALIDATION_EXCEPTION", "Message": text}],
            Details={"ImportAssetsFromS3":
                     {"DataSetId": text, "AssetSources": [{"Bucket": "b", "Key": text}]}})
        for n, text in enumerate(HOSTILE)
    ]  # fmt: skip
    Shown(page, tables_of(page_of(*jobs)), view={"group": "data_set_id"})
    expect(counts(page)).to_contain_text("undone", timeout=30_000)
    expect(groups(page)).to_have_count(5)
    expect(page.locator(".dxn-groups")).to_contain_text("</script>")
    for number in (0, 1):
        groups(page).nth(number).get_by_role("checkbox").check()
    expect(page.locator(".dxn-sides table")).to_be_visible(timeout=30_000)
    page.get_by_label("Group by").select_option("cause")
    expect(groups(page)).to_have_count(4)  # two messages differ in a key only
    page.get_by_label("Group by").select_option("revision_id")
    expect(groups(page)).to_have_count(5)
    groups(page).first.get_by_role("button").click()
    expect(counts(page)).to_contain_text("1 of 5 jobs")
    assert page.locator(".dxn img, .dxn script").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 760, 1600])
def test_axe_finds_no_violation(page, shown, scheme, width):
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415 (half a megabyte)

    page.set_viewport_size({"width": width, "height": 900})
    shown(scheme=scheme, view={"group": "data_set_id", "zoom": ["2026-08-31", "2026-09-07"],
                               "filters": {"since": "2026-08-31"}})  # fmt: skip
    expect(counts(page)).to_contain_text("undone", timeout=30_000)
    for number in (0, 1):
        groups(page).nth(number).get_by_role("checkbox").check()
    expect(page.locator(".dxn-sides table")).to_be_visible(timeout=30_000)
    found = Axe().run(page, context=".dxn").response["violations"]
    assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_recovery_of_dx_is_the_one_that_is_told(page, shown, tables):
    left = dx.unresolved_failures(tables).iloc[0]
    shown(view={"job": left["job_id"]})
    detail = page.get_by_role("region", name="Job", exact=True)
    expect(detail).to_contain_text("Not fixed: no job has done this work in the", timeout=30_000)
