"""Chromium, driven by playwright; without it these tests are skipped, but never in CI."""

from __future__ import annotations

import json
import os
import re
import shutil

import pytest

import dxnotebook as dx
from dxnotebook.explorer.widget import JobExplorer

CHROMIUM = (
    os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
)
ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage",
]  # fmt: skip


@pytest.fixture(scope="session")
def chromium():
    if not CHROMIUM:
        assert "CI" not in os.environ, "CI has to have Chromium, or the explorer goes untested."
        pytest.skip(
            "The explorer's tests need Chromium: apt install chromium, or name yours in CHROMIUM."
        )
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 (it is of no use without a browser)

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium):
    """A page that has to go through a test without a dialog or an error in the console.

    Of Jupyter's pages, which have errors of their own, only those count that name the explorer.
    """
    context = chromium.new_context(
        viewport={"width": 1200, "height": 1000},
        timezone_id="America/New_York",
        accept_downloads=True,
    )
    context.set_default_timeout(20_000)
    page = context.new_page()
    page.problems, page.is_jupyters = [], False
    page.on(
        "dialog",
        lambda dialog: (page.problems.append(f"dialog {dialog.message}"), dialog.dismiss()),
    )
    page.on("pageerror", lambda error: page.problems.append(f"error {error}"))
    page.on(
        "console", lambda told: page.problems.append(told.text) if told.type == "error" else None
    )
    yield page
    assert [
        told
        for told in page.problems
        if not page.is_jupyters or re.search("dialog|dxn|explorer|anywidget", told)
    ] == []
    context.close()


@pytest.fixture(scope="session")
def tables():
    client = dx.demo.client()
    return dx.with_names(dx.load_jobs(client, progress=False), client)


MODEL = """async ([about, view]) => {
    const { default: part } = await import('/explorer.js');
    const state = { _about: about, view }, listeners = {};
    window.sent = [];
    window.tell = (event, ...given) => listeners[event]?.forEach((listener) => listener(...given));
    window.set = (view) => { state.view = view; tell('change:view'); };
    window.change = (filters) => set({ ...state.view, filters });
    window.model = {
        get: (name) => state[name],
        on: (event, listener) => (listeners[event] ??= []).push(listener),
        off: (event, listener) => {
            listeners[event] = listeners[event].filter((other) => other !== listener);
        },
        send: (content) => { sent.push(content); window.deliver(content); },
    };
    window.deliver = async (content) => {
        const [answers, view] = await window.answer(JSON.stringify(content));
        if (JSON.stringify(state.view) !== JSON.stringify(view)) set(view);
        for (const [answer, buffers] of answers) {
            tell('msg:custom', answer, buffers.map((bytes) => new Uint8Array(bytes)));
        }
    };
    // views wait until they are released, with this or with later ones
    window.hold = () => {
        const held = [], { deliver } = window;
        window.held = held;
        const isHeld = (content) => content.kind === 'view';
        window.deliver = (content) => (isHeld(content) ? held.push(content) : deliver(content));
        window.release = () => held.splice(0).forEach(deliver);
        window.end_hold = () => { window.deliver = deliver; release(); };
    };
    window.end = part.render({ model, el: document.querySelector('main') });
}"""
PAGE = """<!doctype html><html lang=en><title>explorer</title>
<link rel=stylesheet href=/explorer.css><body style='color-scheme: {}'><main></main>"""


class Shown:
    """An explorer whose own part is in a page, without Jupyter: messages are calls of the test."""

    def __init__(self, page, tables, filters=None, scheme="light", **options):
        self.page = page
        self.explorer = JobExplorer(tables, filters, **options)
        self.sent = []
        self.explorer.send = lambda content, buffers=None: self.sent.append(
            [content, [list(one) for one in buffers or []]]
        )
        page.expose_function("answer", self._answer)
        files = {
            "/": ("text/html", PAGE.format(scheme)),
            "/explorer.js": ("text/javascript", str(self.explorer._esm)),
            "/explorer.css": ("text/css", str(self.explorer._css)),
        }
        page.route("http://explorer.test/**", lambda route: self._serve(route, files))
        page.goto("http://explorer.test/")
        page.evaluate(MODEL, [self.explorer._about, dict(self.explorer.view)])

    @classmethod
    def restored(cls, page, before, address):
        """Open an address anew, with an explorer of the same cell and of another kernel."""
        shown = cls.__new__(cls)
        shown.page, shown.sent, shown.explorer = page, [], JobExplorer(before.tables)
        shown.explorer._key = before._key
        shown.explorer._about = {**shown.explorer._about, "key": before._key}
        shown.explorer.send = lambda content, buffers=None: shown.sent.append([content, []])
        page.goto(address)
        page.evaluate("answers => { window.answer = null; }")
        page.expose_function("answer_again", shown._answer)
        page.evaluate("() => { window.answer = window.answer_again; }")
        page.evaluate(MODEL, [shown.explorer._about, dict(shown.explorer.view)])
        return shown.explorer

    @staticmethod
    def _serve(route, files):
        kind, body = files.get(
            route.request.url.removeprefix("http://explorer.test"), ("text/plain", "")
        )
        route.fulfill(content_type=kind, body=body)

    def _answer(self, content):
        self.sent.clear()
        self.explorer._receive(self.explorer, json.loads(content), [])
        return [list(self.sent), dict(self.explorer.view)]

    def asked(self, kind):
        return self.page.evaluate("kind => sent.filter((content) => content.kind === kind)", kind)


@pytest.fixture
def shown(page, tables):
    return lambda some=None, **options: Shown(page, tables if some is None else some, **options)


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
