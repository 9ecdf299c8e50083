"""A report to forward: a notebook run on tables, as one page of HTML that needs nothing else."""

from __future__ import annotations

import html
import os
import tempfile
from pathlib import Path
from string import Template

import nbformat
from jupyter_client.kernelspec import NoSuchKernel
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbconvert import HTMLExporter

from dxnotebook.errors import DxError
from dxnotebook.files.atomic import replacing
from dxnotebook.files.export import export
from dxnotebook.records.redact import redact_text
from dxnotebook.tables.jobtables import JobTables, checked

_HERE = Path(__file__).parent
_PAGE = _HERE / "page.html"
_TAG = "tables"

_MOST_SECONDS = 1_800


def write_report(
    tables: JobTables,
    path: str | os.PathLike[str],
    *,
    notebook: str | os.PathLike[str] | None = None,
) -> Path:
    """Write a report of jobs as one HTML file: rates, trend, incidents, causes, what is left undone, durations, quotas.

    Parameters
    ----------
    tables : JobTables
        The jobs with their details and errors; with data sets' names where `with_names` was used.
    path : str or path
        The file to write; what was there before is replaced when the report is done.
    notebook : str or path, optional
        Another notebook to run, such as a changed copy of the one that comes with dxnotebook. The
        cell that is tagged "tables" gives way to one that loads these tables into ``tables``.

    Returns
    -------
    pathlib.Path
        The path.

    Raises
    ------
    DxError
        When given something else than tables, when the notebook cannot be read or fails, or the
        file not be written.

    Examples
    --------
    >>> import dxnotebook as dx, pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "report.html"
    >>> client = dx.demo.client(jobs=300)
    >>> dx.write_report(dx.with_names(dx.load_jobs(client), client), path).name
    'report.html'
    """
    tables = checked(tables)
    source = shipped() if notebook is None else Path(notebook)
    target = Path(os.path.realpath(path))
    given = _read(source)
    with tempfile.TemporaryDirectory() as folder:
        exported = export(tables, Path(folder, "tables.feather"), progress=False)
        ran = _run(
            _with_tables(given, exported), Path(folder) if notebook is None else source.parent
        )
    body, _ = HTMLExporter(
        template_name="basic",
        exclude_input=True,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
    ).from_notebook_node(ran)
    page = Template(_PAGE.read_text(encoding="utf-8")).substitute(
        title=html.escape(_title(ran)), body=body
    )
    with replacing(target) as written:
        written.write_text(page, encoding="utf-8")
    return Path(path)


def shipped() -> Path:
    """Return the notebook that comes with dxnotebook, in an installation or in a checkout."""
    folders = (_HERE.parent / "notebooks", _HERE.parent.parent / "notebooks")
    return next(folder for folder in folders if folder.is_dir()) / "report.ipynb"


def _read(path: Path) -> nbformat.NotebookNode:
    try:
        return nbformat.read(path, as_version=4)  # type: ignore[no-any-return]
    except OSError as error:
        raise DxError(f"Cannot read the notebook {str(path)!r}: {error.strerror}.") from None
    except Exception as error:  # noqa: BLE001 (nbformat has many)
        raise DxError(f"{str(path)!r} is not a notebook: {type(error).__name__}.") from None


def _with_tables(notebook: nbformat.NotebookNode, exported: Path) -> nbformat.NotebookNode:
    """Return a notebook that loads tables which were exported."""
    load = f"import dxnotebook as dx\n\ntables = dx.read_tables({str(exported)!r})"
    tagged = [cell for cell in notebook.cells if _TAG in cell.metadata.get("tags", ())]
    if tagged:
        tagged[0].source = load
    else:
        notebook.cells.insert(0, nbformat.v4.new_code_cell(load))
    return notebook


def _run(notebook: nbformat.NotebookNode, folder: Path) -> nbformat.NotebookNode:
    client = NotebookClient(
        notebook,
        timeout=_MOST_SECONDS,
        store_widget_state=False,
        resources={"metadata": {"path": str(folder)}},
        extra_arguments=["--IPKernelApp.log_level=ERROR"],  # it warns of each start
    )
    try:
        return client.execute()
    except CellExecutionError as error:
        told = redact_text(f"{error.ename}: {error.evalue}")
        raise DxError(f"The notebook failed: {told}. Run it in JupyterLab to see where.") from None
    except NoSuchKernel as error:
        raise DxError(
            f"The notebook wants the kernel {error.name!r}, which is not installed. Choose another in JupyterLab."
        ) from None
    except (DeadKernelError, TimeoutError, RuntimeError) as error:
        raise DxError(
            f"The notebook did not come to its end: {type(error).__name__}. Run it in JupyterLab."
        ) from None


def _title(notebook: nbformat.NotebookNode) -> str:
    """Return the first heading that the notebook printed or has."""
    for cell in notebook.cells:
        told = [
            output.get("data", {}).get("text/markdown", "") for output in cell.get("outputs", ())
        ]
        for text in told if cell.cell_type == "code" else [cell.source]:
            if text.startswith("# "):
                return str(text.partition("\n")[0][2:])
    return "Jobs of AWS Data Exchange"
