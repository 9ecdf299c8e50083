"""`JobExplorer`: a console of jobs inside a notebook, which shows what it is asked for and keeps the rest in Python.

The widget's own part is `static/explorer.js`. It holds no jobs but those on screen: it sends what it wants to see, the
filters, the sorting, the rows, and gets an answer with the same number. Answers travel as messages, not as the
widget's state, so that a saved notebook has none of the jobs in it.
"""

from __future__ import annotations

import html
import logging
import shlex
import tempfile
import threading
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from io import BytesIO
from itertools import count
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import pandas as pd
import pyarrow as pa
import traitlets
from IPython.display import display

from dxnotebook.arrays import Array, located
from dxnotebook.errors import DxError
from dxnotebook.explorer import crossfilter as cf
from dxnotebook.files.export import export
from dxnotebook.metrics.reruns import runs_of_same_work
from dxnotebook.model import FAILED_STATES
from dxnotebook.records.redact import redact_text
from dxnotebook.tables.jobtables import JobTables, checked

_STATIC = Path(__file__).parent / "static"
_LOG = logging.getLogger("dxnotebook")
_FACETS = (*cf.COLUMNS, cf.CODE)
_TITLES = {"data_set_id": "Data set", "account_id": "Account", "code": "Error code"}
_COLUMN_TITLES = {
    **_TITLES,
    "data_set_id": "Data set ID",
    "data_set_name": "Data set",
    "job_id": "Job ID",
    "job_arn": "ARN",
}
_MOST_VALUES, _MOST_CAUSES, _MOST_ROWS, _MOST_RUNS = 50, 8, 200, 20
_LONGEST_CELL, _LONGEST_TEXT = 300, 20_000
_LARGEST_DOWNLOAD = 100_000_000  # bytes
_FORMATS = {"parquet": ".parquet", "csv": ".csv", "excel": ".xlsx"}
_OF_ASSETS = ("asset_name", "bucket", "key")
_CONTROLS = {code: 0x2400 + code for code in range(32)} | {
    127: 0x2421
}  # as the signs that Unicode has for them


def explore(tables: JobTables, filters: Mapping[str, Any] | None = None) -> JobExplorer:
    """Return a widget to explore jobs with: filters that cross, a trend to brush, causes, a table, details.

    Parameters
    ----------
    tables : JobTables
        The jobs; with data sets' names where `with_names` was used.
    filters : dict, optional
        What to show at first, as `JobExplorer.filters` tells it.

    Returns
    -------
    JobExplorer
        The widget; it shows itself as the last expression of a cell, or inside of others.

    Raises
    ------
    DxError
        When given something else than tables, or filters that cannot be.

    Examples
    --------
    >>> import dxnotebook as dx
    >>> explorer = dx.explore(dx.load_jobs(dx.demo.client()), filters={"state": ["TIMED_OUT"]})
    >>> explorer
    JobExplorer: 13 of 6,000 jobs shown, 13 failed
    >>> explorer.selection.jobs["state"].unique().tolist()
    ['TIMED_OUT']
    """
    return JobExplorer(tables, filters)


class _Derived(traitlets.TraitType[JobTables, JobTables]):
    """A trait whose value is made when somebody looks."""

    def get(self, obj: Any, cls: Any = None) -> Any:  # noqa: ARG002 (traitlets' own signature)
        return obj._derived(self.name)  # noqa: SLF001 (a part of that class)

    def set(self, obj: Any, value: Any) -> None:
        obj._tick(value)  # noqa: SLF001 (a part of that class)


