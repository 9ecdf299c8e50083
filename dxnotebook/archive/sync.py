"""One sync: every account's listing, newest first, down to what may have changed since the last.

What was read is committed every few pages, and only when all of an account's jobs are in the
archive is that written down, in a table of its own that only grows. So a sync may be killed at any
moment: what it committed is kept, and the next one starts from the last that was written down.
(Were it in the metadata of the jobs' commits, a sync that finds nothing new could not leave word
without a commit; were it read off the jobs, nobody would know what was looked at.)
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pandas as pd
import pyarrow as pa

from dxnotebook.archive.history import ACCOUNT, gaps_in, known_syncs
from dxnotebook.archive.odd import rows_of
from dxnotebook.archive.store import Store
from dxnotebook.aws.clients import Client, client_names, label
from dxnotebook.aws.fetch import Fetch, Source
from dxnotebook.aws.listing import OVERLAP, Listing, owner
from dxnotebook.aws.pages import Page
from dxnotebook.errors import DataWarning, GapWarning, warn
from dxnotebook.model import AWS_KEEPS, TERMINAL_STATES
from dxnotebook.records.decode import Glance
from dxnotebook.tables.assemble import assemble
from dxnotebook.tables.jobtables import JobTables, warn_of_rejects
from dxnotebook.text import elapsed
from dxnotebook.times import Window

_COUNTED = ("new", "changed", "unchanged", "rejects")
_FULL_EVERY = pd.Timedelta(days=7)


@dataclass(frozen=True, repr=False)
class SyncResult:
    """What a sync did; its text is one line.

    Attributes
    ----------
    new, changed, unchanged : int
        Jobs that the archive had not, had in an older version, had already.
    rejects : int
        How many of them cannot be typed without losing something; they are kept as JSON.
    asked_at : Timestamp or None
        When the service was asked, by its own clock.
    oldest_gap : tuple of Timestamp or None
        Start and end of the first window in which jobs came and went unseen.
    failures : mapping of str to Exception
        The clients that failed, and how.

    Examples
    --------
    >>> from dxnotebook.archive.sync import SyncResult
    >>> SyncResult(new=2, changed=1, unchanged=0, rejects=0)
    2 new, 1 changed, 0 unchanged, 0 rejects, no gap
    """

    new: int
    changed: int
    unchanged: int
    rejects: int
    asked_at: pd.Timestamp | None = None
    oldest_gap: tuple[pd.Timestamp, pd.Timestamp] | None = None
    failures: Mapping[str, Exception] = field(default_factory=dict)

    def __repr__(self) -> str:
        counts = ", ".join(f"{getattr(self, name):,} {name}" for name in _COUNTED)
        dates = [f"{time:%Y-%m-%d}" for time in self.oldest_gap or ()]
        gap = f"gap from {' to '.join(dates)}" if dates else "no gap"
        failed = f", failed: {' · '.join(self.failures)}" if self.failures else ""
        return f"{counts}, {gap}{failed}"


def put(store: Store, tables: JobTables, seen_at: pd.Timestamp) -> SyncResult:
    """Put the newest version of jobs, as they were at a time, into a store."""
    given, new, changed = store.merge(lambda stored: rows_of(tables, seen_at, stored))
    return SyncResult(new, changed, given - new - changed, len(tables.rejects), seen_at)


@dataclass(eq=False)
class _Account(Source):
    """The listing of one client, and whose jobs it has."""

    label: str = ""
    account_id: str | None = None
    region: str | None = None
    asked_at: pd.Timestamp | None = None
    newest: pd.Timestamp | None = None
    oldest_open: pd.Timestamp | None = None
    is_written: bool = False
    ahead: pd.Timedelta | None = None


class Sync:
    """One sync of some clients into a store.

    Parameters
    ----------
    store : Store
        The archive's tables.
    clients : list of boto3 clients
        The clients to ask, all at once.
    full : bool or None
        Whether to read the listings to their end; None: when that was not done for a week.
    progress : bool or None
        Whether to show a bar; None: in a terminal or notebook.
    commit_pages : int
        How many pages are read before they are committed.
    """

    def __init__(
        self,
        store: Store,
        clients: list[Client],
        *,
        full: bool | None = None,
        progress: bool | None = None,
        commit_pages: int = 25,
    ) -> None:
        self._store = store
        self._full = full
        self._accounts = [
            _Account(name, Listing(client, {}, Window()), label=label(client))
            for client, name in zip(clients, client_names(clients), strict=True)
        ]
        self._fetch = Fetch(
            self._accounts, progress=progress, batch_pages=commit_pages, on_page=self._identify
        )
        self._lock = threading.Lock()
        self._asked_at: pd.Timestamp | None = None
        self._rejected: Counter[str] = Counter()
        self._result = SyncResult(0, 0, 0, 0)

    def run(self) -> SyncResult:
        """Read, commit, and return what was done; warn of what may be missing."""
        is_new = self._store.create()
        self._before = known_syncs(self._store)
        if is_new:  # whatever was looked at, what was seen is not there any more
            self._before = self._before.iloc[:0]
        self._fetch.run(self._commit)
        self._fetch.warn()
        warn_of_rejects(self._rejected.elements())
        if ahead := max((one.ahead for one in self._accounts if one.ahead), default=None):
            time = elapsed(ahead.total_seconds())
            what = f"The archive has syncs of {time} ahead of the service's clock"
            how = "a clock was wrong then, or is now. This sync read as if they had not been"
            warn(f"{what}: {how}.", DataWarning)
        failures, gap = self._fetch.failures(), self._gap()
        self._fetch.report(failures, "the archive", "The archive has what was read")
        return replace(self._result, asked_at=self._asked_at, oldest_gap=gap, failures=failures)

    def _identify(self, account: _Account, page: Page[Glance]) -> None:
        """Learn from its first pages which account a client is for, so how far back to read."""
        with self._lock:
            # the earliest of all answers' times: a clock that is ahead makes no sync skip jobs
            served_at = pd.Timestamp(page.served_at)
            account.asked_at = min(served_at, account.asked_at or served_at)
            self._asked_at = min(served_at, self._asked_at or served_at)
        if account.account_id is None and (found := owner(page)):
            account.account_id, account.region = found
            account.listing.window.since = self._since(account, account.asked_at)

    def _since(self, account: _Account, asked_at: pd.Timestamp) -> pd.Timestamp | None:
        """Return from when on jobs may be new or may have changed, None for all."""
        # a listing without jobs does not say whose it was; it may have been another account's
        syncs = self._before[self._before["complete"] & (self._before["jobs"] > 0)]
        syncs = syncs[syncs["account_id"] == account.account_id]
        syncs = syncs[syncs["region"] == account.region]
        ahead = syncs["asked_at"].max() - asked_at
        account.ahead = ahead if ahead > OVERLAP else None
        # where a clock was wrong nobody knows when it was: it counts what jobs were seen
        syncs = syncs[syncs["asked_at"] <= asked_at + OVERLAP].dropna(subset="oldest_open")
        full = self._full
        if full is None:
            to_their_end = syncs.loc[syncs["since"].isna(), "asked_at"]
            full = bool((asked_at - to_their_end >= _FULL_EVERY).all())
        if full or syncs.empty:
            return None
        last = syncs.iloc[-1]
        since: pd.Timestamp = min(last["asked_at"], last["oldest_open"]) - OVERLAP
        return since

    def _commit(self) -> None:
        """Put what was read into the archive, and then write down which accounts are done."""
        batches = []
        for account in self._accounts:
            for batch in account.batches:
                _note_times(account, batch["jobs"])
            batches += account.batches
            account.batches.clear()
        tables = assemble(batches, self._fetch.decoder)
        self._fetch.decoder.rejects.clear()
        self._rejected.update(tables.rejects["reason"])
        if self._asked_at is None:
            return
        if len(tables) or len(tables.rejects):
            result = put(self._store, tables, self._asked_at)
            sums = {name: getattr(self._result, name) + getattr(result, name) for name in _COUNTED}
            self._result = replace(self._result, **sums)
        self._write_down(self._asked_at)

    def _write_down(self, asked_at: pd.Timestamp) -> None:
        rows = []
        for account in self._accounts:
            if account.done and not account.is_written:
                account.is_written = True
                # one without any jobs goes by what this client was for before
                before = self._before.loc[self._before["client"] == account.label, ACCOUNT]
                owners = before.dropna().drop_duplicates()
                if account.account_id is None and len(owners) == 1:
                    account.account_id, account.region = owners.iloc[0]
                error = self._fetch.failure(account)
                names = ("account_id", "region", "jobs")
                row = {name: getattr(account, name) for name in names}
                row |= {"client": account.label, "asked_at": account.asked_at or asked_at}
                # to the newest job it was read for sure, whatever the clocks say
                row["oldest_open"] = account.oldest_open or account.newest
                row |= {"since": account.listing.window.since, "complete": error is None}
                rows.append(row | {"error": error and str(error)})
        if rows:
            self._store.append(rows)

    def _gap(self) -> tuple[pd.Timestamp, pd.Timestamp] | None:
        """Return the oldest gap, and warn of those that this sync met first."""
        if self._asked_at is None:
            return None
        gaps = gaps_in(known_syncs(self._store), self._asked_at)
        fresh = gaps[gaps["end"] > self._before["asked_at"].max() - AWS_KEEPS]
        owners = {(account.account_id, account.region) for account in self._accounts}
        for gap in fresh.itertuples():
            if (gap.account_id, gap.region) in owners:
                warn(
                    f"MORE THAN 90 DAYS since account {gap.account_id} in {gap.region} was "
                    f"synced: jobs created from {gap.start:%Y-%m-%d %H:%M} to "
                    f"{gap.end:%Y-%m-%d %H:%M} UTC are gone from AWS and not in the archive. "
                    "Sync at least every few weeks, best every hour.",
                    GapWarning,
                )
        return None if gaps.empty else (gaps["start"].iloc[0], gaps["end"].iloc[0])


def _note_times(account: _Account, jobs: pa.Table) -> None:
    """Note the newest job of an account, and the oldest that is not finished.

    The next sync reads down to them.
    """
    frame = jobs.select(["state", "created_at"]).to_pandas().dropna(subset="created_at")
    opened = frame.loc[~frame["state"].isin(TERMINAL_STATES), "created_at"]
    if len(frame):
        newest = frame["created_at"].max()
        account.newest = max(newest, account.newest or newest)
    if len(opened):
        account.oldest_open = min(opened.min(), account.oldest_open or opened.min())
