"""The jobs of live accounts as raw pages: which clients, from when to when, how far along, and what broke off."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from dxnotebook.aws import pages as aws
from dxnotebook.errors import DxError, LoadError
from dxnotebook.records.decode import Glance, encode, glance
from dxnotebook.records.redact import redact_text
from dxnotebook.tables.assemble import JobTables

Moment = str | date | datetime | timedelta | pd.Timestamp | pd.Timedelta

PAGE_SIZE = 200
#: How many clients are asked at once, at most.
MOST_AT_ONCE = 32
#: How long after its creation a job is listed.
AWS_KEEPS = pd.Timedelta(days=90)

_UNITS = {"s": "seconds", "min": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DATE = re.compile(r"\s*\d{4}-")
_AGO = re.compile(rf"\s*(\d+(?:\.\d+)?)\s*({'|'.join(_UNITS)})\s*", re.IGNORECASE)


def listed(clients: aws.Client | Iterable[aws.Client] | None) -> list[aws.Client]:
    """Return the clients that a user gave, or that of the default credentials; raise DxError for what is none."""
    given = aws.clients() if clients is None else list(clients) if isinstance(clients, Iterable) else [clients]
    if not given:
        raise DxError("No clients were given; leave them out for the default credentials, or use dx.clients().")
    for client in given:
        service = client.meta.service_model.service_name if hasattr(client, "meta") else type(client).__name__
        if service != aws.SERVICE:
            raise DxError(f"Invalid client: {service!r}. Make one with boto3.client('dataexchange') or dx.clients().")
    return given


def client_names(clients: list[aws.Client]) -> list[str]:
    """Return a name for each client, no two alike."""
    labels = [aws.label(client) for client in clients]
    return [f"{name} ({i + 1})" if labels.count(name) > 1 else name for i, name in enumerate(labels)]


_EARLIEST = pd.Timestamp("0001-01-01", tz="UTC")


@dataclass
class Window:
    """The times of creation that are wanted; what is relative is so to the first response's clock.

    Attributes
    ----------
    since, until : Timestamp, Timedelta or None
        From when, and until before when; a Timedelta is how long before `now`.
    now : Timestamp or None
        The service's time, once it is known.
    """

    since: pd.Timestamp | pd.Timedelta | None = None
    until: pd.Timestamp | pd.Timedelta | None = None
    now: pd.Timestamp | None = None

    def at(self, limit: pd.Timestamp | pd.Timedelta | None) -> pd.Timestamp | None:
        """Return a limit as a time, None where there is none or `now` is not known yet."""
        if isinstance(limit, pd.Timedelta):
            return None if self.now is None else max(self.now - limit, _EARLIEST)
        return limit

    def trimmed(self, tables: JobTables) -> JobTables:
        """Return the tables of the jobs that were created in the window, or do not say when."""
        created = tables.jobs["created_at"]
        outside = pd.Series(data=False, index=created.index)
        if (since := self.at(self.since)) is not None:
            outside |= created < since
        if (until := self.at(self.until)) is not None:
            outside |= created >= until
        return tables.filter(~outside) if outside.any() else tables


def limit(name: str, value: Moment | None) -> pd.Timestamp | pd.Timedelta | None:
    """Return a limit as a time in UTC, or as how long before now it lies; raise DxError that names the parameter."""
    if value is None:
        return None
    try:
        if isinstance(value, str) and (ago := _AGO.fullmatch(value)):
            value = timedelta(**{_UNITS[ago[2].lower()]: float(ago[1])})
        if isinstance(value, timedelta | np.timedelta64):
            return pd.Timedelta(value)
        moment = pd.Timestamp(value) if isinstance(value, date | np.datetime64) or _DATE.match(str(value)) else pd.NaT
        if not pd.isna(moment):
            return moment.tz_localize("UTC") if moment.tzinfo is None else moment.tz_convert("UTC")
    except (ValueError, TypeError, OverflowError):
        pass
    raise DxError(
        f"Invalid {name}: {value!r}. Valid are how long ago ('30d', '12h'), a date ('2026-09-01') or a Timestamp."
    )


class Listing:
    """The pages of one client's jobs, newest first, down to the start of a window.

    Parameters
    ----------
    client : boto3 client
        The client to ask.
    parameters : mapping
        Further arguments of ListJobs.
    window : Window
        Where to stop. Its `now` is set by the first page, and its `since` may be set until that page is taken.

    Attributes
    ----------
    ordered : bool
        Whether all jobs so far came newest first; where they did not, the listing is read to its end.
    """

    def __init__(self, client: aws.Client, parameters: Mapping[str, Any], window: Window) -> None:
        self._client = client
        self._parameters = {**parameters, "MaxResults": PAGE_SIZE}
        self._window = window
        self.ordered = True

    def pages(self) -> Iterator[aws.Page[Glance]]:
        """Yield the pages, each checked."""
        last: np.datetime64 | None = None
        with closing(aws.pages(self._client, "list_jobs", self._parameters, _examine)) as pages:
            for page in pages:
                if self._window.now is None:
                    self._window.now = pd.Timestamp(page.served_at)
                created = page.checked.created[~np.isnat(page.checked.created)]
                if len(created):
                    # jobs that appear meanwhile may push some onto the next page again: only its end must be older
                    descending = (np.diff(created.view(np.int64)) <= 0).all() and (last is None or created[-1] <= last)
                    self.ordered, last = self.ordered and bool(descending), created[-1]
                yield page
                since = self._window.at(self._window.since)
                reached = since is not None and len(created) and created.min() < since.tz_localize(None).to_datetime64()
                if reached and self.ordered:
                    return


def _examine(content: Any) -> Glance:  # noqa: ANN401 (bytes, or what a stub returned)
    return glance(content if isinstance(content, bytes) else encode([content]))


def broke_off(name: str, error: Exception, pages: int, jobs: int, *, redact: bool = True) -> LoadError:
    """Return the error of a client's listing that broke off after so many pages; raise what is nobody else's doing."""
    if not isinstance(error, aws.REQUEST_ERRORS):
        raise error
    said = aws.describe(error)
    said = redact_text(said) if redact else said
    return LoadError(f"Listing the jobs of {name} broke off on page {pages + 1}, after {jobs:,} jobs: {said}.")


class Progress:
    """A bar that knows how far a load is: the listing runs from now back to the limit, or to the oldest that AWS keeps."""

    def __init__(self, clients: int, wanted: bool | None) -> None:
        self._done = [0.0] * clients
        self._jobs = 0
        self._bar = tqdm(
            total=100,
            desc="Jobs",
            bar_format="{l_bar}{bar}| {postfix} [{elapsed}<{remaining}]",
            disable=None if wanted is None else not wanted,
            delay=0 if wanted else 2,
            leave=False,
        )

    def show(self, index: int, page: aws.Page[Glance], window: Window) -> None:
        """Show that a page of a client has come."""
        created = page.checked.created
        self._jobs += len(created)
        created = created[~np.isnat(created)]
        if len(created) and window.now is not None:
            start = window.at(window.since) or window.now - AWS_KEEPS
            passed = (window.now - pd.Timestamp(created.min(), tz="UTC")) / max(window.now - start, pd.Timedelta(1))
            self._done[index] = min(max(passed, self._done[index]), 1.0)
        self._update()

    def finish(self, index: int) -> None:
        """Show that a client is done."""
        self._done[index] = 1.0
        self._update()

    def _update(self) -> None:
        self._bar.set_postfix_str(f"{self._jobs:,} jobs", refresh=False)
        self._bar.update(100 * sum(self._done) / len(self._done) - self._bar.n)

    def close(self) -> None:
        """Take the bar away."""
        self._bar.close()
