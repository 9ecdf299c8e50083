"""The one form of filters."""

from __future__ import annotations

import pytest
from hypothesis import given

from dxnotebook import DxError
from dxnotebook.explorer.filters import NAMES, normalized
from tests.explorer.conftest import BOTH_WAYS


@pytest.mark.property
@given(BOTH_WAYS)
def test_filters_round_trip(filters):
    once = normalized(filters)
    assert normalized(once) == once
    assert set(once) == set(filters)


@pytest.mark.parametrize(
    ("filters", "problem"),
    [
        ({"colour": ["red"]}, f"no filter is named 'colour'. Valid names are: {', '.join(NAMES)}"),
        ({"since": "noon"}, "Invalid since: 'noon'"),
        ({"state": [3]}, "'state' cannot be 3"),
        ({"state": 5}, "'state' cannot be 5"),
        (["ERROR"], "Invalid filters: a list"),
        ({"text": ["a"]}, "'text' cannot be"),
        ({"not": {"not": {"state": ["ERROR"]}}}, "no filter is named 'not'"),
        ({"not": ["ERROR"]}, "Invalid filters: a list"),
    ],
)
def test_filters_that_cannot_be_are_refused(filters, problem):
    with pytest.raises(DxError, match=problem):
        normalized(filters)
