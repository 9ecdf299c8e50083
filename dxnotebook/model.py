"""The ListJobs model, read from botocore: Arrow types, columns, categories, branches, quotas.

Nothing that botocore knows is typed by hand here. A *record* is one job as an Arrow struct; a
*leaf* is a scalar somewhere below it, named by its path, in which ``"[]"`` stands for an element of
a list. A `Layout` says for every leaf of a record type in which column of which table it lands; it
is made the same way for the members that botocore knows and for those that a load met on its way.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from types import MappingProxyType
from typing import Any

import pyarrow as pa
from botocore import xform_name
from botocore.loaders import create_loader
from botocore.model import ListShape, ServiceModel, Shape, StructureShape

Path = tuple[str, ...]
ChangeType = Callable[[pa.DataType], pa.DataType]

ELEMENT = "[]"
TIMESTAMP = pa.timestamp("us", "UTC")
TEXT = pa.large_string()  # as pandas has it, so that no column is converted on its way
ERRORS: Path = ("Errors",)
#: How many lists, one in another, rows can show.
DEEPEST_LIST = 2

_SCALARS = {"timestamp": TIMESTAMP, "boolean": pa.bool_()}
_SCALARS |= dict.fromkeys(("double", "float"), pa.float64())
_SCALARS |= dict.fromkeys(("integer", "long"), pa.int64())

#: What `jobs` leads with, in this order; the columns that no member of the API fills are derived.
LEADING = (
    *("job_id", "job_arn", "account_id", "region", "type", "state", "created_at", "updated_at"),
    *("duration_s", "error_count"),
)
_RENAMED = {("Id",): "job_id", ("Arn",): "job_arn"}
# the columns of each table that no member of the API may take
_DERIVED = ("account_id", "region", "duration_s", "error_count")
_RESERVED = {
    "jobs": {*_DERIVED, "details_branch", "data_set_name", "id_text"},
    "details": {"job_id", "field", "position"}, "errors": {"job_id", "position"},
}  # fmt: skip

_PLURALS = (("ies", "y"), ("xes", "x"), ("sses", "ss"), ("ches", "ch"), ("shes", "sh"))

TERMINAL_STATES = ("ERROR", "COMPLETED", "CANCELLED", "TIMED_OUT")
OPEN_STATES = ("WAITING", "IN_PROGRESS")
#: How long after its creation a job is listed.
AWS_KEEPS = timedelta(days=90)
#: What counts as failed, and as the denominator of a rate, unless the user says otherwise.
FAILED_STATES = ("ERROR", "TIMED_OUT")
FINISHED_STATES = ("COMPLETED", *FAILED_STATES)
States = Iterable[str]

#: Jobs of each type that may be open at once, by the service's quotas, none of them adjustable.
OPEN_JOB_QUOTAS: Mapping[str, int] = MappingProxyType({
    "IMPORT_ASSETS_FROM_S3": 10, "IMPORT_ASSET_FROM_SIGNED_URL": 10,
    "EXPORT_ASSETS_TO_S3": 10, "EXPORT_ASSET_TO_SIGNED_URL": 10, "EXPORT_REVISIONS_TO_S3": 5,
    "IMPORT_ASSETS_FROM_REDSHIFT_DATA_SHARES": 10, "IMPORT_ASSET_FROM_API_GATEWAY_API": 10,
})  # fmt: skip


def snake(name: str) -> str:
    """Return an API member's name in boto's own snake case, fit for a column."""
    # boto leaves capitals where a name has an underscore; Delta Lake does not tell them apart
    return re.sub(r"\W+", "_", xform_name(name)).strip("_").lower() or "unnamed"


def singular(name: str) -> str:
    """Return the name of one element of a list: ``KeyPrefixes`` gives ``KeyPrefix``."""
    for plural, single in _PLURALS:
        if name.endswith(plural):
            return name.removesuffix(plural) + single
    return name.removesuffix("s") or name


def arrow_type(shape: Shape, around: tuple[Shape, ...] = ()) -> pa.DataType:
    """Return the Arrow type of a botocore shape; a kind of scalar unknown here is text.

    What rows cannot hold is left out, so that it is kept like a member that botocore does not know.
    """
    around = (*around, shape)
    if isinstance(shape, StructureShape):
        members = [(n, m) for n, m in shape.members.items() if _fits_rows(m, around)]
        return pa.struct([(name, arrow_type(member, around)) for name, member in members])
    if isinstance(shape, ListShape):
        return pa.list_(arrow_type(shape.member, around))
    return _SCALARS.get(shape.type_name, TEXT)


def _fits_rows(shape: Shape, around: tuple[Shape, ...]) -> bool:
    """Tell whether rows can hold a shape: no map or document, and no end in lists or in itself."""
    if shape.type_name == "map" or getattr(shape, "is_document_type", False):
        return False
    if isinstance(shape, ListShape):
        in_lists = sum(isinstance(outer, ListShape) for outer in around)
        in_rows = in_lists < DEEPEST_LIST and not isinstance(shape.member, ListShape)
        return in_rows and _fits_rows(shape.member, around)
    return shape.name not in {outer.name for outer in around}


def map_scalars(data_type: pa.DataType, change: ChangeType) -> pa.DataType:
    """Return a type of the same form with every scalar type in it changed."""
    if pa.types.is_struct(data_type):
        return pa.struct([(m.name, map_scalars(m.type, change)) for m in data_type])
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
    """Return the path of a list as `details.field` has it: a branch without its ``Details``."""
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


def _names(path: Path) -> Iterator[str]:
    """Yield the names that a leaf's column may have: a plain one, the whole path, that numbered."""
    members = [part for part in path if part != ELEMENT]
    whole = "_".join(map(snake, members))
    if path in _RENAMED:
        yield _RENAMED[path]
    in_element = [*itertools.takewhile(ELEMENT.__ne__, reversed(path))][::-1]
    if not in_element:
        yield snake(singular(members[-1]))
    else:
        if in_element[0] == "Details":  # neither it nor the branch is part of a plain name
            in_element = in_element[2:] or in_element[1:] or in_element
        yield "_".join(map(snake, in_element))
    yield whole
    yield from (f"{whole}_{number}" for number in itertools.count(2))


