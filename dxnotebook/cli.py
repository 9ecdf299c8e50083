"""The command line: thin; what it does is done by the functions that Python users call."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import Any

import click
import pandas as pd
from botocore.exceptions import BotoCoreError

import dxnotebook
from dxnotebook import demo as simulated
from dxnotebook.aws.clients import clients
from dxnotebook.aws.load import load_jobs, with_names
from dxnotebook.errors import DxError, DxWarning
from dxnotebook.files import export as exporting
from dxnotebook.files.export import read_tables
from dxnotebook.files.read import read_jobs
from dxnotebook.metrics import checks
from dxnotebook.metrics.causes import error_causes
from dxnotebook.metrics.rates import failure_rate
from dxnotebook.tables.assemble import concat
from dxnotebook.tables.jobtables import AS_OF, JobTables, observed_at, within
from dxnotebook.times import Window

_WIDTH, _MOST = 70, 8
_USUAL_LIMIT = 0.1
_SOME_FAILED = 3  # 1 is an error, 2 a wrong use of the command line
_NEXT = """\
Next:
  python -c "import pandas; print(pandas.read_parquet('{folder}/jobs.parquet'))"
  dxnotebook demo --open            opens {notebook} in JupyterLab{install}
  In Python, with your own account:
    import dxnotebook as dx
    tables = dx.load_jobs(since="30d")     # default credentials and region; needs dataexchange:ListJobs
    tables.jobs, tables.details, tables.errors"""


_AWS = (
    click.option(
        "--profile",
        "profiles",
        multiple=True,
        metavar="NAME",
        help="A profile of the AWS configuration; may be given more than once.",
    ),
    click.option(
        "--region",
        "regions",
        multiple=True,
        metavar="NAME",
        help='A region, or "all"; may be given more than once.',
    ),
)
_ELSEWHERE = (
    click.option("--archive", metavar="URI", help="An archive instead of AWS."),
    click.option(
        "--file",
        "files",
        multiple=True,
        metavar="PATH",
        help="A saved listing, a pattern of several, or an export, instead of AWS.",
    ),
    click.option("--demo", "is_demo", is_flag=True, help="The simulated account instead of AWS."),
    click.option("--since", metavar="TIME", help="Only jobs created since: 30d, 12h, 2026-09-01."),
    click.option("--until", metavar="TIME", help="Only jobs created before."),
)


def _with_options(*options: Callable[..., Any]) -> Callable[..., Any]:
    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return add


_from_aws, _from_somewhere = _with_options(*_AWS), _with_options(*_AWS, *_ELSEWHERE)


class _CannotCheckError(click.ClickException):
    exit_code = 2


@contextmanager
def _failing(failure: type[click.ClickException] = click.ClickException) -> Iterator[None]:
    """End with a message where what is asked for cannot be done."""
    try:
        yield
    except (DxError, BotoCoreError) as error:
        raise failure(str(error)) from None
    except OSError as error:
        raise failure(f"{error.strerror or error}: {error.filename or ''}".rstrip(": ")) from None


@contextmanager
def _warning() -> Iterator[None]:
    """Tell warnings as lines on the standard error."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", DxWarning)
        warnings.showwarning = lambda message, *_, **__: click.echo(f"Warning: {message}", err=True)
        yield


def _clients(profiles: tuple[str, ...], regions: tuple[str, ...]) -> list[Any]:
    return clients(profiles or None, "all" if "all" in regions else regions or None)


def _load(
    *,
    profiles: tuple[str, ...],
    regions: tuple[str, ...],
    archive: str | None,
    files: tuple[str, ...],
    is_demo: bool,
    since: str | None,
    until: str | None,
) -> JobTables:
    """Return the jobs that the options name, with their data sets' names as far as they are to be had."""
    with _warning():
        _check_sources(archive=archive is not None, file=bool(files), demo=is_demo)
        if archive is not None:
            tables = dxnotebook.Archive(archive).load(since=since, until=until)
        elif files:
            tables = _read(files, since, until)
        else:
            asked = [simulated.client()] if is_demo else _clients(profiles, regions)
            return _named(load_jobs(asked, since=since, until=until), asked)
        return _named(tables, _clients(profiles, regions)) if profiles or regions else tables


def _check_sources(**given: bool) -> None:
    if sum(given.values()) > 1:
        raise click.UsageError(
            f"Give one of --{' and --'.join(name for name, there in given.items() if there)}."
        )


def _named(tables: JobTables, asked: list[Any]) -> JobTables:
    for client in asked:
        try:
            tables = with_names(tables, client)
        except DxError as error:
            click.echo(f"Without the names of some data sets: {error}", err=True)
    return tables


