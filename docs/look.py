"""``python -m docs.look`` looks at the site that was built, in Chromium; it ends with 1 on faults.

Each page is opened light on a phone, and one of each folder (with ``--every`` each) dark on a wide
screen. It has to be without a violation that axe finds, without an error in the console, without
anything from elsewhere, and never wider than the screen; and the search has to find.
``--pictures FOLDER`` also keeps how each page looks.
"""

from __future__ import annotations

import argparse
import functools
import http.server
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect, sync_playwright

from tests.browser.conftest import ARGUMENTS, CHROMIUM

SITE = Path(__file__).parent.parent / "site"
SCREENS = {
    "phone": {"color_scheme": "light", "viewport": {"width": 390, "height": 844}},
    "wide": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 900}},
}
SOUGHT = ("control limit", "failure_rate", "expired login")


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def served() -> Iterator[str]:
    """Serve the site; yield its address."""
    handler = functools.partial(Quiet, directory=str(SITE))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def violations(page: Page) -> list[str]:
    """Return what axe finds, and whether a page is wider than the screen."""
    found = [
        f"{each['id']}: {each['nodes'][0]['html'][:160]} ({len(each['nodes'])})"
        for each in Axe().run(page).response["violations"]
    ]
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    return found + ([f"{wide} pixels wider than the screen"] if wide > 0 else [])


def search(page: Page, address: str) -> list[str]:
    """Return what of the words sought is not found."""
    missed = []
    for words in SOUGHT:
        page.goto(address)
        page.get_by_role("button", name="Search").first.click()
        page.keyboard.type(words)
        try:
            expect(page.locator("mark").first).to_be_visible(timeout=10_000)
        except AssertionError:
            missed.append(f"search does not find {words!r}")
    return missed


def look(pictures: Path | None, *, every: bool) -> list[str]:
    """Return what is wrong with the pages."""
    paths = sorted(path.relative_to(SITE).parent for path in SITE.rglob("index.html"))
    of_each = [*{path.parent: path for path in paths}.values()]
    problems = []
    with served() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for screen, options in SCREENS.items():
            page = browser.new_context(**options).new_page()
            told: list[str] = []
            page.on("pageerror", lambda error, told=told: told.append(str(error)))
            page.on("console", lambda m, told=told: m.type == "error" and told.append(m.text))
            page.on(
                "request",
                lambda r, told=told: (
                    r.url.startswith(("http://127", "data:", "blob:"))
                    or told.append(f"asks for {r.url}")
                ),
            )
            for path in paths if every or screen == "phone" else of_each:
                page.goto(f"{address}{'' if str(path) == '.' else f'{path}/'}")
                found = violations(page) + told
                told.clear()
                problems += [f"{path} ({screen}): {each}" for each in found]
                if pictures:
                    name = str(path).replace("/", "-")
                    page.screenshot(path=pictures / f"{name}-{screen}.png")
            if screen == "wide":
                problems += search(page, address)
        browser.close()
    return problems


def main() -> int:
    """Print what is wrong; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m docs.look")
    parser.add_argument("--pictures", type=Path)
    parser.add_argument("--every", action="store_true")
    options = parser.parse_args()
    pictures = options.pictures
    if pictures:
        pictures.mkdir(parents=True, exist_ok=True)
    problems = look(pictures, every=options.every)
    print(*problems, sep="\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
