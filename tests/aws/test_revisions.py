"""What the service says of revisions, over real HTTP: pages, several accounts, refusals."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pytest
from botocore.config import Config

import dxnotebook as dx
from dxnotebook import demo
from dxnotebook.aws.revisions import list_revisions


class Refusing(demo.Endpoint):
    """An endpoint whose account must not list revisions."""

    def _list_revisions(self, query, data_set_id):
        raise demo.faults.RefusalError(403, "AccessDeniedException", "not authorized")


def data_sets_of(account):
    ids = [one["Id"] for one in account.data_sets]
    return pd.DataFrame({"region": account.region, "data_set_id": ids})


def test_all_revisions_come_whatever_the_size_of_a_page(monkeypatch):
    account = demo.Account(500)
    wanted = data_sets_of(account)[:3]
    monkeypatch.setattr("dxnotebook.aws.items.PAGE_SIZE", 40)
    with demo.Endpoint(account) as endpoint:
        found = list_revisions(wanted, endpoint.client())
        asked = {path for _, path, _ in endpoint.requests}
        assert len(endpoint.requests) == 9
    assert asked == {f"/v1/data-sets/{one}/revisions" for one in wanted["data_set_id"]}
    expected = [one for name in wanted["data_set_id"] for one in account.revisions(name)]
    assert found["revision_id"].tolist() == [one["Id"] for one in expected]
    assert found["finalized"].tolist() == [one["Finalized"] for one in expected]
    assert found["comment"].tolist() == [one["Comment"] for one in expected]
    assert [str(kind) for kind in found.dtypes] == 3 * ["str"] + 2 * ["boolean"] + ["str"]


def test_each_client_is_asked_in_its_region_and_what_is_anothers_is_no_failure():
    accounts = [demo.Account(200), demo.Account(200, account_id="444455556666")]
    accounts.append(demo.Account(200, region="eu-west-1"))
    with ThreadPoolExecutor() as pool:
        endpoints = list(pool.map(demo.Endpoint, accounts))
    wanted = pd.concat([data_sets_of(account)[:2] for account in accounts])
    found = list_revisions(wanted, [endpoint.client() for endpoint in endpoints])
    assert set(found["data_set_id"]) == set(wanted["data_set_id"])
    assert [len(endpoint.requests) for endpoint in endpoints] == [4, 4, 2]
    for endpoint in endpoints:
        endpoint.close()
    assert list_revisions(wanted[:0], endpoints[0].client()).empty


def test_a_refusal_names_the_action_and_one_of_several_is_a_warning():
    account = demo.Account(200)
    with Refusing(account) as refusing, demo.Endpoint(account) as endpoint:
        clients = [refusing.client(), endpoint.client(config=Config(retries={"max_attempts": 1}))]
        with pytest.raises(dx.LoadError, match="dataexchange:ListDataSetRevisions") as caught:
            list_revisions(data_sets_of(account), clients[0])
        assert "Without a client" in str(caught.value)
        with pytest.warns(dx.PartialLoadWarning, match="1 of 2 clients failed"):
            found = list_revisions(data_sets_of(account), clients)
    assert found["data_set_id"].nunique() == len(account.data_sets)


def test_what_is_no_page_is_asked_for_again_and_secrets_are_taken_out(monkeypatch):
    account = demo.Account(100)
    answers = iter(
        [
            b"{}",
            b'{"Revisions": [1]}',
            b"no JSON",
            b'{"Revisions": [{"Id": ["r"]}]}',
            b'{"Revisions": [{"Id": "r", "Finalized": "yes"}]}',
            b'{"Revisions": [], "NextToken": 7}',
        ]
    )
    secret = {"Id": "r", "Comment": "see https://h/p?X-Amz-Signature=hush"}

    class Odd(demo.Endpoint):
        def _list_revisions(self, query, data_set_id):
            last = json.dumps({"Revisions": [secret]}).encode()
            return demo.faults.Reply(200, next(answers, last))

    with Odd(account) as endpoint:
        found = list_revisions(data_sets_of(account)[:1], endpoint.client())
        assert len(endpoint.requests) == 7
    assert "hush" not in found["comment"][0]
    assert found["finalized"].isna().all()
