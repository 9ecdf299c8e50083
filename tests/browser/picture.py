"""A picture of the explorer in JupyterLab, for the docs: `docs.pictures` takes it."""

from __future__ import annotations

import tempfile
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

from tests.browser import jupyter
from tests.browser.conftest import ARGUMENTS, CHROMIUM
from tests.browser.test_jupyter import LOAD, SHOW


def take(target: str) -> None:
    """Find the bad week of the demo account in JupyterLab, and take a picture of the explorer."""
    with (
        tempfile.TemporaryDirectory() as name,
        jupyter.lab(Path(name)) as address,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_context(viewport={"width": 1320, "height": 1340}).new_page()
        notebook = jupyter.Notebook(page, address, Path(name), [LOAD, SHOW])
        page.get_by_role("button", name="No", exact=True).click()
        page.evaluate("jupyterapp.commands.execute('application:toggle-left-area')")
        notebook.run(0)
        notebook.run(1)
        expect(page.locator(".dxn-cause").first).to_be_visible()
        box = page.locator(".dxn-chart").bounding_box()
        page.mouse.move(box["x"] + 60.5 * box["width"] / 91, box["y"] + 60)
        page.mouse.down()
        page.mouse.move(box["x"] + 66.5 * box["width"] / 91, box["y"] + 60, steps=4)
        page.mouse.up()
        expect(page.locator(".dxn-chip").first).to_be_visible()
        page.locator(".dxn-view tbody tr", has_text="ACCESS_DENIED").nth(1).click()
        expect(page.locator(".dxn-detail .dxn-copy").first).to_be_visible()
        expect(page.locator(".dxn-counts")).to_contain_text("undone", timeout=30_000)
        page.locator(".dxn").evaluate("explorer => explorer.scrollIntoView()")
        page.locator(".jp-NotebookPanel").screenshot(path=target)
        browser.close()
