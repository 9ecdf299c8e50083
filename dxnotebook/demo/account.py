"""A simulated account: its jobs are planned as arrays, and written out for the page asked for."""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from dxnotebook.demo import catalogue as cat
from dxnotebook.demo import plan as planned
from dxnotebook.demo.catalogue import DATA_SETS, FEEDS, NOW, Array, Json
from dxnotebook.demo.job import Job, Names, ids_of, scatter, stamps
from dxnotebook.demo.revisions import flags_of, revisions_of


@dataclass(frozen=True)
class Story:
    """What was planted in an account, for an analysis to find.

    Examples
    --------
    >>> from dxnotebook import demo
    >>> story = demo.Account().story
    >>> story.data_set_name, story.code, f"{story.bad_week[0]:%d %B}"
    ('Power Grid Load by Region, Hourly', 'ACCESS_DENIED_EXCEPTION', '31 August')
    """

    data_set_id: str
    data_set_name: str
    bucket: str
    code: str
    bad_week: tuple[datetime, datetime]
    failed: int
    fixed_at: datetime  # when all that had failed were run again, with success
    malware_job_id: str | None
    stuck_job_ids: tuple[str, ...]
    quota_bursts: tuple[tuple[datetime, str], ...]
    finalized_early: tuple[str, ...]  # revisions that miss something
    never_finalized: tuple[str, ...]  # revisions that are whole


