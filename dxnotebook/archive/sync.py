"""One sync: every account's listing, newest first, down to what may have changed since the last.

What was read is committed every few pages, and only when all of an account's jobs are in the
archive is that written down, in a table of its own that only grows. So a sync may be killed at any
moment: what it committed is kept, and the next one starts from the last that was written down.
(Were it in the metadata of the jobs' commits, a sync that finds nothing new could not leave word
without a commit; were it read off the jobs, nobody would know what was looked at.)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from dxnotebook.archive.history import ACCOUNT, gaps_in, known_names, known_syncs
from dxnotebook.archive.odd import rows_of
from dxnotebook.archive.store import NAMES, Store
from dxnotebook.aws.clients import Client, broke_off, label, report, unnumbered
from dxnotebook.aws.fetch import Fetch
from dxnotebook.aws.items import data_set_names
from dxnotebook.aws.listing import OVERLAP, Listing
from dxnotebook.errors import DataWarning, GapWarning, warn
from dxnotebook.model import AWS_KEEPS, TERMINAL_STATES
from dxnotebook.records.rejects import Rejects
from dxnotebook.tables.assemble import assemble
from dxnotebook.tables.jobtables import JobTables, warn_of_rejects
from dxnotebook.text import elapsed
from dxnotebook.times import Instant

_COUNTED = ("new", "changed", "unchanged", "rejects")
_FULL_EVERY, _NAMES_EVERY = pd.Timedelta(days=7), pd.Timedelta(days=1)


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
        self._store, self._clients, self._full = store, clients, full
        self._fetch = Fetch(clients, progress=progress, batch_pages=commit_pages, since=self._since)
        # of each listing its open jobs, its newest one, and one of each data set
        self._seen: dict[Listing, pd.DataFrame] = {}
        self._written: set[Listing] = set()
        self._ahead: list[pd.Timedelta] = []
        self._rejected: Counter[str] = Counter()
        self._counts: Counter[str] = Counter()

    def run(self) -> SyncResult:
        """Read, commit, and return what was done; warn of what may be missing."""
        is_new = self._store.create()
        self._before = known_syncs(self._store)
        if is_new:  # whatever was looked at, what was seen is not there any more
            self._before = self._before.iloc[:0]
        self._fetch.run(self._commit)
        self._fetch.warn()
        warn_of_rejects(self._rejected.elements())
        if self._ahead:
            time = elapsed(max(self._ahead).total_seconds())
            what = f"The archive has syncs of {time} ahead of the service's clock"
            how = "a clock was wrong then, or is now. This sync read as if they had not been"
            warn(f"{what}: {how}.", DataWarning)
        failures, asked_at, gap = self._fetch.failures(), self._fetch.asked_at, None
        if asked_at is not None:
            self._keep_names(asked_at)
            gap = self._gap(asked_at)
        rest = "The archive has what was read, and `.failures` says what failed."
        report(failures, len(self._clients), "What was read is in the archive.", rest)
        counts = {name: self._counts[name] for name in _COUNTED}
        return SyncResult(**counts, asked_at=asked_at, oldest_gap=gap, failures=failures)

    def _since(self, _: str, owner: tuple[str, str], asked_at: pd.Timestamp) -> Instant:
        """Return from when on jobs may be new or may have changed, None for all."""
        # a listing without jobs does not say whose it was; it may have been another account's
        syncs = self._before[self._before["complete"] & (self._before["jobs"] > 0)]
        syncs = syncs[(syncs[ACCOUNT] == [*owner]).all(axis=1)]
        ahead = syncs["asked_at"].max() - asked_at
        if ahead > OVERLAP:
            self._ahead.append(ahead)
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
        for listing in self._fetch.listings:
            for batch in listing.batches:
                jobs = batch["jobs"].select(["state", "created_at", "data_set_id"]).to_pandas()
                jobs["is_open"] = ~jobs["state"].isin(TERMINAL_STATES)
                is_newest = jobs["created_at"] == jobs["created_at"].max()
                told = jobs[jobs["is_open"] | is_newest | ~jobs["data_set_id"].duplicated()]
                self._seen[listing] = pd.concat([self._seen.get(listing), told])
            batches += listing.batches
            listing.batches.clear()
        tables = assemble(batches, self._fetch.decoder)
        self._fetch.decoder.rejects = Rejects()
        self._rejected.update(tables.rejects["reason"])
        if self._fetch.asked_at is not None:
            result = put(self._store, tables, self._fetch.asked_at)
            self._counts.update({name: getattr(result, name) for name in _COUNTED})
            self._write_down()

    def _write_down(self) -> None:
        """Write down which accounts are done, and how far back the next sync is to read."""
        rows = []
        for listing in self._fetch.listings:
            if listing.done and listing not in self._written:
                self._written.add(listing)
                client, error = unnumbered(listing.name), self._fetch.failure(listing)
                # one without any jobs goes by what this client was for before
                before = self._before.loc[self._before["client"] == client, ACCOUNT]
                owners = before.dropna().drop_duplicates()
                if listing.owner is None and len(owners) == 1:
                    [listing.owner] = owners.itertuples(index=False, name=None)
                row: dict[str, Any] = dict(zip(ACCOUNT, listing.owner or (), strict=False))
                row |= {"client": client, "jobs": listing.jobs, "since": listing.window.since}
                row |= {"asked_at": listing.window.now or self._fetch.asked_at}
                row |= {"oldest_open": _reaching(self._seen.get(listing))}
                rows.append(row | {"complete": error is None, "error": error and str(error)})
        if rows:
            self._store.append(rows)

    def _keep_names(self, asked_at: pd.Timestamp) -> None:
        """Ask for data sets' names, where some are new or a day has passed, and keep them."""
        known = known_names(self._store)
        due: dict[tuple[str, str], tuple[Client, set[str]]] = {}
        for listing, client in zip(self._fetch.listings, self._clients, strict=True):
            if listing.owner and listing.error is None and listing in self._seen:
                ids = set(self._seen[listing]["data_set_id"].dropna())
                mine = known[(known[ACCOUNT] == [*listing.owner]).all(axis=1)]
                is_fresh = ((mine["seen_at"] - asked_at).abs() < _NAMES_EVERY).any()
                if ids and not (is_fresh and ids.issubset(mine["data_set_id"])):
                    due[listing.owner] = (client, ids)
        rows, errors = list[dict[str, Any]](), list[str]()
        answers = data_set_names(client for client, _ in due.values())
        for (owner, (client, ids)), (names, error) in zip(due.items(), answers, strict=True):
            if error:
                errors.append(str(broke_off(f"data sets of {label(client)}", client, error)))
            # who is refused is asked again in a day, not by each sync
            if error is None or "AccessDenied" in str(error):
                row = dict(zip(ACCOUNT, owner, strict=True)) | {"seen_at": asked_at}
                of_ids = (dict.fromkeys(ids) | names).items()
                rows += [row | {"data_set_id": key, "data_set_name": name} for key, name in of_ids]
        if rows:
            self._store.append(rows, NAMES)
        if errors:
            rest = "The jobs are synced. Names that are known stay."
            warn(f"{errors[0]} {rest}", DataWarning)

    def _gap(self, asked_at: pd.Timestamp) -> tuple[pd.Timestamp, pd.Timestamp] | None:
        """Return the oldest gap, and warn of those that this sync met first."""
        gaps = gaps_in(known_syncs(self._store), asked_at)
        fresh = gaps[gaps["end"] > self._before["asked_at"].max() - AWS_KEEPS]
        owners = {listing.owner for listing in self._fetch.listings}
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


def _reaching(seen: pd.DataFrame | None) -> Instant:
    """Return the oldest job that is open or, where none is, the newest: it was read for sure.

    The next sync reads down to it, whatever the clocks say.
    """
    if seen is None:
        return None
    opened, newest = seen.loc[seen["is_open"], "created_at"].min(), seen["created_at"].max()
    return next((time for time in (opened, newest) if not pd.isna(time)), None)
