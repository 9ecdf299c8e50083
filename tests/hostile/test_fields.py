"""Members of a job that are missing, of another type, or at odds with each other."""

from __future__ import annotations

import pandas as pd
import pytest

import dxnotebook as dx
from tests.conftest import job, page_of, pruned
from tests.hostile.common import S3, assert_kept, assert_rejected, between, numbers, read, timed


def test_32_unknown_type_state_and_code():
    odd = job(
        2,
        Type="NEW_TYPE",
        State="NEW_STATE",
        Errors=[{"Code": "NEW", "LimitName": "L", "ResourceType": "R"}],
    )
    tables = dx.read_jobs(between(odd))
    assert_kept(tables, odd)
    assert tables.jobs.loc[1, ["type", "state"]].tolist() == ["NEW_TYPE", "NEW_STATE"]
    assert tables.errors.loc[0, ["code", "limit_name", "resource_type"]].tolist() == [
        "NEW",
        "L",
        "R",
    ]
    assert pd.isna(tables.jobs.loc[1, "duration_s"])
    for frame, column in ((tables.jobs, "type"), (tables.jobs, "state"), (tables.errors, "code")):
        assert isinstance(frame[column].dtype, pd.CategoricalDtype)
        assert frame[column].cat.categories[-1].startswith("NEW")


TWO_BRANCHES = {
    "two known": {S3: {"DataSetId": "a"}, "ExportAssetsToS3": {"DataSetId": "b"}},
    "known and unknown": {S3: {"DataSetId": "a"}, "ImportAssetsFromMoon": {"DataSetId": "b"}},
    "two unknown": {
        "ImportAssetsFromMoon": {"DataSetId": "a"},
        "ImportAssetsFromMars": {"DataSetId": "b"},
    },
}


@pytest.mark.filterwarnings("ignore::dxnotebook.UnknownFieldWarning")
@pytest.mark.parametrize("details", TWO_BRANCHES)
def test_35_two_branches_of_details(details):
    odd = job(2, Details=TWO_BRANCHES[details])
    tables = dx.read_jobs(between(odd))
    if tables.rejects.empty:
        assert_kept(tables, odd)
    else:
        assert_rejected(tables, "Details has 2 branches", '"DataSetId": "b"')
    assert TWO_BRANCHES[details] in [one.get("Details") for one in tables.to_jobs()]


@pytest.mark.parametrize("other", [None, {}])
def test_35_a_second_branch_that_is_empty(other):
    odd = job(2, Details={S3: {"DataSetId": "a"}, "ExportAssetsToS3": other})
    assert_kept(dx.read_jobs(between(odd)), odd)


def test_36_details_null():
    odd = job(2, Details=None)
    assert_kept(dx.read_jobs(between(odd)), odd)


@pytest.mark.parametrize("value", ['"text"', "[]", '[{"a": 1}]', "5", "true"])
@pytest.mark.parametrize("path", ["Details", f"Details.{S3}"])
def test_37_details_that_is_no_object(path, value):
    odd = job(2, Details="@" if path == "Details" else {S3: "@"})
    assert_rejected(dx.read_jobs(between(odd, value)), f"{path} is", value)


@pytest.mark.parametrize("missing", ["Arn", "Id"])
@pytest.mark.parametrize("how", ["absent", "null", "empty"])
def test_38_arn_or_id_missing(missing, how):
    odd = job(2, **{missing: {"null": None, "empty": ""}.get(how)})
    if how == "absent":
        del odd[missing]
    assert_rejected(dx.read_jobs(between(odd)), f"no {missing}", '"CreatedAt": "2026-09-01')


@pytest.mark.parametrize(
    "value", ["5", "0", "1.5", "true", "false", "{}", '{"a": 1}', '["x"]', "NaN", "1e400"]
)
def test_39_arn_that_is_no_text(value):
    assert_rejected(dx.read_jobs(between(job(2, Arn="@"), value)), "Arn", value)


@pytest.mark.parametrize("errors", [None, []])
def test_40_errors_null_or_empty(errors):
    odd = job(2, Errors=errors)
    tables = dx.read_jobs(between(odd))
    assert_kept(tables, odd)
    assert tables.jobs["error_count"].tolist() == [0, 0, 0]


@pytest.mark.parametrize("value", ["{}", '{"Code": "x"}', '"x"', "5", '["x"]', "[[]]"])
def test_41_errors_that_is_no_list_of_objects(value):
    assert_rejected(dx.read_jobs(between(job(2, Errors="@"), value)), "Errors", value)


