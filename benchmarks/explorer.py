"""The explorer in JupyterLab in a browser, beside a page of plain ipywidgets, up to a million jobs.

How to run it, from the repository with the ``benchmark`` and ``test`` extras installed, on Linux
with Chromium::

    python -m benchmarks.explorer            # some ten minutes
    python -m benchmarks.explorer --quick    # up to 100,000 jobs; targets are for a million

What the figures mean: milliseconds by the page's own clock, medians of many different actions, each
from the page's event (the click, the last letter typed, the pointer let go) until the new counts
and the new rows are in the page; it paints them up to 16 ms later. The reference draws its chart
last: with it, all that the explorer shows at once is there. The two take turns in one notebook,
after the explorer was there alone, so that what it takes is known: megabytes are those of the
kernel alone, with what was freed given back. *First row* is from just before the cell is run, in a
new kernel and page each time. A ratio is the explorer's figure over the other's, the median over
the same actions. The exit status is 1 when a target is missed; targets are for the largest tables.

The jobs are those of `dxnotebook.demo`, in accounts of 200,000. The reference is
`benchmarks.paging`.
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

from playwright.sync_api import Browser, Page, WebSocket, sync_playwright

import dxnotebook as dx
from benchmarks.analytics import accounts
from benchmarks.driving import Explorer, causes, play, rounds
from benchmarks.load import Report, number, versions
from tests.browser.conftest import ARGUMENTS, CHROMIUM
from tests.browser.jupyter import Notebook, lab

CLICKS = ("state", "type", "cause", "time")
IMPORTS = """from dxnotebook import explore
from benchmarks.paging import Paging, memory, peak
before = memory()"""
NEWS = "tables.filter(tables.jobs.index >= 200), refresh=lambda: tables"
# Runs a cell, and returns when each of some parts of its output was first there.
OPEN = """async ([cell, parts]) => {
    const panel = jupyterapp.shell.currentWidget, found = parts.map(() => null);
    panel.content.activeCellIndex = cell;
    const start = performance.now();
    const all = new Promise((resolve) => new MutationObserver((_, seen) => {
        parts.forEach((part, i) => {
            if (document.querySelector(part)) found[i] ??= performance.now() - start;
        });
        if (!found.includes(null)) { seen.disconnect(); resolve(found); }
    }).observe(document.body, { subtree: true, childList: true }));
    await jupyterapp.commands.execute('notebook:run-cell');
    return all;
}"""
# Waits until the explorer has waited for nothing for half a second, and returns when that began.
QUIET = """async () => {
    const start = performance.now();
    for (let calm = 0; calm < 10; calm = document.querySelector('.dxn-busy') ? 0 : calm + 1)
        await new Promise((resolve) => setTimeout(resolve, 50));
    return performance.now() - start - 500;
}"""
# Scrolls to the end, and returns how long it took until all rows wholly in view were there, and the
# last row.
SCROLL = """async (places) => {
    const view = document.querySelector('.dxn-view'), took = [];
    const frame = () => new Promise(requestAnimationFrame);
    const missing = () => {
        const { top, bottom } = view.getBoundingClientRect();
        const cells = [...view.querySelectorAll('tbody td[colspan]')];
        const rows = cells.map((cell) => cell.getBoundingClientRect());
        return rows.some((row) => row.top >= top + row.height && row.bottom <= bottom);
    };
    for (let place = 1; place <= places; place++) {
        const start = performance.now();
        view.scrollTop = ((view.scrollHeight - view.clientHeight) * place) / places;
        do {
            await frame();
            await frame();
        } while (missing() && performance.now() - start < 10_000);
        took.push(performance.now() - start);
    }
    // 1 is that of the head
    const last = view.querySelector('tbody tr:last-child').getAttribute('aria-rowindex') - 1;
    view.scrollTop = 0;
    return [took, last];
}"""


def ms(figure: float) -> str:
    return f"{figure:,.0f} ms"


class Answers(list[tuple[int, int]]):
    """How many bytes and rows the answers have, while they are watched."""

    watched = False

    def listen(self, socket: WebSocket) -> None:
        socket.on(
            "framereceived",
            lambda frame: self.add(frame) if self.watched and isinstance(frame, bytes) else None,
        )

    def add(self, frame: bytes) -> None:
        places = [int.from_bytes(frame[at : at + 8], "little") for at in range(0, 56, 8)]
        told = json.loads(frame[places[5] : places[6]])  # the content, by Jupyter's protocol
        if (answer := told.get("data", {}).get("content", {})).get("kind") == "view":
            self.append((len(frame), len(answer["rows"])))


class Run(NamedTuple):
    """What the measurements need."""

    report: Report
    browser: Browser
    folder: Path
    address: Callable[[str], str]

    @contextmanager
    def notebook(
        self, jobs: int, imports: str = IMPORTS, explored: str = "tables"
    ) -> Iterator[tuple[Page, Notebook, Answers]]:
        """Open a notebook in a new page and kernel, which has loaded the tables."""
        load = f"import pickle\nwith open('{jobs}.pickle', 'rb') as f:\n    tables = pickle.load(f)"
        cells = [
            f"import dxnotebook as dx\n{imports}",
            load,
            "loaded = memory()",
            f"explorer = dx.explore({explored})\nexplorer",
        ]
        context = self.browser.new_context(viewport={"width": 1300, "height": 1100})
        context.set_default_timeout(120_000)
        page, answers = context.new_page(), Answers()
        page.on("websocket", answers.listen)
        notebook = Notebook(
            page, self.address, self.folder, [*cells, "paging = Paging(tables)\npaging"]
        )
        page.evaluate("jupyterapp.commands.execute('application:toggle-left-area')")
        for cell in (0, 1, 2)[: 3 if imports else 2]:
            notebook.run(cell)
        yield page, notebook, answers
        notebook.close()
        context.close()

    def opened(self, page: Page) -> list[float]:
        """Return when the first row is there, and when the counts are."""
        found: list[float] = page.evaluate(
            OPEN, [3, [".dxn-view tbody td:not([colspan])", ".dxn-counts strong"]]
        )
        return found

    def alone(self, page: Page, notebook: Notebook, answers: Answers, *, largest: bool) -> None:
        """Measure what needs the explorer to be alone in the kernel."""
        ours = Explorer(page)
        self.report.line(
            "a filter at once, before all is prepared", max(ours.choose("state", "ERROR")), show=ms
        )
        ours.clear()
        self.report.line("until all is prepared, from then", page.evaluate(QUIET), show=ms)
        for _ in (*play(ours, 11), *causes(ours, 2)):
            pass
        answers.watched = True
        places, last = page.evaluate(SCROLL, 40)
        page.wait_for_timeout(500)
        answers.watched = False
        if last != (jobs := notebook.value("len(tables)")):
            raise SystemExit(f"Scrolling to the end of {jobs} jobs came to row {last}.")
        self.report.line(f"scrolled to one of {len(places)} places", median(places), show=ms)
        self.report.line(
            f"most rows of {len(answers)} answers to that",
            max(rows for _, rows in answers),
            200,
            number,
        )
        self.report.line("most bytes of them", max(size for size, _ in answers), show=number)
        tables, most, after = notebook.value(
            "[loaded - before, peak() - before, memory() - before]"
        )
        for name, figure in (
            ("of the tables", tables),
            ("after exploring", after),
            ("at most", most),
        ):
            self.report.line(f"memory {name}, MB", figure, show=number)
        self.report.line(
            "memory after exploring / the tables", after / tables, 1.5 if largest else None
        )

    def together(self, page: Page, repeat: int, *, largest: bool) -> float:
        """Measure both, and return the median of the explorer's filters."""
        mine, rows, whole = rounds(page, repeat)
        for kind, took in mine.items():
            targets = dict.fromkeys(CLICKS, 120) | {"text": 400, "group": 150}
            target = targets.get(kind) if largest else None
            self.report.line(
                f"{kind}: explorer, {len(took)} times (the worst: {ms(max(took))})",
                median(took),
                target,
                ms,
            )
            if kind in rows:
                self.report.line(
                    f"{kind}: reference; with its chart {ms(median(whole[kind]))}",
                    median(rows[kind]),
                    show=ms,
                )
        for title, theirs, target in (
            (", with its chart", whole, 0.7 if largest else None),
            ("", rows, None),
        ):
            pairs = [
                pair
                for kind in ("state", "type", "time")
                for pair in zip(mine[kind], theirs[kind], strict=True)
            ]
            ratios = median(ours / other for ours, other in pairs)
            self.report.line(f"state, type, time: explorer / ref.{title}", ratios, target)
        return median(time for kind in CLICKS for time in mine[kind])

    def measured(self, jobs: int, repeat: int, fresh: int, *, largest: bool) -> float:
        """Measure all at a number of jobs, and return the median of the explorer's filters."""
        print(f"\n{jobs:,} jobs (the machine's load: {os.getloadavg()[0]:.1f})")
        (self.folder / f"{jobs}.pickle").write_bytes(
            pickle.dumps(dx.read_jobs(accounts(jobs)), protocol=5)
        )
        for imports, title in (("", "first row, with the imports"), (IMPORTS, "first row")):
            found = []
            for _ in range(fresh):
                with self.notebook(jobs, imports) as (page, _, _):
                    found.append(self.opened(page))
            self.report.line(
                title, median(row for row, _ in found), 400 if imports and largest else None, ms
            )
            self.report.line(
                f"{title.replace('row', 'counts')}", median(counts for _, counts in found), show=ms
            )
        with self.notebook(jobs, explored=NEWS) as (page, _, _):
            self.opened(page)
            page.evaluate(QUIET)
            took = max(Explorer(page).click(".dxn button:has-text('Refresh')"))
            self.report.line("a page of news, read", took, 1000 if largest else None, ms)
        with self.notebook(jobs) as (page, notebook, answers):
            self.opened(page)
            self.alone(page, notebook, answers, largest=largest)
            notebook.run(4)
            return self.together(page, repeat, largest=largest)


