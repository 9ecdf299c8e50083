"""The pages of one client's jobs, newest first, down to the start of a window."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any

import numpy as np
import pandas as pd

from dxnotebook.arrays import Array
from dxnotebook.aws import pages
from dxnotebook.aws.clients import Client
from dxnotebook.records.body import encode
from dxnotebook.records.decode import Glance, glance
from dxnotebook.times import Window

PAGE_SIZE = 200


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
        self.window = window
        self.ordered = True

    def pages(self) -> Iterator[pages.Page[Glance]]:
        """Yield the pages, each checked."""
        last: Array | None = None
        with closing(pages.pages(self._client, "list_jobs", self._parameters, _examine)) as checked:
            for page in checked:
                self.window.now = self.window.now or pd.Timestamp(page.served_at)
                created = page.checked.created[~np.isnat(page.checked.created)]
                if len(created):
                    # jobs that appear meanwhile may push some onto the next page again: only its
                    # end must be older
                    follows = last is None or created[-1] <= last
                    self.ordered &= bool(follows and (created[1:] <= created[:-1]).all())
                    last = created[-1]
                yield page
                if self.ordered and self._is_past(created):
                    return

    def _is_past(self, created: Array) -> bool:
        start = self.window.start
        if start is None or not len(created):
            return False
        return bool(created.min() < start.tz_localize(None).to_datetime64())


def _examine(content: Any) -> Glance:
    return glance(content if isinstance(content, bytes) else encode([content]))
