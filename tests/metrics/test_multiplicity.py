"""Adjusted p-values against statsmodels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from dxnotebook.metrics.multiplicity import benjamini_hochberg


@pytest.mark.property
@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_adjusted_p_values_are_those_of_statsmodels(p_values):
    _, expected, _, _ = multipletests(p_values, method="fdr_bh")
    assert benjamini_hochberg(np.array(p_values)) == pytest.approx(expected, abs=1e-12)


def test_what_is_no_test_is_not_counted():
    some = np.array([0.01, np.nan, 0.04])
    assert benjamini_hochberg(some)[[0, 2]].tolist() == [0.02, 0.04]
    assert np.isnan(benjamini_hochberg(some)[1])
    assert benjamini_hochberg(np.array([])).shape == (0,)
