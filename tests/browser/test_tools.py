"""What the explorer's page does to the jobs that are shown."""

from __future__ import annotations

import io

import pandas as pd
import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def test_the_selection_is_downloaded(page, shown):
    shown(filters={"state": ["TIMED_OUT"]})
    page.locator("summary", has_text="Export").click()
    page.get_by_label("Format").select_option("csv")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download").click()
    expect(page.locator(".dxn-message")).to_contain_text("Downloaded 13 jobs as jobs-")
    content = waiting.value.path().read_bytes()
    assert set(pd.read_csv(io.BytesIO(content))["state"]) == {"TIMED_OUT"}


def test_a_page_that_is_read_only_offers_downloads_only(page, shown):
    shown(read_only=True)
    page.locator("summary", has_text="Export").click()
    expect(page.get_by_role("button", name="Download")).to_be_visible()
    expect(page.get_by_role("button", name="Save beside the notebook")).to_have_count(0)
    with page.expect_download():
        page.get_by_role("button", name="Download").click()
    expect(page.locator(".dxn-message")).to_contain_text("Downloaded 6,000 jobs as jobs-")