def _read(files: tuple[str, ...], since: str | None, until: str | None) -> JobTables:
    exported = [file for file in files if Path(file).is_dir()]
    parts = [read_tables(file) for file in exported]
    if listings := [file for file in files if file not in exported]:
        parts.append(read_jobs(listings))
    tables = concat(parts) if len(parts) > 1 else parts[0]
    if len(tables) and AS_OF not in tables.jobs.attrs:
        tables.jobs.attrs[AS_OF] = observed_at(tables.jobs).isoformat()
    return within(tables, _window(tables, since, until))


def _window(tables: JobTables, since: str | None, until: str | None) -> Window:
    """Return the times that are wanted, relative ones by when the tables were loaded."""
    return Window.of(since, until, observed_at(tables.jobs))


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(dxnotebook.__version__, prog_name="dxnotebook")
def main() -> None:
    """AWS Data Exchange jobs as tidy pandas tables."""


@main.command()
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default="dxnotebook-demo",
    show_default=True,
    help="Where to write the tables.",
)
@click.option(
    "--jobs",
    type=click.IntRange(0),
    default=6_000,
    show_default=True,
    help="How many jobs to simulate.",
)
@click.option(
    "--open", "open_lab", is_flag=True, help="Open the notebook in JupyterLab afterwards."
)
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
            _run_demo(folder, jobs, open_lab=open_lab)
        except OSError as error:
            raise DxError(
                f"Cannot write to {folder}: {error.strerror}. Choose another with --folder."
            ) from None


def _run_demo(folder: Path, jobs: int, *, open_lab: bool) -> None:
    client = simulated.client(jobs=jobs)
    click.echo(
        f"A simulated provider account at {client.meta.endpoint_url}: the 90 days before {simulated.NOW:%Y-%m-%d}.\n"
    )
    started = perf_counter()
    tables = with_names(load_jobs(client), client)
    click.echo(f"{tables}\n\nLoaded in {perf_counter() - started:.1f} s.\n")
    for title, summary in _summaries(tables).items():
        click.echo(f"{title}\n{_indented(summary)}\n")
    click.echo(f"Written to {folder}{'' if folder.is_absolute() else f' in {Path.cwd()}'}:")
    for path in _write(tables, folder):
        click.echo(f"  {path.name:<18}{path.stat().st_size:>12,} bytes")
    notebook = _copy_notebook(folder)
    installed = find_spec("jupyterlab") is not None
    install = "" if installed else "; first: pip install 'dxnotebook[notebook]'"
    click.echo("\n" + _NEXT.format(folder=folder, notebook=notebook, install=install))
    if open_lab:
        _open(notebook, installed=installed)


@main.command()
@click.argument("path", type=click.Path(path_type=Path))
@_from_somewhere
def export(path: Path, **source: Any) -> None:
    """Write jobs to PATH: .parquet, .feather, .csv, .xlsx or .jsonl, by its suffix.

    \b
    Example:
      dxnotebook export jobs.xlsx --profile prod --since 30d
    """  # noqa: D301 (\b is click's)
    with _failing():
        exporting.suffix_of(path)  # before all is loaded
        tables = _load(**source)
        click.echo(f"{exporting.export(tables, path)}: {len(tables):,} jobs")


@main.command()
@click.argument("path", type=click.Path(path_type=Path), default="report.html")
@click.option(
    "--notebook",
    type=click.Path(path_type=Path),
    help="A changed copy of the report's notebook to run instead.",
)
@click.option(
    "--copy-notebook",
    type=click.Path(path_type=Path),
    help="Write the report's notebook there, to be changed, and end.",
)
@_from_somewhere
def report(path: Path, notebook: Path | None, copy_notebook: Path | None, **source: Any) -> None:
    """Write a report of jobs to PATH, one HTML file that needs no network.

    \b
    Example:
      dxnotebook report august.html --profile prod --since 2026-08-01 --until 2026-09-01
    """  # noqa: D301 (\b is click's)
    with _failing():
        if copy_notebook:
            if copy_notebook.exists():
                raise click.ClickException(
                    f"{copy_notebook} is there already; choose another name."
                )
            click.echo(shutil.copyfile(reporting().shipped(), copy_notebook))
            return
        tables = _load(**source)
        click.echo("Running the notebook …", err=True)
        click.echo(
            f"{reporting().write_report(tables, path, notebook=notebook)}: {len(tables):,} jobs"
        )


def reporting() -> Any:
    """Return the room of reports, which not everybody has the libraries for."""
    dxnotebook.write_report  # noqa: B018 (says which extra is missing)
    return sys.modules["dxnotebook.report.write"]


