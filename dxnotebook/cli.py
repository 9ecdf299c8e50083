"""The command line: thin; what it does is done by the functions that Python users call."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import Any, TypeAlias

import click
import pandas as pd

from dxnotebook import console
from dxnotebook import demo as simulated
from dxnotebook.aws.clients import clients
from dxnotebook.aws.load import load_jobs, with_names
from dxnotebook.console import Command, Group, options, say
from dxnotebook.errors import DxError, LoadError, LoadInterrupted, installing, naming_extras
from dxnotebook.files.export import export as export_tables
from dxnotebook.files.export import suffix_of
from dxnotebook.files.people import FILTERS
from dxnotebook.files.read import read_jobs
from dxnotebook.metrics import checks
from dxnotebook.metrics.causes import error_causes
from dxnotebook.metrics.rates import failure_rate
from dxnotebook.model import AWS_KEEPS
from dxnotebook.published import revisions
from dxnotebook.report.shipped import shipped
from dxnotebook.report.write import write_report
from dxnotebook.tables.jobtables import AS_OF, JobTables, missing, observed_at, within
from dxnotebook.text import counted, shortened
from dxnotebook.times import Window

Names: TypeAlias = tuple[str, ...]

_WIDTH, _MOST = 70, 8
_USUAL_LIMIT = 0.1
_CANNOT_CHECK, _SOME_FAILED = 2, 3  # 1 is an error, 2 a wrong use of the command line, too
_NEXT = """\
Next:
  python -c "import pandas; print(pandas.read_parquet('{folder}/jobs.parquet'))"
  dxnotebook explore --demo         opens the dashboard in the browser{dashboard}
  dxnotebook demo --open            opens {notebook} in JupyterLab{lab}
  In Python, with your own account:
    import dxnotebook as dx
    # with the default credentials and region; needs dataexchange:ListJobs
    tables = dx.load_jobs(since="30d")
    tables.jobs, tables.details, tables.errors"""


class _Checking(Command):
    failure = _CANNOT_CHECK


def _print_written(path: Path, tables: JobTables) -> None:
    """Print where jobs were written, how many, and what is missing of them."""
    say(" · ".join([f"{path}: {counted(len(tables), 'job')}", *missing(tables)]))


def _require(name: str, *libraries: str) -> None:
    """Raise an error that says what to install, before anything is loaded in vain."""
    with naming_extras(name):
        for library in libraries:
            import_module(library)


def _sources(
    profiles: Names, regions: Names, is_demo: bool, archive: Any = None, files: Names = (), **_: Any
) -> list[Any]:
    """Return the clients that options name; none where an archive or files take their place."""
    if is_demo:
        return [simulated.client()]
    if not (profiles or regions) and (archive is not None or files):
        return []
    return clients(profiles or None, "all" if "all" in regions else regions or None)


def _archive(uri: str) -> Any:
    with naming_extras("An archive"):
        from dxnotebook.archive.archive import Archive  # noqa: PLC0415 (not everybody has it)
    return Archive(uri)


def _load_tables(since: Any, until: Any, **source: Any) -> JobTables:
    """Return the jobs that options name, with those names of their data sets that are to be had."""
    archive, files, times = source["archive"], source["files"], {"since": since, "until": until}
    given = {"archive": archive is not None, "file": bool(files), "demo": source["is_demo"]}
    if sum(given.values()) > 1:
        names = " and --".join(name for name, is_given in given.items() if is_given)
        raise click.UsageError(f"Give one of --{names}.")
    sources = _sources(**source)
    if archive is not None:
        tables: JobTables = _archive(archive).load(**times)
    else:
        tables = _read_files(files, **times) if files else load_jobs(sources, **times)
    if given_times := {name: time for name, time in times.items() if time}:
        tables.jobs.attrs[FILTERS] = ", ".join(f"{n} {t}" for n, t in given_times.items())
    for client in sources:
        try:
            tables = with_names(tables, client)
        except LoadInterrupted:
            raise
        except DxError as error:
            say(f"Without the names of some data sets: {error}", err=True)
    return tables


def _read_files(files: Names, since: str | None, until: str | None) -> JobTables:
    tables = read_jobs(files)
    # when that was is not to change by what is left out
    if len(tables):
        tables.jobs.attrs.setdefault(AS_OF, observed_at(tables.jobs).isoformat())
    return within(tables, since, until)


def _load_context(
    since: str | None, until: str | None, **source: Any
) -> tuple[JobTables, dict[str, Any]]:
    """Return the jobs around a window, and the window: all, or of an archive what matters to it."""
    start = Window.of(since, until).since
    if source["archive"] is not None and start is not None:
        # a Timedelta is how long ago, so that more of it is earlier
        back = pd.Timedelta(AWS_KEEPS)
        start = start + back if isinstance(start, pd.Timedelta) else start - back
    else:
        start = None
    tables = _load_tables(since=start, until=None, **source)
    return tables, {"since": since, "until": until}


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="dxnotebook", prog_name="dxnotebook")
def main() -> None:
    """AWS Data Exchange jobs as tidy pandas tables."""


@main.command(params=options(*console.DEMO))
def demo(folder: Path, jobs: int, *, open_lab: bool) -> None:
    """Load, summarise and export the jobs of a simulated account.

    No AWS account is needed: an endpoint on this machine answers as AWS Data Exchange would, and
    boto3 asks it.

    \b
    Example:
      dxnotebook demo --folder /tmp/demo
    """  # noqa: D301 (\b is click's)
    if open_lab:
        _require("--open", "jupyterlab")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = f"{error.strerror}. Choose another with --folder."
        raise DxError(f"Cannot write to {folder}: {reason}") from None
    _write_demo(_load_demo(jobs), folder)
    notebook = folder / "explore.ipynb"
    if not notebook.exists():  # the user may have changed it
        shutil.copyfile(shipped(notebook.name), notebook)
    extras = {"lab": ("jupyterlab", "notebook"), "dashboard": ("voila", "dashboard")}
    hints = {
        place: "" if find_spec(library) else f"; first: {installing(extra)}"
        for place, (library, extra) in extras.items()
    }
    say("\n" + _NEXT.format(folder=folder, notebook=notebook, **hints))
    if open_lab:
        command = [sys.executable, "-m", "jupyterlab", str(notebook)]
        sys.exit(subprocess.run(command, check=False).returncode)  # noqa: S603 (our own file)


def _load_demo(jobs: int) -> JobTables:
    """Return the jobs of the simulated account, and print what they are and which failed."""
    client = simulated.client(jobs=jobs)
    url, now = client.meta.endpoint_url, f"{simulated.NOW:%Y-%m-%d}"
    say(f"A simulated provider account at {url}: the 90 days before {now}.\n")
    started = perf_counter()
    tables = with_names(load_jobs(client), client)
    say(f"{tables}\n\nLoaded in {perf_counter() - started:.1f} s.\n")
    causes = error_causes(tables).head(_MOST).set_index("code")[["jobs", "fingerprint"]]
    texts = causes["fingerprint"].fillna("")
    # all as wide as the column, so that they begin at its left
    causes["fingerprint"] = [shortened(text, _WIDTH).ljust(_WIDTH + 1) for text in texts]
    _print_summary("Failures by type", _failures_by(tables, "type"))
    _print_summary("Failures by cause", causes)
    _print_summary("Failures by data set", _failures_by(tables, "data_set_name").head(5))
    return tables


def _failures_by(tables: JobTables, by: str) -> pd.DataFrame:
    """Return how many jobs of each value of a column finished and failed, most failures first."""
    rates = failure_rate(tables.jobs, by).sort_values("failed", ascending=False).set_index(by)
    return rates.loc[rates["n"] > 0, ["n", "failed", "rate"]].rename(columns={"n": "finished"})


def _print_summary(title: str, frame: pd.DataFrame) -> None:
    forms: dict[str, Any] = {str(name): "{:,}".format for name in frame.select_dtypes("integer")}
    forms["rate"] = lambda rate: f"{100 * rate:.1f} %"
    text = frame.rename_axis(index=None).to_string(formatters=forms, justify="right")
    lines = ["none"] if frame.empty else text.splitlines()
    say("\n".join([title, *(f"  {line.rstrip()}" for line in lines), ""]))


def _write_demo(tables: JobTables, folder: Path) -> None:
    """Write each table as Parquet and as CSV, and print the files' sizes."""
    say(f"Written to {folder}{'' if folder.is_absolute() else f' in {Path.cwd()}'}:")
    for name in ("jobs", "details", "errors"):
        for suffix in ("parquet", "csv"):
            path = export_tables(getattr(tables, name), folder / f"{name}.{suffix}")
            say(f"  {path.name:<18}{path.stat().st_size:>12,} bytes")


