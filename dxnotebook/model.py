"""The ListJobs model, read from botocore: Arrow types, columns, categories, branches, quotas.

Nothing that botocore knows is typed by hand here. A *record* is one job as an Arrow struct; a *leaf* is a
scalar somewhere below it, named by its path, in which ``"[]"`` stands for an element of a list. A `Layout`
says for every leaf of a record type in which column of which table it lands; it is made the same way for
the members that botocore knows and for those that a load met on its way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from types import MappingProxyType
from typing import Any

import botocore.session
import pyarrow as pa
from botocore import xform_name
from botocore.model import ListShape, Shape, StructureShape

Path = tuple[str, ...]

ELEMENT = "[]"
TIMESTAMP = pa.timestamp("us", "UTC")
TEXT = pa.large_string()  # as pandas has it, so that no column is converted on its way
ERRORS: Path = ("Errors",)

_SCALARS = {
    "timestamp": TIMESTAMP,
    "boolean": pa.bool_(),
    "double": pa.float64(),
    "float": pa.float64(),
    "integer": pa.int64(),
    "long": pa.int64(),
}

#: What `jobs` leads with, in this order; the columns that no member of the API fills are derived.
LEADING = (
    *("job_id", "job_arn", "account_id", "region", "type", "state"),
    *("created_at", "updated_at", "duration_s", "error_count"),
)
_RENAMED = {("Id",): "job_id", ("Arn",): "job_arn"}
_RESERVED = {
    "jobs": {*LEADING, "details_branch", "data_set_name"}
    - {"type", "state", "created_at", "updated_at"},
    "details": {"job_id", "field", "position"},
    "errors": {"job_id", "position"},
}

TERMINAL_STATES = ("ERROR", "COMPLETED", "CANCELLED", "TIMED_OUT")
OPEN_STATES = ("WAITING", "IN_PROGRESS")
#: How long after its creation a job is listed.
AWS_KEEPS = timedelta(days=90)
#: What counts as failed, and as the denominator of a rate, unless the user says otherwise.
FAILED_STATES = ("ERROR", "TIMED_OUT")
FINISHED_STATES = ("COMPLETED", *FAILED_STATES)

#: Jobs of each type that may be open at once, by the service's quotas, none of them adjustable.
OPEN_JOB_QUOTAS: Mapping[str, int] = MappingProxyType(
    {
        "IMPORT_ASSETS_FROM_S3": 10,
        "IMPORT_ASSET_FROM_SIGNED_URL": 10,
        "EXPORT_ASSETS_TO_S3": 10,
        "EXPORT_ASSET_TO_SIGNED_URL": 10,
        "EXPORT_REVISIONS_TO_S3": 5,
        "IMPORT_ASSETS_FROM_REDSHIFT_DATA_SHARES": 10,
        "IMPORT_ASSET_FROM_API_GATEWAY_API": 10,
    }
)


def snake(name: str) -> str:
    """Return an API member's name in boto's own snake case, fit for a column."""
    return re.sub(r"\W+", "_", xform_name(name)).strip("_") or "unnamed"


def singular(name: str) -> str:
    """Return the name of one element of a list: ``KeyPrefixes`` gives ``KeyPrefix``."""
    for plural, single in (
        ("ies", "y"),
        ("xes", "x"),
        ("sses", "ss"),
        ("ches", "ch"),
        ("shes", "sh"),
    ):
        if name.endswith(plural):
            return name.removesuffix(plural) + single
    return name.removesuffix("s") or name


def arrow_type(shape: Shape) -> pa.DataType:
    """Return the Arrow type of a botocore shape; a kind of scalar unknown here is text."""
    if isinstance(shape, StructureShape):
        return pa.struct([(name, arrow_type(member)) for name, member in shape.members.items()])
    if isinstance(shape, ListShape):
        return pa.list_(arrow_type(shape.member))
    return _SCALARS.get(shape.type_name, TEXT)


def map_scalars(
    data_type: pa.DataType, change: Callable[[pa.DataType], pa.DataType]
) -> pa.DataType:
    """Return a type of the same form with every scalar type in it changed."""
    if pa.types.is_struct(data_type):
        return pa.struct([(member.name, map_scalars(member.type, change)) for member in data_type])
    if pa.types.is_list(data_type):
        return pa.list_(map_scalars(data_type.value_type, change))
    return change(data_type)


def leaves(data_type: pa.DataType, path: Path = ()) -> Iterator[tuple[Path, pa.DataType]]:
    """Yield path and type of every scalar below a type, in the type's own order."""
    if pa.types.is_struct(data_type):
        for member in data_type:
            yield from leaves(member.type, (*path, member.name))
    elif pa.types.is_list(data_type):
        yield from leaves(data_type.value_type, (*path, ELEMENT))
    elif not pa.types.is_null(data_type):
        yield path, data_type


def list_of(path: Path) -> Path | None:
    """Return the path of the outermost list that a leaf lies in, None for one that lies in none."""
    return path[: path.index(ELEMENT)] if ELEMENT in path else None


def table_of(path: Path) -> str:
    """Return the table that a leaf belongs to: ``jobs``, ``details`` or ``errors``."""
    return {None: "jobs", ERRORS: "errors"}.get(list_of(path), "details")


def field_name(path: Path) -> str:
    """Return the path of a list as `details.field` has it: below the job, a branch without its ``Details``."""
    return ".".join(path[1:] if path[0] == "Details" and len(path) > 2 else path)


@dataclass(frozen=True)
class Column:
    """A column of a table and the leaves that land in it, several where branches share a member."""

    name: str
    type: pa.DataType
    paths: tuple[Path, ...]


