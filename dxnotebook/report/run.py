"""Running a notebook on tables, and what it shows as a page."""

from __future__ import annotations

import asyncio
import html
import tempfile
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from string import Template
from typing import Any

import nbformat
from jupyter_client.kernelspec import NoSuchKernel
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbconvert import HTMLExporter

from dxnotebook.errors import DxError
from dxnotebook.files.export import export
from dxnotebook.records.redact import redact_text
from dxnotebook.report.shipped import shipped
from dxnotebook.tables.jobtables import JobTables
from dxnotebook.times import Window

_UNSEEN = {"stderr", "error"}
_HIDDEN = {"exclude_input": True, "exclude_input_prompt": True, "exclude_output_prompt": True}


def page(tables: JobTables, window: Window, notebook: Path | None) -> str:
    """Return the page of a notebook that is run on tables, or of the one that comes with us."""
    opened = opened_notebook(notebook or shipped())
    with tempfile.TemporaryDirectory() as scratch:
        since, until = (at and at.isoformat() for at in (window.start, window.end))
        exported = export(tables, Path(scratch, "tables.feather"), progress=False)
        charts = "import dxnotebook.report\n\ndxnotebook.report.Chart.embedded = True"
        load_from(opened, exported, f"since, until = {since!r}, {until!r}\n{charts}")
        done = _run(opened, notebook.parent if notebook else Path(scratch))
    for cell in done.cells:  # warnings and tracebacks tell where what lies on this machine
        outputs = cell.get("outputs", [])
        outputs[:] = [one for one in outputs if not {one.get("name"), one.output_type} & _UNSEEN]
    body, _ = HTMLExporter(template_name="basic", **_HIDDEN).from_notebook_node(done)
    frame = Template((Path(__file__).parent / "page.html").read_text(encoding="utf-8"))
    return frame.substitute(title=html.escape(_page_title(done)), body=body)


def opened_notebook(path: Path) -> nbformat.NotebookNode:
    """Return a notebook, or raise DxError where that is none."""
    try:
        return nbformat.read(path, as_version=4)  # type: ignore[no-any-return]
    except OSError as error:
        raise DxError(f"Cannot read the notebook {str(path)!r}: {error.strerror}.") from None
    except Exception as error:  # noqa: BLE001 (nbformat has many)
        raise DxError(f"{str(path)!r} is not a notebook: {type(error).__name__}.") from None


def load_from(notebook: nbformat.NotebookNode, exported: Path, more: str = "") -> None:
    """Have a notebook load tables that were exported, in the tagged cell or else in a new one."""
    source = f"import dxnotebook as dx\n\ntables = dx.read_tables({str(exported)!r})\n{more}"
    tagged = (cell for cell in notebook.cells if "tables" in cell.metadata.get("tags", ()))
    cell = next(tagged, None)
    if cell is None:
        notebook.cells.insert(0, nbformat.v4.new_code_cell(source))
    else:
        cell.source = source


def _run(notebook: nbformat.NotebookNode, folder: Path) -> nbformat.NotebookNode:
    remedy = "Run it in JupyterLab to see where."
    try:
        return _until_interrupted(_executed(notebook, folder))
    except CellExecutionError as error:
        reason = f"failed: {redact_text(f'{error.ename}: {error.evalue}')}"
    except NoSuchKernel as error:
        reason = f"wants the kernel {error.name!r}, which is not installed"
        remedy = "Choose another in JupyterLab."
    except (DeadKernelError, TimeoutError, RuntimeError) as error:
        reason = f"did not come to its end: {type(error).__name__}"
    raise DxError(f"The notebook {reason}. {remedy}")


def _until_interrupted(work: Coroutine[Any, Any, nbformat.NotebookNode]) -> nbformat.NotebookNode:
    """Return what a coroutine returns, run in a thread whose loop no signal breaks.

    An interrupt cancels it and waits for what it cleans up.
    """
    with closing(asyncio.new_event_loop()) as loop, ThreadPoolExecutor(1, "notebook") as pool:
        task = loop.create_task(work)
        try:
            return pool.submit(loop.run_until_complete, task).result()
        except KeyboardInterrupt:
            loop.call_soon_threadsafe(task.cancel)
            raise


async def _executed(notebook: nbformat.NotebookNode, folder: Path) -> nbformat.NotebookNode:
    """Run a notebook in a kernel that is gone afterwards, even if it had not quite come."""
    client = NotebookClient(notebook, timeout=1_800, store_widget_state=False)
    client.resources = {"metadata": {"path": str(folder)}}
    client.extra_arguments = ["--IPKernelApp.log_level=ERROR"]  # it warns of each start
    manager: Any = client.create_kernel_manager()
    client.owns_km = False
    try:
        await client.async_start_new_kernel()
        await client.async_start_new_kernel_client()
        return await client.async_execute()
    finally:
        if client.kc is not None:
            client.kc.stop_channels()
        await manager.shutdown_kernel(now=True)
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()


def _page_title(notebook: nbformat.NotebookNode) -> str:
    """Return the first heading that the notebook printed or has."""
    for cell in notebook.cells:
        shown = (output.get("data", {}) for output in cell.get("outputs", ()))
        printed = [data.get("text/markdown", "") for data in shown]
        for text in printed if cell.cell_type == "code" else [cell.source]:
            if text.startswith("# "):
                return str(text.partition("\n")[0][2:])
    return "Jobs of AWS Data Exchange"
