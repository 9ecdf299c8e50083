"""Members that the installed botocore does not know are kept, wherever and whatever they are."""

from __future__ import annotations

import json

import pytest

import dxnotebook as dx
from tests.conftest import job, page_of, pruned
from tests.hostile.common import NAMES, S3, assert_kept, between, read, timed


def test_33_unknown_branch_of_details():
    branch = {
        "DataSetId": "d",
        "Crater": "c",
        "Depth": 5,
        "Rocks": [{"Key": "k", "Weight": 1.5}],
        "Names": ["a", "b"],
    }
    odd = job(2, Type="IMPORT_ASSETS_FROM_MOON", Details={"ImportAssetsFromMoon": branch})
    with pytest.warns(dx.UnknownFieldWarning, match="ImportAssetsFromMoon"):
        tables = dx.read_jobs(between(odd))
    assert_kept(tables, odd)
    assert tables.jobs.loc[1, ["data_set_id", "crater", "depth"]].tolist() == ["d", "c", 5]
    assert tables.details["field"].tolist() == [
        "ImportAssetsFromMoon.Rocks",
        *["ImportAssetsFromMoon.Names"] * 2,
    ]
    assert tables.details["position"].tolist() == [0, 0, 1]
    assert tables.details["key"].tolist()[0] == "k"


@pytest.mark.parametrize("branch", [{}, None])
def test_33_unknown_branch_without_anything_in_it(branch):
    odd = job(2, Details={"ImportAssetsFromMoon": branch})
    assert_kept(dx.read_jobs(between(odd)), odd)


UNKNOWN_VALUES = {
    "text": "x",
    "integer": 5,
    "large integer": 2**62,
    "larger integer": 2**70,
    "number": 1.5,
    "boolean": True,
    "date": "2024-01-02T03:04:05Z",
    "texts": ["x", "y"],
    "numbers": [1, 2, 2**60 + 1],
    "mixed": [1, "x"],
    "null among texts": ["x", None, "y"],
    "integer and number": [1, 1.5],
    "lists": [[1], [2, 3]],
    "mixed lists": [1, ["x"]],
    "list and object": [{"a": 1}, ["x"]],
    "object": {"A": 1, "B": {"C": "x"}},
    "objects": [{"A": 1}, {"B": "x"}],
    "objects of one member in two types": [{"A": 1}, {"A": "x"}, {"A": None}],
    "objects with lists": [{"A": [1, 2], "B": [{"C": 1}]}, {"A": []}],
    "objects with lists of lists": [{"A": [[1], [2]]}],
    "lists below lists": [{"A": [{"B": [1, {"C": [2]}]}]}],
    "names that look like marks": {":json": 1, "x:text": 2, "x": 3, "\0json": 4, "x\0text": 5},
    "names that look like paths": {"[]": 1, "a.b": [1], "a": {"b": [2]}, "": 3},
    "names that are no UTF-8": {"\ud800": 1, "x\udfff": {"y": 2}},
    "names of our own": {
        "Ordinal": 1,
        "job #": 2,
        "Position": 3,
        "Field": "x",
        "JobId": "y",
        "AccountId": 4,
    },
    "lists of such names": [{"Ordinal": 5, "Position": 6, "[]": 7}, {"Field": [8]}],
}


UNKNOWN_PLACES = {
    "job": lambda value: {"New": value},
    "details": lambda value: {"Details": {S3: {"New": value, "DataSetId": "d"}}},
    "element": lambda value: {
        "Details": {S3: {"AssetSources": [{"Key": "k", "New": value}, {"Key": "l"}]}}
    },
    "error": lambda value: {"Errors": [{"Code": "c", "New": value}, {"Code": "d"}]},
    "error's details": lambda value: {
        "Errors": [{"Details": {"ImportAssetsFromS3JobErrorDetails": [{"New": value}]}}]
    },
    "encryption": lambda value: {"Details": {"ExportAssetsToS3": {"Encryption": {"New": value}}}},
}


@pytest.mark.parametrize("value", UNKNOWN_VALUES)
def test_34_unknown_member(value):
    odd = [
        job(n, **place(UNKNOWN_VALUES[value])) for n, place in enumerate(UNKNOWN_PLACES.values(), 2)
    ]
    with pytest.warns(dx.UnknownFieldWarning, match="New") as caught:
        tables = read(job(1), *odd, job(99))
    assert len(caught) == 1
    assert tables.rejects.empty
    assert [pruned(one) for one in tables.to_jobs()] == [
        pruned(timed(one)) for one in (job(1), *odd, job(99))
    ]


