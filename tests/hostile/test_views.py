"""Views of the explorer that come from elsewhere, and lines of Python that are made of names."""

from __future__ import annotations

import ast

import pytest

import dxnotebook as dx
from tests.conftest import job
from tests.explorer.conftest import HOSTILE, answer_to, compared, view_of
from tests.hostile.common import read

PYTHON = [
    "'); import os; os.abort()  #",
    '"""); __import__(\'os\').abort()',
    "{__import__('os').abort()}",
    "%(x)s\\",
    "\n\r\u2028\u202e\0",
    "x" * 20_000,
]


@pytest.mark.parametrize("text", PYTHON)
def test_120_names_that_are_python_in_a_view_that_is_copied(text):
    explorer = dx.explore(read(job(1, Details={"ImportAssetsFromS3": {"DataSetId": text}})))
    view = explorer.view | {"job": text, "filters": {"data_set_id": [text], "not": {"text": text}}}
    answer, _ = answer_to(explorer, "view", first=0, count=9, view=view)
    line = answer["python"]
    assert line.isprintable()
    call = ast.parse(line, mode="eval").body
    assert ast.unparse(call.func) == "dx.explore"
    assert dx.explore(explorer.tables, view=ast.literal_eval(call.keywords[0].value)).view == view


@pytest.mark.parametrize(
    "view",
    [
        *("null", 5, True, [], ["filters"], {"filters": 5}, {"sort": {}}, {"sort": ["state"]}),
        *(
            {"columns": [[]]},
            {"widths": [1]},
            {"widths": {"state": "1"}},
            {"job": {}},
            {"zone": []},
        ),
        {"filters": {"not": {"not": {}}}},
        {"filters": {"state": [{}]}},
        {"filters": {"since": "never"}},
        {"__class__": "x"},
    ],
)
def test_121_views_that_are_none(view):
    explorer = dx.explore(read(job(1)))
    before = explorer.view
    answer, _ = answer_to(explorer, "view", first=0, count=9, view=view)
    assert (answer["kind"], explorer.view) == ("error", before)
    answer, _ = answer_to(explorer, "view", first=0, count=9, view=None)
    assert answer["total"] == 1


@pytest.mark.parametrize("by", ["data_set_id", "feed", "revision_id", "cause", "day"])
def test_122_groups_by_names_that_are_anything(by):
    times = {"CreatedAt": None, "UpdatedAt": None}
    jobs = [
        job(n, State="ERROR", Errors=[{"Code": "X", "Message": name}], **times,
            Details={"ImportAssetsFromS3": {"DataSetId": name, "RevisionId": name}})
        for n, name in enumerate([*HOSTILE, *PYTHON, None])
    ]  # fmt: skip
    explorer = dx.explore(read(*jobs), view={"group": by, "group_sort": ["label", True]})
    prepared = {"more": True}
    while prepared["more"]:  # causes are known only then
        prepared, _ = answer_to(explorer, "prepare")
    groups = view_of(explorer)["groups"]
    assert sum(row["n"] for row in groups["rows"]) == len(jobs)
    for row in groups["rows"]:
        assert row["label"].isprintable()
        assert len(row["label"]) < 400
        assert row["last"] is None
        filters = dict(zip(groups["names"], [[one] for one in row["values"]], strict=True))
        if by != "day":  # there is no time to filter by
            assert view_of(explorer, filters=filters)["total"] == row["n"]


@pytest.mark.parametrize("sides", [5, [], [{}], [5, {}], [{"state": 5}, {}], [{"x": []}, {}], None])
def test_123_comparisons_of_groups_that_are_none(sides):
    explorer = dx.explore(read(job(1)))
    assert compared(explorer, sides)["kind"] == "error"
    rows = compared(explorer, [{"data_set_id": ["none"]}, {"state": ["none"]}])["rows"]
    assert rows == []
    assert view_of(explorer)["total"] == 1
