"""The command line: thin; what it does is done by the functions that Python users call."""

from __future__ import annotations

import shutil
import subprocess
import sys
import warnings
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter

import click
import pandas as pd

import dxnotebook
from dxnotebook import demo as simulated
from dxnotebook.causes import error_causes
from dxnotebook.client import clients
from dxnotebook.errors import DxError, DxWarning
from dxnotebook.loading import load_jobs, with_names
from dxnotebook.metrics import failure_rate
from dxnotebook.tables import JobTables

_WIDTH, _MOST = 70, 8
_SOME_FAILED = 3  # 1 is an error, 2 a wrong use of the command line
_NEXT = """\
Next:
  python -c "import pandas; print(pandas.read_parquet('{folder}/jobs.parquet'))"
  dxnotebook demo --open            opens {notebook} in JupyterLab{install}
  In Python, with your own account:
    import dxnotebook as dx
    tables = dx.load_jobs(since="30d")     # default credentials and region; needs dataexchange:ListJobs
    tables.jobs, tables.details, tables.errors"""


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(dxnotebook.__version__, prog_name="dxnotebook")
def main() -> None:
    """AWS Data Exchange jobs as tidy pandas tables."""


@main.command()
@click.option("--folder", type=click.Path(file_okay=False, path_type=Path), default="dxnotebook-demo", show_default=True,
              help="Where to write the tables.")  # fmt: skip
@click.option("--jobs", type=click.IntRange(0), default=6_000, show_default=True, help="How many jobs to simulate.")
@click.option("--open", "open_lab", is_flag=True, help="Open the notebook in JupyterLab afterwards.")
def demo(folder: Path, jobs: int, *, open_lab: bool) -> None:
    r"""Load, summarise and export the jobs of a simulated account.

    No AWS account is needed: an endpoint on this machine answers as AWS Data Exchange would, and boto3 asks it.

    \b
    Example:
      dxnotebook demo --folder /tmp/demo
    """
    try:
        _run_demo(folder, jobs, open_lab=open_lab)
    except DxError as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        raise click.ClickException(
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
    told = rates[rates["n"] > 0].assign(rate=lambda some: (100 * some["rate"]).map("{:.1f} %".format))
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
        formatters={str(name): "{:,}".format for name in frame.select_dtypes("integer")}, justify="right"
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
    shipped = next(path for path in (here / "notebooks", here.parent / "notebooks") if path.is_dir())
    copy = folder / "explore.ipynb"
    if not copy.exists():
        shutil.copyfile(shipped / copy.name, copy)
    return copy


def _open(notebook: Path, *, installed: bool) -> None:
    if not installed:
        raise click.ClickException("JupyterLab is not installed. Install it with: pip install 'dxnotebook[notebook]'")
    subprocess.run([sys.executable, "-m", "jupyterlab", str(notebook)], check=False)  # noqa: S603 (our own file)


@main.command()
@click.argument("archive")
@click.option("--profile", "profiles", multiple=True, help="A profile of the AWS configuration; may be repeated.")
@click.option("--region", "regions", multiple=True, help="A region, or 'all'; may be repeated.")
@click.option("--full", is_flag=True, help="Read the listings to their end, as is done once a week anyway.")
@click.option("--optimize", is_flag=True, help="Afterwards make few files of many, and delete those not needed.")
def sync(archive: str, profiles: tuple[str, ...], regions: tuple[str, ...], *, full: bool, optimize: bool) -> None:
    r"""Add new jobs, and what became of the others, to ARCHIVE, a folder or an s3:// URI.

    For cron: AWS forgets a job 90 days after its creation. Two at the same time do each other no harm. The summary, one
    line, goes to the standard output, warnings and errors to the standard error.

    \b
    Exit status:
      0  all accounts were synced
      1  none was, or the archive cannot be written
      3  some accounts failed; the others were synced
    \b
    Example:
      dxnotebook sync s3://my-bucket/jobs --profile prod --region us-east-1 --region eu-west-1
    """
    with warnings.catch_warnings():
        warnings.simplefilter("always", DxWarning)
        warnings.showwarning = lambda message, *_, **__: click.echo(f"Warning: {message}", err=True)
        try:
            failed = _run_sync(archive, profiles, regions, full=full, optimize=optimize)
        except DxError as error:
            raise click.ClickException(str(error)) from None
    sys.exit(_SOME_FAILED if failed else 0)


def _run_sync(uri: str, profiles: tuple[str, ...], regions: tuple[str, ...], *, full: bool, optimize: bool) -> bool:
    """Sync, say what was done, and return whether an account failed."""
    archive = dxnotebook.Archive(uri)
    asked = clients(profiles or None, "all" if "all" in regions else regions or None)
    result = archive.sync(asked, full=full or None)
    click.echo(result)
    if optimize:
        archive.optimize()
    return bool(result.failures)
