"""Many listings at once: a thread for each client fetches, the caller's decodes what has come.

Loads and syncs share it; they differ in how much a batch is, and in what becomes of it.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from queue import SimpleQueue
from typing import Any

from dxnotebook import errors
from dxnotebook.aws.background import in_background
from dxnotebook.aws.clients import describe
from dxnotebook.aws.listing import Listing
from dxnotebook.aws.pages import REQUEST_ERRORS, Page
from dxnotebook.aws.progress import Progress
from dxnotebook.records.body import Body
from dxnotebook.records.decode import Decoder, Glance
from dxnotebook.records.redact import redact_text
from dxnotebook.tables.assemble import Batch
from dxnotebook.tables.flatten import flatten
from dxnotebook.text import counted, elapsed

#: How many clients are asked at once, at most.
MOST_AT_ONCE = 32


@dataclass(eq=False)
class Source:
    """One client's listing, and what has come of it.

    Attributes
    ----------
    name : str
        What to call the client.
    listing : Listing
        Its pages.
    batches : list of Batch
        What was decoded; whoever uses it up empties it.
    pages, jobs : int
        How many were decoded.
    error : Exception or None
        What broke it off.
    done : bool
        Whether it came to its end, good or bad.
    """

    name: str
    listing: Listing
    batches: list[Batch] = field(default_factory=list)
    pages: int = 0
    jobs: int = 0
    error: Exception | None = None
    done: bool = False


class Fetch:
    """The fetching of several listings at once.

    Parameters
    ----------
    sources : sequence of Source
        The listings; what comes of them is noted there.
    progress : bool or None
        Whether to show a bar; None: in a terminal or notebook.
    redact : bool
        Whether to take secrets out, of errors too.
    batch_pages, batch_bytes : int
        After how many pages, or bytes of them, they are decoded.
    pages_ahead : int
        How many pages may wait to be taken, so that a slow archive does not fill the memory.
    on_page : callable, optional
        Gets each source with each of its pages, in that source's thread, before it is heeded.

    Attributes
    ----------
    decoder : Decoder
        What decodes the pages, and remembers what was odd about them.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        *,
        progress: bool | None,
        redact: bool = True,
        batch_pages: float = math.inf,
        batch_bytes: float = math.inf,
        pages_ahead: int = 100,
        on_page: Callable[[Any, Page[Glance]], object] = lambda *_: None,
    ) -> None:
        self.sources = sources
        self.decoder = Decoder(redact=redact)
        self._redact = redact
        self._most = (batch_pages, batch_bytes)
        self._on_page = on_page
        self._bar = Progress(len(sources), progress)
        self._room = threading.Semaphore(pages_ahead)
        self._stop = threading.Event()
        # a page, or what the end of a listing was: an error, or None
        self._queue: SimpleQueue[tuple[int, Page[Glance] | Exception | None]] = SimpleQueue()
        self._taken: list[list[Page[Glance]]] = [[] for _ in sources]

    def run(self, use: Callable[[], object] = lambda: None) -> None:
        """Fetch until all listings are done; call `use` whenever a batch was decoded, and last."""
        works = [partial(self._fetch, number) for number in range(len(self.sources))]
        futures = in_background(works, MOST_AT_ONCE)
        try:
            with closing(self._bar):
                self._take(use)
        finally:
            self._stop.set()
            self._room.release(len(self.sources))
            for future in futures:
                future.cancel()

    def _fetch(self, number: int) -> None:
        """Put the pages of one listing where `_take` finds them."""
        source, error = self.sources[number], None
        try:
            for page in source.listing.pages():
                self._on_page(source, page)
                self._room.acquire()
                if self._stop.is_set():
                    return
                self._queue.put((number, page))
        except Exception as caught:  # noqa: BLE001 (it is handed over to the thread that waits)
            error = caught
        self._queue.put((number, error))

    def _take(self, use: Callable[[], object]) -> None:
        """Take what arrives until all listings are done, and decode it when that is worth it."""
        pages = size = 0
        while not all(source.done for source in self.sources):
            number, arrived = self._queue.get()
            source = self.sources[number]
            if not isinstance(arrived, Page):
                source.done, source.error = True, arrived or source.error
                self._bar.finish(number)
                continue
            self._room.release()
            self._taken[number].append(arrived)
            self._bar.show(number, arrived, source.listing.window)
            pages, size = pages + 1, size + len(arrived.checked.body)
            if pages >= self._most[0] or size >= self._most[1]:
                pages = size = 0
                self.decode()
                use()
        self.decode()
        use()

    def decode(self) -> None:
        """Decode the pages that were taken and not decoded yet, source by source.

        An interrupt leaves those of a source as they were, to be decoded for what was read.
        """
        for source, pages in zip(self.sources, self._taken, strict=True):
            bodies = [Body(page.checked.body, source.name, page.number) for page in pages]
            batches, jobs, error = [], 0, source.error
            rejects = len(self.decoder.rejects)
            try:
                for records in self.decoder.decode(bodies) if bodies else ():
                    batches.append(flatten(records, self.decoder.layout))
                    jobs += len(records)
            except errors.FormatError as caught:
                error = error or caught
            except KeyboardInterrupt:
                del self.decoder.rejects[rejects:]
                raise
            source.pages, source.jobs = source.pages + len(pages), source.jobs + jobs
            source.error = error
            source.batches += batches
            pages.clear()

    def failure(self, source: Source) -> errors.LoadError | None:
        """Return how a listing broke off, if it did; raise what is nobody else's doing."""
        if source.error is None:
            return None
        if not isinstance(source.error, REQUEST_ERRORS):
            raise source.error
        reason = describe(source.error)
        reason = redact_text(reason) if self._redact else reason
        where = f"on page {source.pages + 1}, after {counted(source.jobs, 'job')}"
        return errors.LoadError(f"Listing the jobs of {source.name} broke off {where}: {reason}.")

    def failures(self) -> dict[str, errors.LoadError]:
        """Return how listings broke off, by their clients' names."""
        return {one.name: error for one in self.sources if (error := self.failure(one))}

    def warn(self) -> None:
        """Warn of what was odd: about jobs, and of listings that could not be ended early."""
        self.decoder.warn()
        limited = [source for source in self.sources if source.listing.window.since is not None]
        if names := sorted(source.name for source in limited if not source.listing.ordered):
            reason = "did not come newest first, so the listing was read to its end."
            errors.warn(f"The jobs of {', '.join(names)} {reason}", errors.DataWarning)
        off = {one.name: one.listing.clock_off_s for one in self.sources if one.listing.clock_off_s}
        if off:
            what = f"The Date of an answer ({', '.join(off)}) was {elapsed(max(off.values()))} off"
            by = "by the jobs' times, other answers and this machine's clock, which were gone by"
            remedy = "Check this machine's clock, and what stands between it and AWS"
            errors.warn(f"{what} {by}. {remedy}.", errors.DataWarning)

    def report(
        self, failures: Mapping[str, Exception], kept: str, rest: str, partial: Any = None
    ) -> None:
        """Raise LoadError where all clients failed, warn where some did.

        What was read until then is `kept`, with the error as `partial`; `rest` has it otherwise.
        """
        if not failures:
            return
        first, count = next(iter(failures.values())), len(failures)
        if count == len(self.sources):
            all_failed = f"All {count} clients failed; the first: " if count > 1 else ""
            raise errors.LoadError(f"{all_failed}{first} What was read is in {kept}.", partial)
        failed = f"{count} of {len(self.sources)} clients failed: {', '.join(failures)}."
        what = f"{rest}, and `.failures` says what failed."
        errors.warn(f"{failed} The first: {first} {what}", errors.PartialLoadWarning)