def test_34_unknown_members_are_columns_and_rows():
    odd = job(2, New="x", Size=5, Names=["a", "b"], Errors=[{"Code": "c", "Hint": "h"}])
    with pytest.warns(dx.UnknownFieldWarning, match="New, Size, Names\\[\\], Errors\\[\\].Hint"):
        tables = dx.read_jobs(between(odd))
    assert tables.jobs["new"].fillna("").tolist() == ["", "x", ""]
    assert tables.jobs["size"].fillna(0).tolist() == [0, 5, 0]
    assert tables.details[["field", "position", "name"]].to_numpy().tolist() == [
        ["Names", 0, "a"],
        ["Names", 1, "b"],
    ]
    assert tables.errors["hint"].tolist() == ["h"]


def test_34_unknown_member_whose_type_changes_from_page_to_page():
    values = [1, "x", 1.5, None, {"a": 1}, [1], ["x"], True, {"a": "x"}, 2**70, [{"a": 1}], 2]
    jobs = [job(n, New=value) for n, value in enumerate(values)]
    pages = b"".join(page_of(one) for one in jobs)
    for source in (pages, page_of(*jobs), [page_of(one) for one in jobs]):
        with pytest.warns(dx.UnknownFieldWarning, match="New") as caught:
            tables = dx.read_jobs(source)
        assert len(caught) == 1
        assert tables.rejects.empty
        assert [one.get("New") for one in tables.to_jobs()] == values


@pytest.mark.filterwarnings("ignore::dxnotebook.UnknownFieldWarning")
@pytest.mark.parametrize(
    "values",
    [
        [[{"B": 1}], [{"A": 1}, "x"], [{"A": 2}]],
        [{"L": [{"B": 1}]}, {"L": [{"A": 1}, 5]}, {"L": [{"A": 2, "B": 3}]}],
        [[{"A": [1]}, {"A": [2, 3]}], [{"A": []}], [{"A": ["x"]}]],
    ],
)
def test_34_unknown_list_that_learns_from_page_to_page(values):
    pages = [page_of(job(n, New=value)) for n, value in enumerate(values)]
    for source in (pages, b"".join(pages)):
        found = dx.read_jobs(source).to_jobs()
        assert [pruned(one.get("New")) for one in found] == [pruned(value) for value in values]


@pytest.mark.filterwarnings("ignore::dxnotebook.UnknownFieldWarning")
@pytest.mark.parametrize("wrapped", [False, True])
def test_34_unknown_list_of_nothing_but_null_is_as_empty(wrapped):
    values = [[None], [], [None, None], ["x", None], [None]]
    values = [{"L": value} for value in values] if wrapped else values
    pages = [page_of(job(n, New=value)) for n, value in enumerate(values)]
    for source in (pages[:3], pages, b"".join(pages[::-1])):
        tables = dx.read_jobs(source)
        assert len(tables) == len(tables.to_jobs()) == min(len(source), 5)
    assert [one.get("New") for one in dx.read_jobs(pages).to_jobs()][3] == values[3]


def test_34_unknown_lists_that_would_share_a_name():
    branch = {S3: {"AssetSources": [{"Bucket": "b", "Key": "k"}], "Foo": {"Bars": [1]}}}
    odd = [
        job(2, Details=branch, ImportAssetsFromS3={"AssetSources": [{"Key": "other"}]}),
        job(3, Details=branch, **{f"{S3}.AssetSources": [{"Key": "third"}]}),
        job(
            4, Details={**branch, "AssetConfiguration": {"Tags": [{"Key": "t"}]}}, Foo={"Bars": [2]}
        ),
    ]
    with pytest.warns(dx.UnknownFieldWarning):
        tables = read(job(1), *odd)
    assert [pruned(one) for one in tables.to_jobs() if one["Id"] != job(4)["Id"]] == [
        pruned(timed(one)) for one in (job(1), *odd[:2])
    ]
    assert pruned(timed(odd[2])) in [pruned(one) for one in tables.to_jobs()]


@pytest.mark.slow
@pytest.mark.parametrize("place", ["job", "element", "error"])
def test_44_10_000_keys(place):
    many = {f"Key{n}": n for n in range(10_000)}
    members = json.loads(
        json.dumps(UNKNOWN_PLACES[place]("@")).replace('"New": "@"', json.dumps(many)[1:-1])
    )
    odd = job(2, **members)
    with pytest.warns(dx.UnknownFieldWarning, match="and [0-9]+ more"):
        tables = dx.read_jobs(between(odd))
    assert_kept(tables, odd)
    assert max(len(getattr(tables, name).columns) for name in NAMES) < 1_000


@pytest.mark.slow
@pytest.mark.parametrize("value", [{"a": 7}, [7, "text"]])
def test_44_10_000_keys_with_other_values(value):
    odd = job(2, **{f"Key{n}": value for n in range(10_000)})
    with pytest.warns(dx.UnknownFieldWarning, match="Key0"):
        tables = dx.read_jobs(between(odd))
    assert_kept(tables, odd)
    assert max(len(getattr(tables, name).columns) for name in NAMES) < 1_000
