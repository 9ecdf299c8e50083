"""The reference of the four tables, from the model that botocore has of a job."""

from __future__ import annotations

from dxnotebook.aws.load import load_jobs
from dxnotebook.demo import client
from dxnotebook.model import MODEL, Column, field_name, owner_of, usual_branch

#: The columns that come of no member of the API.
DERIVED = {
    "jobs": {
        "account_id": "the account, from the ARN",
        "region": "the region, from the ARN",
        "duration_s": "seconds from created to finished, waiting included; null while open",
        "error_count": "how many errors the job has",
    },
    "details": {
        "job_id": "the job",
        "field": "the list that the element is of, as the API names it",
        "position": "the element's place in the list, from 0",
    },
    "errors": {"job_id": "the job", "position": "the error's place among those of the job, from 0"},
    "rejects": {
        "source": "the client or file that it came from",
        "page": "the page of a listing, from 0",
        "position": "the place in the page, from 0",
        "reason": "why it is none of the others",
        "raw": "the job as JSON, without secrets",
    },
}
INTRODUCTION = """\
# The tables, column by column

`JobTables` has four frames. `job_id` joins the first three. A column is there whether anything
fills it or not, with its dtype, also in an empty table. This page is made from botocore {version}'s
model of `ListJobs`: with a newer one there may be more columns. *Filled by* names the types of job
that have the member; where it says nothing, all have it.

`data_set_name` is one more column of `jobs`, after [`with_names`](load.md#dxnotebook.with_names).
"""
TITLES = {
    "jobs": "one row is a job",
    "details": "one row is an element of any list of a job",
    "errors": "one row is an asset that an error names, or an error that names none",
    "rejects": "one row is a job that cannot be typed without losing something",
}
TYPES = {usual_branch(kind): kind for kind in MODEL.column_categories("jobs")["type"]}


def text() -> str:
    """Return the page: a table for each of the tables."""
    import botocore  # noqa: PLC0415 (its version, no more)

    found = load_jobs(client(jobs=0), progress=False)
    parts = [INTRODUCTION.format(version=botocore.__version__)]
    for table, title in TITLES.items():
        frame = getattr(found, table)
        known = {column.name: column for column in getattr(MODEL.layout, table, ())}
        parts.append(f"## `{table}`\n\n{title[0].upper()}{title[1:]}.\n")
        parts.append("| column | dtype | what it is | filled by |\n|---|---|---|---|")
        for name, dtype in frame.dtypes.items():
            what, filled_by = _described(table, str(name), known)
            parts.append(f"| <code>{_broken(name)}</code> | {dtype} | {what} | {filled_by} |")
        parts.append("")
        parts += _values(table)
    return "\n".join(parts)


def _described(table: str, name: str, known: dict[str, Column]) -> tuple[str, str]:
    """Return what a column is, and the types of job that fill it."""
    if name in DERIVED[table]:
        return DERIVED[table][name], ""
    paths = known[name].paths
    branches = {owner.split(".")[0]: None for path in paths if (owner := owner_of(path))}
    kinds = [TYPES[branch] for branch in branches if branch in TYPES]
    # the branch is what the last column says
    names = (field_name(path).removeprefix("[].") for path in paths)
    members = {name.partition(".")[2] if name.split(".")[0] in TYPES else name for name in names}
    filled_by = "all" if len(kinds) == len(TYPES) else _broken("<br>".join(kinds))
    return ", ".join(f"`{name}`" for name in sorted(members)), filled_by


def _broken(name: object) -> str:
    """Return a name that may be broken between its words."""
    return str(name).replace("_", "_<wbr>")


def _values(table: str) -> list[str]:
    """Return lines of the values that the API lists for the categories of a table."""
    if table not in ("jobs", "errors"):
        return []
    return [
        f"`{name}` is one of {', '.join(f'`{value}`' for value in values)}, in this order.\n"
        for name, values in MODEL.column_categories(table).items()
    ]