@main.command()
@click.option(
    "--max-failure-rate",
    type=click.FloatRange(0, 1),
    help="The highest rate of failed jobs, 0 to 1.  [0.1 if no limit is given]",
)
@click.option(
    "--by",
    help="A column, as type or data_set_id, of each of whose values the rate is checked, too.",
)
@click.option(
    "--max-unresolved",
    type=click.IntRange(0),
    help="How much failed work may be without a later success.",
)
@click.option(
    "--max-stuck", type=click.IntRange(0), help="How many jobs may be open for longer than usual."
)
@click.option(
    "--max-silence",
    metavar="LENGTH",
    help="How long ago each data set's last success may be: 26h, 3d.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@_from_somewhere
def check(*, as_json: bool, **options: Any) -> None:
    """Say in a line each what is wrong with jobs, for cron and CI.

    The failure rate is compared by the lower bound of its 95 % interval, so that three jobs page
    nobody.

    \b
    Exit codes: 0 nothing is wrong, 1 something is, 2 it could not be checked.

    \b
    Example:
      dxnotebook check --since 24h --max-failure-rate 0.05 --max-stuck 0
    """  # noqa: D301 (\b is click's)
    limits = {
        name: options.pop(name)
        for name in ("max_failure_rate", "by", "max_unresolved", "max_stuck", "max_silence")
    }
    if all(value is None for name, value in limits.items() if name != "by"):
        limits["max_failure_rate"] = _USUAL_LIMIT
    with _failing(_CannotCheckError):
        tables = _load(**options)
        window = _window(tables, None, options["until"])
        found = checks.check(tables, **limits, now=window.end)
    if as_json:
        click.echo(
            json.dumps(json.loads(found.to_json(orient="records")), indent=2, ensure_ascii=False)
        )
    else:
        for message in found["message"]:
            click.echo(message)
    if tables.failures:
        click.echo(f"Not all accounts could be asked: {', '.join(tables.failures)}", err=True)
    sys.exit(1 if len(found) else 2 if tables.failures else 0)


def _summaries(tables: JobTables) -> dict[str, pd.DataFrame]:
    """Return what failed, by type, by cause and by data set."""
    causes = error_causes(tables).head(_MOST).set_index("code")[["jobs", "fingerprint"]]
    causes["fingerprint"] = causes["fingerprint"].map(_shortened)
    return {
        "Failures by type": _rates(tables, "type"),
        "Failures by cause": causes,
        "Failures by data set": _rates(tables, "data_set_name").head(5),
    }


def _rates(tables: JobTables, by: str) -> pd.DataFrame:
    rates = failure_rate(tables.jobs, by).sort_values("failed", ascending=False)
    told = rates[rates["n"] > 0].assign(
        rate=lambda some: (100 * some["rate"]).map("{:.1f} %".format)
    )
    return told.set_index(by)[["n", "failed", "rate"]].rename(columns={"n": "finished"})


def _shortened(text: str | float) -> str:
    """Return a text as wide as a column, so that what stands in it begins at its left."""
    told = "" if pd.isna(text) else str(text)
    return f"{told:<{_WIDTH}}" if len(told) <= _WIDTH else f"{told[: _WIDTH - 1]}…"


def _indented(frame: pd.DataFrame) -> str:
    if frame.empty:
        return "  none"
    frame = frame.rename_axis(index=None)
    text = frame.to_string(
        formatters={str(name): "{:,}".format for name in frame.select_dtypes("integer")},
        justify="right",
    )
    return "\n".join(f"  {line.rstrip()}" for line in text.splitlines())


def _write(tables: JobTables, folder: Path) -> list[Path]:
    """Write each table as Parquet and as CSV and return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    frames = {"jobs": tables.jobs, "details": tables.details, "errors": tables.errors}
    for name, frame in frames.items():
        frame.to_parquet(folder / f"{name}.parquet")
        frame.to_csv(folder / f"{name}.csv", index=False)
    return [folder / f"{name}.{suffix}" for name in frames for suffix in ("parquet", "csv")]


def _copy_notebook(folder: Path) -> Path:
    """Put a copy of the notebook beside the tables, unless the user has one there already."""
    here = Path(__file__).parent
    shipped = next(
        path for path in (here / "notebooks", here.parent / "notebooks") if path.is_dir()
    )
    copy = folder / "explore.ipynb"
    if not copy.exists():
        shutil.copyfile(shipped / copy.name, copy)
    return copy


def _open(notebook: Path, *, installed: bool) -> None:
    if not installed:
        raise click.ClickException(
            "JupyterLab is not installed. Install it with: pip install 'dxnotebook[notebook]'"
        )
    subprocess.run([sys.executable, "-m", "jupyterlab", str(notebook)], check=False)  # noqa: S603 (our own file)


@main.command()
@click.argument("archive")
@_from_aws
@click.option(
    "--full", is_flag=True, help="Read the listings to their end, as is done once a week anyway."
)
@click.option(
    "--optimize",
    is_flag=True,
    help="Afterwards make few files of many, and delete those not needed.",
)
def sync(
    archive: str, profiles: tuple[str, ...], regions: tuple[str, ...], *, full: bool, optimize: bool
) -> None:
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
    with _failing(), _warning():
        kept = dxnotebook.Archive(archive)
        result = kept.sync(_clients(profiles, regions), full=full or None)
        click.echo(result)
        if optimize:
            kept.optimize()
    sys.exit(_SOME_FAILED if result.failures else 0)
