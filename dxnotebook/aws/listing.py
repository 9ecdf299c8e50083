"""The jobs of live accounts as raw pages: which clients, from when to when, how far along, and what broke off."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any

import numpy as np
import pandas as pd

from dxnotebook.aws import pages as listed_pages
from dxnotebook.aws.clients import Client, describe
from dxnotebook.aws.pages import REQUEST_ERRORS, Page
from dxnotebook.errors import LoadError
from dxnotebook.records.body import encode
from dxnotebook.records.decode import Glance, glance
from dxnotebook.records.redact import redact_text
from dxnotebook.times import Window

PAGE_SIZE = 200
#: How many clients are asked at once, at most.
MOST_AT_ONCE = 32


class Listing:
    """The pages of one client's jobs, newest first, down to the start of a window.

    Parameters
    ----------
    client : boto3 client
        The client to ask.
    parameters : mapping
        Further arguments of ListJobs.
    window : Window
        Where to stop. Its `now` is set by the first page, and its `since` may be set until that
        page is taken.

    Attributes
    ----------
    ordered : bool
        Whether all jobs so far came newest first; where they did not, the listing is read to its
        end.
    """

    def __init__(self, client: Client, parameters: Mapping[str, Any], window: Window) -> None:
        self._client = client
        self._parameters = {**parameters, "MaxResults": PAGE_SIZE}
        self._window = window
        self.ordered = True

    def pages(self) -> Iterator[Page[Glance]]:
        """Yield the pages, each checked."""
        last: np.datetime64 | None = None
        with closing(
            listed_pages.pages(self._client, "list_jobs", self._parameters, _examine)
        ) as pages:
            for page in pages:
                if self._window.now is None:
                    self._window.now = pd.Timestamp(page.served_at)
                created = page.checked.created[~np.isnat(page.checked.created)]
                if len(created):
                    # jobs that appear meanwhile may push some onto the next page again: only its
                    # end must be older
                    descending = (np.diff(created.view(np.int64)) <= 0).all() and (
                        last is None or created[-1] <= last
                    )
                    self.ordered, last = self.ordered and bool(descending), created[-1]
                yield page
                since = self._window.start
                reached = (
                    since is not None
                    and len(created)
                    and created.min() < since.tz_localize(None).to_datetime64()
                )
                if reached and self.ordered:
                    return


def _examine(content: Any) -> Glance:
    return glance(content if isinstance(content, bytes) else encode([content]))


def broke_off(
    name: str, error: Exception, pages: int, jobs: int, *, redact: bool = True
) -> LoadError:
    """Return the error of a client's listing that broke off after so many pages; raise what is nobody else's doing."""
    if not isinstance(error, REQUEST_ERRORS):
        raise error
    said = describe(error)
    said = redact_text(said) if redact else said
    return LoadError(
        f"Listing the jobs of {name} broke off on page {pages + 1}, after {jobs:,} jobs: {said}."
    )
