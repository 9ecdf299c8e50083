"""The command line: thin; what it does is done by the functions that Python users call."""

from __future__ import annotations

import atexit
import json
import shutil
import signal
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import Any, TypeAlias

import click
import pandas as pd
from botocore.exceptions import BotoCoreError

from dxnotebook import demo as simulated
from dxnotebook.aws.clients import clients
from dxnotebook.aws.load import load_jobs, with_names
from dxnotebook.errors import DxError, DxWarning, MissingDependencyError, naming_extras
from dxnotebook.files import export as exporting
from dxnotebook.files.read import read_jobs
from dxnotebook.metrics import checks
from dxnotebook.metrics.causes import error_causes
from dxnotebook.metrics.rates import failure_rate
from dxnotebook.model import AWS_KEEPS
from dxnotebook.records.redact import redact_text
from dxnotebook.report.shipped import shipped
from dxnotebook.report.write import write_report
from dxnotebook.tables.assemble import concat
from dxnotebook.tables.jobtables import AS_OF, JobTables, missing, observed_at, within
from dxnotebook.text import counted, shortened, visible
from dxnotebook.times import Window

Names: TypeAlias = tuple[str, ...]

_WIDTH, _MOST = 70, 8
_USUAL_LIMIT = 0.1
_CANNOT_CHECK, _SOME_FAILED = 2, 3  # 1 is an error, 2 a wrong use of the command line, too
_INTERRUPTED = 130  # as shells have it
_NEXT = """\
Next:
  python -c "import pandas; print(pandas.read_parquet('{folder}/jobs.parquet'))"
  dxnotebook demo --open            opens {notebook} in JupyterLab{install}
  In Python, with your own account:
    import dxnotebook as dx
    # with the default credentials and region; needs dataexchange:ListJobs
    tables = dx.load_jobs(since="30d")
    tables.jobs, tables.details, tables.errors"""

# options: their names, what is particular about them, their help
_IS_FLAG, _SEVERAL = {"is_flag": True}, {"multiple": True}
_SEVERAL_NAMES, _IS_TIME = {**_SEVERAL, "metavar": "NAME"}, {"metavar": "TIME"}
_IS_PATH = {"type": click.Path(path_type=Path)}
_IS_FOLDER = {"type": click.Path(file_okay=False, path_type=Path), "show_default": True}
_IS_COUNT = {"type": click.IntRange(0)}
_AWS = (
    ("--profile", "profiles", _SEVERAL_NAMES,
     "A profile of the AWS configuration; may be given more than once."),
    ("--region", "regions", _SEVERAL_NAMES, 'A region, or "all"; may be given more than once.'),
)  # fmt: skip
_SOURCE = (
    *_AWS,
    ("--archive", {"metavar": "URI"}, "An archive instead of AWS."),
    ("--file", "files", {**_SEVERAL, "metavar": "PATH"},
     "A saved listing, a pattern of several, or an export, instead of AWS."),
    ("--demo", "is_demo", _IS_FLAG, "The simulated account instead of AWS."),
)  # fmt: skip
_ONLY = (
    ("--since", _IS_TIME, "Only jobs created since: 30d, 12h, 2026-09-01."),
    ("--until", _IS_TIME, "Only jobs created before."),
)
_WINDOW = (
    ("--since", _IS_TIME,
     "What happened since: 30d, 12h, 2026-09-01; all jobs around it are read, too."),
    ("--until", _IS_TIME, "What happened before."),
)  # fmt: skip
_DEMO = (
    ("--folder", {**_IS_FOLDER, "default": "dxnotebook-demo"}, "Where to write the tables."),
    ("--jobs", {**_IS_COUNT, "default": 6_000, "show_default": True}, "How many jobs to simulate."),
    ("--open", "open_lab", _IS_FLAG, "Open the notebook in JupyterLab afterwards."),
)
_REPORT = (
    ("--notebook", _IS_PATH, "A changed copy of the report's notebook to run instead."),
    ("--copy-notebook", _IS_PATH, "Write the report's notebook there, to be changed, and end."),
)
_CHECK: Any = (
    ("--max-failure-rate", {"type": click.FloatRange(0, 1)},
     "The highest rate of failed jobs, 0 to 1.  [0.1 if no limit is given]"),
    ("--by", {},
     "A column, as type or data_set_id, of each of whose values the rate is checked, too."),
    ("--max-undone-rate", {"type": click.FloatRange(0, 1)},
     "The highest rate of work that was not done in the end, re-runs included, 0 to 1."),
    ("--max-unresolved", _IS_COUNT, "How much failed work may be without a later success."),
    ("--max-stuck", _IS_COUNT, "How many jobs may be open for longer than usual."),
    ("--max-silence", {"metavar": "LENGTH"},
     "How long ago each data set's last success may be: 26h, 3d."),
    ("--json", "as_json", _IS_FLAG, "Print the findings, and what was looked at, as JSON."),
    ("--quiet", _IS_FLAG, "Print findings only, not what was looked at."),
)  # fmt: skip
_SYNC = (
    ("--full", _IS_FLAG, "Read the listings to their end, as is done once a week anyway."),
    ("--optimize", _IS_FLAG, "Afterwards make few files of many, and delete those not needed."),
)


