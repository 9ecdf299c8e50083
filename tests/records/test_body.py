"""Bytes in and out."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dxnotebook import DxError
from dxnotebook.records.body import Body, as_utf8, encode, is_utf8, text_of


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_every_marked_encoding_becomes_utf8(pack, encoding):
    assert as_utf8(pack("é💥".encode(encoding))) == "é💥".encode()


@given(st.binary() | st.text().map(str.encode))
@pytest.mark.property
def test_utf8_is_what_python_decodes(content):
    try:
        content.decode()
    except UnicodeDecodeError:
        assert not is_utf8(content)
    else:
        assert is_utf8(content)


def test_the_text_of_a_body_or_the_line_of_what_is_none():
    assert text_of(Body("é".encode(), "x")) == "é"
    with pytest.raises(DxError, match=r"line 12: a byte \(0xff\) that is not UTF-8"):
        text_of(Body(b"a\n\xff", "x", line=10))


def test_jobs_are_encoded_a_line_each():
    values = [{"CreatedAt": datetime(2026, 9, 1, tzinfo=UTC)}, {"Jobs": [1, "é\n"]}]
    lines = encode(values).split(b"\n")
    assert [json.loads(line) for line in lines] == [
        {"CreatedAt": "2026-09-01T00:00:00+00:00"},
        {"Jobs": [1, "é\n"]},
    ]


def test_what_boto3_never_gives_is_not_encoded():
    endless = []
    endless.append(endless)
    with pytest.raises(DxError, match="nested too deeply, or in itself"):
        encode([endless])
    with pytest.raises(DxError, match="found a set among the values of a job"):
        encode([{"a": {1}}])
