"""The one form of a view, and the line of Python that makes it."""

from __future__ import annotations

import ast
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

import dxnotebook as dx
from dxnotebook import DxError
from dxnotebook.explorer.views import START, brief, whole
from tests.explorer.conftest import FILTERS, HOSTILE, TIMES, view_of

CONTENTS = {
    "columns": [[name, name, "text"] for name in ("state", "job_id", "code", "created_at")],
    "shown": ["state", "job_id"],
    "groups": [["type", "Type"], ["day", "Day"]],
}
VIEWS = st.fixed_dictionaries(
    {},
    optional={
        "filters": FILTERS,
        "sort": st.tuples(st.sampled_from(["state", "created_at"]), st.booleans()),
        "columns": st.lists(st.sampled_from(["state", "code", "gone"]), unique=True),
        "widths": st.dictionaries(st.sampled_from(["state", "gone"]), st.floats()),
        "zone": st.sampled_from(["UTC", "America/New_York", "Etc/GMT+3"]),
        "job": st.text(max_size=9),
        "group": st.sampled_from(["type", "day", "gone"]),
        "group_sort": st.tuples(st.sampled_from(["label", "rate"]), st.booleans()),
        "zoom": st.tuples(TIMES | st.none(), TIMES | st.none()),
    },
)


@pytest.mark.property
@given(VIEWS)
def test_views_round_trip_whole_and_in_brief(view):
    once = whole(view, CONTENTS)
    assert list(once) == list(START)
    assert whole(once, CONTENTS) == once
    assert whole(json.loads(json.dumps(brief(once, CONTENTS))), CONTENTS) == once
    assert brief(whole({}, CONTENTS), CONTENTS) == {}


def test_what_other_tables_lack_is_left_out():
    view = whole(
        {"columns": ["gone", "code"], "sort": ["gone", True], "widths": {"gone": 9}}, CONTENTS
    )
    assert (view["columns"], view["sort"], view["widths"]) == (["code"], ["created_at", True], {})
    assert whole({"columns": ["gone"]}, CONTENTS)["columns"] == CONTENTS["shown"]
    assert whole({"sort": ["code", True]}, CONTENTS)["sort"] == START["sort"]  # it has no order
    assert whole({"widths": {"state": 1e9, "code": float("nan")}}, CONTENTS)["widths"] == {
        "state": 2000,
        "code": 2000,
    }


@pytest.mark.parametrize(
    ("view", "problem"),
    [
        (["state"], "Invalid view"),
        ({"colour": "red"}, "Invalid view: 'colour'. Valid names are: filters, sort"),
        ({"filters": {"colour": []}}, "no filter is named 'colour'"),
        ({"sort": "state"}, "Invalid sort"),
        ({"sort": ["state", "down"]}, "Invalid sort"),
        ({"columns": [3]}, "Invalid columns"),
        ({"widths": {"state": "wide"}}, "Invalid widths"),
        ({"widths": 5}, "Invalid widths"),
        ({"zone": 3}, "Invalid zone"),
        ({"job": 3}, "Invalid job"),
    ],
)
def test_views_that_cannot_be_are_refused(view, problem):
    with pytest.raises(DxError, match=problem):
        whole(view, CONTENTS)


def test_the_line_of_python_makes_the_view_and_runs_nothing_else(tables):
    hostile = [*HOSTILE, "'); __import__('os').abort() #", '"""', "\\", "\n", "\u2028", "{0!r}"]
    explorer = dx.explore(tables, filters={"data_set_id": hostile, "text": hostile[-6]})
    explorer.view = {**explorer.view, "zone": "America/New_York", "job": hostile[-6]}
    line = view_of(explorer)["python"]
    assert line.isprintable()
    (call,) = (ast.parse(line, mode="eval").body,)
    assert (ast.unparse(call.func), ast.unparse(call.args[0])) == ("dx.explore", "tables")
    again = eval(line, {"dx": dx, "tables": tables})
    assert again.view == explorer.view
    assert view_of(dx.explore(tables))["python"] == "dx.explore(tables, view={})"
