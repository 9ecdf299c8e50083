"""Tables that are read anew while they are explored, and what ends when nobody needs it."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Any, TypeAlias

import pandas as pd
from IPython.core.getipython import get_ipython

from dxnotebook.aws.background import GIVEN_UP, in_background
from dxnotebook.aws.clients import listed
from dxnotebook.aws.refresh import refresh
from dxnotebook.errors import DxError
from dxnotebook.explorer.answers import Exploration, Message
from dxnotebook.explorer.cells import as_text
from dxnotebook.records.redact import redact_text
from dxnotebook.tables.assemble import updated
from dxnotebook.tables.jobtables import AS_OF, JobTables, checked, unanswered

Read: TypeAlias = Callable[[JobTables], JobTables]
Renewal: TypeAlias = Callable[[Exploration], Exploration]

_PATIENCE_S = 1.0  # for what is being read when an explorer is closed


def reading(source: Any) -> Read:
    """Return what reads tables anew, given those at hand.

    Parameters
    ----------
    source : callable, Archive, client or iterable of clients
        A callable returns the tables; of an archive, which the explorer knows by its `load` only,
        the time is read that the tables are of.
    """
    if callable(source):
        return lambda _: checked(source())
    if load := getattr(source, "load", None):
        return lambda tables: updated(tables, load(since=_oldest(tables)))
    clients = listed(source)
    return lambda tables: refresh(tables, clients, progress=False)


def _oldest(tables: JobTables) -> pd.Timestamp | None:
    first = tables.jobs["created_at"].min()
    return None if pd.isna(first) else first


def _milliseconds(at: pd.Timestamp | str | None) -> int | None:
    return None if at is None else pd.Timestamp(at).value // 1_000_000


def words(error: BaseException) -> str:
    """Return what the page says of an error: no secret, and no name of ours."""
    name = "" if isinstance(error, DxError) else f"{type(error).__name__}: "
    return redact_text(as_text(f"{name}{error}"))


class Live:
    """What is read anew in a thread of its own, which ends with the reading.

    The page has the clock: it starts a reading and asks what came of it, so that nothing is read
    for a page or a kernel that is gone, and what observes the explorer is called where it belongs.

    Parameters
    ----------
    read : callable
        What reads tables anew.
    tables : JobTables
        Those that are there.
    """

    def __init__(self, read: Read, tables: JobTables) -> None:
        self._read, self._given_up = read, threading.Event()
        # what is being read, and for which exploration
        self._under_way: tuple[Future[Renewal], Exploration] | None = None
        at = tables.jobs.attrs.get(AS_OF)
        self.told: Message = {"at": _milliseconds(at), "new": 0, "changed": 0, "problem": None}

    def ask(self, explored: Exploration, *, start: bool) -> Exploration:
        """Return what is explored now; start to read if that is wanted and none is under way."""
        if self._under_way and self._under_way[0].done():
            future, before = self._under_way
            self._under_way = None
            if explored is before:  # else other tables were set meanwhile
                explored = self._taken(future, explored)
        elif start and not self._under_way:
            self._under_way = in_background([lambda: self._renewal(explored)])[0], explored
        self.told["reading"] = self._under_way is not None
        return explored

    def _renewal(self, explored: Exploration) -> Renewal:
        GIVEN_UP.set(self._given_up)
        return explored.renewal(self._read(explored.tables))

    def _taken(self, future: Future[Renewal], explored: Exploration) -> Exploration:
        """Return what is explored with what was read; if that failed, what was explored."""
        if error := future.exception():
            self.told["problem"] = words(error)
            return explored
        renewed = future.result()(explored)
        at = _milliseconds(renewed.tables.jobs.attrs.get(AS_OF, pd.Timestamp.now("UTC")))
        problem = redact_text(as_text(" ".join(unanswered(renewed.tables.failures)))) or None
        self.told = {"at": at, "problem": problem, **renewed.news}
        return renewed

    def close(self) -> None:
        """Give up what is being read, and wait a little for its end.

        A client that waits for an answer does so for its own timeout, but asks for nothing else.
        """
        self._given_up.set()
        if self._under_way:
            wait(self._under_way[:1], _PATIENCE_S)


def in_cell(explorer: Any) -> str:
    """Return which cell shows an explorer, and close those that it showed when it ran before.

    It is an empty text where there are no cells.
    """
    parent: dict[str, Any] = getattr(get_ipython(), "get_parent", dict)()
    cell = (parent.get("metadata") or {}).get("cellId") or ""
    run = (parent.get("header") or {}).get("msg_id")
    before, shown = _in_cells.get(cell, (run, []))
    if cell and before != run:
        for old in filter(None, (one() for one in shown)):
            old.close()
        shown = []
    _in_cells[cell] = run, [*shown, weakref.ref(explorer)]
    return f"{cell}:{len(shown)}"


_in_cells: dict[str, tuple[Any, list[weakref.ref[Any]]]] = {}
