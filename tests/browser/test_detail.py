"""A job on the explorer's page."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

import dxnotebook as dx
from tests.browser.conftest import Shown, counts, rows
from tests.conftest import job, page_of, tables_of
from tests.explorer.conftest import HOSTILE

pytestmark = pytest.mark.browser


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


def test_hostile_values_are_texts(page):
    jobs = [
        job(n, State=text[:40], Type=text[:60], Errors=[{"Code": text[:30], "Message": text}],
            Details={"ImportAssetsFromS3":
                     {"DataSetId": text, "AssetSources": [{"Bucket": "b", "Key": text}]}})
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


def test_times_are_those_of_the_zone_and_the_focus_stays_where_that_is_chosen(page, shown):
    shown(filters={"state": ["TIMED_OUT"]})
    page.get_by_role("grid").focus()
    page.keyboard.press("Enter")
    detail = page.get_by_role("region", name="Job", exact=True)
    expect(detail).to_be_focused()
    before = detail.locator(".dxn-runs").text_content()
    zone = page.get_by_label("Times in")
    zone.focus()
    zone.select_option("America/New_York")
    expect(detail.locator(".dxn-runs")).not_to_have_text(before)
    expect(zone).to_be_focused()
