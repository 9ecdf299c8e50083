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
from dxnotebook.report.shipped import shipped
from dxnotebook.tables.jobtables import JobTables, checked

_HIDDEN = {"exclude_input": True, "exclude_input_prompt": True, "exclude_output_prompt": True}


def write_report(
    tables: JobTables,
    path: str | os.PathLike[str],
    *,
    notebook: str | os.PathLike[str] | None = None,
) -> Path:
    """Write a report of jobs as one HTML file.

    It has rates, trend, incidents, causes, what is left undone, durations and quotas.

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
    opened = _open_notebook(source)
    with tempfile.TemporaryDirectory() as scratch:
        exported = export(tables, Path(scratch, "tables.feather"), progress=False)
        _load_from(opened, exported)
        done = _run(opened, Path(scratch) if notebook is None else source.parent)
    body, _ = HTMLExporter(template_name="basic", **_HIDDEN).from_notebook_node(done)
    page = Template((Path(__file__).parent / "page.html").read_text(encoding="utf-8"))
    with replacing(Path(os.path.realpath(path))) as written:
        text = page.substitute(title=html.escape(_page_title(done)), body=body)
        written.write_text(text, encoding="utf-8")
    return Path(path)


def _open_notebook(path: Path) -> nbformat.NotebookNode:
    try:
        return nbformat.read(path, as_version=4)  # type: ignore[no-any-return]
    except OSError as error:
        raise DxError(f"Cannot read the notebook {str(path)!r}: {error.strerror}.") from None
    except Exception as error:  # noqa: BLE001 (nbformat has many)
        raise DxError(f"{str(path)!r} is not a notebook: {type(error).__name__}.") from None


def _load_from(notebook: nbformat.NotebookNode, exported: Path) -> None:
    """Have a notebook load tables that were exported, in the tagged cell or else in a new one."""
    source = f"import dxnotebook as dx\n\ntables = dx.read_tables({str(exported)!r})"
    tagged = (cell for cell in notebook.cells if "tables" in cell.metadata.get("tags", ()))
    cell = next(tagged, None)
    if cell is None:
        notebook.cells.insert(0, nbformat.v4.new_code_cell(source))
    else:
        cell.source = source


def _run(notebook: nbformat.NotebookNode, folder: Path) -> nbformat.NotebookNode:
    client = NotebookClient(notebook, timeout=1_800, store_widget_state=False)
    client.resources = {"metadata": {"path": str(folder)}}
    client.extra_arguments = ["--IPKernelApp.log_level=ERROR"]  # it warns of each start
    remedy = "Run it in JupyterLab to see where."
    try:
        return client.execute()
    except CellExecutionError as error:
        reason = f"failed: {redact_text(f'{error.ename}: {error.evalue}')}"
    except NoSuchKernel as error:
        reason = f"wants the kernel {error.name!r}, which is not installed"
        remedy = "Choose another in JupyterLab."
    except (DeadKernelError, TimeoutError, RuntimeError) as error:
        reason = f"did not come to its end: {type(error).__name__}"
    raise DxError(f"The notebook {reason}. {remedy}")


def _page_title(notebook: nbformat.NotebookNode) -> str:
    """Return the first heading that the notebook printed or has."""
    for cell in notebook.cells:
        shown = (output.get("data", {}) for output in cell.get("outputs", ()))
        printed = [data.get("text/markdown", "") for data in shown]
        for text in printed if cell.cell_type == "code" else [cell.source]:
            if text.startswith("# "):
                return str(text.partition("\n")[0][2:])
    return "Jobs of AWS Data Exchange"
