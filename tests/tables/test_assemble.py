"""Each job once, in its newest version; loads of any kind as one."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import dxnotebook as dx
from dxnotebook import demo
from dxnotebook.tables.assemble import updated
from tests.conftest import job, page_of, parsed_by_boto3, pruned, tables_of
from tests.strategies import jobs

FRAMES = ("jobs", "details", "errors", "rejects")


def by_arn(found):
    return sorted(map(pruned, found), key=lambda one: one["Arn"])


@pytest.mark.property
@pytest.mark.filterwarnings("ignore::dxnotebook.DataWarning")
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(jobs(), st.integers(0, 2**6))
def test_filter_and_concat_undo_each_other(found, bits):
    tables = tables_of(page_of(*found))
    mask = pd.Series([bits >> n & 1 == 1 for n in range(len(tables.jobs))], dtype=bool)
    both = dx.concat([tables.filter(mask), tables.filter(~mask)])
    assert sorted(map(str, both.to_jobs())) == sorted(map(str, tables.to_jobs()))


def test_dtypes_are_the_same_with_and_without_jobs():
    full, empty = dx.load_jobs(demo.client(jobs=2_000), progress=False), tables_of(page_of())
    for name in FRAMES:
        assert list(getattr(full, name)) == list(getattr(empty, name))
        pd.testing.assert_series_equal(getattr(full, name).dtypes, getattr(empty, name).dtypes)
    assert full.jobs.dtypes.astype(str).value_counts().to_dict() == {
        "str": 24, "category": 2, "datetime64[us, UTC]": 4, "float64": 1, "int64": 1,
    }  # fmt: skip
    assert empty.to_jobs() == []


VERSIONS = st.lists(
    st.tuples(
        st.integers(0, 4), st.none() | st.integers(0, 3), st.sampled_from(["WAITING", "COMPLETED"])
    ),
    max_size=12,
)


@pytest.mark.property
@settings(max_examples=50, deadline=None)
@given(VERSIONS, st.randoms(use_true_random=False))
@pytest.mark.filterwarnings("ignore::dxnotebook.DataWarning")
def test_the_newest_version_wins_whatever_the_order(versions, random):
    def made(version):
        number, updated, state = version
        times = {} if updated is None else {"UpdatedAt": f"2026-09-01T00:00:0{updated}Z"}
        return {**job(number, State=state), "UpdatedAt": None} | times

    tables = tables_of(page_of(*map(made, versions)))
    newest = {}
    for version in versions:
        number, updated, _ = version
        newest.setdefault(number, set()).add((updated is not None, updated or 0, version))
    for one in tables.to_jobs():
        number = int(one["Id"], 16)
        latest = max(key[:2] for key in newest.pop(number))
        updated = one.get("UpdatedAt")
        assert (updated is not None, updated.second if updated else 0) == latest
    assert not newest
    shuffled = list(versions)
    random.shuffle(shuffled)
    again = tables_of(page_of(*map(made, shuffled)))
    assert by_arn(again.to_jobs()) == by_arn(tables.to_jobs())


def test_details_and_errors_of_an_older_version_go_with_it():
    sources = [{"ImportAssetsFromS3": {"AssetSources": [{"Key": key}]}} for key in ("old", "new")]
    old = job(1, Details=sources[0], Errors=[{"Code": "X"}])
    new = job(1, Details=sources[1], UpdatedAt="2026-09-02T00:00:00Z")
    for order in ([old, new], [new, old]):
        tables = dx.concat([tables_of(page_of(order[0], job(2))), tables_of(page_of(order[1]))])
        assert tables.details["key"].tolist() == ["new"]
        assert tables.errors.empty
        assert len(tables) == 2


def test_concat_keeps_accounts_with_the_same_id_apart_however_often():
    here = job(1, Details={"ImportAssetsFromS3": {"AssetSources": [{"Key": "here"}]}})
    there = {**here, "Arn": here["Arn"].replace("1111", "9999"), "State": "ERROR"}
    one, two = tables_of(page_of(here)), tables_of(page_of(there))
    with pytest.warns(dx.DataWarning, match="share their id"):
        both = dx.concat([one, two])
    assert both.jobs["job_id"].tolist() == both.jobs["job_arn"].tolist()
    assert [pruned(x) for x in both.to_jobs()] == [
        pruned(x) for x in parsed_by_boto3(page_of(here, there))
    ]
    with pytest.warns(dx.DataWarning, match="share their id"):
        thrice = dx.concat([both, one, both])
    assert thrice.to_jobs() == both.to_jobs()
    assert dx.concat([both.filter([there["Arn"]])]).jobs["job_id"].tolist() == [there["Id"]]


def test_concat_of_loads_that_met_different_members():
    plain, odd = tables_of(page_of(job(1))), tables_of(page_of(job(2, NewMember=5, NewList=["x"])))
    both = dx.concat([plain, odd])
    assert both.jobs["new_member"].astype(object).where(
        both.jobs["new_member"].notna(), None
    ).tolist() == [None, 5]
    assert both.details["new_list"].tolist() == ["x"]
    assert both.to_jobs()[1]["NewMember"] == 5
    assert both.to_jobs()[1]["NewList"] == ["x"]


def test_concat_of_loads_that_typed_a_member_differently():
    number, text = (tables_of(page_of(job(n, NewMember=value))) for n, value in ((1, 5), (2, "x")))
    assert dx.concat([number, text]).jobs["new_member"].tolist() == ["5", "x"]


@pytest.mark.parametrize("wrong", [[], [1], 1, None])
def test_concat_says_what_it_wants(wrong):
    with pytest.raises(dx.DxError, match="JobTables"):
        dx.concat(wrong)


def test_names_of_data_sets_survive_a_concat_with_tables_that_have_none():
    client = dx.demo.client(60)
    tables = dx.load_jobs(client, progress=False)
    named = dx.with_names(tables, client)
    for parts in ([named, tables], [tables, named]):
        together = dx.concat(parts)
        names = named.jobs.set_index("job_id")["data_set_name"]
        assert together.jobs.set_index("job_id")["data_set_name"].equals(
            names.reindex(together.jobs["job_id"])
        )


def test_concat_takes_one_and_says_what_is_none():
    tables = tables_of(page_of(job()))
    assert len(dx.concat(tables)) == 1
    with pytest.raises(dx.DxError, match="Invalid tables: a DataFrame"):
        dx.concat(tables.jobs)


@pytest.mark.filterwarnings("ignore::dxnotebook.DxWarning")
@pytest.mark.parametrize("with_own_ids", [False, True])
def test_rejects_that_are_jobs_by_now_are_none_and_the_others_stay(with_own_ids):
    odd = {"Details": {"New": {"A": "a"}, "Other": {"B": "b"}}}
    other = job(1) | {"Arn": job(1)["Arn"].replace("us-east-1", "eu-west-1")}
    before = tables_of(page_of(job(1), job(2, **odd), job(3, **odd), *[other] * with_own_ids))
    now = updated(before, tables_of(page_of(job(2), job(4, **odd))))
    assert len(now) == 2 + with_own_ids
    ids = [one["Id"] for one in now.to_jobs()[-2:]]
    assert ids == [job(4)["Id"], job(3)["Id"]]
    assert len(now.rejects) == 2


def test_what_news_replace_is_let_go_of_at_last():
    tables = dx.read_jobs(page_of(*(job(number) for number in range(800))))
    for first in (0, 400):
        news = page_of(*(job(number, State="ERROR") for number in range(first, first + 400, 2)))
        tables = updated(tables, dx.read_jobs(news))
    assert (tables.jobs["state"] == "ERROR").sum() == 400
    assert tables.jobs["job_id"].is_unique
    assert pa.chunked_array(tables.jobs["job_id"]).num_chunks < 300


def test_what_news_replace_again_and_again_is_not_held():
    tables = dx.read_jobs(page_of(*map(job, range(500))))
    for day in range(10, 30):
        numbers = range(10 * day, 10 * day + 200)
        news = page_of(*(job(n, UpdatedAt=f"2026-09-{day}T00:00:00Z") for n in numbers))
        tables = updated(tables, dx.read_jobs(news))
    assert len(tables) == 500
    ids = pa.array(tables.jobs["job_id"])
    assert ids.get_total_buffer_size() < 2 * ids.nbytes
