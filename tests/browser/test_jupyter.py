"""The explorer in JupyterLab, Notebook 7 and Voila, with a kernel each."""

from __future__ import annotations

import json
import shutil

import pytest
from playwright.sync_api import expect

import dxnotebook as dx
from tests.browser import jupyter

NOTEBOOKS = dx.demo.__file__.rsplit("/", 3)[0] + "/notebooks"
LOAD = """import dxnotebook as dx
client = dx.demo.client()
tables = dx.with_names(dx.load_jobs(client, progress=False), client)"""
SHOW = "explorer = dx.explore(tables)\nexplorer"

# a file of one's own for every worker would start as many servers
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.xdist_group("jupyter"),
]


@pytest.fixture(autouse=True)
def _jupyters(page):
    page.is_jupyters = True


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("notebooks")


@pytest.fixture(scope="module")
def lab(folder, chromium):
    with jupyter.lab(folder) as address:
        yield address


def counts(page):
    return page.locator(".dxn-counts")


def test_in_jupyterlab(page, lab, folder):
    notebook = jupyter.Notebook(page, lab, folder, [LOAD, SHOW])
    notebook.run(0)
    notebook.run(1)
    expect(page.locator(".dxn-view tbody tr").first).to_contain_text("2026-09-30")
    expect(page.locator(".dxn-preview")).to_be_hidden()
    page.locator(".dxn-cause").first.click()
    expect(counts(page)).to_contain_text("167 of 6,000 jobs")
    assert notebook.value("[len(explorer.selection), list(explorer.filters)]") == [167, ["cause"]]
    # what is set in Python is seen and stays, and what is ticked can be read
    notebook.value("explorer.set_trait('filters', {'state': ['CANCELLED']})")
    page.locator(".dxn-view").evaluate("view => view.scrollTo(0, 500)")
    expect(counts(page)).to_contain_text("23 of 6,000 jobs")
    page.locator(".dxn-view").evaluate("view => view.scrollTo(0, 0)")
    assert notebook.value("explorer.filters") == {"state": ["CANCELLED"]}
    page.get_by_role("checkbox", name="Tick this job").first.click()
    expect(page.locator(".dxn-note", has_text="1 ticked")).to_be_visible()
    assert notebook.value("explorer.selected.jobs['state'].tolist()") == ["CANCELLED"]
    # the notebook's one-letter shortcuts stay out of it
    cells = page.locator(".jp-Cell").count()
    for control in (
        page.get_by_role("grid"),
        page.locator(".dxn summary").first,
        page.get_by_role("button", name="Tick all shown", exact=True),
    ):
        control.focus()
        page.keyboard.press("b")
        page.keyboard.press("x")
    expect(page.locator(".jp-Cell")).to_have_count(cells)
    # saved beside the notebook
    assert not list(folder.glob("jobs-*"))
    page.locator("summary", has_text="Export").click()
    page.get_by_role("button", name="Save beside the notebook").click()
    expect(page.locator(".dxn-message")).to_contain_text("Saved 23 jobs as jobs-")
    assert list(folder.glob("jobs-*.parquet"))
    # the theme is the notebook's
    light = page.locator(".dxn").evaluate("node => getComputedStyle(node).backgroundColor")
    page.evaluate(
        "jupyterapp.commands.execute('apputils:change-theme', { theme: 'JupyterLab Dark' })"
    )
    page.wait_for_function(
        "light => getComputedStyle(document.querySelector('.dxn')).backgroundColor !== light",
        arg=light,
    )
    page.evaluate(
        "jupyterapp.commands.execute('apputils:change-theme', { theme: 'JupyterLab Light' })"
    )
    # a restart of the kernel leaves a message, not a dead widget
    page.evaluate(
        "async () => await jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()"
    )
    page.get_by_role("button", name="Clear all").click()
    expect(page.locator(".dxn").get_by_role("alert")).to_contain_text(
        "Run the cell again", timeout=20_000
    )
    # and the cell that is run again comes back as it was when the kernel last heard of it
    notebook.run(0)
    notebook.run(1)
    expect(counts(page)).to_contain_text("23 of 6,000 jobs")
    assert notebook.value("explorer.filters") == {"state": ["CANCELLED"]}
    # a cell that is run again without a restart leaves no explorer behind
    notebook.run(1)
    expect(page.locator(".dxn")).to_have_count(1)
    expect(counts(page)).to_contain_text("23 of 6,000 jobs")
    living = "len([one for one in __import__('ipywidgets').Widget.get_manager_state()['state']])"
    before = notebook.value(living)
    notebook.run(1)
    assert notebook.value(living) == before
    notebook.close()


def test_a_saved_notebook_is_readable_without_a_kernel_and_holds_no_jobs(page, lab, folder):
    notebook = jupyter.Notebook(page, lab, folder, [LOAD, SHOW])
    notebook.run(0)
    notebook.run(1)
    expect(page.locator(".dxn-cause").first).to_be_visible()
    page.evaluate("async () => { await jupyterapp.commands.execute('docmanager:save'); }")
    notebook.close()
    saved = (folder / notebook.name).read_text()
    identities = dx.load_jobs(dx.demo.client(), progress=False).jobs["job_id"]
    assert not [identity for identity in identities if identity in saved]
    outputs = json.loads(saved)["cells"][1]["outputs"]
    assert outputs[0]["data"]["text/plain"] == [
        "JobExplorer: 6,000 of 6,000 jobs shown, 399 failed"
    ]
    page.goto("about:blank")
    page.goto(lab(notebook.name))
    expect(page.locator(".dxn-preview")).to_contain_text(
        "6,000 of 6,000 jobs shown", timeout=60_000
    )
    expect(page.locator(".dxn-preview table")).to_be_visible()


def test_in_notebook_7(page, folder):
    with jupyter.lab(folder, "notebook") as address:
        notebook = jupyter.Notebook(page, address, folder, [LOAD, SHOW])
        notebook.run(0)
        notebook.run(1)
        page.locator(".dxn-cause").first.click()
        expect(counts(page)).to_contain_text("167 of 6,000 jobs")
        assert notebook.value("len(explorer.selection)") == 167
        notebook.close()


def test_the_dashboard_in_voila(page, folder, chromium):
    shutil.copy(f"{NOTEBOOKS}/dashboard.ipynb", folder)
    with jupyter.voila(folder, "dashboard.ipynb") as address:
        page.goto(address)
        page.locator(".dxn-cause").first.click(timeout=60_000)
        expect(counts(page)).to_contain_text("167 of 6,000 jobs")
        expect(page.locator(".dxn-preview")).to_be_hidden()
        # others see it: they can download, but not write where the kernel runs
        page.locator("summary", has_text="Export").click()
        expect(page.get_by_role("button", name="Download")).to_be_visible()
        expect(page.get_by_role("button", name="Save beside the notebook")).to_have_count(0)
        page.locator("summary", has_text="Share").click()
        link = page.get_by_role("textbox", name="link", exact=True).input_value()
        assert link.startswith(f"{address}#")
        page.evaluate("sessionStorage.clear()")
        page.goto("about:blank")
        page.goto(link)
        expect(counts(page)).to_contain_text("167 of 6,000 jobs", timeout=60_000)
