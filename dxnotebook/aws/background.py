"""Work in threads that nobody has to wait for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextvars import ContextVar, copy_context
from typing import TypeVar

Result = TypeVar("Result")

#: How many clients are asked at once, at most.
MOST_AT_ONCE = 32
#: Is set once nobody waits for what a thread does; whatever this starts in others has it, too.
GIVEN_UP = ContextVar("given_up", default=threading.Event())  # noqa: B039 (nobody sets that one)


def in_background(works: Sequence[Callable[[], Result]], at_once: int = 1) -> list[Future[Result]]:
    """Start several works, so many at once, and return their futures; cancel those not wanted.

    The threads are daemons: neither an interrupt nor the end of the process waits for one that is
    stuck in a socket, as it would for those of a ThreadPoolExecutor.

    Examples
    --------
    >>> from dxnotebook.aws.background import in_background
    >>> [future.result() for future in in_background([lambda: 1, lambda: 2], 2)]
    [1, 2]
    """
    futures = [Future[Result]() for _ in works]
    waiting = iter(list(zip(futures, works, strict=True)))

    def run() -> None:
        for future, work in waiting:
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(work())
                except BaseException as error:  # noqa: BLE001 (it is raised where it is waited for)
                    future.set_exception(error)

    for _ in range(min(at_once, len(works))):
        within = copy_context().run
        threading.Thread(target=within, args=(run,), name="dxnotebook-aws", daemon=True).start()
    return futures


def results_of(works: Sequence[Callable[[], Result]], at_once: int = MOST_AT_ONCE) -> list[Result]:
    """Return what comes of several works, in their order; begin no more once one has failed."""
    futures = in_background(works, at_once)
    try:
        return [future.result() for future in futures]
    finally:
        for future in futures:
            future.cancel()
