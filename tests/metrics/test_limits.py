"""Limits and shifts against scipy's distributions and naive loops."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from dxnotebook.metrics import limits

TAILS = [limits.THREE_SIGMAS, 1 - limits.THREE_SIGMAS]


@pytest.mark.property
@given(
    st.lists(
        st.tuples(st.integers(0, 3000), st.just(0) | st.floats(1e-9, 1), st.floats(0, 0.99)),
        min_size=1,
        max_size=8,
    )
)
def test_quantiles_are_scipys(rows):
    n, rate, shared = np.array(rows, float).T
    dispersion = 1 + shared**3 * np.maximum(n - 1, 0)
    found = np.array(limits.quantiles(n, rate, dispersion, TAILS)).T
    for row, jobs, p, spread in zip(found, n, rate, dispersion, strict=True):
        if not jobs:
            assert np.isnan(row).all()
            continue
        rho = np.clip((spread - 1) / max(jobs - 1, 1), 0, 1 - 1e-9)
        numbers = np.arange(jobs + 1)
        if rho < 1e-9 or p in (0, 1):
            chances = stats.binom.pmf(numbers, jobs, min(p, 1 - 1e-12))
        else:
            size = (1 - rho) / rho
            chances = stats.betabinom.pmf(numbers, jobs, p * size, (1 - p) * size)
        sums = np.cumsum(chances)
        for quantile, tail in zip(row, TAILS, strict=True):
            assert sums[int(quantile)] >= tail - 1e-7
            assert quantile == 0 or sums[int(quantile) - 1] < tail + 1e-7


def spans_by_hand(scores, threshold=6.0, loss=1.0):
    """Return the shifts that a CUSUM finds, as one would keep it with pencil and paper."""
    found, total, zero, begin, highest, last = [], 0.0, 0, None, 0.0, 0
    for at, score in enumerate(scores, 1):
        total += score
        if begin is None:
            if total <= 0:
                total, zero = 0.0, at
            elif total > threshold:
                begin, highest, last = zero, total, at
        elif total >= highest:
            highest, last = total, at
        elif total >= highest - loss:
            last = at
        elif total < highest - threshold:
            found.append((begin, last))
            begin, total, zero = None, 0.0, at
    return found + ([(begin, last)] if begin is not None else [])


@pytest.mark.property
@given(st.lists(st.integers(-8, 8).map(lambda number: number / 2), max_size=80))
def test_shifts_are_those_of_a_cusum_by_hand(scores):
    walk = np.cumsum([0, *scores]).tolist()
    assert list(limits.spans(walk)) == spans_by_hand(scores)


@pytest.mark.property
@given(st.integers(0, 50), st.integers(1, 50), st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_the_log_ratio_is_that_of_the_binomial_distribution(failed, more, rate, other):
    n = failed + more
    expected = stats.binom.logpmf(failed, n, other) - stats.binom.logpmf(failed, n, rate)
    found = limits.log_ratio(np.array(failed), np.array(n), np.array(rate), np.array(other))
    assert found == pytest.approx(expected, abs=1e-6)


def usual_of(failed, n):
    season = np.full(np.shape(n), limits.NO_SEASON)
    return limits.usual(np.array(failed, float), np.array(n, float), season)


def test_the_dispersion_is_that_of_the_batches():
    random = np.random.default_rng(0)
    batches = random.binomial(6, 0.3, (40, 300))
    rate, dispersion = usual_of(10 * batches, np.full((40, 300), 60))
    assert rate.mean() == pytest.approx(0.3, rel=0.02)
    assert dispersion.mean() == pytest.approx(10, rel=0.05)
    _, dispersion = usual_of(random.binomial(60, 0.3, (40, 300)), np.full((40, 300), 60))
    assert (dispersion >= 1).all()
    assert dispersion.mean() < 1.06


@pytest.mark.parametrize("bad", [slice(60, 90), slice(0, 30), slice(30, 50)])
def test_a_stretch_that_is_higher_has_no_part_in_what_is_usual(bad):
    failed = np.tile([2, 4], 45)
    failed[bad] += 4
    rate, dispersion = usual_of([failed], np.full((1, 90), 60))
    assert rate[0] == pytest.approx(np.full(90, 0.05), rel=0.03)
    assert dispersion.tolist() == [1]


def test_what_was_so_most_of_the_time_is_usual():
    failed = np.full(90, 6)
    failed[80:] = 0
    rate, _ = usual_of([failed], np.full((1, 90), 60))
    assert rate[0, 0] == pytest.approx(480 / 5400)