@main.command(params=options(*console.EXPORT, *console.SOURCE, *console.ONLY))
@click.argument("path", type=click.Path())
def export(path: str, *, folder: bool, no_bom: bool, **source: Any) -> None:
    """Write jobs to PATH: .csv, .xlsx, .parquet, .feather or .jsonl, by its suffix.

    CSV is one file, a row a job, with its first error beside it; --tables, or a PATH that ends
    with "/", makes a folder with a file for each table. --file reads all
    of these again, whole, but of CSV in one file the jobs and their first errors.

    \b
    Example:
      dxnotebook export jobs.xlsx --profile prod --since 30d
    """  # noqa: D301 (\b is click's)
    if suffix_of(path) == ".xlsx":
        _require("An export to Excel", "xlsxwriter")
    how = {"folder": folder, "bom": not no_bom}
    try:
        loaded = _load_tables(**source)
    except LoadError as error:
        if len(error.partial or ()) and not isinstance(error, LoadInterrupted):
            part = Path(path).with_name(f"partial-{Path(path).name}")
            kept = export_tables(error.partial, part, **how)
            say(f"What was read until then is written: {kept}", err=True)
        raise
    _print_written(export_tables(loaded, path, **how), loaded)


@main.command(params=options(*console.REPORT, *console.SOURCE, *console.WINDOW))
@click.argument("path", type=click.Path(path_type=Path), default="report.html")
def report(path: Path, notebook: Path | None, copy_notebook: Path | None, **source: Any) -> None:
    """Write a report of jobs to PATH (default: report.html), one file that needs no network.

    \b
    Example:
      dxnotebook report august.html --profile prod --since 2026-08-01 --until 2026-09-01
    """  # noqa: D301 (\b is click's)
    if copy_notebook and copy_notebook.exists():
        raise DxError(f"{copy_notebook} is there already; choose another name.")
    if copy_notebook:
        say(shutil.copyfile(shipped(), copy_notebook))
        return
    _require("A report", "nbclient", "nbconvert", "ipykernel", "matplotlib")
    if notebook:
        import_module("dxnotebook.report.run").opened_notebook(notebook)  # which may raise
    tables, window = _load_context(**source)
    say("Running the notebook …", err=True)
    written = write_report(tables, path, notebook=notebook, **window)
    _print_written(written, within(tables, **window))


