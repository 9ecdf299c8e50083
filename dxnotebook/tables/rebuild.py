"""Frames → the jobs as boto3 would have returned them: the way back of `shaping`."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from dxnotebook.model import (
    ELEMENT,
    ERRORS,
    TIMESTAMP,
    Column,
    Model,
    Path,
    branch_key,
    branches,
    field_name,
    list_of,
)
from dxnotebook.records.fit import JSON_MARK, TEXT_MARK
from dxnotebook.times import instant

#: Under this key of its `attrs` a frame says, of columns the model does not know, which members of
# a job fill them.
PATHS = "paths"

Job = dict[str, Any]


def rebuild(
    jobs: pd.DataFrame, details: pd.DataFrame, errors: pd.DataFrame, model: Model
) -> list[Job]:
    """Return the jobs that these frames were made of, in the order of `jobs`."""
    roots: list[Job] = [{} for _ in range(len(jobs))]
    _fill_scalars(roots, jobs, _paths(jobs, model.layout.jobs), model)
    index = pd.Index(jobs["job_id"])
    _fill_lists(roots, errors, index, ERRORS, _paths(errors, model.layout.errors))
    paths = _paths(details, model.layout.details)
    lists = dict.fromkeys(list_of(path) for of_column in paths.values() for path in of_column)
    rows_of = details.groupby("field").indices
    for path in filter(None, lists):
        mine = {
            name: [p for p in of_column if list_of(p) == path] for name, of_column in paths.items()
        }
        mine = {name: of_list for name, of_list in mine.items() if of_list}
        rows = details[["job_id", "position", *mine]].iloc[rows_of.get(field_name(path), [])]
        _fill_lists(roots, rows, index, path, mine)
    return roots


def as_boto3(value: Any, expected: pa.DataType) -> Any:
    """Return JSON as boto3 would have parsed it: its times as `datetime`, where they are times."""
    if isinstance(value, dict) and pa.types.is_struct(expected):
        types = {member.name: member.type for member in expected}
        return {
            name: as_boto3(member, types.get(name, pa.null())) for name, member in value.items()
        }
    if isinstance(value, list) and pa.types.is_list(expected):
        return [as_boto3(element, expected.value_type) for element in value]
    if expected != TIMESTAMP:
        return value
    try:
        time, exact, _ = instant(value)
    except ValueError:
        return value
    return time if exact else value


def _paths(frame: pd.DataFrame, columns: Iterable[Column]) -> dict[str, list[Path]]:
    """Return the members of a job that fill each column of a frame; what is verbatim text comes last and wins."""
    paths: dict[str, list[Path]] = defaultdict(list)
    for column in columns:
        paths[column.name] += column.paths
    beyond: Mapping[str, list[list[str]]] = frame.attrs.get(PATHS, {})
    for name, more in beyond.items():
        paths[name] += [tuple(path) for path in more]
    there = {name: of_column for name, of_column in paths.items() if name in frame}
    return dict(sorted(there.items(), key=lambda item: item[1][0][-1].endswith(TEXT_MARK)))


def _fill_scalars(
    roots: list[Job], jobs: pd.DataFrame, paths: dict[str, list[Path]], model: Model
) -> None:
    of_details = {
        path[1]
        for of_column in paths.values()
        for path in of_column
        if path[0] == "Details" and len(path) > 2
    }
    known = {branch_key(branch): branch for branch in (*branches(model.record), *of_details)}
    branch_of_row = [known.get(branch_key(str(kind))) for kind in jobs["type"]]
    if "details_branch" in jobs:
        named = jobs["details_branch"]
        branch_of_row = [
            odd if there else usual
            for odd, there, usual in zip(named, named.notna(), branch_of_row, strict=True)
        ]
    for name, of_column in paths.items():
        by_branch = {path[1]: path for path in of_column if path[0] == "Details" and len(path) > 2}
        for row, value in _values(jobs[name]):
            _put(roots[row], by_branch.get(branch_of_row[row] or "", of_column[0]), value)


def _fill_lists(
    roots: list[Job],
    rows: pd.DataFrame,
    index: pd.Index[Any],
    path: Path,
    paths: dict[str, list[Path]],
) -> None:
    """Put the elements that these rows are made of into the list at a path of their jobs."""
    job = index.get_indexer(pd.Index(rows["job_id"]))
    position = rows["position"].to_numpy()
    begins = np.ones(len(rows), bool)
    begins[1:] = (job[1:] != job[:-1]) | (position[1:] != position[:-1])
    element = np.cumsum(begins) - 1
    within = np.arange(len(rows)) - np.flatnonzero(begins)[element]
    elements: list[Any] = [{} for _ in range(begins.sum())]
    for name, of_column in paths.items():
        for rest in (leaf[len(path) + 1 :] for leaf in of_column):
            if not rest:
                elements = (
                    rows[name][begins]
                    .astype(object)
                    .where(rows[name][begins].notna(), None)
                    .tolist()
                )
                continue
            for row, value in _values(rows[name]):
                _put_inner(elements[element[row]], rest, int(within[row]), value)
    for owner, value in zip(job[begins], elements, strict=True):
        if owner >= 0:
            _put(roots[owner], path, [value], extend=True)


def _put_inner(element: Job, path: Path, within: int, value: Any) -> None:
    """Put a value into an element; one of a list in the element at the place its row has among the element's rows."""
    if ELEMENT not in path:
        _put(element, path, value)
        return
    at = path.index(ELEMENT)
    for name in path[: at - 1]:
        element = element.setdefault(name, {})
    inner, rest = element.setdefault(path[at - 1], []), path[at + 1 :]
    inner += [{} if rest else None for _ in range(within + 1 - len(inner))]
    if rest:
        _put(inner[within], rest, value)
    else:
        inner[within] = value


def _put(target: Job, path: Path, value: Any, *, extend: bool = False) -> None:
    for name in path[:-1]:
        target = target.setdefault(name, {})
    name = path[-1]
    if extend:
        target.setdefault(name, []).extend(value)
    elif name == JSON_MARK:
        target.update(json.loads(value))
    elif name.endswith(JSON_MARK):
        target[name.removesuffix(JSON_MARK)] = json.loads(value)
    else:
        target[name.removesuffix(TEXT_MARK)] = value


def _values(column: pd.Series[Any]) -> Iterable[tuple[int, Any]]:
    """Yield row and value, as Python has it, of what is not null in a column."""
    there = column.notna().to_numpy()
    present = column[there]
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return zip(
            np.flatnonzero(there), present.dt.tz_convert(UTC).dt.to_pydatetime(), strict=True
        )
    return zip(np.flatnonzero(there), present.astype(object).tolist(), strict=True)
