"""The pages of one client's jobs, newest first, down to the start of a window."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, suppress
from typing import Any

import numpy as np
import pandas as pd

from dxnotebook.arrays import Array
from dxnotebook.aws.clients import Client
from dxnotebook.aws.pages import REQUEST_ERRORS, Page
from dxnotebook.aws.pages import pages as checked_pages
from dxnotebook.records.body import encode
from dxnotebook.records.decode import Glance, glance
from dxnotebook.tables.assemble import Batch
from dxnotebook.times import Instant, Window

PAGE_SIZE = 200
#: How far before what is known a listing is read again: jobs may be listed late.
OVERLAP = pd.Timedelta(hours=1)

# account and region are told by the first job's ARN, so that nothing but ListJobs need be allowed
_ACCOUNT_IN_ARN = re.compile(rb'"Arn"\s*:\s*"arn:[^":]*:dataexchange:([^":]*):([^":]*):')

# AWS refuses requests that are signed with a clock further off
_CLOCK_MAY_BE_OFF = pd.Timedelta(minutes=15)
_USUAL_SILENCE = pd.Timedelta(days=1)

# from a client's name, whose jobs it lists (account and region) and when, to how far back to read
Since = Callable[[str, tuple[str, str], pd.Timestamp], Instant]


class Listing:
    """The pages of one client's jobs, newest first, down to the start of a window.

    Parameters
    ----------
    client : boto3 client
        The client to ask.
    parameters : mapping
        Further arguments of ListJobs.
    window : Window
        Where to stop. Its `now` is set by the first page.
    name : str
        What to call the client.
    since : callable, optional
        Is asked how far back to read, None for all, as soon as a page says whose jobs it has.

    Attributes
    ----------
    client : boto3 client
        The client to ask.
    ordered : bool
        Whether all jobs so far came newest first; where they did not, the listing is read to its
        end.
    clock_off_s : float
        By how many seconds a Date was away from the time that was gone by; 0 where none was.
    owner : tuple of str or None
        Whose jobs it has, account and region, once a page says so.
    batches : list of Batch
        What was decoded of it; whoever uses it up empties it.
    read : int
        How many pages were decoded.
    jobs : int
        How many jobs these had.
    error : Exception or None
        What broke it off.
    done : bool
        Whether it came to its end, good or bad.
    """

    def __init__(
        self,
        client: Client,
        parameters: Mapping[str, Any],
        window: Window,
        name: str = "",
        since: Since | None = None,
    ) -> None:
        self.client = client
        self._parameters = {**parameters, "MaxResults": PAGE_SIZE}
        self._since = since
        self.window, self.name = window, name
        self.ordered, self.done = True, False
        self.clock_off_s = 0.0
        self.owner: tuple[str, str] | None = None
        self.batches: list[Batch] = []
        self.read = self.jobs = 0
        self.error: Exception | None = None
        self._now: Instant = None
        self._newest = pd.Timestamp(0, tz="UTC")

    def pages(self) -> Iterator[Page]:
        """Yield the pages, each checked."""
        last: Array | None = None
        with closing(self._ask()) as checked:
            for page in checked:
                created = page.checked.created[~np.isnat(page.checked.created)]
                is_doubtful = self._heed_clocks(page)
                is_last = page.checked.token is None or self._is_past(created)
                if page.number == 0 and is_doubtful and is_last:
                    # the Date of another answer decides
                    with closing(self._ask(MaxResults=1)) as another, suppress(*REQUEST_ERRORS):
                        self._heed_clocks(next(another))
                if len(created):
                    # jobs that appear meanwhile may push some onto the next page again: only its
                    # end must be older
                    follows = last is None or created[-1] <= last
                    self.ordered &= bool(follows and (created[1:] <= created[:-1]).all())
                    last = created[-1]
                if self.owner is None and (found := _ACCOUNT_IN_ARN.search(page.checked.body)):
                    self.owner = (found[2].decode(), found[1].decode())
                    if self._since and self._now:
                        self.window.since = self._since(self.name, self.owner, self._now)
                yield page
                if self.ordered and self._is_past(created):
                    return

    def _ask(self, **more: int) -> Generator[Page]:
        return checked_pages(self.client, "list_jobs", {**self._parameters, **more}, _examine)

    def _heed_clocks(self, page: Page) -> bool:
        """Set the service's time by a page, and tell whether only one of two clocks says so.

        The middle one of its Date, the newest job and this machine's clock is never ahead of two of
        them, nor behind: no clock alone makes a sync or a limit skip jobs. A Date that goes back
        shows that the ones before were wrong.
        """
        date, clock = pd.Timestamp(page.served_at), pd.Timestamp.now("UTC")
        latest = max(date, clock).tz_localize(None).to_datetime64()
        times = page.checked.created
        times = times[times <= latest]  # neither NaT nor a job of the year 9999
        if len(times):
            self._newest = max(self._newest, pd.Timestamp(times.max(), tz="UTC"))
        time = sorted([date, self._newest, clock])[1]
        before = self._now or time
        self._now = min(before, time)
        self.window.now = min(self.window.now or self._now, self._now)
        off = max(abs(date - time), before - self._now)
        if off > _CLOCK_MAY_BE_OFF:
            self.clock_off_s = max(self.clock_off_s, off.total_seconds())
        is_silent = len(times) > 0 and time - self._newest > _USUAL_SILENCE
        return is_silent and abs(date - clock) > _CLOCK_MAY_BE_OFF

    def _is_past(self, created: Array) -> bool:
        start = self.window.start
        if start is None or not len(created):
            return False
        return bool(created.min() < start.tz_localize(None).to_datetime64())


def _examine(content: Any) -> Glance:
    return glance(content if isinstance(content, bytes) else encode([content]))
