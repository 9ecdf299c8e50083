"""A report to forward: a notebook run on tables, as one page of HTML that needs nothing else."""

from __future__ import annotations

import os
from pathlib import Path

from dxnotebook.errors import naming_extras
from dxnotebook.files.atomic import replacing
from dxnotebook.files.typed import resolved
from dxnotebook.tables.jobtables import JobTables, checked, window_of
from dxnotebook.times import At


def write_report(
    tables: JobTables,
    path: str | os.PathLike[str],
    *,
    since: At = None,
    until: At = None,
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
    since, until : time or str, optional
        The window to report on, as for `load_jobs`; all jobs given are its context. The notebook
        has them as ``since`` and ``until``.
    notebook : str or path, optional
        Another notebook to run, such as a changed copy of the one that comes with dxnotebook. The
        cell that is tagged "tables" gives way to one that loads these tables into ``tables``.

    Returns
    -------
    pathlib.Path
        The path.

    Raises
    ------
    KeyboardInterrupt
        When interrupted: then no kernel and no file is left.
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
    tables, target = checked(tables), resolved(path)  # before a report is made for nothing
    try:
        with naming_extras("write_report"):
            # here, as it takes seconds, in which a user may interrupt, too
            from dxnotebook.report.run import page  # noqa: PLC0415
        window = window_of(tables.jobs, since, until)
        text = page(tables, window, None if notebook is None else resolved(notebook))
        with replacing(target) as written:
            written.write_text(text, encoding="utf-8")
    except KeyboardInterrupt:  # not from inside of other libraries, wherever it broke in
        raise KeyboardInterrupt("The report was interrupted, and is not written.") from None
    return Path(path).expanduser()
