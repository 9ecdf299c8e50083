"""How far a load is."""

from __future__ import annotations

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from dxnotebook.aws.pages import Page
from dxnotebook.model import AWS_KEEPS
from dxnotebook.text import counted
from dxnotebook.times import Window

_FORMAT = "{l_bar}{bar}| {postfix} [{elapsed}<{remaining}]"


class Bar(tqdm):  # type: ignore[type-arg]  # it takes none when it runs
    """A bar without the thread that tqdm starts for all of them, and never ends."""

    monitor_interval = 0


class Progress:
    """A bar that knows how far a load is.

    A listing runs from now back to the limit, or to the oldest that AWS keeps.
    """

    def __init__(self, clients: int, wanted: bool | None) -> None:
        self._done = [0.0] * clients
        self._jobs = 0
        # where nobody says, it is shown in a terminal or notebook, and only for what takes a while
        disable, delay = (None, 2) if wanted is None else (not wanted, 0)
        self._bar = Bar(
            total=100, desc="Jobs", bar_format=_FORMAT, disable=disable, delay=delay, leave=False
        )

    def show(self, index: int, page: Page, window: Window) -> None:
        """Show that a page of a client has come."""
        created = page.checked.created
        self._jobs += len(created)
        created = created[~np.isnat(created)]
        if len(created) and window.now is not None:
            start = window.start or window.now - AWS_KEEPS
            passed = window.now - pd.Timestamp(created.min(), tz="UTC")
            share = passed / max(window.now - start, pd.Timedelta(1))
            self._done[index] = min(max(share, self._done[index]), 1.0)
        self._update()

    def finish(self, index: int) -> None:
        """Show that a client is done."""
        self._done[index] = 1.0
        self._update()

    def _update(self) -> None:
        self._bar.set_postfix_str(counted(self._jobs, "job"), refresh=False)
        self._bar.update(100 * sum(self._done) / len(self._done) - self._bar.n)

    def close(self) -> None:
        """Take the bar away."""
        self._bar.close()
