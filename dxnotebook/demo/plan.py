"""The plan of an account: all jobs of 90 days as arrays, one row a job."""

from __future__ import annotations

import numpy as np

from dxnotebook.demo import catalogue as cat
from dxnotebook.demo.catalogue import CAUSES, COMPLETED, ERROR, FEEDS, Array

#: Every data set has one revision a day.
REVISION_DAYS = 104
NEVER = 1 << 62

# to be indexed with arrays of feeds
DATA_SET_OF = np.array([feed.data_set for feed in FEEDS])
#: How many earlier revisions a feed's jobs export, too.
EARLIER_OF = np.array([n % 3 if feed.type == cat.REVISIONS else 0 for n, feed in enumerate(FEEDS)])
_TYPE_OF = np.array([feed.type for feed in FEEDS])
_MINUTES_OF = np.array([cat.MINUTES[feed.type] for feed in FEEDS])
IMPORTS = np.array([feed.type not in cat.EXPORTS for feed in FEEDS])
_CAUSES_OF = [
    [i for i, cause in enumerate(CAUSES) if feed.type in cause["types"]] for feed in FEEDS
]
FIRST_REVISION = cat.days_ago(100)

# of a uniform draw: ERROR, CANCELLED, TIMED_OUT; else COMPLETED
_OUTCOME_BELOW = (0.03, 0.034, 0.037)
# within the first a burst begins, within the second the last of its jobs ends
_BURST, _BURST_ENDS = 600_000, 1_900_000

# the slot is the scheduled time, which names the work: a re-run has its first run's slot
_PLAN = np.dtype("i8, i8, i8, u1, u1, i1")
_PLAN.names = ("created", "ended", "slot", "feed", "outcome", "cause")


def make_plan(jobs: int, seed: int) -> Array:
    """Return all jobs of the 90 days before NOW in strict order of creation, oldest first."""
    rng = np.random.default_rng(seed)
    first = np.concatenate([_scheduled(rng, jobs), *(_burst(rng, jobs, b) for b in cat.BURSTS)])
    again = _repeats(rng, first, jobs - len(first))
    at = rng.integers(cat.BEGIN + 1_000, cat.END - 1_000, jobs - len(first) - len(again))
    ad_hoc = _everyday(rng, at, cat.feed_number("news-headlines", cat.TO_URL), at)
    plan = np.concatenate([first, again, ad_hoc])
    for burst in cat.BURSTS:
        _make_way(plan, burst)
    plan = plan[plan["created"].argsort(kind="stable")]
    newest = jobs // 1_000  # have just begun
    begun = cat.END - 35_000 + np.arange(newest) * 30_000 // max(newest, 1)
    plan["created"][jobs - newest :] = begun
    number = np.arange(jobs)  # no two at the same time
    plan["created"] = np.maximum.accumulate(plan["created"] - number) + number
    plan["ended"] = np.maximum(plan["ended"], plan["created"])
    plan["ended"][jobs - newest :] = cat.END + rng.integers(20_000, 600_000, newest)
    if jobs >= 1_000:
        plan["ended"][np.searchsorted(plan["created"], cat.STUCK_TIMES)] = NEVER
    return plan


def _everyday(rng: np.random.Generator, slot: Array, feed: Array | int, created: Array) -> Array:
    """Return a plan of some jobs with everyday durations and failures."""
    plan = np.zeros(len(slot), _PLAN)
    plan["slot"], plan["feed"], plan["created"], plan["cause"] = slot, feed, created, -1
    plan["outcome"] = np.searchsorted(_OUTCOME_BELOW, rng.random(len(slot)), side="right")
    failed = np.flatnonzero(plan["outcome"] == ERROR)
    causes = [_CAUSES_OF[number] for number in plan["feed"][failed]]
    draws = zip(causes, rng.random(len(failed)), strict=True)
    plan["cause"][failed] = [possible[int(draw * len(possible))] for possible, draw in draws]
    minutes = _MINUTES_OF[plan["feed"]] * rng.lognormal(0, 0.6, len(slot))
    minutes[plan["outcome"] == cat.CANCELLED] *= 0.4
    minutes[plan["outcome"] == cat.TIMED_OUT] = 360
    plan["ended"] = created + (minutes * 60_000).astype(np.int64) + 400
    return plan


def _fail(plan: Array, where: Array | np.intp, cause: int) -> None:
    """Make some jobs of a plan fail within half a minute."""
    plan["outcome"][where], plan["cause"][where] = ERROR, cause
    plan["ended"][where] = plan["created"][where] + 20_000 + plan["slot"][where] % 9_973


