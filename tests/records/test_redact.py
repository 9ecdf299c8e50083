"""What is secret goes, all else stays; texts alone and in arrays are treated the same."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dxnotebook.model import TEXT
from dxnotebook.records.redact import REDACTED, redact_array, redact_text, redact_value

PIECES = [
    "https://b/k",
    "?",
    "#",
    "%3F",
    "&",
    "=",
    "X-Amz-Signature",
    "sig",
    "token",
    "ab12",
    " ",
    "\n",
]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)
NAMES = st.sampled_from(["Message", "SignedUrl", "ApiKey"])


@given(st.lists(st.none() | TEXTS, max_size=5), NAMES)
@pytest.mark.property
def test_an_array_is_redacted_like_each_of_its_texts(texts, name):
    redacted = redact_array(name, pa.array(texts, TEXT))
    assert redacted.type == TEXT
    expected = [None if text is None else redact_text(text, name) for text in texts]
    assert redacted.to_pylist() == expected


@given(TEXTS, NAMES)
@pytest.mark.property
def test_what_is_redacted_once_stays_as_it_is(text, name):
    once = redact_text(text, name)
    assert redact_text(once, name) == once


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://b/k", "https://b/k"),
        ("https://b/k?a=1", "https://b/k?REDACTED"),
        ("https://b/k#a", "https://b/k#REDACTED"),
        ("https://b/k%3Fa?b", "https://b/k%3FREDACTED"),
        ("?", "?REDACTED"),
    ],
)
def test_a_url_loses_its_query(url, expected):
    assert redact_text(url, "SignedUrl") == expected
    assert redact_array("SignedUrl", pa.array([None, url], TEXT)).to_pylist() == [None, expected]


def test_all_below_a_secret_member_is_secret():
    value = {"ApiKey": [1, {"a": "x"}, None], "ApiKey:1": "y", "SignedUrl": {"a": ["u?q"]}, "n": 1}
    assert redact_value(value) == {
        "ApiKey": [REDACTED, {"a": REDACTED}, None],
        "ApiKey:1": REDACTED,
        "SignedUrl": {"a": ["u?REDACTED"]},
        "n": 1,
    }


def test_what_is_empty_takes_no_memory_of_its_own():
    nothing, none = {}, []
    copied = redact_value([nothing, none, {"a": nothing}])
    assert copied[0] is nothing
    assert copied[1] is none
    assert copied[2]["a"] is nothing