class JobExplorer(anywidget.AnyWidget):
    """A widget to explore jobs with.

    Parameters
    ----------
    tables : JobTables
        The jobs.
    filters : dict, optional
        What to show at first.

    Attributes
    ----------
    filters : dict
        What is shown: lists of texts under ``state``, ``type``, ``data_set_id``, ``account_id``,
        ``region``, ``code`` and ``cause`` (None in a list is for jobs without a value), times under
        ``since`` and ``until``, a ``text``. Set it to show something else; a view is kept by
        keeping this dict.
    selection : JobTables
        The jobs that are shown, with their details and errors. Read only.
    selected : JobTables
        The jobs that are ticked. Set it to tick others: to tables, or to ids of jobs.

    Examples
    --------
    >>> import dxnotebook as dx
    >>> explorer = dx.explore(dx.load_jobs(dx.demo.client()))
    >>> explorer.observe(lambda change: print(len(change.new), "jobs"), "selection")
    >>> explorer.filters = {"state": ["ERROR"], "since": "2026-08-31", "until": "2026-09-07"}
    181 jobs
    """

    _esm = _STATIC / "explorer.js"
    _css = _STATIC / "explorer.css"

    filters = traitlets.Dict().tag(sync=True)
    selection = _Derived(read_only=True)  # which __set__ heeds before set() is called
    selected = _Derived()
    _about = traitlets.Dict().tag(sync=True)

    def __init__(self, tables: JobTables, filters: Mapping[str, Any] | None = None) -> None:
        self._crossfilter = cf.Crossfilter(checked(tables))
        self._tables = self._crossfilter.tables
        self._ticked = np.zeros(len(self._tables), bool)
        self._lock = threading.RLock()  # kernels answer from several threads
        self._made: dict[str, tuple[object, JobTables]] = {}
        self._rows: tuple[Any, Array] | None = None
        self._pending = self._crossfilter.preparations()
        super().__init__(filters=cf.normalized(filters or {}), _about=self._described())
        self.on_msg(self._receive)

    def __repr__(self) -> str:
        states = self._crossfilter.states(self._view())
        shown, failed = sum(states.values()), sum(states.get(name, 0) for name in FAILED_STATES)
        return f"JobExplorer: {shown:,} of {len(self._tables):,} jobs shown, {failed:,} failed"

    def _ipython_display_(self) -> None:
        # what a reader without a kernel sees; the widget hides it where there is one
        display({"text/html": self._preview(), "text/plain": repr(self)}, raw=True)
        data, metadata = self._repr_mimebundle_() or ({"text/plain": repr(self)}, {})
        display(data, metadata=metadata, raw=True)

    @traitlets.validate("filters")
    def _validated(self, proposal: Any) -> dict[str, Any]:
        return cf.normalized(proposal["value"])

    @traitlets.observe("filters")
    def _filtered(self, _: object) -> None:
        self._changed("selection")

    def _view(self) -> cf.View:
        return self._crossfilter.view(self.filters)

    def _derived(self, name: str | None) -> JobTables:
        with self._lock:
            view = self._view()
            mask = self._ticked if name == "selected" else view.mask
            of, made = self._made.get(str(name), (None, None))
            if made is None or of is not mask:  # a mask is kept as long as what it is of
                made = self._tables if mask is None else self._crossfilter.part(mask)
                self._made[str(name)] = mask, made
            return made

    def _changed(self, name: str) -> None:
        """Tell those who observe a trait; nothing is made for nobody."""
        if self._trait_notifiers.get(name) or self._trait_notifiers.get(traitlets.All):
            change = {
                "name": name,
                "old": traitlets.Undefined,
                "new": getattr(self, name),
                "owner": self,
            }
            self.notify_change(traitlets.Bunch(change, type="change"))

    def _tick(self, jobs: JobTables | Iterable[str]) -> None:
        """Tick some jobs and no others."""
        if not isinstance(jobs, JobTables | Iterable):
            raise DxError(f"Invalid selected: {jobs!r}. Valid are JobTables, or ids of jobs.")
        ids = (
            jobs.jobs["job_id"]
            if isinstance(jobs, JobTables)
            else [jobs]
            if isinstance(jobs, str)
            else list(jobs)
        )
        with self._lock:
            chosen = self._tables.filter(ids).jobs["job_id"]
            self._ticked = self._tables.jobs["job_id"].isin(chosen).to_numpy(bool)
            self._changed("selected")
        self.send({"kind": "changed"})

    def _receive(self, _: object, content: Any, __: object) -> None:
        """Answer a message of the widget's own part; an error is shown there, and the log has all of it."""
        told: dict[str, Any] = {"id": content.get("id"), "kind": content.get("kind")}
        try:
            with self._lock:
                answer, buffers = _ANSWERS[content["kind"]](self, content)
            self.send(told | answer, buffers)
        except Exception as error:  # noqa: BLE001 (whatever it is, the widget goes on)
            _LOG.exception("The job explorer could not answer %r.", content.get("kind"))
            reason = (
                str(error) if isinstance(error, DxError) else f"{type(error).__name__}: {error}"
            )
            self.send(told | {"kind": "error", "text": redact_text(_shown(reason, _LONGEST_TEXT))})

    def _heed(self, asked: dict[str, Any]) -> None:
        """Take the filters that a user changed in the page; without any, those that are set here hold."""
        if asked.get("filters") is not None:
            filters = cf.normalized(asked["filters"])
            with self._observed():
                self.filters = filters

    @contextmanager
    def _observed(self) -> Iterator[None]:
        """Tell an error of those who observe, and go on: what they observe has changed all the same."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 (it is somebody else's)
            _LOG.exception("An observer of the job explorer failed.")
            self.send(
                {
                    "kind": "error",
                    "id": None,
                    "text": redact_text(_shown(f"An observer failed: {error!r}", _LONGEST_TEXT)),
                }
            )

    def _answer_view(self, asked: dict[str, Any]) -> Answer:
        """Return the rows that are asked for, and unless it is only these, what all controls show."""
        self._heed(asked)
        view = self._view()
        sort, descending = asked["sort"]
        rows = self._sorted(view, sort, descending=bool(descending))
        first = max(int(asked["first"]), 0)
        told: dict[str, Any] = {"total": len(rows), "first": first, "filters": self.filters}
        told["rows"] = self._cells(
            rows[first : first + min(int(asked["count"]), _MOST_ROWS)], asked["columns"]
        )
        if asked.get("only_rows"):
            return told, None
        known = [
            name
            for name, _ in self._about["facets"]
            if name != cf.CODE or self._crossfilter.knows_causes
        ]
        known += [cf.CAUSE] if self._crossfilter.knows_causes else []
        counts = {name: self._counted(view, name) for name in known}
        told |= {"summary": self._crossfilter.summary(view), "trend": self._crossfilter.trend(view)}
        return told | {
            "counts": counts,
            "ticked": int(self._ticked.sum()),
            "more": bool(self._pending),
        }, None

    def _answer_prepare(self, _: dict[str, Any]) -> Answer:
        """Do the next piece of what makes later answers quick, and say whether there is more."""
        if self._pending:
            self._pending.pop(0)()
        return {"more": bool(self._pending), "causes": self._crossfilter.knows_causes}, None

    def _answer_tick(self, asked: dict[str, Any]) -> Answer:
        """Tick or untick a row, or all that are shown."""
        self._heed(asked)
        ticked = self._ticked.copy()
        mask = self._view().mask
        ticked[
            (slice(None) if mask is None else mask) if asked["row"] is None else int(asked["row"])
        ] = asked["on"]
        self._ticked = ticked
        with self._observed():
            self._changed("selected")
        self.send({"kind": "changed"})  # also to other views of this explorer
        return {"ticked": int(ticked.sum())}, None

    def _answer_detail(self, asked: dict[str, Any]) -> Answer:
        """Return all that is known of a job."""
        row = int(asked["row"])
        job = self._tables.jobs.iloc[row]
        told = {str(name): value for name, value in job.items() if not _is_missing(value)}
        alike = self._crossfilter.part(self._crossfilter.alike(row))
        runs = runs_of_same_work(alike, job["job_id"])
        row_of = located(runs["job_id"], self._tables.jobs["job_id"])
        return {
            "row": row,
            "job": [[name, _shown(value, _LONGEST_TEXT)] for name, value in told.items()],
            "errors": _table(alike.errors, job["job_id"], once="position"),
            "details": _table(alike.details, job["job_id"]),
            "runs": self._cells(
                _around(row_of, row), ["state", "created_at", "duration_s", "code"]
            ),
            "runs_in_all": len(runs),
            "arn": _shown(told.get("job_arn", ""), _LONGEST_TEXT),
            "command": _command(told),
        }, None

    def _answer_export(self, asked: dict[str, Any]) -> Answer:
        """Save the selection beside the notebook, or return it to be downloaded."""
        self._heed(asked)
        name = _free_name(_FORMATS[asked["format"]])
        tables = self.selected if asked["ticked"] else self.selection
        if not asked["download"]:
            export(tables, name)
            return {"text": f"Saved {len(tables):,} jobs as {name}."}, None
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, name)
            export(tables, path)
            content = path.read_bytes() if path.is_file() else _zipped(path)
        if len(content) > _LARGEST_DOWNLOAD:
            raise DxError(
                f"{len(content):,} bytes are too many to download. Save them beside the notebook."
            )
        name += "" if path.suffix == ".xlsx" else ".zip"
        return {"name": name, "text": f"Downloaded {len(tables):,} jobs as {name}."}, [content]

    def _sorted(self, view: cf.View, sort: str, *, descending: bool) -> Array:
        """Return the rows that a view shows, in order; scrolling asks for the same ones again and again."""
        wanted = (view.filters, sort, descending)
        if self._rows is None or self._rows[0] != wanted:
            self._rows = wanted, self._crossfilter.rows(view, sort, descending=descending)
        return self._rows[1]

    def _counted(self, view: cf.View, name: str) -> dict[str, Any]:
        most = _MOST_CAUSES if name == cf.CAUSE else _MOST_VALUES
        counts, more = self._crossfilter.counts(view, name, most)
        labels = self._crossfilter.data_set_names if name == "data_set_id" else {}
        values = [
            [value, _shown(labels.get(value, value), _LONGEST_CELL), count]
            for value, count in counts
        ]
        return {"values": values, "more": more}

    def _cells(self, rows: Array, columns: list[str]) -> list[list[Any]]:
        """Return rows as the table shows them: the number of the row, whether it is ticked, the cells."""
        jobs = self._tables.jobs
        cells = [
            self._crossfilter.first_codes(rows)
            if name == cf.CODE
            else _plain(jobs[name].iloc[rows])
            for name in columns
        ]
        return [
            list(row)
            for row in zip(rows.tolist(), self._ticked[rows].tolist(), *cells, strict=True)
        ]

    def _described(self) -> dict[str, Any]:
        """Return what the widget's own part has to know of the tables once: their columns, and what divides them."""
        jobs = self._tables.jobs
        several = {
            name: not (jobs[name] == jobs[name].head(1).squeeze()).all()
            for name in ("account_id", "region")
        }
        columns = [str(name) for name in jobs if not (len(jobs) and _is_empty(jobs[name]))]
        first = ["state", "type", "data_set_name" if "data_set_name" in columns else "data_set_id"]
        first += [
            *(name for name, is_so in several.items() if is_so),
            "created_at",
            "duration_s",
            cf.CODE,
            "job_id",
        ]
        kinds = {
            str(name): "time" for name in jobs if isinstance(jobs[name].dtype, pd.DatetimeTZDtype)
        } | {"duration_s": "duration"}
        order = [*first, *(name for name in columns if name not in first)]
        return {
            "columns": [
                [name, _COLUMN_TITLES.get(name, _title(name)), kinds.get(name, "text")]
                for name in order
            ],
            "shown": first,
            "facets": [
                [name, _TITLES.get(name, _title(name))]
                for name in _FACETS
                if several.get(name, True)
            ],
            "formats": list(_FORMATS),
        }

    def _preview(self) -> str:
        """Return the explorer as a page without a kernel can show it."""
        table = self._crossfilter.by_type(self._view())
        table["failure rate"] = (100 * table["failed"] / table["finished"]).map("{:.1f} %".format)
        filters = (
            f"<p>Filters: {html.escape(_shown(self.filters, _LONGEST_CELL))}</p>"
            if self.filters
            else ""
        )
        return (
            f"<div class='dxn-preview'><p><strong>{html.escape(repr(self))}</strong></p>{filters}"
            f"{table.to_html(index=False, border=0)}<p>Run the cell to explore the jobs.</p></div>"
        )


