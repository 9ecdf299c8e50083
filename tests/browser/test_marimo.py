"""The explorer in marimo, where cells that use it run again by themselves."""

from __future__ import annotations

import sys

import pytest
from playwright.sync_api import expect

from tests.browser import jupyter

CELLS = """import marimo
app = marimo.App()

@app.cell
def load():
    import marimo as mo
    import dxnotebook as dx
    tables = dx.load_jobs(dx.demo.client(), progress=False)
    older = tables.filter(tables.jobs["created_at"] < "2026-09-30T08:00")
    return dx, mo, older, tables

@app.cell
def show(dx, mo, older, tables):
    explorer = mo.ui.anywidget(dx.explore(older, refresh=lambda: tables))
    explorer
    return (explorer,)

@app.cell
def use(explorer, mo):
    facts = [len(explorer.selection), len(explorer.selected), list(explorer.filters)]
    mo.md(f"facts {facts}")
    return
"""

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("jupyter")]


def test_cells_that_use_the_explorer_run_again(page, tmp_path):
    page.is_jupyters = True
    (tmp_path / "notebook.py").write_text(CELLS)
    port = jupyter.free_port()
    address = f"http://127.0.0.1:{port}/"
    server = [sys.executable, "-m", "marimo", "run", "notebook.py"]
    options = ["--headless", "--no-token", f"--port={port}"]
    with jupyter.serving(tmp_path, [*server, *options], address):
        page.goto(address)
        facts = page.get_by_text("facts [")
        expect(facts).to_have_text("facts [5991, 0, []]", timeout=60_000)
        page.locator(".dxn-cause").first.click()
        expect(facts).to_have_text("facts [167, 0, ['cause']]")
        page.get_by_role("checkbox", name="Tick this job").first.click()
        expect(facts).to_have_text("facts [167, 1, ['cause']]")
        page.get_by_role("button", name="Clear all").click()
        page.get_by_role("button", name="Refresh").click()
        expect(facts).to_have_text("facts [6000, 1, []]")