def _options(*rows: Any) -> list[click.Parameter]:
    return [click.Option(names, help=text, **particular) for *names, particular, text in rows]


def _say(text: object, *, err: bool = False) -> None:
    """Print lines in which nothing moves a terminal, whatever names and messages hold."""
    click.echo("\n".join(map(visible, str(text).split("\n"))), err=err)


class _CannotCheckError(click.ClickException):
    exit_code = _CANNOT_CHECK


@contextmanager
def _failing(failure: type[click.ClickException] = click.ClickException) -> Iterator[None]:
    """End with a message where what is asked for cannot be done; show each warning as a line."""
    shown: set[str] = set()

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        if str(message) not in shown:
            _say(f"Warning: {message}", err=True)
        shown.add(str(message))

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always", DxWarning)
            warnings.showwarning = show
            yield
    except KeyboardInterrupt:
        # whoever presses the keys again wants it no less, and is not to see how Python ends
        atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)
        click.echo("Interrupted.", err=True)
        sys.exit(_INTERRUPTED)
    except (DxError, BotoCoreError) as error:
        raise failure(visible(redact_text(str(error)))) from None
    except OSError as error:
        text = f"{error.strerror or error}: {error.filename or ''}".rstrip(": ")
        raise failure(visible(text)) from None


def _print_written(path: Path, tables: JobTables) -> None:
    """Print where jobs were written, how many, and what is missing of them."""
    _say(" · ".join([f"{path}: {counted(len(tables), 'job')}", *missing(tables)]))


def _clients(profiles: Names, regions: Names) -> list[Any]:
    return clients(profiles or None, "all" if "all" in regions else regions or None)


def _archive(uri: str) -> Any:
    with naming_extras("Archive"):
        from dxnotebook.archive.archive import Archive  # noqa: PLC0415 (not everybody has it)
    return Archive(uri)


def _load_tables(
    profiles: Names, regions: Names, archive: str | None, files: Names, is_demo: bool, **times: Any
) -> JobTables:
    """Return the jobs that options name, with those names of their data sets that are to be had."""
    given = {"archive": archive is not None, "file": bool(files), "demo": is_demo}
    if sum(given.values()) > 1:
        names = " and --".join(name for name, is_given in given.items() if is_given)
        raise click.UsageError(f"Give one of --{names}.")
    asks_aws = not is_demo and (profiles or regions or not any(given.values()))
    sources = [simulated.client()] if is_demo else []
    if asks_aws:
        sources = _clients(profiles, regions)
    if archive is not None:
        tables: JobTables = _archive(archive).load(**times)
    else:
        tables = _read_files(files, **times) if files else load_jobs(sources, **times)
    for client in sources:
        try:
            tables = with_names(tables, client)
        except DxError as error:
            _say(f"Without the names of some data sets: {error}", err=True)
    return tables


def _load_context(
    since: str | None, until: str | None, **source: Any
) -> tuple[JobTables, dict[str, Any]]:
    """Return the jobs around a window, and the window: all, or of an archive what matters to it."""
    start = Window.of(since, until).since
    if source["archive"] is not None and start is not None:
        # a Timedelta is how long ago, so that more of it is earlier
        back = pd.Timedelta(AWS_KEEPS)
        earlier = start + back if isinstance(start, pd.Timedelta) else start - back
        tables = _load_tables(since=earlier, until=None, **source)
    else:
        tables = _load_tables(since=None, until=None, **source)
    return tables, {"since": since, "until": until}


def _read_files(files: Names, since: str | None, until: str | None) -> JobTables:
    exported = [file for file in files if Path(file).is_dir()]
    parts = [exporting.read_tables(file) for file in exported]
    if listings := [file for file in files if file not in exported]:
        parts.append(read_jobs(listings))
    tables = concat(parts) if len(parts) > 1 else parts[0]
    # when that was is not to change by what is left out
    if len(tables) and AS_OF not in tables.jobs.attrs:
        tables.jobs.attrs[AS_OF] = observed_at(tables.jobs).isoformat()
    return within(tables, since, until)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="dxnotebook", prog_name="dxnotebook")
def main() -> None:
    """AWS Data Exchange jobs as tidy pandas tables."""


@main.command(params=_options(*_DEMO))
def demo(folder: Path, jobs: int, *, open_lab: bool) -> None:
    """Load, summarise and export the jobs of a simulated account.

    No AWS account is needed: an endpoint on this machine answers as AWS Data Exchange would, and
    boto3 asks it.

    \b
    Example:
      dxnotebook demo --folder /tmp/demo
    """  # noqa: D301 (\b is click's)
    with _failing():
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = f"{error.strerror}. Choose another with --folder."
            raise DxError(f"Cannot write to {folder}: {reason}") from None
        _write_demo(_load_demo(jobs), folder)
        notebook = folder / "explore.ipynb"
        if not notebook.exists():  # the user may have changed it
            shutil.copyfile(shipped(notebook.name), notebook)
        has_lab = find_spec("jupyterlab") is not None
        install = "" if has_lab else "; first: pip install 'dxnotebook[notebook]'"
        _say("\n" + _NEXT.format(folder=folder, notebook=notebook, install=install))
        if open_lab and not has_lab:
            raise MissingDependencyError("--open", "JupyterLab", "notebook")
    if open_lab:
        command = [sys.executable, "-m", "jupyterlab", str(notebook)]
        subprocess.run(command, check=False)  # noqa: S603 (our own file)


