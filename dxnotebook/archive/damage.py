"""What is damaged or missing of a Delta table in a folder: its engines do not always say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError


def damaged(folder: Path) -> Iterator[Path]:
    """Yield the files of a table that cannot be read, or are not there; those of its log first."""
    log = folder / "_delta_log"
    checkpoints, commits = (
        {int(path.name.partition(".")[0]): path for path in sorted(log.glob(name))}
        for name in ("*.checkpoint*.parquet", "[0-9]*.json")
    )
    # what a checkpoint has is not needed any more
    versions = range(max(checkpoints, default=-1) + 1, max(commits, default=-1) + 1)
    needed = [*checkpoints.values(), *(log / f"{version:020}.json" for version in versions)]
    yield from (path for path in needed if not _is_whole(path))
    with suppress(DeltaError):
        files = pa.table(DeltaTable(str(folder)).get_add_actions())["path"].to_pylist()
        yield from (folder / file for file in files if not _is_whole(folder / file))


def _is_whole(path: Path) -> bool:
    try:
        if path.suffix == ".json":
            return bool([json.loads(line) for line in path.read_bytes().splitlines()])
        pq.ParquetFile(path).read()
    except (OSError, ValueError):
        return False
    return True