def _scheduled(rng: np.random.Generator, jobs: int) -> Array:
    """Return every feed's own runs, evenly spaced, with the story and all causes planted."""
    counts = np.diff(np.cumsum([0, *(feed.jobs for feed in FEEDS)]) * jobs // 6_000)
    slots = []
    for number, count in enumerate(counts):
        step = (cat.END - cat.BEGIN) // max(count, 1)
        start = cat.BEGIN + number * 319 * 60_000 % step
        slots.append(start + np.arange(count) * step)
    slot, feed = np.concatenate(slots), np.repeat(np.arange(len(FEEDS)), counts)
    created = slot + rng.exponential(25_000, len(slot)).astype(np.int64)
    plan = _everyday(rng, slot, feed, np.minimum(created, cat.END - 1_000))
    _plant_every_cause(plan)
    scanned = np.flatnonzero(feed == cat.MALWARE_FEED)
    if len(scanned):
        nearest = np.abs(slot[scanned] - cat.MALWARE_TIME).argmin()
        _fail(plan, scanned[nearest], cat.MALWARE)
    bad_week = (feed == cat.BAD_FEED) & (slot >= cat.BAD_FROM) & (slot < cat.BAD_TO)
    _fail(plan, np.flatnonzero(bad_week & (rng.random(len(slot)) < 0.97)), cat.POLICY)
    return plan


def _plant_every_cause(plan: Array) -> None:
    """Make one job of the first type of every cause fail of it, if enough did not fail."""
    for number, cause in enumerate(CAUSES):
        feeds = [i for i, feed in enumerate(FEEDS) if feed.type in cause["types"][:1]]
        candidates = np.flatnonzero(np.isin(plan["feed"], feeds) & (plan["outcome"] == COMPLETED))
        if len(candidates) >= 10:
            _fail(plan, candidates[len(candidates) * (number + 1) // (len(CAUSES) + 1)], number)


def _make_way(plan: Array, burst: cat.Burst) -> None:
    """Put off what would run beside a burst, as the service would refuse it."""
    created, (start, feed, *_) = plan["created"], burst
    is_of_it = (plan["feed"] == feed) & (plan["slot"] < start) & (created < start + _BURST)
    beside = (_TYPE_OF[plan["feed"]] == FEEDS[feed].type) & ~is_of_it
    beside &= (created < start + _BURST_ENDS) & (plan["ended"] >= start)
    later = np.arange(beside.sum()) * _BURST + start + _BURST_ENDS - created[beside]
    plan["created"][beside] += later
    plan["ended"][beside] += later


def _burst(rng: np.random.Generator, jobs: int, burst: cat.Burst) -> Array:
    """Return a backfill: as many jobs as the quota allows run, the service refuses the others."""
    start, feed, share, quota = burst
    number = np.arange(share * jobs // 6_000)
    # of the 24 days before, however many jobs there are
    slot = start - (number % 96 + 1) * 6 * cat.HOUR
    plan = _everyday(rng, slot, feed, start + number * _BURST // max(len(number), 1))
    plan["outcome"], plan["cause"] = COMPLETED, -1
    plan["ended"] = start + 700_000 + rng.integers(0, 1_200_000, len(number))
    refused = plan[quota:]
    refused["outcome"], refused["cause"] = ERROR, cat.CONCURRENT
    refused["ended"] = refused["created"]
    return plan


def _repeats(rng: np.random.Generator, first: Array, most: int) -> Array:
    """Return the re-run of the bad week and the retries of most other failures, all successes."""
    denied = np.flatnonzero(first["cause"] == cat.POLICY)[:most]
    rerun = cat.FIXED + np.arange(len(denied)) * 3 * cat.HOUR // max(len(denied), 1)
    is_failed = np.isin(first["outcome"], (ERROR, cat.TIMED_OUT))
    other = np.flatnonzero(is_failed & (first["cause"] != cat.POLICY))
    pause = rng.exponential(2 * cat.HOUR, len(other)).astype(np.int64)
    retry = first["ended"][other] + 600_000 + pause
    is_retried = (rng.random(len(other)) < 0.7) & (retry < cat.END)
    retried = np.flatnonzero(is_retried)[: most - len(denied)]
    source = first[np.concatenate([denied, other[retried]])]
    plan = _everyday(rng, source["slot"], source["feed"], np.concatenate([rerun, retry[retried]]))
    failed = plan["outcome"] != COMPLETED
    plan["ended"][failed] = plan["created"][failed] + 150_000
    plan["outcome"], plan["cause"] = COMPLETED, -1
    return plan


def revision_days(plan: Array) -> Array:
    """Return the day of each job's newest revision.

    An import makes its own day's, an export reads its schedule's.
    """
    times = np.where(IMPORTS[plan["feed"]], plan["created"], plan["slot"])
    return np.asarray((times - FIRST_REVISION) // cat.DAY)
