"""One sync: every account's listing, newest first, down to what may have changed since the last, put into an archive.

What was read is committed every few pages, and only when all of an account's jobs are in the archive is that written
down, in a table of its own that only grows. So a sync may be killed at any moment: what it committed is kept, and the
next one starts from the last that was written down. (Were it in the metadata of the jobs' commits, a sync that finds
nothing new could not leave word without a commit; were it read off the jobs, nobody would know what was looked at.)
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any

import pandas as pd
import pyarrow as pa

from dxnotebook.archive.rows import archived, schema
from dxnotebook.archive.store import MONTH, Store
from dxnotebook.aws import pages as aws
from dxnotebook.aws.clients import Client, client_names, label
from dxnotebook.aws.listing import MOST_AT_ONCE, Listing, broke_off
from dxnotebook.aws.progress import Progress
from dxnotebook.errors import (
    DataWarning,
    FormatError,
    GapWarning,
    LoadError,
    PartialLoadWarning,
    warn,
)
from dxnotebook.model import AWS_KEEPS, TERMINAL_STATES, TEXT, TIMESTAMP
from dxnotebook.records.body import Body
from dxnotebook.records.decode import Decoder, Glance
from dxnotebook.tables.assemble import assemble
from dxnotebook.tables.flatten import flatten
from dxnotebook.tables.jobtables import JobTables
from dxnotebook.times import Window

JOBS, SYNCS = "jobs", "syncs"
#: A row for each account of each sync: `since` is how far back it read (null: to the end).
SYNC = pa.schema(
    [
        *(
            ("account_id", TEXT),
            ("region", TEXT),
            ("client", TEXT),
            ("asked_at", TIMESTAMP),
            ("since", TIMESTAMP),
        ),
        *(
            ("complete", pa.bool_()),
            ("oldest_open", TIMESTAMP),
            ("jobs", pa.int64()),
            ("error", TEXT),
        ),
    ]
)

_PAGES_A_COMMIT = 25
_PAGES_AHEAD = 100
_OVERLAP = pd.Timedelta(hours=1)
_FULL_EVERY = pd.Timedelta(days=7)
# account and region are told by the first job's ARN, so that nothing but ListJobs need be allowed
_ARN = re.compile(rb'"Arn"\s*:\s*"arn:[^":]*:dataexchange:([^":]*):([^":]*):')


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
        counts = ", ".join(
            f"{getattr(self, name):,} {name}" for name in ("new", "changed", "unchanged", "rejects")
        )
        gap = (
            "gap from {:%Y-%m-%d} to {:%Y-%m-%d}".format(*self.oldest_gap)
            if self.oldest_gap
            else "no gap"
        )
        failed = f", failed: {' · '.join(self.failures)}" if self.failures else ""
        return f"{counts}, {gap}{failed}"


def known_syncs(store: Store) -> pd.DataFrame:
    """Return what is written down of the syncs of an archive, the first one first."""
    return pd.DataFrame(store.dataset(SYNCS).to_table().sort_by("asked_at").to_pandas())


def gaps_in(syncs: pd.DataFrame, now: pd.Timestamp) -> pd.DataFrame:
    """Return the windows in which an account's jobs came and were deleted unseen, up to a time."""
    complete = syncs[syncs["complete"] & syncs["account_id"].notna()]
    last = complete.groupby(["account_id", "region"], as_index=False)["asked_at"].max()
    last = last[last["asked_at"] < now].assign(asked_at=now)
    times = pd.concat([complete[["account_id", "region", "asked_at"]], last]).sort_values(
        "asked_at", kind="stable"
    )
    before = times.groupby(["account_id", "region"])["asked_at"].shift()
    found = times.assign(start=before, end=times["asked_at"] - AWS_KEEPS).drop(columns="asked_at")
    gaps: pd.DataFrame = found[found["start"] < found["end"]].sort_values(
        "start", ignore_index=True
    )
    return gaps


