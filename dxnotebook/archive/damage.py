"""What is damaged or missing of a Delta table in a folder: its engines do not always say."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow.parquet as pq


def damaged_log(folder: Path) -> Iterator[Path]:
    """Yield the files of a table's log that cannot be read, or are not there."""
    checkpoints, commits = (
        {
            int(path.name.partition(".")[0]): path
            for path in sorted(folder.glob(f"_delta_log/{name}"))
        }
        for name in ("*.checkpoint*.parquet", "[0-9]*.json")
    )
    yield from damaged_files(checkpoints.values())
    # what a checkpoint has is not needed any more
    for version in range(max(checkpoints, default=0), max(commits, default=-1) + 1):
        path = folder / "_delta_log" / f"{version:020}.json"
        if version not in checkpoints and not _is_json_lines(path):
            yield path


def damaged_files(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield the Parquet files that cannot be read, or are not there."""
    for path in paths:
        try:
            pq.ParquetFile(path).read()
        except (OSError, ValueError):
            yield path


def _is_json_lines(path: Path) -> bool:
    try:
        lines = path.read_bytes().splitlines()
        return bool([json.loads(line) for line in lines])
    except (OSError, ValueError):
        return False
