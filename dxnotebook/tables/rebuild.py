"""Frames → the jobs as boto3 would have returned them: the way back of `flatten`."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from dxnotebook import model as api
from dxnotebook.model import ELEMENT, Column, Model, Path
from dxnotebook.records.fit import JSON_MARK, TEXT_MARK
from dxnotebook.times import instant

#: Under this key of its `attrs` a frame says, of columns the model does not know, which members of
#: a job fill them.
PATHS = "paths"

Job = dict[str, Any]
# the members of a job that fill each column
Leaves = Mapping[str, list[Path]]


def rebuild(
    jobs: pd.DataFrame, details: pd.DataFrame, errors: pd.DataFrame, model: Model
) -> list[Job]:
    """Return the jobs that these frames were made of, in the order of `jobs`."""
    rebuilt: list[Job] = [{} for _ in range(len(jobs))]
    _fill_scalars(rebuilt, jobs, model)
    index = pd.Index(jobs["job_id"])
    _fill_lists(rebuilt, index, errors, api.ERRORS, _leaves(errors, model.layout.errors))
    lists: dict[Path, Leaves] = {}
    for name, paths in _leaves(details, model.layout.details).items():
        for path in filter(api.list_of, paths):
            lists.setdefault(path[: path.index(ELEMENT)], defaultdict(list))[name].append(path)
    rows = details.groupby("field").indices
    for path, leaves in lists.items():
        if (field := api.field_name(path)) in rows:
            elements = details[["job_id", "position", *leaves]].iloc[rows[field]]
            _fill_lists(rebuilt, index, elements, path, leaves)
    return rebuilt


def as_boto3(value: Any, expected: pa.DataType) -> Any:
    """Return JSON as boto3 would have parsed it: its times as `datetime`, where they are times."""
    if isinstance(value, dict) and pa.types.is_struct(expected):
        types = {member.name: member.type for member in expected}
        return {name: as_boto3(kept, types.get(name, pa.null())) for name, kept in value.items()}
    if isinstance(value, list) and pa.types.is_list(expected):
        return [as_boto3(element, expected.value_type) for element in value]
    if expected != api.TIMESTAMP:
        return value
    try:
        time, exact, _ = instant(value)
    except ValueError:
        return value
    return time if exact else value


def _leaves(frame: pd.DataFrame, columns: Iterable[Column]) -> Leaves:
    """Return the leaves of a frame's columns; what is verbatim text comes last and wins."""
    leaves: Leaves = defaultdict(list, {column.name: list(column.paths) for column in columns})
    for name, paths in frame.attrs.get(PATHS, {}).items():
        leaves[name].extend(map(tuple, paths))
    present = [(name, paths) for name, paths in leaves.items() if name in frame]
    return dict(sorted(present, key=lambda item: item[1][0][-1].endswith(TEXT_MARK)))


def _fill_scalars(rebuilt: list[Job], jobs: pd.DataFrame, model: Model) -> None:
    """Put into every job what its row has, and what is below Details into its branch there."""
    branches = branches_of(jobs).tolist()
    for name, paths in _leaves(jobs, model.layout.jobs).items():
        by_branch = {api.owner_of(path): path for path in paths}
        for row, value in _present(jobs[name]):
            _put(rebuilt[row], by_branch.get(branches[row], paths[0]), value)


def branches_of(jobs: pd.DataFrame) -> pd.Series[Any]:
    """Return the branch of Details that each job has: its type's, unless the job says another."""
    kinds = jobs["type"].astype("str").astype("category")  # few to map
    usual = kinds.map(api.usual_branch, na_action="ignore").astype(object)
    if "details_branch" in jobs:
        usual = jobs["details_branch"].astype(object).fillna(usual)
    return usual


def _fill_lists(
    jobs: list[Job], index: pd.Index[Any], rows: pd.DataFrame, path: Path, leaves: Leaves
) -> None:
    """Append to the list at a path of every job the elements that its rows are made of."""
    job, position = index.get_indexer(pd.Index(rows["job_id"])), rows["position"].to_numpy()
    begins = (np.diff(job, prepend=-2) != 0) | (np.diff(position, prepend=-1) != 0)
    number = np.cumsum(begins) - 1
    places = (np.arange(len(rows)) - np.flatnonzero(begins)[number]).tolist()
    numbers = number.tolist()
    paths = [(name, leaf[len(path) + 1 :]) for name in leaves for leaf in leaves[name]]
    are_scalars = any(not leaf for _, leaf in paths)
    elements: list[Any] = [None if are_scalars else {} for _ in range(begins.sum())]
    for name, leaf in paths:
        for row, value in _present(rows[name]):
            if leaf:
                _put(elements[numbers[row]], leaf, value, places[row])
            else:
                elements[numbers[row]] = value
    for owner, value in zip(job[begins], elements, strict=True):
        if owner >= 0:
            _holder(jobs[owner], path).setdefault(path[-1], []).append(value)


def _holder(target: Job, path: Path) -> Job:
    """Return the object that has the last member of a path, made where it is not there yet."""
    for name in path[:-1]:
        target = target.setdefault(name, {})
    return target


def _put(target: Job, path: Path, value: Any, place: int = 0) -> None:
    """Put a value at a path; if it leads through a list, into the element at this place."""
    if ELEMENT in path:
        end = path.index(ELEMENT)
        elements = _holder(target, path[:end]).setdefault(path[end - 1], [])
        leaf = path[end + 1 :]
        elements += [{} if leaf else None for _ in range(place + 1 - len(elements))]
        if not leaf:
            elements[place] = value
            return
        target, path = elements[place], leaf
    holder, name = _holder(target, path), path[-1]
    if name == JSON_MARK:
        holder.update(json.loads(value))
    elif name.endswith(JSON_MARK):
        holder[name.removesuffix(JSON_MARK)] = json.loads(value)
    else:
        holder[name.removesuffix(TEXT_MARK)] = value


def _present(column: pd.Series[Any]) -> Iterable[tuple[int, Any]]:
    """Yield row and value, as Python has it, of what is not null in a column."""
    values: Any = column.reset_index(drop=True).dropna()
    rows = values.index.tolist()
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        values = values.dt.tz_convert(UTC).dt.to_pydatetime()
    return zip(rows, values.astype(object).tolist(), strict=True)