def main() -> int:
    parser = argparse.ArgumentParser(
        "python -m benchmarks.explorer", description="The explorer beside plain ipywidgets."
    )
    parser.add_argument(
        "--jobs", type=int, nargs="+", help="how many jobs (default 1,000, 100,000 and 1,000,000)"
    )
    parser.add_argument(
        "--repeat", type=int, default=6, help="rounds, of some 15 actions each (default 6)"
    )
    parser.add_argument(
        "--fresh", type=int, default=3, help="new kernels to open the explorer in (default 3)"
    )
    parser.add_argument("--quick", action="store_true", help="1,000 and 100,000 jobs, two rounds")
    options = parser.parse_args()
    sizes = options.jobs or ([1_000, 100_000] if options.quick else [1_000, 100_000, 1_000_000])
    repeat, fresh = (2, 1) if options.quick else (options.repeat, options.fresh)
    if not CHROMIUM:
        raise SystemExit("This needs Chromium: apt install chromium, or name yours in CHROMIUM.")
    libraries = ("jupyterlab", "ipywidgets", "anywidget", "ipykernel", "pandas")
    print(versions(libraries))
    report = Report()
    with (
        tempfile.TemporaryDirectory() as name,
        sync_playwright() as playwright,
        lab(folder := Path(name)) as address,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        run = Run(report, browser, folder, address)
        filters = [run.measured(jobs, repeat, fresh, largest=jobs == max(sizes)) for jobs in sizes]
        browser.close()
    print("\nGrowth")
    report.line(f"filters, {sizes[-1]:,} / {sizes[0]:,} jobs", filters[-1] / filters[0], 2.0)
    print(f"\n{report.missed} targets missed" if report.missed else "\nAll targets met")
    return 1 if report.missed else 0


if __name__ == "__main__":
    sys.exit(main())
