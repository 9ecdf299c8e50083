"""Loading jobs: dxnotebook beside what one would use in its place, on the same bytes, in one run.

How to run it, from the repository with the ``benchmark`` extra installed::

    python -m benchmarks.load            # some ten minutes
    python -m benchmarks.load --quick    # a tenth of the jobs; targets are for all of them
    python -m benchmarks.load --only http

What the figures mean: *CPU* is processor seconds of all threads (so that a contestant that uses
every core gains nothing by it), *wall* seconds on the clock, *peak* how far the process's memory
rose above what it held with the raw pages in memory and the libraries in use. Every measurement is
a fresh process that warms up on a few pages first; contestants take turns, and what is shown is the
median of the rounds. A ratio is dxnotebook's figure over the other's: 1/20 means a twentieth. The
exit status is 1 when a target is missed.

The jobs are those of `dxnotebook.demo`, 200 a page. *pages* decodes them from memory, *growth*
decodes more of them, *http* loads them from an endpoint on loopback that runs in another process,
*since* counts the requests of a limited load, *refresh* brings tables of many jobs up to date by
one page of news, *clients* loads 20 accounts whose every page takes 50 ms, *import* times the
imports.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks import contestants
from benchmarks.contestants import ON_PAGES, PAGE_SIZE, Figures

LIBRARIES = ("boto3", "pandas", "pyarrow", "orjson", "polars", "duckdb")
MOST_JOBS_OVER_HTTP, WARM_UP_JOBS = 40_000, 800
CLIENTS, JOBS_A_CLIENT, DELAY_S = 20, 1_000, 0.05


def output(command: list[str]) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def again(*arguments: object) -> list[str]:
    """Return the command that starts this module anew.

    What starts it stays small, as its peak memory is inherited.
    """
    return [sys.executable, "-m", "benchmarks.load", *map(str, arguments)]


def rounds(repeat: int, entries: Mapping[str, tuple[str, str]]) -> dict[str, Figures]:
    """Return the medians of contestants that take turns: by label, who and on what."""
    runs: dict[str, list[Figures]] = {label: [] for label in entries}
    for _ in range(repeat):
        for label, (name, given) in entries.items():
            runs[label].append(json.loads(output(again("--measure", name, given))))
    return {
        label: {figure: median(run[figure] for run in mine) for figure in mine[0]}
        for label, mine in runs.items()
    }


@contextmanager
def server(*sizes: int, delay: float = 0.0) -> Iterator[str]:
    """Run endpoints of accounts of these sizes in another process; give their URLs as JSON."""
    command = again("--delay", delay, "--serve", *sizes)
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline()


def ratio(value: float) -> str:
    return f"1/{1 / value:.3g}" if 0 < value <= 0.5 else f"{value:.3g}"


def number(value: float) -> str:
    return f"{value:,.0f}"


def seconds(value: float) -> str:
    return f"{value:.3f} s"


def versions(libraries: Iterable[str]) -> str:
    return ", ".join(
        [f"Python {sys.version.split()[0]}", *(f"{n} {version(n)}" for n in libraries)]
    )


class Report:
    """Prints figures and ratios, and counts the targets that were missed."""

    def __init__(self) -> None:
        self.missed = 0

    def figures(self, found: Mapping[str, Figures], jobs: set[int]) -> None:
        if {figures["jobs"] for figures in found.values()} != jobs:
            raise SystemExit(f"Some contestant did not read {jobs} jobs: {found}")
        print(f"  {'':<30}{'CPU s':>10}{'wall s':>10}{'peak MB':>10}{'jobs':>12}")
        for label, f in found.items():
            time = f"{f['cpu']:>10.2f}{f['wall']:>10.2f}"
            print(f"  {label:<30}{time}{f['peak']:>10.0f}{f['jobs']:>12,.0f}")

    def line(
        self,
        text: str,
        figure: float,
        target: float | None = None,
        show: Callable[[float], str] = ratio,
    ) -> None:
        verdict = ""
        if target is not None:
            self.missed += figure > target
            verdict = f"target ≤ {show(target):<8}{'MISSED' if figure > target else 'met'}"
        print(f"  {text:<50}{show(figure):>10}   {verdict}".rstrip(), flush=True)


class Run(NamedTuple):
    """What the sections need."""

    report: Report
    folder: Path
    jobs: int
    large: int
    repeat: int

    @property
    def over_http(self) -> int:
        return min(self.jobs, MOST_JOBS_OVER_HTTP)

    def pages(self, jobs: int) -> str:
        """Return the file that holds the pages of that many jobs."""
        path = self.folder / f"{jobs}.jsonl"
        if not path.exists():
            output(again("--write", jobs, path))
        return str(path)


def on_pages(run: Run) -> None:
    path = run.pages(run.jobs)
    print(
        f"\npages: {run.jobs:,} jobs in memory, {Path(path).stat().st_size / 1e6:,.0f} MB of JSON"
    )
    found = rounds(run.repeat, {name: (name, path) for name in ON_PAGES})
    run.report.figures(found, {run.jobs})
    mine, usual = found.pop("dxnotebook"), "boto3 + json_normalize"
    for figure, title, targets in (
        ("cpu", "CPU", {usual: 1 / 15, "orjson.loads": 1.2}),
        ("peak", "peak memory", {usual: 1 / 2}),
    ):
        for name, other in found.items():
            run.report.line(
                f"{title}, dxnotebook / {name}", mine[figure] / other[figure], targets.get(name)
            )


def growth(run: Run) -> None:
    """Show how cost grows with the jobs, beside a control that keeps every object it makes.

    The target is for user time: what the system takes to hand out fresh memory is the machine's,
    and differs between a first gigabyte and a later one; the control shows how much.
    """
    times = run.large / run.jobs
    print(f"\ngrowth: {times:.3g} times the jobs")
    found = {}
    for name in ("dxnotebook", "orjson.loads"):
        labels = {f"{name}, {jobs:,}": (name, run.pages(jobs)) for jobs in (run.jobs, run.large)}
        found[name] = rounds(run.repeat, labels)
    run.report.figures(
        {label: figures for pair in found.values() for label, figures in pair.items()},
        {run.jobs, run.large},
    )
    for name, target in (("dxnotebook", 1.1 * times), ("orjson.loads", None)):
        small, large = found[name].values()
        run.report.line(f"user time, {name}", large["user"] / small["user"], target)
        run.report.line(f"CPU with the system's share, {name}", large["cpu"] / small["cpu"])
        run.report.line(f"peak memory, {name}", large["peak"] / small["peak"])


def http(run: Run) -> None:
    print(f"\nhttp: {run.over_http:,} jobs from an endpoint on loopback")
    targets = {"paginator + json_normalize": 1 / 5, "paginator alone": 1 / 4}
    with server(WARM_UP_JOBS, run.over_http) as urls:
        found = rounds(run.repeat, {name: (name, urls) for name in ("dx.load_jobs", *targets)})
    run.report.figures(found, {run.over_http})
    for name, target in targets.items():
        run.report.line(
            f"CPU, dx.load_jobs / {name}", found["dx.load_jobs"]["cpu"] / found[name]["cpu"], target
        )


def since(run: Run) -> None:
    found = rounds(1, {"": ("since", str(run.over_http))})[""]
    print(f"\nsince: the last day of 90, {found['jobs']:,.0f} of {run.over_http:,} jobs")
    run.report.line(
        f"requests (all pages: {found['all']:,.0f})", found["requests"], found["expected"], number
    )


def refresh(run: Run) -> None:
    print(f"\nrefresh: {run.large:,} jobs brought up to date by one page of news")
    found = rounds(run.repeat, {"": ("refresh", str(run.large))})[""]
    run.report.line("requests", found["requests"], 1, number)
    run.report.line("CPU, dx.refresh less the request", found["refresh"], 0.5, seconds)
    run.report.line("CPU, dx.load_jobs of that page", found["page"], show=seconds)
    run.report.line("CPU, dx.refresh / dx.concat", found["refresh"] / found["concat"], 1 / 3)


def clients(run: Run) -> None:
    pages = JOBS_A_CLIENT // PAGE_SIZE
    print(f"\nclients: {CLIENTS} of {pages} pages each, every page takes {DELAY_S * 1000:.0f} ms")
    with server(WARM_UP_JOBS, *[JOBS_A_CLIENT] * CLIENTS, delay=DELAY_S) as urls:
        names = {"all at once": "dx.load_jobs", "one by one": "dx.load_jobs, one by one"}
        found = rounds(run.repeat, {label: (name, urls) for label, name in names.items()})
    run.report.figures(found, {CLIENTS * JOBS_A_CLIENT})
    run.report.line(
        "wall, all at once / one by one",
        found["all at once"]["wall"] / found["one by one"]["wall"],
        1 / 6,
    )


def imports(run: Run) -> None:
    print("\nimport: on the clock, in a fresh interpreter")
    usual, mine = "import boto3, pandas, pyarrow", "import dxnotebook"
    first_use = f"{mine}; dxnotebook.load_jobs"
    took: dict[str, list[float]] = {statement: [] for statement in (usual, mine, first_use)}
    for _ in range(2 * run.repeat + 1):
        for statement, times in took.items():
            code = f"start = time.perf_counter(); {statement}; print(time.perf_counter() - start)"
            times.append(float(output([sys.executable, "-c", f"import time; {code}"])))
    found = {statement: median(times) for statement, times in took.items()}
    for statement, figure in found.items():
        run.report.line(statement, figure, show=seconds)
    run.report.line("import dxnotebook / the three libraries", found[mine] / found[usual], 1.0)
    run.report.line("with its first use / the three libraries", found[first_use] / found[usual])


SECTIONS: dict[str, Callable[[Run], None]] = {
    "pages": on_pages,
    "growth": growth,
    "http": http,
    "since": since,
    "refresh": refresh,
    "clients": clients,
    "import": imports,
}


def compare(options: argparse.Namespace) -> int:
    """Run the sections and return the exit status."""
    print(versions(LIBRARIES))
    jobs, large = (20_000, 100_000) if options.quick else (200_000, 1_000_000)
    report = Report()
    with tempfile.TemporaryDirectory() as folder:
        run = Run(
            report, Path(folder), options.jobs or jobs, options.large or large, options.repeat
        )
        for name, section in SECTIONS.items():
            if options.only in (None, name):
                section(run)
    print(f"\n{report.missed} targets missed" if report.missed else "\nAll targets met")
    return 1 if report.missed else 0


def main() -> int:
    parser = argparse.ArgumentParser(
        "python -m benchmarks.load", description="dxnotebook beside what else there is."
    )
    parser.add_argument("--jobs", type=int, help="jobs to load (default 200,000)")
    parser.add_argument("--large", type=int, help="jobs to grow to (default 1,000,000)")
    parser.add_argument(
        "--repeat", type=int, default=3, help="rounds, whose median is shown (default 3)"
    )
    parser.add_argument("--only", choices=SECTIONS, help="one section instead of all")
    parser.add_argument("--quick", action="store_true", help="20,000 and 100,000 jobs")
    for inner, nargs in (("--measure", 2), ("--write", 2), ("--serve", "+"), ("--delay", None)):
        parser.add_argument(inner, nargs=nargs, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(contestants.measure(*options.measure)))
    elif options.write:
        contestants.write(int(options.write[0]), Path(options.write[1]))
    elif options.serve:
        contestants.serve(map(int, options.serve), float(options.delay))
    else:
        return compare(options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
