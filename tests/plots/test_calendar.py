"""The failure rate of each day."""

from __future__ import annotations

import numpy as np
from matplotlib.collections import QuadMesh

import dxnotebook as dx
from tests.plots.conftest import drawn, texts_of
from tests.strategies import frame_of_jobs


def test_a_calendar_tells_days_without_jobs_from_days_without_failures():
    jobs = frame_of_jobs(
        [("A", "COMPLETED", 0, 1, "eu"), ("A", "ERROR", 3 * 1440, 1, "eu")]
    )  # a Friday and a Monday
    ax = drawn(dx.plot_calendar(jobs))
    (mesh,) = [artist for artist in ax.collections if isinstance(artist, QuadMesh)]
    rates = np.ma.filled(mesh.get_array().astype(float), np.nan).reshape(7, 2)
    assert rates[4, 0] == 0.0
    assert rates[0, 1] == 1.0
    assert np.isfinite(rates).sum() == 2
    assert sorted(patch.get_xy() for patch in ax.patches) == [(0, 5), (0, 6)]
    assert all(patch.get_hatch() for patch in ax.patches)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["no finished jobs"]
    assert sorted(texts_of(ax)) == ["0", "100"]
