"""Every picture of the docs: ``python -m docs.pictures`` makes them anew, the same each time.

Plots are drawn, one of them also dark; the console and the report are shown in Chromium. All is of
the simulated account.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from PIL import Image
from playwright.sync_api import sync_playwright

import dxnotebook as dx
from tests.browser import picture
from tests.browser.conftest import ARGUMENTS, CHROMIUM

FOLDER = Path(__file__).parent / "pages" / "img"
AUGUST = {"since": "2026-08-01", "until": "2026-09-01"}
POLICY = {"2026-08-31": "bucket policy replaced", "2026-09-07": "bucket policy put right"}
COLOURS = 128  # that a picture keeps, so that it is small


def plots(tables: dx.JobTables) -> dict[str, tuple[tuple[float, float], Callable[[Any], Any]]]:
    """Return the size of each plot, and what draws it."""
    jobs = tables.jobs
    return {
        "trend": ((9, 3.6), lambda ax: dx.plot_failure_trend(jobs, ax=ax)),
        "markers": ((9, 3.9), lambda ax: dx.plot_failure_trend(jobs, markers=POLICY, ax=ax)),
        "causes": ((9, 4.2), lambda ax: dx.plot_error_causes(tables, top=6, ax=ax)),
        "funnel": ((9, 4.2), lambda ax: dx.plot_funnel(jobs, by="data_set_name", ax=ax)),
        "feeds": ((9, 7.5), lambda ax: dx.plot_feeds(tables, since="2026-09-01", ax=ax)),
    }


def draw(tables: dx.JobTables) -> None:
    """Draw the plots, the first of them dark, too."""
    for name, (size, plot) in plots(tables).items():
        for style, suffix in {"default": "", "dark_background": "-dark"}.items():
            if suffix and name != "trend":
                continue
            with plt.style.context(style):
                figure, ax = plt.subplots(figsize=size, layout="constrained")
                plot(ax)
                content = io.BytesIO()
                figure.savefig(content, dpi=110, metadata={"Software": None})
                plt.close(figure)
            save(content.getvalue(), f"{name}{suffix}")


def show_report(tables: dx.JobTables) -> None:
    """Show the beginning of August's report."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = dx.write_report(tables, Path(folder) / "august.html", **AUGUST)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1000, "height": 1100})
        page.goto(path.as_uri())
        content = page.screenshot()
        browser.close()
    save(content, "report")


def show_explorer() -> None:
    """Show the console in JupyterLab, with the bad week brushed."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "explorer.png"
        picture.take(str(path))
        save(path.read_bytes(), "explorer")


def save(content: bytes, name: str) -> None:
    """Save a picture with few colours."""
    FOLDER.mkdir(exist_ok=True)
    with Image.open(io.BytesIO(content)) as image:
        few = image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
        few.save(FOLDER / f"{name}.png", optimize=True)


def main() -> None:
    """Make all pictures."""
    plt.switch_backend("agg")
    client = dx.demo.client()
    tables = dx.with_names(dx.load_jobs(client, progress=False), client)
    draw(tables)
    show_report(tables)
    show_explorer()


if __name__ == "__main__":
    main()
