"""What the explorer's page does to the jobs that are shown."""

from __future__ import annotations

import io
import zipfile

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
    assert any(
        name.endswith("jobs.csv") for name in zipfile.ZipFile(io.BytesIO(content)).namelist()
    )
