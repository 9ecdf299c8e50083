"""Members whose names are those of something else, alike, or nothing; what they hold comes back."""

from __future__ import annotations

import json
import sys

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import dxnotebook as dx
from dxnotebook.archive import rows
from tests import strategies
from tests.conftest import job, output_shape, page_of, pruned, tables_of
from tests.hostile.common import S3, assert_kept, between, read, timed
from tests.scripted import START

pytestmark = pytest.mark.filterwarnings("ignore::dxnotebook.DxWarning")

VALUES = ["x", 3, 3.5, True, [1, 2], [1, 2.5], [{"Bucket": "b"}], {"Bucket": "x"}]


def by_content(found):
    return sorted(json.dumps(pruned(one), sort_keys=True, default=str) for one in found)


def assert_survives(tables, folder):
    """Check that an archive gives back what was put into it, however often it was."""
    archive = dx.Archive(folder)
    archive.add(tables)
    archive.add(tables)
    assert by_content(archive.load().to_jobs()) == by_content(tables.to_jobs())


@pytest.mark.parametrize("value", VALUES, ids=str)
@pytest.mark.parametrize("name", ["Position", "ErrorCount", "IdText", "DetailsBranch", "Field"])
def test_80_named_like_a_column(name, value):
    everywhere = {
        name: value,
        "Details": {S3: {name: value, "AssetSources": [{"Bucket": "b", name: value}]}},
        "Errors": [{"Code": "c", name: value}],
    }
    odd = job(2, **everywhere)
    assert_kept(dx.read_jobs(between(odd)), odd)


ODD_NAMES = ["Position", "ErrorCount", "IdText", "Raw", "Errors_", "Observations", "CreatedMonth"]


def test_80_named_like_a_column_of_an_archive(tmp_path):
    jobs = [job(n, **{name: 3.5, name.lower(): "x"}) for n, name in enumerate(ODD_NAMES)]
    tables = read(*jobs)
    assert_survives(tables, tmp_path)
    assert by_content(tables.to_jobs()) == by_content(map(timed, jobs))


def test_80_two_jobs_with_one_id_and_a_member_of_that_name(tmp_path):
    other = job(1)["Arn"].replace("us-east-1", "eu-west-1")
    tables = read(job(1, IdText=5), job(1, Arn=other, IdText=6))
    assert sorted(one["IdText"] for one in tables.to_jobs()) == [5, 6]
    assert_survives(tables, tmp_path)


SHARING = {
    "a branch": {"ImportAssetsFromNew": {"DataSetId": "d", "AssetSources": [{"Bucket": "b"}]}},
    "a list": {S3: {"DataSetId": "d", "Manifests": [{"Bucket": "b", "Key": "k"}]}},
    "a member": {S3: {"DataSetId": "d", "SignedUrlExpiresAt": "x", "Md5Hash": "m"}},
    "a member of a list": {S3: {"AssetSources": [{"Bucket": "b", "KeyPattern": "p"}]}},
}


@pytest.mark.parametrize("details", SHARING.values(), ids=SHARING)
def test_81_sharing_a_name_with_what_is_known(details, tmp_path):
    kind = "IMPORT_ASSETS_FROM_NEW" if "ImportAssetsFromNew" in details else job()["Type"]
    odd = job(2, Type=kind, Details=details)
    tables = dx.read_jobs(between(odd))
    assert_kept(tables, odd)
    assert_survives(tables, tmp_path)


KNOWN = ["Arn", "Bucket", "Code", "DataSetId", "Details", "Key", "Message", "Type"]
SCALARS = st.none() | st.booleans() | st.integers() | strategies.NUMBERS | strategies.TEXTS
NAMES = st.sampled_from([*KNOWN, *ODD_NAMES, "Manifests", "manifests", "AssetSources"])
NAMES |= st.text(max_size=4)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
DETAILS = output_shape().members["Jobs"].member.members["Details"].members


@st.composite
def with_strangers(draw):
    """Return a job of the shape with unknown branches, lists and members of any names in it."""
    [found] = draw(strategies.jobs(most=1).filter(bool))
    strangers = st.dictionaries(NAMES, ANYTHING, max_size=2)

    def known(value):
        if isinstance(value, list):
            return [known(one) for one in value[:3]]
        if not isinstance(value, dict):
            return value
        return draw(strangers) | {name: known(member) for name, member in value.items()}

    if draw(st.booleans()):
        branch = draw(st.sampled_from(["ImportAssetsFromNew", "importAssetsFromNew", *DETAILS]))
        found |= {"Details": {branch: draw(st.dictionaries(NAMES, ANYTHING, max_size=4))}}
    if draw(st.booleans()):
        found |= {"Type": "IMPORT_ASSETS_FROM_NEW"}
    return known(found)


PAIR = st.lists(with_strangers(), min_size=1, max_size=4), st.lists(with_strangers(), max_size=2)


def two_loads(first, second):
    """Return the tables of two pages of jobs with ARNs of their own, none of which is lost."""
    numbered = [one | {"Arn": f"a:{n}", "Id": f"{n}"} for n, one in enumerate([*first, *second])]
    parts = [numbered[: len(first)], numbered[len(first) :]]
    loads = [tables_of(page_of(*part)) for part in parts]
    assert [len(t) + len(t.rejects) for t in loads] == [len(part) for part in parts]
    return loads


