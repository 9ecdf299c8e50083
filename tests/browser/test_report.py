"""The report as a page: on a phone, in print, in the dark, for those who do not see it."""

from __future__ import annotations

import re

import pytest

import dxnotebook as dx


@pytest.fixture(scope="module")
def address(tables, tmp_path_factory):
    return dx.write_report(tables, tmp_path_factory.mktemp("report") / "report.html").as_uri()


@pytest.mark.parametrize(("scheme", "width"), [("light", 390), ("dark", 1200)])
def test_axe_finds_no_violation_and_nothing_is_wider_than_the_page(page, address, scheme, width):
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415 (half a megabyte)

    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 844})
    page.goto(address)
    found = Axe().run(page).response["violations"]
    assert [(each["id"], each["nodes"][0]["html"][:160]) for each in found] == []
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_print_is_short_and_repeats_the_heads_of_tables(page, address):
    page.goto(address)
    pages = re.findall(rb"/Type /Page\b", page.pdf(prefer_css_page_size=True))
    assert 3 <= len(pages) <= 6
    page.emulate_media(media="print")
    # Chromium repeats the heads, but draws what is in boxes of their own, as in buttons, only once
    boxes = page.locator("thead *:not(tr, th, wbr)").evaluate_all(
        "all => all.map((each) => getComputedStyle(each).display)"
    )
    assert set(boxes) == {"contents"}
