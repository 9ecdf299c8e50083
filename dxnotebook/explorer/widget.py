"""`JobExplorer`: a console of jobs inside a notebook, which keeps in Python what is not on screen.

What it shows is in `static`, what it answers to that in `answers`. Answers travel as messages, not
as the widget's state, so that a saved notebook has none of the jobs in it.
"""

from __future__ import annotations

import html
import logging
import threading
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import anywidget
import traitlets
from IPython.display import display

from dxnotebook.errors import DxError, invalid
from dxnotebook.explorer.answers import ANSWERS, BUFFERS, Exploration, Message
from dxnotebook.explorer.cells import LONGEST_CELL, as_text
from dxnotebook.explorer.filters import normalized
from dxnotebook.explorer.live import Live, in_cell, reading, words
from dxnotebook.explorer.page import joined
from dxnotebook.explorer.views import whole
from dxnotebook.tables.jobtables import JobTables

_STATIC = Path(__file__).parent / "static"
_LOG = logging.getLogger("dxnotebook")


def explore(
    tables: JobTables,
    filters: Mapping[str, Any] | None = None,
    *,
    view: Mapping[str, Any] | None = None,
    refresh: Any = None,
    read_only: bool = False,
) -> JobExplorer:
    """Return a widget to explore jobs with: filters that cross, a trend, causes, a table, details.

    Parameters
    ----------
    tables : JobTables
        The jobs; with data sets' names where `with_names` was used.
    filters : dict, optional
        What to show at first, as `JobExplorer.filters` tells it.
    view : dict, optional
        What to show at first and how, as `JobExplorer.view` tells it.
    refresh : boto3 client or iterable of them, Archive, or callable, optional
        What the jobs are read anew from when a user wants it, once or every so often: clients are
        asked as by `dx.refresh`, an archive from the oldest of the jobs on; a callable returns
        `JobTables`, such as ``lambda: archive.load(since="30d", state="ERROR")``.
    read_only : bool
        Whether nothing is written where the kernel runs: jobs can be downloaded by the browser, but
        not be saved beside the notebook. Use it for pages that others visit, as those of Voila.

    Returns
    -------
    JobExplorer
        The widget; it shows itself as the last expression of a cell, or inside of others.

    Raises
    ------
    DxError
        When given something else than tables, or a view that cannot be.

    Examples
    --------
    >>> import dxnotebook as dx
    >>> explorer = dx.explore(dx.load_jobs(dx.demo.client()), filters={"state": ["TIMED_OUT"]})
    >>> explorer
    JobExplorer: 13 of 6,000 jobs shown, 13 failed
    >>> explorer.selection.jobs["state"].unique().tolist()
    ['TIMED_OUT']
    """
    return JobExplorer(tables, filters, view=view, refresh=refresh, read_only=read_only)


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
    view : dict, optional
        What to show at first and how.
    refresh : boto3 client or iterable of them, Archive, or callable, optional
        What the jobs are read anew from.
    read_only : bool
        Whether jobs can be downloaded only, and nothing be written where the kernel runs.

    Attributes
    ----------
    filters : dict
        What is shown: lists of texts under ``state``, ``type``, ``data_set_id``, ``account_id``,
        ``region``, ``code``, ``cause``, ``revision_id`` and ``outcome`` ("undone", "recovered",
        "stuck", "running"; None in a list is for jobs without a value), times under ``since`` and
        ``until``, a ``text``, under ``work`` the id of a job, for all that do the same; under
        ``not`` filters of the same names, for what is to be left out: ``{"type":
        ["IMPORT_ASSETS_FROM_S3"], "not": {"state": ["CANCELLED"]}}``.
        Set it to show something else.
    view : dict
        What is shown and how: the ``filters``, ``sort`` (a column, and whether descending),
        ``columns`` and ``widths`` (in pixels, by column) of the table, the ``zone`` of times,
        ``group`` (what jobs are grouped by: a filter's name, "feed" or "day"), ``group_sort``,
        ``zoom`` (from when to when the chart is, either of which may be None), and the id of the
        ``job`` that is open. Set all or some of it to show something else; what is not in it is as
        at first. A view is kept by keeping this dict.
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

    _esm = joined(_STATIC / "explorer.js")
    _css = _STATIC / "explorer.css"

    # a page reads and sends the view only; filters are a trait to be observed, linked and set
    filters = traitlets.Dict().tag(sync=True)
    view = traitlets.Dict().tag(sync=True)
    selection = _Derived(read_only=True)  # which __set__ heeds before set() is called
    selected = _Derived()
    _about = traitlets.Dict().tag(sync=True)
    _live: Live | None = None  # also of one that could not be made, but is closed
    _touched = traitlets.Int().tag(sync=True)  # by a page, where no other sign is heeded

    def __init__(
        self,
        tables: JobTables,
        filters: Mapping[str, Any] | None = None,
        *,
        view: Mapping[str, Any] | None = None,
        refresh: Any = None,
        read_only: bool = False,
    ) -> None:
        self._explored = Exploration(tables, read_only=read_only)
        self._live = None if refresh is None else Live(reading(refresh), self.tables)
        self._lock = threading.RLock()  # kernels answer from several threads
        first = whole(view or {}, self._explored.contents)
        if filters is not None:
            first["filters"] = normalized(filters)
        self._key = f"{in_cell(self)}:{zlib.crc32(repr(first).encode()):x}"
        super().__init__(view=first, filters=first["filters"], _about=self._contents())
        self.on_msg(self._receive)

    def __repr__(self) -> str:
        crossfilter = self._explored.crossfilter
        numbers = crossfilter.numbers(crossfilter.view(self.filters))
        return "JobExplorer: {jobs:,} of {all:,} jobs shown, {failed:,} failed".format(**numbers)

    def _ipython_display_(self) -> None:
        # what a reader without a kernel sees; the widget hides it where there is one
        display({"text/html": self._preview(), "text/plain": repr(self)}, raw=True)
        data, metadata = self._repr_mimebundle_() or ({"text/plain": repr(self)}, {})
        display(data, metadata=metadata, raw=True)

    def _preview(self) -> str:
        """Return the explorer as a page without a kernel can show it."""
        crossfilter = self._explored.crossfilter
        table = crossfilter.by_type(crossfilter.view(self.filters))
        table["failure rate"] = (100 * table["failed"] / table["finished"]).map("{:.1f} %".format)
        filters = html.escape(as_text(self.filters, LONGEST_CELL)) if self.filters else ""
        return (
            f"<div class='dxn-preview'><p><strong>{html.escape(repr(self))}</strong></p>"
            f"{filters and f'<p>Filters: {filters}</p>'}"
            f"{table.to_html(index=False, border=0)}<p>Run the cell to explore the jobs.</p></div>"
        )

    @traitlets.validate("filters", "view")
    def _validated(self, proposal: Any) -> dict[str, Any]:
        given = proposal["value"]
        if proposal["trait"].name == "filters":
            return normalized(given)
        return whole(given, self._explored.contents)

    @traitlets.observe("filters")
    def _filtered(self, _: object) -> None:
        self.view = {**self.view, "filters": self.filters}
        self._changed("selection")

    @traitlets.observe("view")
    def _viewed(self, _: object) -> None:
        self.filters = self.view["filters"]

    @property
    def tables(self) -> JobTables:
        """The jobs that are explored. Set it to explore others in the same view."""
        return self._explored.tables

    @tables.setter
    def tables(self, tables: JobTables) -> None:
        with self._lock:
            self._explore(self._explored.renewal(tables)(self._explored))

    def close(self) -> None:
        """Close the widget, and end what is being read for it."""
        if self._live:
            self._live.close()
        if self.comm is not None:
            self.layout.close()  # which ipywidgets leaves
        super().close()

    def _contents(self) -> Message:
        """Return what the page has to know once."""
        return {**self._explored.contents, "live": self._live is not None, "key": self._key}

    def _explore(self, explored: Exploration) -> None:
        """Explore something else in the same view, and say so."""
        is_usual = self.view["columns"] == self._explored.contents["shown"]
        columns = explored.contents["shown"] if is_usual else self.view["columns"]
        self._explored = explored
        self._about = self._contents()
        self.view = {**self.view, "columns": columns}
        self.send({"kind": "changed"})
        for name in ("selection", "selected"):
            self._changed(name)

    def _refresh(self, *, start: bool) -> Message:
        """Start to read anew, or say what came of it."""
        if not self._live:
            raise DxError("This explorer has nothing to read from; give it refresh=….")
        explored = self._live.ask(self._explored, start=start)
        if explored is not self._explored:
            with self._observed():
                self._explore(explored)
        return self._live.told

    def _derived(self, name: str) -> JobTables:
        with self._lock:
            return self._explored.part(name, self.filters)

    def _changed(self, name: str) -> None:
        """Notify those who observe a trait; nothing is made for nobody."""
        if self._trait_notifiers.get(name) or self._trait_notifiers.get(traitlets.All):
            new, old = getattr(self, name), traitlets.Undefined
            change = traitlets.Bunch(name=name, old=old, new=new, owner=self, type="change")
            self.notify_change(change)

    def _tick(self, jobs: JobTables | Iterable[str]) -> None:
        """Tick some jobs and no others."""
        if not isinstance(jobs, JobTables | Iterable):
            raise invalid("selected", jobs, "are JobTables, or ids of jobs")
        ids = jobs.jobs["job_id"] if isinstance(jobs, JobTables) else jobs
        with self._lock:
            self._explored.tick(ids)
            self._changed("selected")
        self.send({"kind": "changed"})

    def _receive(self, _: object, message: Any, __: object) -> None:
        """Answer a message of the page."""
        number, kind = message.get("id"), message.get("kind")
        with self._guarded(f"The job explorer could not answer {kind!r}", number), self._lock:
            answer = self._respond(message)
            buffers = answer.pop(BUFFERS, None)
            self.send({"id": number, "kind": kind, **answer}, buffers)

    def _respond(self, message: Message) -> Message:
        """Take the view that a user changed in the page, answer, and notify of other ticks."""
        if message["kind"] == "refresh":
            return self._refresh(start=bool(message["start"]))
        answer = ANSWERS[message["kind"]]
        if message.get("view") is not None:  # without any, what is set here holds
            view = whole(message["view"], self._explored.contents)
            with self._observed():
                self.view = view
        ticked = self._explored.ticked
        result = answer(self._explored, {**message, "view": self.view})
        if self._explored.ticked is not ticked:
            with self._observed():
                self._changed("selected")
            self.send({"kind": "changed"})  # also to other views of this explorer
        return result

    @contextmanager
    def _guarded(self, problem: str, number: str | None = None) -> Iterator[None]:
        """Go on after an error: the page shows it, and the log has all of it."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 (whatever it is, the widget goes on)
            _LOG.exception("%s.", problem)
            self.send({"kind": "error", "id": number, "text": words(error)})

    def _observed(self) -> AbstractContextManager[None]:
        """Go on after an error of those who observe: what they observe has changed anyway."""
        return self._guarded("An observer of the job explorer failed")
