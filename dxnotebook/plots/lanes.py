"""Where jobs lie in a timeline: from which to which bin, and in which lane of their band."""

from __future__ import annotations

import numpy as np
import pandas as pd

from dxnotebook.arrays import Array, Integers
from dxnotebook.metrics.engines import pandas_frame
from dxnotebook.model import OPEN_STATES
from dxnotebook.tables.jobtables import dated, observed_at, window_of
from dxnotebook.times import At

#: How many bins there are in the time that is looked at; a bar is at least one wide.
BINS = 500


def bars(
    jobs: pd.DataFrame, by: str, since: At, until: At
) -> tuple[pd.DataFrame, tuple[pd.Timestamp, pd.Timestamp]]:
    """Return the jobs within a time as bars, and the time.

    A bar has the ``group`` and ``state`` of its job, and lies from the bin ``left`` to ``right``.
    """
    jobs = dated(pandas_frame(jobs, ["state", "created_at", "updated_at", by]))
    begun = jobs["created_at"]
    ended = jobs["updated_at"].mask(jobs["state"].isin(OPEN_STATES), observed_at(jobs))
    ended = ended.fillna(begun).clip(lower=begun)
    state = jobs["state"].astype("str").fillna("no state")
    result = pd.DataFrame({"group": jobs[by], "state": state, "begun": begun, "ended": ended})
    window = window_of(jobs, since, until)
    first: pd.Timestamp = window.start or begun.min()
    last: pd.Timestamp = window.end or ended.max()
    if not len(jobs):
        return result.assign(left=0, right=0), (first, last)
    last = max(last, first + pd.Timedelta(minutes=1))
    result = result[(result["begun"] < last) & (result["ended"] >= first)]
    bins = ((result[name] - first) / (last - first) * BINS for name in ("begun", "ended"))
    begins, ends = (times.to_numpy() for times in bins)
    left = np.clip(np.floor(begins), 0, BINS - 1).astype(np.int64)
    right = np.clip(np.ceil(ends), left + 1, BINS).astype(np.int64)
    return result.assign(left=left, right=right), (first, last)


def with_lanes(bars: pd.DataFrame, most: int) -> tuple[pd.DataFrame, Array]:
    """Return bars with the ``lane`` of each in its ``band``, and how many lanes each band has."""
    left, right = bars["left"].to_numpy(), bars["right"].to_numpy()
    lane = np.zeros_like(left)
    for rows in bars.groupby("band").indices.values():
        lane[rows] = lanes(left[rows], right[rows], most)
    bars = bars.assign(lane=lane)
    return bars, (bars.groupby("band")["lane"].max() + 1).to_numpy()


def lanes(left: Integers, right: Integers, most: int) -> Integers:
    """Return a lane for each bar, the first that is free; bars that find none share all lanes."""
    lane_of = np.arange(len(left)) % most
    free_from = [0] * most
    for bar in np.argsort(left, kind="stable"):
        lane = next((n for n, free in enumerate(free_from) if free <= left[bar]), None)
        if lane is not None:
            lane_of[bar], free_from[lane] = lane, right[bar]
    return lane_of
