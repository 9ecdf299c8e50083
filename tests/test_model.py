"""The contract: every leaf of botocore's shape lands in one column of one table, of any version."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from botocore.model import ListShape, StructureShape

import dxnotebook as dx
from dxnotebook.model import (
    MODEL,
    Model,
    branches,
    layout,
    leaves,
    singular,
    snake,
    table_of,
    usual_branch,
)
from tests.conftest import doctored, output_shape, page_of, parsed_by_boto3, pruned, tables_of

STRING = {"shape": "__string"}


def newer(shapes):
    """A job type, scalars, lists and members of errors that no botocore has yet."""
    shapes["Teleport"] = {
        "type": "structure",
        "members": {
            "DataSetId": {"shape": "Id"},
            "WarpFactor": {"shape": "__double"},
            "Type": STRING,
            "Crew": {"shape": "ListOf__string"},
            "Stops": {"shape": "ListOfStop"},
        },
    }
    shapes["ListOfStop"] = {"type": "list", "member": {"shape": "Stop"}}
    shapes["Stop"] = {
        "type": "structure",
        "members": {"Planet": STRING, "Position": STRING, "Moons": {"shape": "ListOf__string"}},
    }
    shapes["ResponseDetails"]["members"]["TeleportAssets"] = {"shape": "Teleport"}
    shapes["Type"]["enum"].append("TELEPORT_ASSETS")
    shapes["ImportAssetsFromS3ResponseDetails"]["members"]["EncryptionType"] = STRING
    shapes["ExportAssetsToS3ResponseDetails"]["members"]["EncryptionType"] = STRING
    shapes["JobEntry"]["members"] |= {
        "Priority": {"shape": "__integer"},
        "Labels": {"shape": "ListOf__string"},
    }
    shapes["__integer"] = {"type": "integer"}
    shapes["JobError"]["members"] |= {"Hint": STRING, "RetryAt": {"shape": "Timestamp"}}


def older(shapes):
    """The API before tags and Lake Formation."""
    shapes["JobEntry"]["members"].pop("AssetConfiguration", None)  # botocore 1.42.79 has none
    del shapes["ResponseDetails"]["members"]["ImportAssetsFromLakeFormationTagPolicy"]
    shapes["Type"]["enum"].pop()


SHAPES = {"installed": output_shape(), "older": doctored(older), "newer": doctored(newer)}


@pytest.fixture(params=SHAPES)
def shape(request):
    return SHAPES[request.param]


def leaves_of(shape, path=()):
    """Yield every leaf of a shape by walking botocore's own objects."""
    if isinstance(shape, StructureShape):
        for name, member in shape.members.items():
            yield from leaves_of(member, (*path, name))
    elif isinstance(shape, ListShape):
        yield from leaves_of(shape.member, (*path, "[]"))
    else:
        yield path, shape


def planted(path, leaf, number):
    """Return a job in which only this leaf is filled, and the value a frame must show for it."""
    text = f"value-{number}"
    value, shown = {
        "timestamp": (
            f"2026-01-01T00:00:00.{number:06d}Z",
            datetime(2026, 1, 1, tzinfo=UTC) + timedelta(microseconds=number),
        ),
        "double": (number + 0.5, number + 0.5),
        "integer": (number, number),
    }.get(leaf.type_name, (text, text))
    job = {"Arn": f"arn-{number}", "Id": f"id-{number}", "Type": None}
    if path in {("Arn",), ("Id",)}:
        return job | {path[0]: text}, text
    nested = value
    for name in reversed(path[1:]):
        nested = [nested] if name == "[]" else {name: nested}
    return job | {path[0]: nested}, shown


def test_every_leaf_lands_in_exactly_one_column_of_one_table(shape):
    found = {
        path: planted(path, leaf, n)
        for n, (path, leaf) in enumerate(leaves_of(shape.members["Jobs"].member), 1)
    }
    content = page_of(*(job for job, _ in found.values()))
    tables = tables_of(content, model=Model.of(shape), redact=False)
    places = places_of(tables)
    for path, (_, shown) in found.items():
        assert [name for name, _ in places.get(shown, [])] == [table_of(path)], path
    assert tables.rejects.empty
    assert list(map(pruned, tables.to_jobs())) == list(map(pruned, parsed_by_boto3(content, shape)))


def places_of(tables):
    """Return for every value the table and column of each cell with it, but the join keys."""
    places = {}
    for name in ("jobs", "details", "errors"):
        frame = getattr(tables, name).drop(
            columns=["field", "position", "error_count"], errors="ignore"
        )
        for column in frame if name == "jobs" else frame.drop(columns="job_id"):
            for value in frame[column].dropna():
                places.setdefault(value, []).append((name, column))
    return places


