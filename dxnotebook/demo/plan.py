"""The plan of an account: all jobs of 90 days as arrays, one row a job."""

from __future__ import annotations

import numpy as np

from dxnotebook.demo.catalogue import (
    BAD_FEED,
    BAD_FROM,
    BAD_TO,
    BEGIN,
    BURST,
    BURST_ENDS,
    BURSTS,
    CANCELLED,
    CAUSES,
    CAUSES_OF,
    COMPLETED,
    CONCURRENT,
    DAY,
    EARLIER,
    END,
    ERROR,
    EXPORTS,
    FEEDS,
    FIRST_REVISION,
    FIXED,
    HOUR,
    MALWARE,
    MALWARE_FEED,
    MALWARE_TIME,
    MINUTES,
    NEVER,
    OUTCOME_BELOW,
    POLICY,
    STUCK_TIMES,
    TIMED_OUT,
    TO_URL,
    Array,
    feed_number,
)

# To be indexed with arrays of feeds.
DATA_SET_OF = np.array([feed.data_set for feed in FEEDS])
_TYPE_OF = np.array([feed.type for feed in FEEDS])
_MINUTES_OF = np.array([MINUTES[feed.type] for feed in FEEDS])
_IMPORTS = np.array([feed.type not in EXPORTS for feed in FEEDS])
EARLIER_OF = np.array(EARLIER)

# The plan: one row a job. The slot is the scheduled time, which names the work: a re-run has its
# first run's slot.

_PLAN = np.dtype(
    [
        ("created", "i8"),
        ("ended", "i8"),
        ("slot", "i8"),
        ("feed", "u1"),
        ("outcome", "u1"),
        ("cause", "i1"),
    ]
)


def make_plan(jobs: int, seed: int) -> Array:
    """Return all jobs of the 90 days before NOW in strict order of creation, oldest first."""
    rng = np.random.default_rng(seed)
    first = np.concatenate([_scheduled(rng, jobs), *(_burst(rng, jobs, burst) for burst in BURSTS)])
    again = _repeats(rng, first, jobs - len(first))
    at = rng.integers(BEGIN + 1_000, END - 1_000, jobs - len(first) - len(again))
    ad_hoc = _everyday(rng, at, feed_number("news-headlines", TO_URL), at)
    plan = np.concatenate([first, again, ad_hoc])
    for start, feed, *_ in BURSTS:
        _make_way(plan, start, feed)
    plan = plan[plan["created"].argsort(kind="stable")]
    newest = jobs // 1_000  # have just begun
    plan["created"][jobs - newest :] = END - 35_000 + np.arange(newest) * 30_000 // max(newest, 1)
    number = np.arange(jobs)
    plan["created"] = (
        np.maximum.accumulate(plan["created"] - number) + number
    )  # no two at the same time
    plan["ended"] = np.maximum(plan["ended"], plan["created"])
    plan["ended"][jobs - newest :] = END + rng.integers(20_000, 600_000, newest)
    if jobs >= 1_000:
        plan["ended"][np.searchsorted(plan["created"], STUCK_TIMES)] = NEVER
    return plan


def _everyday(rng: np.random.Generator, slot: Array, feed: Array | int, created: Array) -> Array:
    """Return a plan of some jobs with everyday durations and failures."""
    plan = np.zeros(len(slot), _PLAN)
    plan["slot"] = slot
    plan["feed"] = feed
    plan["created"] = created
    plan["outcome"] = np.searchsorted(OUTCOME_BELOW, rng.random(len(slot)), side="right")
    plan["cause"] = -1
    failed = np.flatnonzero(plan["outcome"] == ERROR)
    causes = [CAUSES_OF[number] for number in plan["feed"][failed]]
    draws = rng.random(len(failed))
    plan["cause"][failed] = [
        some[int(draw * len(some))] for some, draw in zip(causes, draws, strict=True)
    ]
    minutes = _MINUTES_OF[plan["feed"]] * rng.lognormal(0, 0.6, len(slot))
    minutes[plan["outcome"] == CANCELLED] *= 0.4
    minutes[plan["outcome"] == TIMED_OUT] = 360
    plan["ended"] = created + (minutes * 60_000).astype(np.int64) + 400
    return plan


def _fail(plan: Array, where: Array | np.intp, cause: int) -> None:
    """Make some jobs of a plan fail within half a minute."""
    plan["outcome"][where] = ERROR
    plan["cause"][where] = cause
    plan["ended"][where] = plan["created"][where] + 20_000 + plan["slot"][where] % 9_973


