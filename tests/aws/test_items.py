"""Listings of items: all pages, members of the right types, names of several clients."""

from __future__ import annotations

import json

import pytest

import dxnotebook as dx
from dxnotebook import demo
from dxnotebook.aws.items import data_set_names, list_items

MEMBERS = {"Id": str, "Name": str, "Description": str | None}


def test_all_pages_come_with_the_members_that_are_wanted(monkeypatch):
    monkeypatch.setattr("dxnotebook.aws.items.PAGE_SIZE", 10)
    with demo.Endpoint(demo.Account(0)) as endpoint:
        owned = {"Origin": "OWNED"}
        found = list_items(endpoint.client(), "list_data_sets", owned, "DataSets", MEMBERS)
        assert len(endpoint.requests) == 3
    expected = [one for one in endpoint.account.data_sets if one["Origin"] == "OWNED"]
    assert found == [tuple(one[name] for name in MEMBERS) for one in expected]


@pytest.mark.parametrize(
    "item", [{"Id": "a"}, {"Id": "a", "Name": None}, {"Id": ["a"], "Name": "n"}, 7, None]
)
def test_items_of_other_types_are_asked_for_again_and_then_refused(item):
    class Odd(demo.Endpoint):
        def _list_data_sets(self, query):
            return demo.faults.Reply(200, json.dumps({"DataSets": [item]}).encode())

    with Odd(demo.Account(0)) as endpoint:
        with pytest.raises(dx.FormatError, match="DataSets"):
            list_items(endpoint.client(), "list_data_sets", {}, "DataSets", MEMBERS)
        assert len(endpoint.requests) > 1


def test_each_client_has_names_or_what_went_wrong():
    good, bad = demo.Endpoint(demo.Account(0)), demo.Endpoint(demo.Account(0))
    clients = [bad.client(), good.client()]
    bad.close()
    (nothing, error), (names, none) = data_set_names(clients)
    assert (nothing, none) == ({}, None)
    assert "Connection" in type(error).__name__
    assert names == {one["Id"]: one["Name"] for one in good.account.data_sets}
    good.close()
