"""JSONTestSuite: what is JSON is kept as it is, what is none is an error that says where."""

from __future__ import annotations

import json

import pytest

import dxnotebook as dx
from tests.conformance.conftest import suite
from tests.conftest import pruned

pytestmark = pytest.mark.filterwarnings("ignore::dxnotebook.DxWarning")

FILES = {path.stem: path for path in sorted(suite("json").glob("*.json"))}
KINDS = {kind: [name for name in FILES if name.startswith(kind)] for kind in ("y_", "n_", "i_")}
# Python's json module, and what is built on it, writes and reads these three, so they are kept
PYTHONS_OWN = {"n_number_NaN", "n_number_infinity", "n_number_minus_infinity"}
# one that no model knows, and such as the quick reader has for a text, an object, a time, a list
MEMBERS = ("X", "State", "Details", "CreatedAt", "Errors")


def page_with(name, member="X"):
    """Return a page on which a job has a text of the suite as this member."""
    return b'{"Jobs":[{"Arn":"a","Id":"i","%b":%b}]}' % (member.encode(), FILES[name].read_bytes())


def outcome(content):
    """Return what a text gives: jobs, or an error of ours, and nothing else."""
    try:
        return dx.read_jobs(content).to_jobs()
    except dx.DxError:
        return None


def test_the_suite_is_whole():
    assert {kind: len(names) for kind, names in KINDS.items()} == {"y_": 95, "n_": 188, "i_": 35}


@pytest.mark.parametrize("name", FILES)
def test_alone_it_is_no_listing(name):
    found = outcome(FILES[name].read_bytes())
    # null in a list stands in the place of a page: it is a reject
    assert found is None or name == "y_array_null" or found == [None] * len(found)


def last_of_each_key(value):
    """Return what Python makes of a value of ours, which keeps the other values of a key."""
    if isinstance(value, dict):
        numbered = {key for key in value if ":" in key and key.rpartition(":")[0] in value}
        return {key: last_of_each_key(value[key]) for key in value.keys() - numbered}
    return [last_of_each_key(one) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name", KINDS["y_"])
def test_json_is_kept_as_a_member(name):
    [job] = outcome(page_with(name))
    expected = json.loads(FILES[name].read_bytes())
    assert pruned(last_of_each_key(job)) == pruned({"Arn": "a", "Id": "i", "X": expected})
    for member in MEMBERS:
        [job] = outcome(page_with(name, member))
        assert job["Id"] == "i"


@pytest.mark.parametrize("name", KINDS["n_"])
def test_what_is_no_json_is_an_error_as_a_member(name):
    for member in MEMBERS:
        found = outcome(page_with(name, member))
        assert found is None or name in PYTHONS_OWN


@pytest.mark.parametrize("name", KINDS["i_"])
def test_what_may_be_json_is_kept_or_an_error(name):
    for member in MEMBERS:
        found = outcome(page_with(name, member))
        assert found is None or [job["Id"] for job in found] == ["i"]