@main.command(params=options(*console.EXPLORE, *console.SOURCE, *console.ONLY))
def explore(port: int, *, no_browser: bool, **source: Any) -> None:
    """Explore jobs in the browser: charts, causes, filters that cross, a table of jobs.

    It is served on this machine, to those who have the address that is printed, until Ctrl-C.

    \b
    Example:
      dxnotebook explore --profile prod --since 30d
    """  # noqa: D301 (\b is click's)
    _require("The dashboard", "voila", "anywidget", "ipykernel")
    server = import_module("dxnotebook.report.serve")
    server.serve(_load_tables(**source), port, open_browser=not no_browser, say=say)


@main.command(cls=_Checking, params=options(*console.CHECK, *console.SOURCE, *console.WINDOW))
def check(*, as_json: bool, quiet: bool, incomplete: bool, **given: Any) -> None:
    """Say in a line each what is wrong with jobs, for cron and CI, and what was looked at.

    The failure rate is compared by the lower bound of its 95 % interval: at 10 %, one failure of
    three jobs raises no alarm, two of them do.

    \b
    Exit codes: 0 nothing is wrong, 1 something is, 2 it could not be checked: there
    are no jobs, or an account did not answer and nothing else is wrong.

    \b
    Example:
      dxnotebook check --since 24h --max-failure-rate 0.05 --max-stuck 0
    """  # noqa: D301 (\b is click's)
    by = given.pop("by")
    limits = {name: given.pop(name) for name in list(given) if name.startswith("max_")}
    if not incomplete and all(limit is None for limit in limits.values()):
        limits["max_failure_rate"] = _USUAL_LIMIT
    limits |= {"by": by, "incomplete": incomplete}
    checks.check(console.no_jobs(), **limits)  # which raises before all is loaded
    tables, window = _load_context(**given)
    if incomplete:
        limits["incomplete"] = _revisions(tables, given, window)
    findings = checks.check(tables, **window, **limits)
    looked_at = findings.attrs["looked_at"]
    if as_json:
        records = json.loads(findings.to_json(orient="records"))
        answer = {"looked_at": looked_at, "findings": records}
        say(json.dumps(answer, indent=2, ensure_ascii=False))
    else:
        for line in [*findings["message"], *([] if quiet else [checks.in_words(looked_at)])]:
            say(line)
    could_check = looked_at["jobs"] and (findings["check"] != checks.NO_ANSWER).any()
    sys.exit(0 if findings.empty else 1 if could_check else _CANNOT_CHECK)


def _revisions(tables: JobTables, given: dict[str, Any], window: dict[str, Any]) -> pd.DataFrame:
    """Return the revisions of tables, and what the service says of them where it is asked."""
    try:
        return revisions(tables, _sources(**given) or None, **window)
    except LoadInterrupted:
        raise
    except LoadError as error:
        say(f"Without what AWS says of revisions: {error}", err=True)
        return revisions(tables, **window)


@main.command(params=options(*console.AWS, console.IS_DEMO, *console.SYNC))
@click.argument("archive", type=click.Path())
def sync(archive: str, *, full: bool, optimize: bool, **source: Any) -> None:
    """Add new jobs, and what became of the others, to ARCHIVE, a folder or an s3:// URI.

    For cron: AWS forgets a job 90 days after its creation. Two at the same time do each other no
    harm. The summary, one line, goes to the standard output, warnings and errors to the standard
    error.

    \b
    Exit codes: 0 all accounts were synced, 1 none was, or the archive cannot be
    written, 3 some accounts failed, and the others were synced.

    \b
    Example:
      dxnotebook sync s3://my-bucket/jobs --profile prod --region us-east-1 --region eu-west-1
    """  # noqa: D301 (\b is click's)
    opened = _archive(archive)
    result = opened.sync(_sources(**source), full=full or None)
    say(result)
    if optimize:
        opened.optimize()
    sys.exit(_SOME_FAILED if result.failures else 0)