# a message to send, and the bytes that go with it
Answer = tuple[dict[str, Any], list[bytes] | None]
_ANSWERS: dict[str, Callable[[JobExplorer, dict[str, Any]], Answer]] = {
    "view": JobExplorer._answer_view,  # noqa: SLF001 (its own)
    "prepare": JobExplorer._answer_prepare,  # noqa: SLF001
    "tick": JobExplorer._answer_tick,  # noqa: SLF001
    "detail": JobExplorer._answer_detail,  # noqa: SLF001
    "export": JobExplorer._answer_export,  # noqa: SLF001
}


def _title(name: str) -> str:
    return name.removesuffix("_at").removesuffix("_s").replace("_", " ").capitalize()


def _is_missing(value: Any) -> bool:
    return pd.api.types.is_scalar(value) and bool(pd.isna(value))


def _around(rows: Array, row: int) -> Array:
    """Return the rows next to one of them."""
    place = int(np.flatnonzero(rows == row)[0])
    first = max(min(place - _MOST_RUNS // 2, len(rows) - _MOST_RUNS), 0)
    return rows[first : first + _MOST_RUNS]


def _free_name(suffix: str) -> str:
    """Return a name for an export that nothing here has."""
    base = f"jobs-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    names = (f"{base}{'' if number == 1 else f'-{number}'}{suffix}" for number in count(1))
    return next(name for name in names if not Path(name).exists())


def _is_empty(column: pd.Series[Any]) -> bool:
    """Tell whether a column has no value; texts know how many they lack."""
    if isinstance(column.dtype, pd.StringDtype):
        return bool(pa.array(column).null_count == len(column))
    return bool(column.isna().all())


def _plain(values: pd.Series[Any]) -> list[Any]:
    """Return cells as a message can carry them: times in milliseconds since 1970, durations in seconds, else texts."""
    missing = values.isna().to_numpy(bool)
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        plain: list[Any] = (values.to_numpy("M8[us]").view(np.int64) // 1000).tolist()
    elif values.name == "duration_s":
        plain = values.to_numpy("float64", na_value=np.nan).tolist()
        missing = ~np.isfinite(np.array(plain, float))
    else:
        plain = [_shown(value, _LONGEST_CELL) for value in values]
    return [None if gone else value for value, gone in zip(plain, missing, strict=True)]


def _shown(value: object, longest: int) -> str:
    """Return any value as a text that a message can carry and a page can show, shortened if need be."""
    text = (
        value.isoformat(sep=" ")
        if isinstance(value, pd.Timestamp)
        else "none"
        if value is None
        else str(value)
    )
    if len(text) > longest:
        text = f"{text[:longest]}… ({len(text):,} characters)"
    return text.translate(_CONTROLS).encode("utf-8", "backslashreplace").decode()


def _table(frame: pd.DataFrame, job_id: str, once: str | None = None) -> dict[str, Any]:
    """Return the rows of a job in a table, without the columns that are empty.

    Of rows that have the same in a column, only the first tells what they have in common: an error of many assets.
    """
    rows = frame[frame["job_id"] == job_id].drop(columns="job_id").dropna(axis="columns", how="all")
    shown = rows.head(_MOST_ROWS).astype(object)
    if once in shown:
        shown.loc[shown[once].duplicated(), [name for name in shown if name not in _OF_ASSETS]] = (
            None
        )
    cells = [
        ["" if _is_missing(value) else _shown(value, _LONGEST_TEXT) for value in row]
        for row in shown.itertuples(index=False)
    ]
    return {"columns": [_title(str(name)) for name in rows], "rows": cells, "in_all": len(rows)}


def _command(job: dict[str, Any]) -> str:
    """Return the command that looks at a job."""
    own = job.get("id_text", job["job_id"])
    region = f" --region {shlex.quote(job['region'])}" if "region" in job else ""
    return _shown(f"aws dataexchange get-job --job-id {shlex.quote(own)}{region}", _LONGEST_TEXT)


def _zipped(folder: Path) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(folder.parent))
    return buffer.getvalue()