def test_layout_names_each_leaf_once_and_reserves_what_is_derived(shape):
    record = Model.of(shape).record
    found = layout(record)
    by_table = {"jobs": found.jobs, "details": found.details, "errors": found.errors}
    paths = [path for columns in by_table.values() for column in columns for path in column.paths]
    assert sorted(paths) == sorted(path for path, _ in leaves(record))
    assert sorted(paths) == sorted(path for path, _ in leaves_of(shape.members["Jobs"].member))
    for name, columns in by_table.items():
        names = [column.name for column in columns]
        assert len(names) == len(set(names))
        assert not {"account_id", "region", "duration_s", "error_count", "field", "position"} & set(
            names
        ), name


def test_column_names_are_the_design():
    tables = tables_of(page_of())
    assert list(tables.jobs)[:12] == [
        *(
            "job_id",
            "job_arn",
            "account_id",
            "region",
            "type",
            "state",
            "created_at",
            "updated_at",
            "duration_s",
        ),
        *("error_count", "data_set_id", "revision_id"),
    ]
    named = {
        "signed_url",
        "signed_url_expires_at",
        "md5_hash",
        "encryption_type",
        "encryption_kms_key_arn",
        "api_key",
    }
    assert named | {"event_action_arn", "asset_source_bucket", "catalog_id", "role_arn"} <= set(
        tables.jobs
    )
    listed = {
        "key_pattern",
        "key_prefix",
        "data_share_arn",
        "kms_key_arn",
        "tag_key",
        "tag_value",
        "permission",
    }
    assert listed | {"job_id", "field", "position", "asset_id", "bucket", "key"} <= set(
        tables.details
    )
    assert list(tables.errors) == [
        *(
            "job_id",
            "position",
            "code",
            "limit_name",
            "limit_value",
            "message",
            "resource_id",
            "resource_type",
        ),
        *("asset_name", "bucket", "key"),
    ]


def test_every_type_names_its_branch():
    types = MODEL.categories[("Type",)]
    assert len(types) == 9
    assert {usual_branch(kind) for kind in types} == set(branches(MODEL.record))


def test_a_name_that_means_something_else_already_is_spelt_out():
    tables = tables_of(page_of(), model=Model.of(SHAPES["newer"]))
    assert {"type", "details_teleport_assets_type"} <= set(tables.jobs)
    assert {"position", "details_teleport_assets_stops_position", "planet", "moon", "crew"} <= set(
        tables.details
    )
    assert {"hint", "retry_at"} <= set(tables.errors)
    encrypted = next(
        c for c in layout(Model.of(SHAPES["newer"]).record).jobs if c.name == "encryption_type"
    )
    assert len({path[:2] for path in encrypted.paths}) == len(encrypted.paths)


def test_an_older_model_gives_newer_members_the_columns_that_a_newer_model_would():
    shape = SHAPES["newer"]
    all_leaves = enumerate(leaves_of(shape.members["Jobs"].member), 1)
    left_out = {("Errors", "[]", "RetryAt"), ("Arn",), ("Id",)}
    jobs = [planted(path, leaf, n)[0] for n, (path, leaf) in all_leaves if path not in left_out]
    with pytest.warns(dx.UnknownFieldWarning, match="TeleportAssets"):
        old = tables_of(page_of(*jobs), model=Model.of(SHAPES["older"]), redact=False, warn=True)
    new = tables_of(page_of(*jobs), model=Model.of(shape), redact=False)
    old_places, new_places = places_of(old), places_of(new)
    assert {v: p for v, p in old_places.items() if p != [("jobs", "details_branch")]} == new_places
    assert sorted(old.to_jobs(), key=str) == sorted(new.to_jobs(), key=str)


def test_categories_are_the_api_values_in_its_order():
    assert MODEL.column_categories("jobs")["state"][:2] == ("WAITING", "IN_PROGRESS")
    tables = tables_of(page_of())
    for name in ("jobs", "errors"):
        for column, values in MODEL.column_categories(name).items():
            assert tuple(getattr(tables, name)[column].cat.categories) == values


@pytest.mark.parametrize(
    ("plural", "single"),
    [
        ("KeyPrefixes", "KeyPrefix"),
        ("Keys", "Key"),
        ("TagValues", "TagValue"),
        ("Policies", "Policy"),
        ("Data", "Data"),
    ],
)
def test_singular(plural, single):
    assert singular(plural) == single


def test_snake_is_fit_for_a_column():
    assert [snake(name) for name in ("Md5Hash", "KmsKeyArn", "x-y z", "?")] == [
        "md5_hash",
        "kms_key_arn",
        "x_y_z",
        "unnamed",
    ]


def test_model_is_plain_data():
    assert json.dumps({".".join(path): values for path, values in MODEL.categories.items()})
