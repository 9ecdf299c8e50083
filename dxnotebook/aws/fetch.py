"""Many listings at once: a thread for each client fetches, the caller's decodes what has come.

Loads and syncs share it; they differ in how much a batch is, and in what becomes of it.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping
from contextlib import closing
from functools import partial
from queue import SimpleQueue
from types import MappingProxyType

from dxnotebook import errors
from dxnotebook.aws.background import MOST_AT_ONCE, in_background
from dxnotebook.aws.clients import Client, broke_off, client_names
from dxnotebook.aws.listing import Listing, Since
from dxnotebook.aws.pages import REQUEST_ERRORS, Page
from dxnotebook.aws.progress import Progress
from dxnotebook.records.body import Body
from dxnotebook.records.decode import BATCH_BYTES, Decoder
from dxnotebook.records.rejects import Rejects
from dxnotebook.tables.flatten import flatten
from dxnotebook.text import counted, elapsed
from dxnotebook.times import Instant, Window


class Fetch:
    """The fetching of several listings at once.

    Parameters
    ----------
    clients : list of boto3 clients
        The clients to ask.
    parameters : mapping
        Further arguments of ListJobs.
    window : Window, optional
        Where all listings stop; by default each reads to its end, or as far as `since` says.
    progress : bool or None
        Whether to show a bar; None: in a terminal or notebook.
    redact : bool
        Whether to take secrets out, of errors too.
    batch_pages : int
        After how many pages they are decoded, if they are not many bytes before.
    pages_ahead : int
        How many pages may wait to be taken, so that a slow archive does not fill the memory.
    since : callable, optional
        Is asked how far back to read a listing, as soon as it is known whose it is.

    Attributes
    ----------
    listings : list of Listing
        The clients' listings, and what has come of them.
    decoder : Decoder
        What decodes the pages, and remembers what was odd about them.
    """

    def __init__(
        self,
        clients: list[Client],
        parameters: Mapping[str, str] = MappingProxyType({}),
        window: Window | None = None,
        *,
        progress: bool | None,
        redact: bool = True,
        batch_pages: float = math.inf,
        pages_ahead: int = 100,
        since: Since | None = None,
    ) -> None:
        self.listings = [
            Listing(client, parameters, window or Window(), name, since)
            for client, name in zip(clients, client_names(clients), strict=True)
        ]
        self.decoder = Decoder(redact=redact)
        self._redact = redact
        self._batch_pages = batch_pages
        self._bar = Progress(len(clients), progress)
        self._room = threading.Semaphore(pages_ahead)
        self._stop = threading.Event()
        # a page, or what the end of a listing was: an error, or None
        self._queue: SimpleQueue[tuple[int, Page | Exception | None]] = SimpleQueue()
        self._taken: list[list[Page]] = [[] for _ in clients]

    @property
    def asked_at(self) -> Instant:
        """When the service was asked, by the earliest of its answers; None where none came."""
        times = [now for one in self.listings if (now := one.window.now) is not None]
        return min(times, default=None)

    def run(self, use: Callable[[], object] = lambda: None) -> None:
        """Fetch until all listings are done; call `use` whenever a batch was decoded, and last."""
        works = [partial(self._fetch, number) for number in range(len(self.listings))]
        futures = in_background(works, MOST_AT_ONCE)
        try:
            with closing(self._bar):
                self._take(use)
        finally:
            self._stop.set()
            self._room.release(len(self.listings))
            for future in futures:
                future.cancel()

    def _fetch(self, number: int) -> None:
        """Put the pages of one listing where `_take` finds them."""
        error = None
        try:
            for page in self.listings[number].pages():
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
        while not all(listing.done for listing in self.listings):
            number, arrived = self._queue.get()
            listing = self.listings[number]
            if not isinstance(arrived, Page):
                listing.done, listing.error = True, arrived or listing.error
                self._bar.finish(number)
                continue
            self._room.release()
            self._taken[number].append(arrived)
            self._bar.show(number, arrived, listing.window)
            pages, size = pages + 1, size + len(arrived.checked.body)
            if pages >= self._batch_pages or size >= BATCH_BYTES:
                pages = size = 0
                self.decode()
                use()
        self.decode()
        use()

    def decode(self) -> None:
        """Decode the pages that were taken and not decoded yet, listing by listing.

        An interrupt leaves those of a listing as they were, to be decoded for what was read.
        """
        for listing, pages in zip(self.listings, self._taken, strict=True):
            bodies = [Body(page.checked.body, listing.name, page.number) for page in pages]
            batches, jobs, error = [], 0, listing.error
            rejects = self.decoder.rejects.table()
            try:
                for records in self.decoder.decode(bodies) if bodies else ():
                    batches.append(flatten(records, self.decoder.layout))
                    jobs += len(records)
            except errors.FormatError as caught:
                error = error or caught
            except KeyboardInterrupt:
                self.decoder.rejects = Rejects(rejects)
                raise
            listing.read, listing.jobs = listing.read + len(pages), listing.jobs + jobs
            listing.error = error
            listing.batches += batches
            pages.clear()

    def failure(self, listing: Listing) -> errors.LoadError | None:
        """Return how a listing broke off, if it did; raise what is nobody else's doing."""
        if listing.error is None:
            return None
        if not isinstance(listing.error, REQUEST_ERRORS):
            raise listing.error
        where = f" on page {listing.read + 1}, after {counted(listing.jobs, 'job')}"
        what, error = f"jobs of {listing.name}", listing.error
        return broke_off(what, listing.client, error, where, redact=self._redact)

    def failures(self) -> dict[str, errors.LoadError]:
        """Return how listings broke off, by their clients' names."""
        return {one.name: error for one in self.listings if (error := self.failure(one))}

    def warn(self) -> None:
        """Warn of what was odd: about jobs, and of listings that could not be ended early."""
        self.decoder.warn()
        limited = [listing for listing in self.listings if listing.window.since is not None]
        if names := sorted(listing.name for listing in limited if not listing.ordered):
            reason = "did not come newest first, so the listing was read to its end."
            errors.warn(f"The jobs of {', '.join(names)} {reason}", errors.DataWarning)
        off = {one.name: one.clock_off_s for one in self.listings if one.clock_off_s}
        if off:
            what = f"The Date of an answer ({', '.join(off)}) was {elapsed(max(off.values()))} off"
            by = "by the jobs' times, other answers and this machine's clock, which were gone by"
            remedy = "Check this machine's clock, and what stands between it and AWS"
            errors.warn(f"{what} {by}. {remedy}.", errors.DataWarning)
