"""What the fuzz targets share: jobs to begin with, changes of JSON, and what must hold of jobs."""

from __future__ import annotations

import json
import random
import sys
import tempfile
import warnings
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import atheris

import dxnotebook as dx
from tests.conftest import job

# values that have upset readers of JSON, spreadsheets and dataframes
ODD = (
    None, True, False, 0, 1, -1, 3.5, 1e300, 2**31, 2**53 + 1, 2**64, "", "null", "NaN", "\x00",
    "\u202e", "\ud800", "😀", "0", "2024-01-02", "2024-01-02T03:04:05Z", "/Date(1700000000000)/",
    1700000000, 1700000000000, [], {}, [None], [[]], [{}], {"": None}, {"Value": "ERROR"},
    {"S": "x"},
)  # fmt: skip
NAMES = (
    "", "Id", "Arn", "Details", "Errors", "Position", "ErrorCount", "New", "Jobs", "NextToken",
    "ImportAssetsFromS3", "AssetSources", "Bucket", "Message", "jobs", "a.b", "Details.X", "\x00",
)  # fmt: skip


def seeds():
    """Yield pages: one with a job of each type, and small ones."""
    pages = dx.demo.client(2_000).get_paginator("list_jobs").paginate()
    of_type = {one["Type"]: one for page in pages for one in page["Jobs"]}
    plain = json.loads(json.dumps(list(of_type.values()), default=datetime.isoformat))
    yield json.dumps({"Jobs": plain}).encode()
    for one in plain:
        yield json.dumps({"Jobs": [one]}).encode()
    yield json.dumps({"Jobs": [job(1), job(2, Errors=[{"Code": "A", "Message": "b"}])]}).encode()
    yield b'{"Jobs":[]}'


def mutated(content, most, seed):
    """Return a text with one place of its JSON changed, or with some of its bytes changed."""
    chance = random.Random(seed)
    try:
        value = json.loads(content)
        if chance.random() < 0.2:
            raise ValueError
        places = list(_places(value))
        if places:
            _change(*chance.choice(places), chance)
        result = json.dumps(value, ensure_ascii=chance.random() < 0.5).encode("utf-8", "replace")
    except (ValueError, RecursionError):
        result = atheris.Mutate(content, most)
    return result[:most]


def _places(value):
    """Yield each container of a JSON value with each of its keys."""
    if isinstance(value, dict | list):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from _places(value[key])


def _change(container, key, chance):
    """Change a container at a key: another value, another name, one less, one more."""
    what = chance.choice(["odd", "odd", "name", "remove", "copy", "wrap", "add"])
    if what == "odd":
        container[key] = chance.choice(ODD)
    elif what == "remove":
        del container[key]
    elif what == "wrap":
        container[key] = chance.choice([[container[key]], {chance.choice(NAMES): container[key]}])
    elif isinstance(container, list):
        container.insert(key, container[key])
    elif what == "name":
        container[chance.choice(NAMES)] = container.pop(key)
    else:
        container[chance.choice(NAMES)] = container[key] if what == "copy" else chance.choice(ODD)


def jobs_in(content):
    """Return the jobs that the json module finds in a plain page, None where it is not plain.

    It is not where a name is repeated, where a reader may refuse (deep nesting, numbers that no
    float holds), and where there are no jobs at all.
    """
    try:
        page = json.loads(content.decode("utf-8-sig"), object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        return None
    if not (isinstance(page, dict) and set(page) == {"Jobs"} and isinstance(page["Jobs"], list)):
        return None
    plain = all(isinstance(one, dict) for one in page["Jobs"]) and _is_plain(page, 0)
    return page["Jobs"] if plain else None


def _unique(pairs):
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a name is repeated")
    return dict(pairs)


def _is_plain(value, depth):
    if isinstance(value, dict):
        return all(_is_plain(part, depth + 1) for pair in value.items() for part in pair)
    if isinstance(value, list):
        return all(_is_plain(part, depth + 1) for part in value)
    if isinstance(value, str):
        return value.isprintable() and depth < 30
    return not isinstance(value, int | float) or abs(value) < 2**53


def is_same(ours, theirs):
    """Tell whether a job of ours is one that came, where times may have been read."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return ours.keys() == theirs.keys() and all(is_same(ours[n], theirs[n]) for n in ours)
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(is_same, ours, theirs))
    if isinstance(theirs, dict):  # as ConvertTo-Json of PowerShell writes a value
        [theirs] = [one for name, one in theirs.items() if name.lower() == "value"] or [None]
        return theirs is not None and is_same(ours, theirs)
    if isinstance(ours, datetime):
        return _moment(theirs) in (None, ours)
    # a number where the model has a text is that text, and the other way round
    return ours == theirs or _text(ours) == _text(theirs)


def _text(value):
    return value if isinstance(value, str) else json.dumps(value)


def _moment(value):
    """Return the time that a text or number is, None where Python does not say."""
    try:
        if isinstance(value, str):
            time = datetime.fromisoformat(value)
            return time if time.tzinfo else time.replace(tzinfo=UTC)
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=value)
    except (ValueError, TypeError, OverflowError):
        return None


def without_nulls(value):
    """Return a value without what is null, empty or absent, also in lists: to us these are one."""
    if isinstance(value, dict):
        kept = {name: without_nulls(part) for name, part in value.items()}
        return {name: part for name, part in kept.items() if part not in (None, {}, [])}
    if isinstance(value, list):
        return [part for part in map(without_nulls, value) if part not in (None, {}, [])]
    return value


def check(tables, came):
    """Hold tables against the jobs that came: each is there once, as it was."""
    ours = [without_nulls(one) for one in tables.to_jobs()]
    arns = Counter(repr(one.get("Arn")) for one in came)
    for one in map(without_nulls, came):
        if arns[repr(one.get("Arn"))] > 1:  # the newest version wins
            continue
        same = [mine for mine in ours if is_same(mine, one)]
        if not same:
            raise AssertionError(f"lost: {json.dumps(one)}")
    if len(tables.jobs) + len(tables.rejects) > len(came):
        raise AssertionError("a job is there twice")


def run(target):
    """Fuzz a target; the arguments are libFuzzer's."""
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as corpus:
        for number, page in enumerate(seeds()):
            (Path(corpus) / f"{number}.json").write_bytes(page)
        atheris.Setup([*sys.argv, corpus], target, custom_mutator=mutated)
        atheris.Fuzz()