def _scheduled(rng: np.random.Generator, jobs: int) -> Array:
    """Return every feed's own runs, evenly spaced, with the malware, the bad week and all other causes planted."""
    counts = np.diff(np.cumsum([0, *(feed.jobs for feed in FEEDS)]) * jobs // 6_000)
    slots = []
    for number, count in enumerate(counts):
        step = (END - BEGIN) // max(count, 1)
        start = BEGIN + number * 319 * 60_000 % step
        slots.append(start + np.arange(count) * step)
    slot = np.concatenate(slots)
    feed = np.repeat(np.arange(len(FEEDS)), counts)
    created = slot + rng.exponential(25_000, len(slot)).astype(np.int64)
    plan = _everyday(rng, slot, feed, np.minimum(created, END - 1_000))
    _plant_every_cause(plan)
    traffic = np.flatnonzero(feed == MALWARE_FEED)
    if len(traffic):
        _fail(plan, traffic[np.abs(slot[traffic] - MALWARE_TIME).argmin()], MALWARE)
    bad_week = (feed == BAD_FEED) & (slot >= BAD_FROM) & (slot < BAD_TO)
    _fail(plan, np.flatnonzero(bad_week & (rng.random(len(slot)) < 0.97)), POLICY)
    return plan


def _plant_every_cause(plan: Array) -> None:
    """Make one job of the first type of every cause fail of it, if there are enough that did not fail."""
    for number, cause in enumerate(CAUSES):
        feeds = [i for i, feed in enumerate(FEEDS) if feed.type in cause.types[:1]]
        candidates = np.flatnonzero(np.isin(plan["feed"], feeds) & (plan["outcome"] == COMPLETED))
        if len(candidates) >= 10:
            _fail(plan, candidates[len(candidates) * (number + 1) // (len(CAUSES) + 1)], number)


def _make_way(plan: Array, start: int, feed: int) -> None:
    """Put off what would run beside a burst, as the service would refuse it."""
    burst = (plan["feed"] == feed) & (plan["slot"] < start) & (plan["created"] < start + BURST)
    same_type = _TYPE_OF[plan["feed"]] == FEEDS[feed].type
    beside = same_type & ~burst & (plan["created"] < start + BURST_ENDS) & (plan["ended"] >= start)
    later = np.arange(beside.sum()) * BURST + start + BURST_ENDS - plan["created"][beside]
    plan["created"][beside] += later
    plan["ended"][beside] += later


def _burst(rng: np.random.Generator, jobs: int, burst: tuple[int, int, int, int]) -> Array:
    """Return a backfill started all at once: as many jobs as the quota allows run, the service refuses the others."""
    start, feed, share, quota = burst
    number = np.arange(share * jobs // 6_000)
    slot = (
        start - (number % 96 + 1) * 6 * HOUR
    )  # of the 24 days before, however many jobs there are
    plan = _everyday(rng, slot, feed, start + number * BURST // max(len(number), 1))
    plan["outcome"] = COMPLETED
    plan["cause"] = -1
    plan["ended"] = start + 700_000 + rng.integers(0, 1_200_000, len(number))
    refused = plan[quota:]
    refused["outcome"] = ERROR
    refused["cause"] = CONCURRENT
    refused["ended"] = refused["created"]
    return plan


def _repeats(rng: np.random.Generator, first: Array, most: int) -> Array:
    """Return the re-run of the bad week and the retries of most other failures, all of them successes."""
    denied = np.flatnonzero(first["cause"] == POLICY)[:most]
    rerun = FIXED + np.arange(len(denied)) * 3 * HOUR // max(len(denied), 1)
    other = np.flatnonzero(
        np.isin(first["outcome"], (ERROR, TIMED_OUT)) & (first["cause"] != POLICY)
    )
    retry = first["ended"][other] + 600_000 + rng.exponential(2 * HOUR, len(other)).astype(np.int64)
    retried = np.flatnonzero((rng.random(len(other)) < 0.7) & (retry < END))[: most - len(denied)]
    source = first[np.concatenate([denied, other[retried]])]
    plan = _everyday(rng, source["slot"], source["feed"], np.concatenate([rerun, retry[retried]]))
    failed = plan["outcome"] != COMPLETED
    plan["ended"][failed] = plan["created"][failed] + 150_000
    plan["outcome"] = COMPLETED
    plan["cause"] = -1
    return plan


def revision_days(plan: Array) -> Array:
    """Return the days of the jobs' newest revisions: an import makes its own day's, an export reads its schedule's."""
    times = np.where(_IMPORTS[plan["feed"]], plan["created"], plan["slot"])
    return np.asarray((times - FIRST_REVISION) // DAY)
