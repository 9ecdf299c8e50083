"""Texts for people are short, and always are texts that can be shown."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dxnotebook import text


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0 s"), (59, "59 s"), (60, "1 min"), (5_400, "1.5 h"), (86_400, "1 d"), (8.64e6, "100 d")],
)
def test_duration_is_in_the_largest_unit_that_it_has_one_of(seconds, shown):
    assert text.duration(seconds) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0 min"),
        (59.9, "0 min"),
        (3_600, "1 h 0 min"),
        (86_399, "23 h 59 min"),
        (90_000, "1 d 1 h"),
    ],
)
def test_elapsed_is_in_whole_units(seconds, shown):
    assert text.elapsed(seconds) == shown


def test_percent_has_a_decimal_where_it_is_small():
    assert [text.percent(share) for share in (0, 0.0123, 0.1, 1)] == [
        "0.0 %",
        "1.2 %",
        "10 %",
        "100 %",
    ]


def test_counted_is_singular_for_one_only():
    assert [text.counted(number, "day") for number in (0, 1, 2)] == ["0 days", "1 day", "2 days"]


def test_enumerated_counts_what_it_leaves_out():
    names = [f"n{number}" for number in range(2_000)]
    assert text.enumerated(names[:2], 2) == "n0, n1"
    assert text.enumerated(names, 1) == "n0 and 1,999 more"
    assert text.enumerated([], 3) == ""


@given(st.text(), st.integers(4, 40))
@pytest.mark.property
def test_what_is_shortened_keeps_its_ends(long, most):
    assert text.shortened(long, most) in (long, long[:most] + "…")
    inside = text.shortened_inside(long, most)
    assert len(inside) <= max(len(long), most)
    assert inside == long or (len(inside) <= most and inside[: most // 2] == long[: most // 2])


@given(st.text(st.characters()))
@pytest.mark.property
def test_every_text_can_be_shown(odd):
    shown = text.visible(odd)
    shown.encode()
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]", shown)
    assert text.valid_utf8(odd) == odd or re.search(r"[\ud800-\udfff]", odd)


def test_title_is_the_name_in_words():
    assert [text.title(name) for name in ("job_id", "created_at", "duration_s")] == [
        "job id",
        "created",
        "duration",
    ]