class Account:
    """A simulated provider account.

    The jobs are those of the 90 days before `NOW`. Another `now` looks at the same account at
    another moment: later jobs are not there yet, jobs that run then are open, jobs older than 90
    days are gone.

    Parameters
    ----------
    jobs : int
        How many jobs there are at `NOW`.
    now : datetime
        The moment of looking.
    account_id, region : str
        Whose jobs, and where. Others have other ids.
    seed : int
        The same one gives the same bytes, anywhere.

    Attributes
    ----------
    data_sets : list of dict
        The data sets as ListDataSets gives them.
    story : Story
        What was planted.
    per_page : int
        The most jobs that a page has; 200 as in AWS.

    Examples
    --------
    >>> from dxnotebook import demo
    >>> account = demo.Account(1_000)
    >>> len(account), len(account.data_sets), account.page(size=1)[:54]
    (1000, 25, b'{"Jobs":[{"Arn":"arn:aws:dataexchange:us-east-1:111122')
    """

    per_page = 200

    def __init__(
        self,
        jobs: int = 6_000,
        *,
        now: datetime = NOW,
        account_id: str = "111122223333",
        region: str = "us-east-1",
        seed: int = 0,
    ) -> None:
        self.now, self.account_id, self.region = now, account_id, region
        self._names = Names(account_id, region, seed)
        self._plan = planned.make_plan(jobs, seed)
        self._time = int(now.timestamp() * 1000)
        window = [self._time - 90 * cat.DAY, self._time + 1]
        self._first, self._end = np.searchsorted(self._plan["created"], window).tolist()
        self.data_sets = [_data_set(self._names, number) for number in range(len(DATA_SETS))]
        self._flags = flags_of(self._plan)
        self.story = self._story()

    def __len__(self) -> int:
        return int(self._end - self._first)

    def page(
        self,
        start: int = 0,
        size: int = 200,
        *,
        data_set_id: str | None = None,
        revision_id: str | None = None,
        next_token: str | None = None,
    ) -> bytes:
        """Return the body of one ListJobs response: JSON, with a NextToken unless it is the last.

        Parameters
        ----------
        start, size : int
            How many of the newest jobs come before the page, and how many it holds.
        data_set_id, revision_id : str, optional
            Only jobs of this data set, of this revision.
        next_token : str, optional
            Instead of the true one.

        Raises
        ------
        LookupError
            With the type and the id of a data set or revision that the account does not have.

        Examples
        --------
        >>> from dxnotebook import demo
        >>> demo.Account(0).page()
        b'{"Jobs":[]}'
        """
        rows = self._rows(data_set_id, revision_id)
        end = start + size
        if next_token is None and end < len(rows):
            next_token = self.token(end, data_set_id, revision_id)
        jobs = [job.to_json() for job in self._jobs(np.asarray(rows[start:end], np.int64))]
        page = {"Jobs": jobs} if next_token is None else {"Jobs": jobs, "NextToken": next_token}
        return json.dumps(page, separators=(",", ":")).encode()

    def pages(self, size: int = 200) -> Iterator[bytes]:
        """Yield the body of every page of the whole listing.

        Examples
        --------
        >>> from dxnotebook import demo
        >>> sum(1 for _ in demo.Account(450).pages())
        3
        """
        for start in range(0, max(len(self), 1), size):
            yield self.page(start, size)

    def revisions(self, data_set_id: str) -> list[Json]:
        """Return the revisions of a data set as ListDataSetRevisions gives them, newest first.

        Raises
        ------
        LookupError
            With the type and the id of a data set that the account does not have.

        Examples
        --------
        >>> from dxnotebook import demo
        >>> account = demo.Account()
        >>> newest = account.revisions(account.data_sets[0]["Id"])[0]
        >>> newest["CreatedAt"], newest["Finalized"]
        ('2026-09-30T00:00:00.000Z', False)
        """
        data_set = _index(self._names.data_set_ids, data_set_id, "DATA_SET")
        return revisions_of(self._names, data_set, self._flags, self._time)

    def token(self, offset: int, *listing: str | None, detours: int = 0) -> str:
        """Return the NextToken that leads to an offset of a listing, which its filters name.

        Examples
        --------
        >>> from dxnotebook import demo
        >>> account = demo.Account(10)
        >>> account.offset(account.token(5, None, None), None, None)
        (5, 0)
        """
        text = json.dumps([self.account_id, self.region, offset, detours, *listing])
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    def offset(self, token: str, *listing: str | None) -> tuple[int, int]:
        """Return what a token of this listing was made of, or raise ValueError.

        Examples
        --------
        >>> from dxnotebook import demo
        >>> account = demo.Account(10)
        >>> account.offset(account.token(5, "a", None, detours=1), "a", None)
        (5, 1)
        """
        match json.loads(base64.urlsafe_b64decode(token + "==")):
            case [self.account_id, self.region, int(offset), int(detours), *named]:
                if named == list(listing):
                    return offset, detours
        raise ValueError(f"Invalid token: {token!r}")

    def _rows(self, data_set_id: str | None, revision_id: str | None) -> Array | range:
        """Return the places in the plan of the jobs that name both, newest first."""
        if data_set_id is None and revision_id is None:
            return range(self._end - 1, self._first - 1, -1)
        plan = self._plan[self._first : self._end]
        data_set = planned.DATA_SET_OF[plan["feed"]]
        matches = np.ones(len(plan), bool)
        if data_set_id is not None:
            matches &= data_set == _index(self._names.data_set_ids, data_set_id, "DATA_SET")
        if revision_id is not None:
            number = _index(self._names.revision_ids, revision_id, "REVISION")
            owner, day = divmod(number, planned.REVISION_DAYS)
            age = planned.revision_days(plan) - day
            earlier = planned.EARLIER_OF[plan["feed"]]
            matches &= (data_set == owner) & (age >= 0) & (age <= earlier)
        return np.asarray(np.flatnonzero(matches)[::-1] + self._first)

    def _jobs(self, rows: Array) -> Iterator[Job]:
        plan = self._plan[rows]
        is_open = plan["ended"] > self._time
        begun = np.minimum(plan["created"] + rows % 3 * 7_000, self._time)
        updated = np.where(is_open, begun, plan["ended"])
        open_state = np.where(rows % 3 == 0, cat.WAITING, cat.IN_PROGRESS)
        # the service writes both forms
        zones = ["000+00:00" if row % 16 == 5 else "Z" for row in rows.tolist()]
        return map(
            Job,
            itertools.repeat(self._names),
            ids_of(rows, self._names.salt),
            stamps(plan["created"], zones),
            stamps(updated, zones),
            stamps(plan["created"] + cat.HOUR),
            stamps(plan["slot"]),
            np.where(is_open, open_state, plan["outcome"]).tolist(),
            plan["cause"].tolist(),
            plan["feed"].tolist(),
            planned.revision_days(plan).tolist(),
            scatter(plan["slot"] * 64 + plan["feed"], self._names.salt),
        )

    def _story(self) -> Story:
        malware, stuck = (
            ids_of(np.flatnonzero(rows), self._names.salt)
            for rows in (self._plan["cause"] == cat.MALWARE, self._plan["ended"] == planned.NEVER)
        )
        data_set = FEEDS[cat.BAD_FEED].data_set
        return Story(
            data_set_id=self._names.data_set_ids[data_set],
            data_set_name=DATA_SETS[data_set]["name"],
            bucket=self._names.buckets[cat.BAD_FEED],
            code=cat.CAUSES[cat.POLICY]["code"],
            bad_week=(_time(cat.BAD_FROM), _time(cat.BAD_TO)),
            failed=int((self._plan["cause"] == cat.POLICY).sum()),
            fixed_at=_time(cat.FIXED),
            malware_job_id=next(iter(malware), None),
            stuck_job_ids=tuple(stuck),
            quota_bursts=tuple((_time(b.start), FEEDS[b.feed].type) for b in cat.BURSTS),
            finalized_early=tuple(self._names.revision_ids[n] for n in self._flags.early),
            never_finalized=tuple(self._names.revision_ids[n] for n in self._flags.never),
        )


def _time(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _index(ids: list[str], wanted: str, resource: str) -> int:
    if wanted not in ids:
        raise LookupError(resource, wanted)
    return ids.index(wanted)


def _data_set(names: Names, number: int) -> Json:
    """Return a data set as ListDataSets gives it."""
    name, slug, jobs = DATA_SETS[number].values()
    data_set_id = names.data_set_ids[number]
    kinds = [cat.ASSET_TYPES[kind] for kind in jobs if kind in cat.ASSET_TYPES]
    data_set: Json = {
        "Arn": f"{names.arn}:data-sets/{data_set_id}",
        "AssetType": [*kinds, "S3_SNAPSHOT"][0],
        "CreatedAt": f"2025-06-{number + 1:02d}T09:30:00.000Z",
        "Description": f"{name}, published as {slug}",
        "Id": data_set_id,
        "Name": name,
        "Origin": "OWNED",
        "UpdatedAt": f"2026-06-{number + 1:02d}T09:30:00.000Z",
    }
    if set(jobs) <= cat.EXPORTS:
        details = {"ProductId": f"prod-{data_set_id[:13]}"}
        data_set |= {"Origin": "ENTITLED", "OriginDetails": details, "SourceId": data_set_id[::-1]}
    return data_set