def owner_of(path: Path) -> str | None:
    """Return the branch of a leaf, or the field of its list; None for a job's and an error's own.

    Leaves of several owners may share a column; a row of it is of one.
    """
    if table_of(path) == "jobs":
        return path[1] if path[0] == "Details" and len(path) > 2 else None
    return field_name(path[: path.index(ELEMENT)]) if table_of(path) == "details" else None


def _can_share(column: Column, path: Path, data_type: pa.DataType) -> bool:
    """Tell whether a leaf of another owner may land in a column, too."""
    owned_by, owners = owner_of(path), [owner_of(other) for other in column.paths]
    return column.type == data_type and None not in (owned_by, *owners) and owned_by not in owners


def _add_leaf(columns: dict[str, Column], path: Path, data_type: pa.DataType) -> None:
    """Give a leaf its column: the first of its names that is free, or whose column it can share."""
    for name in _names(path):
        column = columns.get(name)
        if column is None and name not in _RESERVED[table_of(path)]:
            columns[name] = Column(name, data_type, (path,))
            return
        if column and _can_share(column, path, data_type):
            columns[name] = replace(column, paths=(*column.paths, path))
            return


@cache
def layout(record: pa.DataType, learnt: tuple[tuple[Path, pa.DataType], ...] = ()) -> Layout:
    """Return the layout of a record type, and of leaves met beside it, in the order they were met.

    Examples
    --------
    >>> from dxnotebook.model import MODEL, layout
    >>> [column.name for column in layout(MODEL.record).errors][:5]
    ['code', 'limit_name', 'limit_value', 'message', 'resource_id']
    """
    tables: dict[str, dict[str, Column]] = {table: {} for table in _RESERVED}
    for path, data_type in sorted(leaves(record), key=_precedence):
        _add_leaf(tables[table_of(path)], path, data_type)
    tables["jobs"] = {c.name: c for c in sorted(tables["jobs"].values(), key=_jobs_order)}
    for path, data_type in learnt:
        _add_leaf(tables[table_of(path)], path, data_type)
    lists = dict.fromkeys(list_of(p) for c in tables["details"].values() for p in c.paths)
    columns = {table: tuple(by_name.values()) for table, by_name in tables.items()}
    return Layout(**columns, lists=tuple(filter(None, lists)))


def _precedence(leaf: tuple[Path, pa.DataType]) -> tuple[bool, bool]:
    """Sort first who takes its plain name: what is renamed, and a job's and an error's own members.

    Those below Details follow; among the lists they come first.
    """
    path = leaf[0]
    return path not in _RENAMED, ("Details" in path) != (table_of(path) == "details")


def _jobs_order(column: Column) -> tuple[int, int]:
    """Sort what every job has first, then what many types share, then the API's order."""
    if column.name in LEADING:
        return 0, LEADING.index(column.name)
    return 1, -len(column.paths)


def branches(record: pa.DataType) -> tuple[str, ...]:
    """Return the branches of Details, one for each type of job: its members that are structures."""
    details = record.field("Details").type
    return tuple(member.name for member in details if pa.types.is_struct(member.type))


def usual_branch(kind: str) -> str:
    """Return the branch of a type of job: of IMPORT_ASSETS_FROM_S3 it is ImportAssetsFromS3."""
    return "".join(word.capitalize() for word in kind.split("_"))


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
        shapes: dict[Path, Shape] = {(name,): member for name, member in job.members.items()}
        shapes |= {(*ERRORS, ELEMENT, name): member for name, member in error.members.items()}
        enums = {path: tuple(getattr(shape, "enum", ())) for path, shape in shapes.items()}
        return cls(arrow_type(job), {path: values for path, values in enums.items() if values})

    @property
    def layout(self) -> Layout:
        """The layout of the members that this model knows."""
        return layout(self.record)

    def column_categories(self, table: str) -> dict[str, tuple[str, ...]]:
        """Return the known values of a table's categorical columns, in the API's order."""
        firsts = {column.name: column.paths[0] for column in getattr(self.layout, table)}
        known = self.categories
        return {name: known[path] for name, path in firsts.items() if path in known}


def described(service: str) -> Any:
    """Return what the botocore that is installed says of a service.

    No session is made, which would need the user's AWS configuration to be whole.
    """
    return create_loader(os.environ.get("AWS_DATA_PATH")).load_service_model(service, "service-2")


@cache
def operation(name: str) -> Any:
    """Return what the botocore that is installed says of an operation of the service."""
    return ServiceModel(described("dataexchange"), "dataexchange").operation_model(name)


MODEL = Model.of(operation("ListJobs").output_shape)