@dataclass
class _Account:
    """How far the listing of one client is."""

    name: str
    label: str
    listing: Listing
    window: Window
    account_id: str | None = None
    region: str | None = None
    pages: list[aws.Page[Glance]] = field(default_factory=list)
    read: int = 0
    jobs: int = 0
    oldest_open: pd.Timestamp | None = None
    done: bool = False
    written: bool = False
    error: Exception | None = None


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
    """

    def __init__(
        self, store: Store, clients: list[Client], *, full: bool | None, progress: bool | None
    ) -> None:
        self._store = store
        self._full = full
        self._accounts = []
        for client, name in zip(clients, client_names(clients), strict=True):
            window = Window()
            self._accounts.append(
                _Account(name, label(client), Listing(client, {}, window), window)
            )
        self._decoder = Decoder()
        self._counts = dict.fromkeys(("given", "new", "changed", "rejects"), 0)
        self._asked_at: pd.Timestamp | None = None
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._room = threading.Semaphore(_PAGES_AHEAD)
        self._arrived: SimpleQueue[tuple[_Account, aws.Page[Glance] | None]] = SimpleQueue()
        self._bar = Progress(len(clients), progress)

    def run(self) -> SyncResult:
        """Read, commit, and return what was done."""
        self._store.create(JOBS, schema(), MONTH)
        self._store.create(SYNCS, SYNC)
        self._before = known_syncs(self._store)
        pool = ThreadPoolExecutor(min(MOST_AT_ONCE, len(self._accounts)), "sync")
        try:
            with closing(self._bar):
                for account in self._accounts:
                    pool.submit(self._fetch, account)
                self._collect()
        finally:
            self._stop.set()
            self._room.release(len(self._accounts))
            pool.shutdown(wait=False, cancel_futures=True)
        self._decoder.warn()
        return self._result()

    def _fetch(self, account: _Account) -> None:
        """Put the pages of a client's listing where `_collect` finds them."""
        try:
            for page in account.listing.pages():
                if account.account_id is None:
                    self._begin(account, page)
                self._room.acquire()
                if self._stop.is_set():
                    return
                self._arrived.put((account, page))
        except Exception as caught:  # noqa: BLE001 (it is handed over to the thread that waits for it)
            account.error = caught
        self._arrived.put((account, None))

    def _begin(self, account: _Account, page: aws.Page[Glance]) -> None:
        """Learn from its first page which account a client is for, and so how far back to read."""
        with self._lock:
            asked_at = self._asked_at = self._asked_at or pd.Timestamp(page.served_at)
        found = _ARN.search(page.checked.body)
        if found:
            account.region, account.account_id = found[1].decode(), found[2].decode()
            account.window.since = self._since(account, asked_at)
            return
        # one without any jobs goes by what this client was for before
        mine = self._before[
            (self._before["client"] == account.label) & self._before["account_id"].notna()
        ]
        if len(mine[["account_id", "region"]].drop_duplicates()) == 1:
            account.account_id, account.region = mine[["account_id", "region"]].iloc[0]

    def _since(self, account: _Account, asked_at: pd.Timestamp) -> pd.Timestamp | None:
        """Return from when on jobs may be new or may have changed, None for all."""
        # a listing without jobs does not say whose it was; it may have been another account's
        mine = self._before[self._before["complete"] & (self._before["jobs"] > 0)]
        mine = mine[(mine["account_id"] == account.account_id) & (mine["region"] == account.region)]
        whole = mine[mine["since"].isna()]
        if (
            self._full
            or mine.empty
            or (self._full is None and (asked_at - whole["asked_at"] >= _FULL_EVERY).all())
        ):
            return None
        last = mine.iloc[-1]
        since: pd.Timestamp = min([last["asked_at"], *last[["oldest_open"]].dropna()]) - _OVERLAP
        return since

    def _collect(self) -> None:
        """Take what arrives until all clients are done, and commit it when it is worth it."""
        waiting, size = len(self._accounts), 0
        while waiting:
            account, page = self._arrived.get()
            if page is None:
                account.done = True
                waiting -= 1
                self._bar.finish(self._accounts.index(account))
                continue
            self._room.release()
            account.pages.append(page)
            self._bar.show(self._accounts.index(account), page, account.window)
            size += 1
            if size >= _PAGES_A_COMMIT:
                self._commit()
                size = 0
        self._commit()

    def _commit(self) -> None:
        """Put what was read into the archive, and then write down which accounts are done."""
        batches: dict[str, list[dict[str, pa.Table]]] = {
            account.name: [] for account in self._accounts
        }
        for account in self._accounts:
            bodies = [Body(page.checked.body, account.name, page.number) for page in account.pages]
            account.read += len(bodies)
            account.pages.clear()
            try:
                for records in self._decoder.decode(bodies) if bodies else ():
                    batches[account.name].append(flatten(records, self._decoder.layout))
            except FormatError as error:
                account.error = account.error or error
            self._note(account, batches[account.name])
        tables = assemble([batch for mine in batches.values() for batch in mine], self._decoder)
        self._decoder.rejects.clear()
        if self._asked_at is not None and (len(tables) or len(tables.rejects)):
            self._merge(tables, self._asked_at)
        self._write_down()

    def _note(self, account: _Account, batches: list[dict[str, pa.Table]]) -> None:
        """Note the oldest job of an account that is not finished: the next sync reads down to it."""
        for batch in batches:
            jobs = batch["jobs"].select(["state", "created_at"]).to_pandas()
            account.jobs += len(jobs)
            opened = jobs.loc[~jobs["state"].isin(TERMINAL_STATES), "created_at"].dropna()
            if len(opened):
                account.oldest_open = min(opened.min(), account.oldest_open or opened.min())

    def _merge(self, tables: JobTables, asked_at: pd.Timestamp) -> None:
        given, new, changed = self._store.merge(
            JOBS, lambda stored: archived(tables, asked_at, stored)
        )
        for name, count in (
            ("given", given),
            ("new", new),
            ("changed", changed),
            ("rejects", len(tables.rejects)),
        ):
            self._counts[name] += count

    def _write_down(self) -> None:
        done = [account for account in self._accounts if account.done and not account.written]
        if not done or self._asked_at is None:
            return
        rows = []
        for account in done:
            error = self._failure(account)
            told: dict[str, Any] = {"account_id": account.account_id, "region": account.region}
            told |= {"client": account.label}
            told |= {
                "asked_at": self._asked_at,
                "since": account.window.since,
                "complete": error is None,
            }
            rows.append(
                told
                | {
                    "oldest_open": account.oldest_open,
                    "jobs": account.jobs,
                    "error": error and str(error),
                }
            )
            account.written = True
        self._store.append(SYNCS, pa.Table.from_pylist(rows, SYNC))

    def _failure(self, account: _Account) -> LoadError | None:
        if account.error is None:
            return None
        return broke_off(account.name, account.error, account.read, account.jobs)

    def _result(self) -> SyncResult:
        """Return what was done, and warn of what may be missing."""
        failures = {
            a.name: error for a in self._accounts if (error := self._failure(a)) is not None
        }
        unordered = [
            a.name for a in self._accounts if not a.listing.ordered and a.window.since is not None
        ]
        if unordered:
            told = f"The jobs of {', '.join(unordered)} did not come newest first, so the listing was read to its end."
            warn(told, DataWarning)
        gap = None
        if self._asked_at is not None:
            gap = self._gap(self._asked_at)
        counts = self._counts
        result = SyncResult(
            new=counts["new"],
            changed=counts["changed"],
            unchanged=counts["given"] - counts["new"] - counts["changed"],
            rejects=counts["rejects"],
            asked_at=self._asked_at,
            oldest_gap=gap,
            failures=failures,
        )
        self._tell(failures)
        return result

    def _gap(self, now: pd.Timestamp) -> tuple[pd.Timestamp, pd.Timestamp] | None:
        """Return the oldest gap, and warn of those that this sync found."""
        gaps = gaps_in(known_syncs(self._store), now)
        before = (
            gaps_in(self._before, self._before["asked_at"].max()) if len(self._before) else gaps[:0]
        )
        fresh = gaps.merge(before, how="left", indicator=True)
        asked = {(account.account_id, account.region) for account in self._accounts}
        for gap in fresh[fresh["_merge"] == "left_only"].itertuples():
            if (gap.account_id, gap.region) not in asked:
                continue
            warn(
                f"MORE THAN 90 DAYS since account {gap.account_id} in {gap.region} was synced: jobs created from "
                f"{gap.start:%Y-%m-%d %H:%M} to {gap.end:%Y-%m-%d %H:%M} UTC are gone from AWS and not in the archive. "
                "Sync at least every few weeks, best every hour.",
                GapWarning,
            )
        return None if gaps.empty else (gaps["start"].iloc[0], gaps["end"].iloc[0])

    def _tell(self, failures: Mapping[str, Exception]) -> None:
        if not failures:
            return
        first = next(iter(failures.values()))
        if len(failures) == len(self._accounts):
            message = (
                str(first)
                if len(failures) == 1
                else f"All {len(failures)} clients failed; the first: {first}"
            )
            raise LoadError(f"{message} What was read is in the archive.")
        warn(
            f"{len(failures)} of {len(self._accounts)} clients failed: {', '.join(failures)}. The first: {first} "
            "The archive has what was read, and `.failures` says what failed.",
            PartialLoadWarning,
        )
