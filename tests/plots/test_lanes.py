"""Where jobs lie in a timeline."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dxnotebook.plots import lanes


@pytest.mark.property
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 9)), max_size=40))
def test_lanes_are_as_few_as_can_be_and_no_two_bars_overlap(spans):
    left = np.array([start for start, _ in spans], np.int64)
    right = left + np.array([length for _, length in spans], np.int64)
    lane = lanes.lanes(left, right, 100)
    for i in range(len(left)):
        for j in range(i):
            assert lane[i] != lane[j] or left[i] >= right[j] or left[j] >= right[i]
    most = max((sum((left <= moment) & (moment < right)) for moment in left), default=0)
    assert len(set(lane.tolist())) == most


def test_bars_that_find_no_lane_share_all():
    left, right = np.arange(6), np.full(6, 10)
    assert lanes.lanes(left, right, 2).tolist() == [0, 1, 0, 1, 0, 1]
    assert lanes.lanes(np.append(left, 10), np.append(right, 12), 2).tolist()[-1] == 0