def _load_demo(jobs: int) -> JobTables:
    """Return the jobs of the simulated account, and print what they are and which failed."""
    client = simulated.client(jobs=jobs)
    url, now = client.meta.endpoint_url, f"{simulated.NOW:%Y-%m-%d}"
    _say(f"A simulated provider account at {url}: the 90 days before {now}.\n")
    started = perf_counter()
    tables = with_names(load_jobs(client), client)
    _say(f"{tables}\n\nLoaded in {perf_counter() - started:.1f} s.\n")
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
    _say("\n".join([title, *(f"  {line.rstrip()}" for line in lines), ""]))


def _write_demo(tables: JobTables, folder: Path) -> None:
    """Write each table as Parquet and as CSV, and print the files' sizes."""
    _say(f"Written to {folder}{'' if folder.is_absolute() else f' in {Path.cwd()}'}:")
    for name in ("jobs", "details", "errors"):
        for suffix in ("parquet", "csv"):
            path = exporting.export(getattr(tables, name), folder / f"{name}.{suffix}")
            _say(f"  {path.name:<18}{path.stat().st_size:>12,} bytes")


@main.command(params=_options(*_SOURCE, *_ONLY))
@click.argument("path", type=click.Path(path_type=Path))
def export(path: Path, **source: Any) -> None:
    """Write jobs to PATH: .parquet, .feather, .csv, .xlsx or .jsonl, by its suffix.

    \b
    Example:
      dxnotebook export jobs.xlsx --profile prod --since 30d
    """  # noqa: D301 (\b is click's)
    with _failing():
        exporting.suffix_of(path)  # before all is loaded
        tables = _load_tables(**source)
        _print_written(exporting.export(tables, path), tables)


@main.command(params=_options(*_REPORT, *_SOURCE, *_WINDOW))
@click.argument("path", type=click.Path(path_type=Path), default="report.html")
def report(path: Path, notebook: Path | None, copy_notebook: Path | None, **source: Any) -> None:
    """Write a report of jobs to PATH, one HTML file that needs no network.

    \b
    Example:
      dxnotebook report august.html --profile prod --since 2026-08-01 --until 2026-09-01
    """  # noqa: D301 (\b is click's)
    with _failing():
        if copy_notebook and copy_notebook.exists():
            raise DxError(f"{copy_notebook} is there already; choose another name.")
        if copy_notebook:
            _say(shutil.copyfile(shipped(), copy_notebook))
            return
        with naming_extras("write_report"):  # before all is loaded
            import_module("dxnotebook.report.run")
        tables, window = _load_context(**source)
        _say("Running the notebook …", err=True)
        _print_written(write_report(tables, path, notebook=notebook, **window), tables)


@main.command(params=_options(*_CHECK, *_SOURCE, *_WINDOW))
def check(*, as_json: bool, quiet: bool, **options: Any) -> None:
    """Say in a line each what is wrong with jobs, for cron and CI, and what was looked at.

    The failure rate is compared by the lower bound of its 95 % interval, so that three jobs page
    nobody.

    \b
    Exit codes: 0 nothing is wrong, 1 something is, 2 it could not be checked: there
    are no jobs, or an account did not answer and nothing else is wrong.

    \b
    Example:
      dxnotebook check --since 24h --max-failure-rate 0.05 --max-stuck 0
    """  # noqa: D301 (\b is click's)
    by = options.pop("by")
    limits = {name: options.pop(name) for name in list(options) if name.startswith("max_")}
    if all(limit is None for limit in limits.values()):
        limits["max_failure_rate"] = _USUAL_LIMIT
    with _failing(_CannotCheckError):
        tables, window = _load_context(**options)
        findings = checks.check(tables, **window, **limits, by=by)
    looked_at = findings.attrs["looked_at"]
    if as_json:
        records = json.loads(findings.to_json(orient="records"))
        answer = {"looked_at": looked_at, "findings": records}
        _say(json.dumps(answer, indent=2, ensure_ascii=False))
    else:
        for line in [*findings["message"], *([] if quiet else [checks.in_words(looked_at)])]:
            _say(line)
    could_check = looked_at["jobs"] and (findings["check"] != checks.NO_ANSWER).any()
    sys.exit(0 if findings.empty else 1 if could_check else _CANNOT_CHECK)


@main.command(params=_options(*_AWS, *_SYNC))
@click.argument("archive")
def sync(archive: str, profiles: Names, regions: Names, *, full: bool, optimize: bool) -> None:
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
    with _failing():
        opened = _archive(archive)
        result = opened.sync(_clients(profiles, regions), full=full or None)
        _say(result)
        if optimize:
            opened.optimize()
    sys.exit(_SOME_FAILED if result.failures else 0)
