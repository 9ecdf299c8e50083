"""Where jobs lie in a timeline: from which to which bin of the time, and in which lane of their band."""

from __future__ import annotations

import numpy as np
import pandas as pd

from dxnotebook.arrays import Array
from dxnotebook.metrics.engines import pandas_frame
from dxnotebook.model import OPEN_STATES
from dxnotebook.tables.jobtables import dated, observed_at
from dxnotebook.times import moment

#: How many bins there are in the time that is looked at; a bar is at least one wide.
BINS = 500


def bars(
    jobs: pd.DataFrame, by: str, since: str | pd.Timestamp | None, until: str | pd.Timestamp | None
) -> tuple[pd.DataFrame, tuple[pd.Timestamp, pd.Timestamp]]:
    """Return the ``group`` and ``state`` of the jobs within a time, the bins from which to which they lay, and the time."""
    jobs = dated(pandas_frame(jobs, ["state", "created_at", "updated_at", by]))
    ended = jobs["updated_at"].mask(jobs["state"].isin(OPEN_STATES), observed_at(jobs))
    begun = jobs["created_at"]
    found = pd.DataFrame(
        {"group": jobs[by], "state": jobs["state"].astype("str").fillna("no state"), "begun": begun}
    )
    found["ended"] = np.maximum(ended.fillna(begun), begun)
    first: pd.Timestamp = found["begun"].min() if since is None else moment("since", since)
    last: pd.Timestamp = found["ended"].max() if until is None else moment("until", until)
    if not len(jobs):
        return found.assign(left=0, right=0), (first, last)
    last = max(last, first + pd.Timedelta(minutes=1))
    found = found[(found["begun"] < last) & (found["ended"] >= first)]
    begins, ends = (
        ((found[name] - first) / (last - first) * BINS).to_numpy() for name in ("begun", "ended")
    )
    left = np.clip(np.floor(begins), 0, BINS - 1).astype(np.int64)
    right = np.clip(np.ceil(ends), left + 1, BINS).astype(np.int64)
    return found.assign(left=left, right=right), (first, last)


def with_lanes(bars: pd.DataFrame, most: int) -> tuple[pd.DataFrame, Array]:
    """Return bars with their ``lane`` in their ``band``, of at most so many, and how many lanes each band has."""
    lane = np.zeros(len(bars), np.int64)
    for rows in bars.groupby("band").indices.values():
        lane[rows] = lanes(bars["left"].to_numpy()[rows], bars["right"].to_numpy()[rows], most)
    bars = bars.assign(lane=lane)
    return bars, (bars.groupby("band")["lane"].max() + 1).to_numpy()


def lanes(left: Array, right: Array, most: int) -> Array:
    """Return a lane for each bar, the first that is free when it begins; those that find none share all lanes."""
    lane_of = np.arange(len(left)) % most
    rest = np.argsort(left, kind="stable")
    for lane in range(most):
        if not len(rest):
            break
        # which bar of the rest comes after which in a lane: the next that begins when it has ended
        following = np.searchsorted(left[rest], right[rest])
        chosen = _chain(following)
        lane_of[rest[chosen]] = lane
        rest = np.delete(rest, chosen)
    return lane_of


def _chain(following: Array) -> Array:
    """Return the places that one gets to from the first, in steps that double at each turn."""
    end = len(following)
    jump = np.append(following, end)
    reached = np.zeros(1, np.int64)
    while (further := jump[reached])[0] < end:
        reached = np.concatenate([reached, further[further < end]])
        jump = jump[jump]
    return reached
