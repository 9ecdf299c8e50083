"""What messages name, masked."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dxnotebook.metrics.masks import VALUES, named, replaced
from dxnotebook.model import TEXT


def masked(text, *names):
    errors = np.zeros(len(names), np.int64)
    return named(pa.array([text], TEXT), errors, pd.Series(names, dtype="str"), "<key>")[0].as_py()


@pytest.mark.parametrize(
    ("text", "names", "expected"),
    [
        ("a file, my file", ["file", "my file"], "a <key>, <key>"),
        ("my files", ["file", "my file"], "my files"),
        ("data/x data/y", ["data/x", "data/", "data"], "<key> <key>y"),
        ("<uuid> uuid", ["uuid"], "<uuid> <key>"),
        ("größe groß", ["groß"], "größe <key>"),
        ("[x] (y).csv!", ["(y).csv", "[x]"], "[x] <key>!"),
        ("nothing", [], "nothing"),
    ],
)
def test_the_longest_name_that_is_no_part_of_a_word_is_masked(text, names, expected):
    assert masked(text, *names) == expected
    more = [f"none {number}" for number in range(100)]  # which is done in another way
    assert masked(text, *names, *more) == expected


def test_many_names_take_time_linear_in_them():
    names = [f"my file {number} of {number}.csv" for number in range(20_000)]
    assert masked("; ".join(names), *names) == "; ".join(["<key>"] * len(names))
    assert masked("; ".join(names[::2]), *names[1::2]) == "; ".join(names[::2])


@pytest.mark.property
@given(
    st.text("ab -.", max_size=40), st.lists(st.text("ab -.", min_size=4, max_size=8), max_size=4)
)
def test_many_names_are_masked_as_few_are(text, names):
    more = [f"none {number}" for number in range(100)]
    assert masked(text, *names) == masked(text, *names, *more)


def test_patterns_are_replaced_in_turn():
    texts = pa.array(["12 of 12", None, "12 of 12", "status 12"], TEXT)
    assert replaced(texts, VALUES).to_pylist() == ["<n> of <n>", None, "<n> of <n>", "status <n>"]