def test_42_null_among_errors_and_null_details():
    listed = {"ImportAssetsFromS3JobErrorDetails": [{"Key": "j"}, {"Key": "k"}]}
    errors = [None, {"Code": "a", "Details": None}, {"Code": "b", "Details": listed}, None]
    tables = dx.read_jobs(between(job(2, Errors=errors)))
    assert tables.rejects.empty
    assert numbers(tables) == [1, 2, 3]
    assert tables.jobs["error_count"].tolist() == [0, 4, 0]
    assert tables.errors["position"].tolist() == [0, 1, 2, 2, 3]
    assert tables.errors["code"].astype("str").fillna("").tolist() == ["", "a", "b", "b", ""]
    found = tables.to_jobs()[1]["Errors"]
    assert [error.get("Code") for error in found] == [None, "a", "b", None]
    assert found[2]["Details"] == listed


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("5", 5.0),
        ('"5"', 5.0),
        ('"5.5"', 5.5),
        ("-0.0", 0.0),
        ("1e308", 1e308),
        ("1E+20", 1e20),
        (str(2**53), float(2**53)),
        (str(2**63), float(2**63)),
        ("100000000000000000000", 1e20),
        ("5e-324", 5e-324),
    ],
)
def test_43_limit_value_that_is_a_number(text, number):
    error = {"Code": "c", "LimitName": "Concurrent jobs"}
    odd = job(2, Errors=[error | {"LimitValue": "@"}])
    tables = dx.read_jobs(between(odd, text))
    assert tables.errors["limit_value"].dtype == "float64"
    assert tables.errors["limit_value"].tolist() == [number]
    assert_kept(tables, {**odd, "Errors": [error | {"LimitValue": number}]})


@pytest.mark.parametrize(
    "text",
    [
        "NaN",
        "Infinity",
        "-Infinity",
        "1e400",
        "-1e400",
        '"NaN"',
        '"inf"',
        '"x"',
        '""',
        "true",
        "1" * 500,
        "[5]",
        '{"a": 5}',
        '"1_000"',
    ],
)
def test_43_limit_value_that_is_none(text):
    odd = job(2, Errors=[{"Code": "c", "LimitValue": "@"}])
    assert_rejected(dx.read_jobs(between(odd, text)), "LimitValue is", text.strip('"'))


@pytest.mark.parametrize("text", [str(2**53 + 1), f'"{2**53 + 1}"', "1" * 30])
def test_43_limit_value_that_a_float_would_round(text):
    tables = dx.read_jobs(between(job(2, Errors=[{"Code": "c", "LimitValue": "@"}]), text))
    assert text.strip('"') in str(tables.to_jobs())
    assert len(tables.jobs) + len(tables.rejects) == 3


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("apart", [True, False])
def test_45_same_arn_with_an_older_update(newest_first, apart):
    def version(day, state, key):
        sources = {S3: {"AssetSources": [{"Key": key}]}}
        return job(
            2,
            UpdatedAt=f"2026-09-{day:02}T00:00:00Z",
            State=state,
            Details=sources,
            Errors=[{"Code": key}],
        )

    older, newer = version(2, "IN_PROGRESS", "older"), version(3, "COMPLETED", "newer")
    versions = [newer, older] if newest_first else [older, newer]
    pages = [page_of(job(1), versions[0]), page_of(versions[1], job(3))]
    tables = dx.read_jobs(pages if apart else page_of(job(1), *versions, job(3)))
    assert sorted(numbers(tables)) == [1, 2, 3]
    assert timed(newer) in tables.to_jobs()
    assert tables.details["key"].tolist() == ["newer"]
    assert tables.errors["code"].tolist() == ["newer"]


@pytest.mark.parametrize(
    "difference",
    [
        lambda n: {"State": ["ERROR", "COMPLETED"][n]},
        lambda n: {"Details": {S3: {"AssetSources": [{"Key": str(n)}]}}},
        lambda n: {"Errors": [{"Message": str(n)}]},
        lambda n: {"UpdatedAt": None, "State": ["ERROR", "COMPLETED"][n]},
    ],
)
def test_46_same_arn_and_update_with_other_content(difference):
    versions = [job(2, **difference(n)) for n in range(2)]
    kept = []
    for order in (versions, versions[::-1]):
        with pytest.warns(dx.DataWarning, match="1 job came in two versions"):
            tables = read(job(1), *order, job(3))
        assert sorted(numbers(tables)) == [1, 2, 3]
        kept += [one for one in tables.to_jobs() if one["Id"] == job(2)["Id"]]
    assert kept[0] == kept[1]
    assert pruned(kept[0]) in [pruned(timed(version)) for version in versions]


def test_46_the_very_same_job_twice():
    tables = read(job(1), job(2), job(2), job(3))
    assert tables.to_jobs() == [timed(job(n)) for n in (1, 2, 3)]


def test_47_updated_before_created():
    odd = job(2, UpdatedAt="2026-08-31T00:00:00Z")
    with pytest.warns(dx.DataWarning, match="1 job was updated before it was created"):
        tables = dx.read_jobs(between(odd))
    assert_kept(tables, odd)
    assert tables.jobs["duration_s"].fillna(-1).tolist() == [60, -1, 60]


def test_48_two_accounts_with_one_id():
    odd = {
        **job(1),
        "Arn": "arn:aws:dataexchange:us-east-1:999999999999:jobs/x",
        "Errors": [{"Code": "c"}],
    }
    with pytest.warns(dx.DataWarning, match="2 jobs share their id"):
        tables = dx.read_jobs(between(odd))
    assert_kept(tables, odd)
    assert tables.jobs["account_id"].tolist() == ["111122223333", "999999999999", "111122223333"]
    assert tables.jobs["job_id"].is_unique
    assert tables.errors["job_id"].tolist() == [odd["Arn"]]
