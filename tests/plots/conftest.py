"""What the tests of plots share: the demo account's tables, and what is drawn, as artists."""

from __future__ import annotations

import warnings

import matplotlib as mpl
import pytest
from matplotlib import pyplot as plt
from matplotlib.backends.backend_agg import FigureCanvasAgg

import dxnotebook as dx


@pytest.fixture(scope="package")
def tables():
    client = dx.demo.client()
    return dx.with_names(dx.load_jobs(client, progress=False), client)


@pytest.fixture(autouse=True)
def _leaves_no_trace():
    """Hold that no plot leaves a figure with pyplot or changes the style."""
    before = dict(mpl.rcParams)
    yield
    assert plt.get_fignums() == []
    assert dict(mpl.rcParams) == before


def texts_of(ax):
    return [text.get_text() for text in ax.texts]


def drawn(ax):
    """Draw a figure, and hold that nothing of it is cut off and that it drew without a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        FigureCanvasAgg(ax.figure).draw()
    box = ax.figure.get_tightbbox()
    width, height = ax.figure.get_size_inches()
    assert -0.05 <= box.x0 <= box.x1 <= width + 0.05
    assert -0.05 <= box.y0 <= box.y1 <= height + 0.05
    return ax