@dataclass(frozen=True)
class Layout:
    """Where every leaf of a record type lands.

    Attributes
    ----------
    jobs, details, errors : tuple of Column
        The columns of each table that members of the API fill, in order.
    lists : tuple of Path
        The lists whose elements are the rows of `details`.
    """

    jobs: tuple[Column, ...]
    details: tuple[Column, ...]
    errors: tuple[Column, ...]
    lists: tuple[Path, ...]


def _plain_name(path: Path) -> str:
    """Return the name a leaf's column would like to have."""
    if path in _RENAMED:
        return _RENAMED[path]
    named = [i for i, part in enumerate(path) if part != ELEMENT]
    if path[-1] == ELEMENT:
        return snake(singular(path[named[-1]]))
    tail = path[max((i + 1 for i, part in enumerate(path) if part == ELEMENT), default=0) :]
    if tail[0] == "Details" and len(tail) > 1:
        tail = tail[2:] if len(tail) > 2 else tail[1:]
    return "_".join(map(snake, tail))


def _owner(path: Path) -> Path | None:
    """Return what may fill a column only once in a job: a branch of Details, or a list; None shares nothing."""
    table = table_of(path)
    if table == "jobs":
        return path[:2] if path[0] == "Details" and len(path) > 2 else None
    return list_of(path) if table == "details" else None


def _add_columns(
    columns: dict[str, Column], table: str, found: Iterable[tuple[Path, pa.DataType]]
) -> dict[str, Column]:
    """Give each leaf its column; one whose plain name means something else already gets its whole path as name."""
    for path, data_type in found:
        plain, whole = _plain_name(path), "_".join(snake(part) for part in path if part != ELEMENT)
        reserved = _RESERVED[table] if path not in _RENAMED else ()
        for name in (plain, whole, *(f"{whole}_{n}" for n in range(2, len(columns) + 3))):
            column = columns.get(name, Column(name, data_type, ()))
            owners = [_owner(other) for other in column.paths]
            shareable = column.type == data_type and _owner(path) is not None and None not in owners
            if name not in reserved and (not owners or (shareable and _owner(path) not in owners)):
                columns[name] = Column(name, data_type, (*column.paths, path))
                break
    return columns


@cache
def layout(record: pa.DataType, learnt: tuple[tuple[Path, pa.DataType], ...] = ()) -> Layout:
    """Return the layout of a record type, and of leaves that were met beside it, in the order they were met.

    Examples
    --------
    >>> from dxnotebook.model import MODEL, layout
    >>> [column.name for column in layout(MODEL.record).errors]
    ['code', 'limit_name', 'limit_value', 'message', 'resource_id', 'resource_type', 'asset_name', 'bucket', 'key']
    """
    # a job's own members take their plain names before those below Details do; in the other two,
    # Details leads
    known = sorted(
        leaves(record), key=lambda leaf: ("Details" in leaf[0]) != (table_of(leaf[0]) == "details")
    )
    tables: dict[str, tuple[Column, ...]] = {}
    for table in _RESERVED:
        columns = _add_columns({}, table, (leaf for leaf in known if table_of(leaf[0]) == table))
        if table == "jobs":
            columns = dict(sorted(columns.items(), key=lambda item: _jobs_order(item[1])))
        columns = _add_columns(
            columns, table, (leaf for leaf in learnt if table_of(leaf[0]) == table)
        )
        tables[table] = tuple(columns.values())
    lists = dict.fromkeys(list_of(path) for column in tables["details"] for path in column.paths)
    return Layout(**tables, lists=tuple(path for path in lists if path is not None))


def _jobs_order(column: Column) -> tuple[int, int]:
    """Sort what every job has first, then what many types share, then the rest in the API's order."""
    if column.name in LEADING:
        return 0, LEADING.index(column.name)
    return 1, -len(column.paths)


def branches(record: pa.DataType) -> tuple[str, ...]:
    """Return the branches of Details, one for each type of job: its members that are structures."""
    return tuple(
        member.name for member in record.field("Details").type if pa.types.is_struct(member.type)
    )


def branch_key(name: str) -> str:
    """Return what a type and its branch have in common: IMPORT_ASSETS_FROM_S3, ImportAssetsFromS3."""
    return re.sub(r"\W|_", "", name).lower()


@dataclass(frozen=True)
class Model:
    """What botocore says of a job.

    Attributes
    ----------
    record : pyarrow.StructType
        The type of a record.
    categories : mapping of Path to tuple of str
        The values that the API lists for a member of a job or of an error, in its order.
    """

    record: pa.DataType
    categories: Mapping[Path, tuple[str, ...]]

    @classmethod
    def of(cls, output: Any) -> Model:
        """Return the model that a ListJobs output shape describes."""
        job = output.members["Jobs"].member
        error = job.members["Errors"].member
        enums = {(name,): member for name, member in job.members.items()}
        enums |= {(*ERRORS, ELEMENT, name): member for name, member in error.members.items()}
        return cls(
            record=arrow_type(job),
            categories={
                path: tuple(shape.enum)
                for path, shape in enums.items()
                if getattr(shape, "enum", None)
            },
        )

    @property
    def layout(self) -> Layout:
        """The layout of the members that this model knows."""
        return layout(self.record)

    def column_categories(self, table: str) -> dict[str, tuple[str, ...]]:
        """Return the known values of a table's categorical columns, in the API's order."""
        columns = getattr(self.layout, table)
        return {
            c.name: self.categories[c.paths[0]] for c in columns if c.paths[0] in self.categories
        }


def installed() -> Model:
    """Return the model of the botocore that is installed."""
    service = botocore.session.get_session().get_service_model("dataexchange")
    return Model.of(service.operation_model("ListJobs").output_shape)


MODEL = installed()
