"""A report to forward: a notebook run on tables, as one page of HTML that needs nothing else."""

from __future__ import annotations

import html
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from string import Template
from typing import Any

import nbformat
import pandas as pd
from jupyter_client.kernelspec import NoSuchKernel
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbconvert import HTMLExporter

from dxnotebook.errors import DxError
from dxnotebook.files.atomic import replacing
from dxnotebook.files.export import export
from dxnotebook.plots.style import duration
from dxnotebook.records.redact import redact_text
from dxnotebook.tables.assemble import JobTables, checked

_HERE = Path(__file__).parent
_PAGE = _HERE / "page.html"
_TAG = "tables"
_LONGEST = 500  # characters of a cell
_MOST_SECONDS = 1_800


def write_report(
    tables: JobTables, path: str | os.PathLike[str], *, notebook: str | os.PathLike[str] | None = None
) -> Path:
    """Write a report of jobs as one HTML file: rates, trend, incidents, causes, what is left undone, durations, quotas.

    Parameters
    ----------
    tables : JobTables
        The jobs with their details and errors; with data sets' names where `with_names` was used.
    path : str or path
        The file to write; what was there before is replaced when the report is done.
    notebook : str or path, optional
        Another notebook to run, such as a changed copy of the one that comes with dxnotebook. The cell that is tagged
        "tables" gives way to one that loads these tables into ``tables``.

    Returns
    -------
    pathlib.Path
        The path.

    Raises
    ------
    DxError
        When given something else than tables, when the notebook cannot be read or fails, or the file not be written.

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
        ran = _run(_with_tables(given, exported), Path(folder) if notebook is None else source.parent)
    body, _ = HTMLExporter(
        template_name="basic", exclude_input=True, exclude_input_prompt=True, exclude_output_prompt=True
    ).from_notebook_node(ran)
    page = Template(_PAGE.read_text(encoding="utf-8")).substitute(title=html.escape(_title(ran)), body=body)
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
        raise DxError(f"The notebook did not come to its end: {type(error).__name__}. Run it in JupyterLab.") from None


def _title(notebook: nbformat.NotebookNode) -> str:
    """Return the first heading that the notebook printed or has."""
    for cell in notebook.cells:
        told = [output.get("data", {}).get("text/markdown", "") for output in cell.get("outputs", ())]
        for text in told if cell.cell_type == "code" else [cell.source]:
            if text.startswith("# "):
                return str(text.partition("\n")[0][2:])
    return "Jobs of AWS Data Exchange"


class Table:
    """A frame as a table of a report, for people: rates as per cent, seconds as durations, times to the minute.

    Parameters
    ----------
    frame : pandas.DataFrame
        What to show; columns named ``rate``, ``low``, ``high``, ``share`` are rates, those ending in ``_s`` seconds.
    empty : str
        What to say when there are no rows.

    Examples
    --------
    >>> import pandas as pd
    >>> from dxnotebook.report.write import Table
    >>> "2.7 min" in Table(pd.DataFrame({"median_s": [162.0]}))._repr_html_()
    True
    """

    def __init__(self, frame: pd.DataFrame, empty: str = "None.") -> None:
        self._frame = frame
        self._empty = empty

    def _repr_html_(self) -> str:
        if self._frame.empty:
            return f"<p>{html.escape(self._empty)}</p>"
        shown = pd.DataFrame({name: self._frame[name].map(_form(name, self._frame[name])) for name in self._frame})
        shown.columns = [str(name).removesuffix("_s").removesuffix("_at").replace("_", " ") for name in shown]
        table = shown.astype("str").to_html(
            index=False, border=0, classes=f"sortable{' wide' if shown.shape[1] > 4 else ''}", justify="unset"
        )
        return f"<div class='scroll'>{table.replace('_', '_<wbr>')}</div>"  # where long names may be broken

    def __repr__(self) -> str:
        return self._empty if self._frame.empty else self._frame.to_string(index=False)


def _form(name: object, column: pd.Series[Any]) -> Callable[[Any], str]:
    """Return what makes the text of a column's values."""

    def told(value: Any) -> str:  # noqa: ANN401 (any cell)
        if pd.isna(value):
            return "–"
        if isinstance(value, str) and len(value) > _LONGEST:
            return f"{value[:_LONGEST]}…"
        if name in ("rate", "low", "high", "share"):
            return f"{100 * value:.1f} %"
        if str(name).endswith("_s"):
            return duration(value)
        if isinstance(column.dtype, pd.DatetimeTZDtype):
            return f"{value:%Y-%m-%d %H:%M}"
        return f"{value:,}" if pd.api.types.is_integer_dtype(column.dtype) else str(value)

    return told


def plain(text: object) -> str:
    """Return any text as Markdown that shows it as it is.

    Examples
    --------
    >>> from dxnotebook.report.write import plain
    >>> plain("a <b> *c*")
    'a &#60;b&#62; &#42;c&#42;'
    """
    return "".join(sign if sign.isalnum() or sign in " .,:()-–/" else f"&#{ord(sign)};" for sign in str(text))
