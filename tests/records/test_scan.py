"""Jobs are found in any mixture of documents; what is none is named with its place."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dxnotebook import DxError
from dxnotebook.records.scan import Digits, Scan, kind_of

MEMBERS = frozenset({"Arn", "Id"})
A, B = {"Arn": "a"}, {"Arn": "b", "Id": "1"}


def scanned(text, line=0):
    scan = Scan(text, MEMBERS, line)
    return scan, list(scan)


@pytest.mark.parametrize("separator", ["", " ", "\n", "\r\n\t"])
@pytest.mark.parametrize("indent", [None, 2])
def test_documents_are_numbered_whatever_they_are(separator, indent):
    documents = [{"Jobs": [A, B], "NextToken": "t"}, A, [B, None, {"Jobs": [A]}], {"Jobs": []}]
    text = separator.join(json.dumps(document, indent=indent) for document in documents)
    scan, found = scanned(text)
    assert found == [(0, 0, A), (0, 1, B), (1, 0, A), (2, 0, B), (3, 0, None), (4, 0, A)]
    assert (scan.pages, scan.offset, scan.tokens) == (6, len(text), ["t"])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


@given(st.lists(JSON, max_size=4), st.sampled_from([None, 1]))
@pytest.mark.property
def test_jobs_of_a_page_are_what_json_reads(jobs, indent):
    text = json.dumps({"Jobs": jobs}, indent=indent)
    if any(
        isinstance(one, dict) and "Arn" not in one and "arn" in map(str.lower, one) for one in jobs
    ):
        return
    assert [job for _, _, job in scanned(text)[1]] == jobs


@given(st.data())
@pytest.mark.property
def test_a_text_that_breaks_off_says_so_after_the_jobs_before(data):
    text = json.dumps({"Jobs": [A, B]})
    cut = data.draw(st.integers(1, len(text) - 1))
    scan, found = Scan(text[:cut], MEMBERS), []
    with pytest.raises(DxError, match=r"line 1, column [0-9]+: the text ends in the middle"):
        found.extend(job for _, _, job in scan)
    assert found == [A, B][: len(found)]
    assert len(found) >= text[:cut].count('"},') - 1


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('{"Jobs": [{} {}]}', "line 8, column 14: expected ',' or ']'"),
        ('{"Jobs": [{},]}', "line 8, column 14: expected more after ',', found ']'"),
        ('{"Arn": "a",}', "line 8, column 13: expected more after ',', found '}'"),
        ("{Arn}", "line 8, column 2: expected a key in quotes"),
        ('{"Arn" 5}', "line 8, column 8: expected ':' after a key"),
        ('\n [5, {"Arn": "a"}]', "line 9, column 3: found a number where a page or a job"),
        ('{"Jobs": 5}', "line 8, column 1: 'Jobs' is a number, not a list"),
        ('{"New": 5}', "neither a page with 'Jobs' nor a job with 'Arn' and 'Id'"),
        ('{"jobs": []}', "found 'jobs' where the API writes 'Jobs'"),
        ('{"Jobs": [{"ARN": "a"}]}', "column 11: found 'ARN' where the API writes 'Arn'"),
        ('{"Jobs": [' + "[" * 101 + "]" * 101 + "]}", "nested too deeply"),
    ],
)
def test_what_is_no_listing_is_named_with_its_place(text, what):
    with pytest.raises(DxError) as caught:
        scanned(text, line=7)
    assert what in str(caught.value)


def test_of_a_key_that_comes_again_both_values_are_kept():
    scan, [(_, _, job)] = scanned('{"Arn": 1, "Arn": 2, "Arn": 2, "Arn": 3}')
    assert job == {"Arn": 3, "Arn:1": 1, "Arn:2": 2}
    assert scan.repeated == {"Arn"}


def test_members_of_a_page_that_nobody_knows_are_named():
    scan, _ = scanned('{"Jobs": [], "ResponseMetadata": {}, "Other": 1, "NextToken": 5}')
    assert scan.strangers == {"Other"}
    assert scan.tokens == [5]


def test_numbers_that_python_has_not_stay_their_digits():
    _, found = scanned('{"Jobs": [NaN, 1e999, -Infinity, %s, 1e5, 7]}' % ("9" * 1_001))
    numbers = [job for _, _, job in found]
    assert [type(number) for number in numbers] == [*[Digits] * 4, float, int]
    assert numbers[:3] == ["NaN", "1e999", "-Infinity"]
    assert {kind_of(number) for number in numbers} == {"a number"}


def test_kinds_are_named_in_the_words_of_json():
    values = [None, True, 5, 1.5, "x", [], {}]
    assert [kind_of(value) for value in values] == [
        *("null", "a boolean", "a number", "a number", "a string", "a list", "an object")
    ]