@settings(max_examples=20, suppress_health_check=list(HealthCheck))
@given(*PAIR)
def test_81_any_job_comes_back_from_its_row(first, second):
    stored = rows.schema()
    for tables in two_loads(first, second):
        row = rows.archived(tables, pd.Timestamp(START), stored)
        stored = pa.unify_schemas([stored, row.schema])
        assert len({name.lower() for name in stored.names}) == len(stored.names)
        assert by_content(rows.restored(row).to_jobs()) == by_content(tables.to_jobs())


@pytest.mark.slow
@settings(max_examples=6, suppress_health_check=list(HealthCheck))
@given(*PAIR)
def test_81_any_job_comes_back_from_an_archive(tmp_path_factory, first, second):
    archive = dx.Archive(tmp_path_factory.mktemp("archive"))
    loads = two_loads(first, second)
    for tables in loads:
        archive.add(tables)
    expected = [one for tables in loads for one in tables.to_jobs()]
    assert by_content(archive.load().to_jobs()) == by_content(expected)


@pytest.mark.parametrize("time", ["2263-01-01T00:00:00Z", "0001-01-02T00:00:00Z"])
@pytest.mark.parametrize("members", [{}, {"Details": "none"}], ids=["job", "reject"])
def test_55_years_that_have_no_nanoseconds_in_an_archive(time, members, tmp_path):
    odd = job(2, CreatedAt=time, UpdatedAt=time, **members)
    assert_survives(dx.read_jobs(between(odd)), tmp_path)


@pytest.mark.parametrize(
    "value", [[None], [None, None], [{}], [[]], {"a": [None], "b": {"c": [{"x": None}]}}], ids=str
)
def test_82_lists_of_nothing(value, tmp_path):
    odd = job(2, New=value, Details={S3: {"Other": value}}, Errors=[{"New": value}])
    tables = dx.read_jobs(between(odd))
    assert_kept(tables, odd)
    assert_survives(tables, tmp_path)


@pytest.mark.parametrize("value", VALUES, ids=str)
def test_82_a_member_without_a_name(value):
    odd = job(2, X={"": value}, Details={S3: {"": value}}, **{"": value})
    assert_kept(dx.read_jobs(between(odd)), odd)


def test_83_in_another_case_or_with_other_signs(tmp_path):
    branches = ["NewType", "NEWType", "newType", "New-Type", "New_Type"]
    jobs = [
        job(n, Type="NEW_TYPE", Details={branch: {"DataSetId": branch, "X": n, "x": "n"}})
        for n, branch in enumerate(branches)
    ]
    for kind in ("ImportAssetsFroms3", "Import_Assets_From_S3", S3):
        jobs.append(job(len(jobs), Details={kind: {"DataSetId": "d", "My_X": 1, "my_x": 2}}))
    tables = read(*jobs)
    assert by_content(tables.to_jobs()) == by_content(map(timed, jobs))
    assert_survives(tables, tmp_path)
    halves = dx.concat([read(*jobs[::-2]), read(*jobs[-2::-2])])
    assert by_content(halves.to_jobs()) == by_content(map(timed, jobs))


def test_84_a_key_with_1_and_true():
    [one] = dx.read_jobs(
        b'{"Jobs":[{"Arn":"a","Id":"i","X":1,"X":true,"Y":[1],"Y":[true]}]}'
    ).to_jobs()
    assert json.dumps([one["X"], one["X:1"], one["Y"], one["Y:1"]]) == "[true, 1, [true], [1]]"


def test_84_a_key_twice_beside_its_numbered_form():
    [one] = dx.read_jobs(b'{"Jobs":[{"Arn":"a","Id":"i","X:2":5,"X":1,"X":2,"X":3}]}').to_jobs()
    assert one == {"Arn": "a", "Id": "i", "X:2": 5, "X:1": 1, "X:3": 2, "X": 3}


def calls_of(work):
    """Return how many functions, and steps of generators, some work calls."""
    count = 0

    def note(*_):
        nonlocal count
        count += 1

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def test_84_a_key_many_times_takes_work_like_its_text():
    def times(number):
        members = ",".join(f'"k":{value}' for value in range(number))
        page = f'{{"Jobs":[{{"Arn":"a","Id":"i",{members}}}]}}'.encode()
        return calls_of(lambda: dx.read_jobs(page))

    base = times(1)
    assert times(4_000) - base < 6 * (times(1_000) - base)


def test_84_the_warning_of_keys_is_short_and_holds_no_secret():
    url = "https://b/k?X-Amz-Signature=5ecre7"
    members = ",".join(f'"k{n}":1,"k{n}":2' for n in range(100))
    page = f'{{"Jobs":[{{"Arn":"a","Id":"i","{url}":1,"{url}":2,{members}}}]}}'.encode()
    with pytest.warns(dx.DataWarning, match="and 51 more") as caught:
        dx.read_jobs(page)
    assert "5ecre7" not in str([str(one.message) for one in caught])


def test_86_half_a_surrogate_pair_in_a_reject(tmp_path):
    page = (
        rb'{"Jobs":[{"Arn":"a\ud800","Id":"\ud800","CreatedAt":"x","State":"\udfff","Type":"t"}]}'
    )
    tables = dx.read_jobs(page)
    assert len(tables.rejects) == 1
    assert_survives(tables, tmp_path)
