"""Each helper against the loop that it stands for."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dxnotebook import arrays
from dxnotebook.model import TEXT

IDS = st.lists(st.sampled_from(["a", "b", "c", ""]), max_size=8)


def series(ids):
    return pd.Series(ids, dtype="str")


@pytest.mark.parametrize("chunks", [[], [["a"]], [["a"], [], ["b", None]]])
def test_one_chunk_has_the_values_of_all(chunks):
    column = arrays.one_chunk(pa.chunked_array(chunks, TEXT))
    assert isinstance(column, pa.Array)
    assert column.to_pylist() == [value for chunk in chunks for value in chunk]
    assert arrays.one_chunk(column) is column


def test_texts_are_known_however_they_are_kept():
    texts = [pa.string(), pa.large_string(), pa.string_view()]
    assert all(map(arrays.is_text, texts))
    assert not any(map(arrays.is_text, [pa.binary(), pa.null(), pa.int64(), pa.list_(TEXT)]))
    assert arrays.text_array(series(["a", None])).type == TEXT


def test_null_is_false_in_a_mask():
    mask = arrays.mask_of(pa.chunked_array([[True, None], [False]], pa.bool_()))
    assert mask.dtype == bool
    assert mask.tolist() == [True, False, False]


@given(st.lists(st.none() | st.sampled_from(["a", "b", "c"]), max_size=8))
@pytest.mark.property
def test_codes_are_places_among_the_different_texts(texts):
    codes, different = arrays.coded(pa.array(texts, TEXT))
    assert len(set(different.to_pylist())) == len(different)
    assert [None if code < 0 else different[code].as_py() for code in codes.tolist()] == texts


@given(IDS, IDS)
@pytest.mark.property
def test_located_is_where_an_id_first_is(ids, wanted):
    places = arrays.located(series(ids), series(wanted))
    assert places.dtype == np.int64
    assert places.tolist() == [wanted.index(one) if one in wanted else -1 for one in ids]


@given(st.lists(st.none() | st.lists(st.integers(0, 9), max_size=3), max_size=6))
@pytest.mark.property
def test_positions_number_the_elements_of_each_list(lists):
    lengths = arrays.list_lengths(pa.array(lists, pa.list_(pa.int64())))
    assert lengths.tolist() == [len(each or []) for each in lists]
    assert arrays.positions(lengths).tolist() == [
        i for each in lists for i in range(len(each or []))
    ]


def test_hashes_tell_rows_and_their_order_apart():
    frame = pd.DataFrame({"a": [1, 1, 2], "b": ["x", "x", "y"]})
    hashes = arrays.hashed(frame)
    assert hashes.dtype == np.uint64
    assert hashes[0] == hashes[1] != hashes[2]
    both = arrays.mixed(hashes, hashes[::-1])
    assert both[0] != both[2]


def test_patterns_are_substituted_one_after_the_other_and_chunks_and_nulls_stay():
    texts = pa.chunked_array([["ab", None], [], ["x"]], pa.large_string())
    found = arrays.substituted(texts, {"a": "b", "b+": "<\\0>", "nothing": "y"})
    assert found.to_pylist() == ["<bb>", None, "x"]
    assert found.type == texts.type
    assert arrays.substituted(texts, {}) is texts
