"""What `benchmarks.load` compares.

Each contestant runs in a process of its own, which loads only what it measures.
"""

# ruff: noqa: PLC0415
from __future__ import annotations

import functools
import gc
import importlib
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

Figures = dict[str, float]

PAGE_SIZE, WARM_UP_PAGES = 200, 4
JOBS_AN_ACCOUNT = 200_000
MB = 2**20 if sys.platform == "darwin" else 2**10  # in what getrusage counts


class Contestant(NamedTuple):
    """A way to do the work, and how many jobs there are in what it returns."""

    work: Callable[[Any], Any]
    count: Callable[[Any], int]


# On decoded pages: each gets a list of bytes, but DuckDB, whose reader wants a file, gets the path
# of one.


def dxnotebook() -> Contestant:
    import dxnotebook as dx

    return Contestant(dx.read_jobs, len)


def boto3_parser() -> Contestant:
    import botocore.session
    from botocore.parsers import create_parser

    service = botocore.session.get_session().get_service_model("dataexchange")
    shape, parser = service.operation_model("ListJobs").output_shape, create_parser("rest-json")

    def work(pages: list[bytes]) -> list[dict[str, Any]]:
        jobs: list[dict[str, Any]] = []
        for page in pages:
            jobs.extend(
                parser.parse({"status_code": 200, "headers": {}, "body": page}, shape)["Jobs"]
            )
        return jobs

    return Contestant(work, len)


def json_normalize(listed: Callable[[], Contestant]) -> Contestant:
    import pandas as pd

    work = listed().work
    return Contestant(lambda given: pd.json_normalize(work(given)), len)


def loads(module: str) -> Contestant:
    decode = importlib.import_module(module).loads
    return Contestant(
        lambda pages: [decode(page) for page in pages],
        lambda pages: sum(len(page["Jobs"]) for page in pages),
    )


def pyarrow_json() -> Contestant:
    import pyarrow as pa
    import pyarrow.json as pj

    parse = pj.ParseOptions(explicit_schema=pa.schema(list(_page_type())))

    def work(pages: list[bytes]) -> pa.Table:
        content = b"\n".join(pages)
        read = pj.ReadOptions(use_threads=False, block_size=len(content) + 1)
        return pj.read_json(pa.BufferReader(content), read_options=read, parse_options=parse)

    return Contestant(work, _jobs_in_table)


def polars_json() -> Contestant:
    import polars as pl
    import pyarrow as pa

    page = pl.Series(pa.array([], _page_type())).dtype
    return Contestant(
        lambda pages: pl.Series(pages, dtype=pl.Binary).cast(pl.String).str.json_decode(page),
        lambda series: int(series.struct.field("Jobs").list.len().sum()),
    )


def duckdb_json() -> Contestant:
    import duckdb

    columns = ", ".join(f"{member.name}: '{_duckdb_type(member.type)}'" for member in _page_type())
    options = f"format='newline_delimited', maximum_object_size=100000000, columns={{{columns}}}"
    return Contestant(
        lambda path: duckdb.sql(f"SELECT * FROM read_json('{path}', {options})").to_arrow_table(),
        _jobs_in_table,
    )


def _jobs_in_table(table: Any) -> int:
    return sum(len(chunk.flatten()) for chunk in table["Jobs"].chunks)


def _page_type() -> Any:
    """Return the Arrow type of a page, times as text."""
    import pyarrow as pa

    from dxnotebook.model import MODEL, TEXT, TIMESTAMP, map_scalars

    job = map_scalars(
        MODEL.record, lambda scalar: pa.string() if scalar in (TEXT, TIMESTAMP) else scalar
    )
    return pa.struct([("Jobs", pa.list_(job)), ("NextToken", pa.string())])


def _duckdb_type(data_type: Any) -> str:
    import pyarrow as pa

    if pa.types.is_struct(data_type):
        members = ", ".join(f'"{member.name}" {_duckdb_type(member.type)}' for member in data_type)
        return f"STRUCT({members})"
    if pa.types.is_list(data_type):
        return f"{_duckdb_type(data_type.value_type)}[]"
    return {"string": "VARCHAR", "double": "DOUBLE", "int64": "BIGINT", "bool": "BOOLEAN"}[
        str(data_type)
    ]


# Over HTTP: each gets a list of boto3 clients.


def load_jobs() -> Contestant:
    import dxnotebook as dx

    return Contestant(functools.partial(dx.load_jobs, progress=False), len)


def load_jobs_one_by_one() -> Contestant:
    load, count = load_jobs()
    return Contestant(
        lambda clients: [load(client) for client in clients], lambda found: sum(map(count, found))
    )


def paginator() -> Contestant:
    def work(clients: list[Any]) -> list[dict[str, Any]]:
        jobs: list[dict[str, Any]] = []
        for client in clients:
            for page in client.get_paginator("list_jobs").paginate(
                PaginationConfig={"PageSize": PAGE_SIZE}
            ):
                jobs.extend(page["Jobs"])
        return jobs

    return Contestant(work, len)


ON_PAGES: dict[str, Callable[[], Contestant]] = {
    "dxnotebook": dxnotebook,
    "boto3 + json_normalize": functools.partial(json_normalize, boto3_parser),
    "boto3 parser alone": boto3_parser,
    "orjson.loads": functools.partial(loads, "orjson"),
    "json.loads": functools.partial(loads, "json"),
    "polars json_decode": polars_json,
    "duckdb read_json": duckdb_json,
    "pyarrow read_json": pyarrow_json,
}
OVER_HTTP: dict[str, Callable[[], Contestant]] = {
    "dx.load_jobs": load_jobs,
    "paginator + json_normalize": functools.partial(json_normalize, paginator),
    "paginator alone": paginator,
    "dx.load_jobs, one by one": load_jobs_one_by_one,
}


def measure(name: str, given: str) -> Figures:
    """Return a contestant's figures on a file of pages, or on endpoints, first one to warm up."""
    if name == "since":
        return requests_since(int(given))
    if name == "refresh":
        return refreshed(int(given))
    if name in OVER_HTTP:
        clients = [_client(url) for url in json.loads(given)]
        return _timed(OVER_HTTP[name](), clients[:1], clients[1:])
    pages, few = _pages(Path(given)), _pages(_few(Path(given)))
    if name == "duckdb read_json":
        return _timed(duckdb_json(), _few(Path(given)), given)
    return _timed(ON_PAGES[name](), few, pages)


def _timed(contestant: Contestant, warm_up: object, given: object) -> Figures:
    """Return CPU and wall seconds, and how far the peak memory rose while the result lived."""
    contestant.work(warm_up)
    gc.collect()
    peak, user, wall, cpu = _peak(), os.times().user, time.perf_counter(), time.process_time()
    result = contestant.work(given)
    cpu, wall, user, peak = (
        time.process_time() - cpu,
        time.perf_counter() - wall,
        os.times().user - user,
        _peak() - peak,
    )
    return {"cpu": cpu, "user": user, "wall": wall, "peak": peak, "jobs": contestant.count(result)}


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MB


def _pages(path: Path) -> list[bytes]:
    with path.open("rb") as file:
        return [line.rstrip(b"\n") for line in file]


def _few(path: Path) -> Path:
    """Return the file beside one of pages that holds only as many as it takes to warm up."""
    return path.with_suffix(".few")


def write(jobs: int, path: Path) -> None:
    """Write the pages of that many jobs, one a line; many are of several such accounts."""
    from dxnotebook import demo

    sizes = [min(JOBS_AN_ACCOUNT, jobs - start) for start in range(0, jobs, JOBS_AN_ACCOUNT)]
    accounts = (demo.Account(size, account_id=f"{number:012}") for number, size in enumerate(sizes))
    _write((page for account in accounts for page in account.pages()), path)
    _write(_pages(path)[:WARM_UP_PAGES], _few(path))


def _write(pages: Iterable[bytes], path: Path) -> None:
    with path.open("wb") as file:
        file.writelines(page + b"\n" for page in pages)


def _client(url: str) -> Any:
    import boto3
    from botocore.config import Config

    session = boto3.Session("AKIADEMO", "demo", region_name="us-east-1")
    return session.client("dataexchange", endpoint_url=url, config=Config(proxies={}))


def requests_since(jobs: int) -> Figures:
    """Return how many pages a load of the last day asks for, and how many it has to."""
    import dxnotebook as dx

    account = dx.demo.Account(jobs)
    limit = account.now - timedelta(days=1)
    oldest = [
        datetime.fromisoformat(json.loads(page)["Jobs"][-1]["CreatedAt"])
        for page in account.pages()
    ]
    expected = next(
        (number for number, created in enumerate(oldest, 1) if created < limit), len(oldest)
    )
    with dx.demo.Endpoint(account) as endpoint:
        loaded = dx.load_jobs(endpoint.client(), since="1d", progress=False)
        return {
            "requests": len(endpoint.requests),
            "expected": expected,
            "all": len(oldest),
            "jobs": len(loaded),
        }


def refreshed(jobs: int) -> Figures:
    """Return how long a refresh by a page of news takes, less the request, and what it is beside.

    The older of the jobs are the demo's again and again, each time 90 days before.
    """
    import dxnotebook as dx

    account = dx.demo.Account(min(jobs, JOBS_AN_ACCOUNT // 2))
    with dx.demo.Endpoint(account) as endpoint:
        client = endpoint.client()
        tables = _tiled(dx.load_jobs(client, progress=False), jobs)
        opened = ~tables.jobs["state"].isin(["COMPLETED", "ERROR", "CANCELLED", "TIMED_OUT"])
        # all are finished, and the last few are the news
        tables = tables.filter(~opened & (tables.jobs.index >= PAGE_SIZE // 2))
        took = {}
        for _ in range(2):  # the first time to warm up
            endpoint.requests.clear()
            start = time.process_time()
            found = dx.refresh(tables, client, progress=False)
            took["refresh"] = time.process_time() - start
            requests = len(endpoint.requests)
            since = found.jobs["created_at"][PAGE_SIZE - 1]
            start = time.process_time()
            page = dx.load_jobs(client, since=since, progress=False)
            took["page"] = time.process_time() - start
        start = time.process_time()
        dx.concat([page, tables])
        took["concat"] = time.process_time() - start
    took["refresh"] -= took["page"]
    return {**took, "requests": requests, "jobs": len(found)}


def _tiled(tables: Any, jobs: int) -> Any:
    """Return tables of that many jobs: these again and again, each time 90 days before."""
    from dataclasses import replace

    import pandas as pd

    frames = {}
    for name in ("jobs", "details", "errors"):
        frame, copies = getattr(tables, name), []
        for number in range(jobs // len(tables)):
            changed = {
                id_: frame[id_] + f"{number:04}" for id_ in ("job_id", "job_arn") if id_ in frame
            }
            if name == "jobs":
                age = pd.Timedelta(days=90 * number)
                changed |= {time: frame[time] - age for time in ("created_at", "updated_at")}
            copies.append(frame.assign(**changed) if number else frame)
        frames[name] = pd.concat(copies, ignore_index=True)
        frames[name].attrs = frame.attrs
    return replace(tables, **frames)


def serve(sizes: Iterable[int], delay: float) -> None:
    """Serve an account of each size, print the URLs, and end when the standard input does."""
    from dxnotebook import demo

    endpoints = []
    for number, jobs in enumerate(sizes):
        account = demo.Account(jobs, account_id=f"{number:012}")
        bodies = dict(zip(range(0, jobs, PAGE_SIZE), account.pages(PAGE_SIZE), strict=True))
        account.page = lambda start, *_, of=bodies, **__: of[
            start
        ]  # else the server is busier than its clients
        endpoints.append(demo.Endpoint(account, delay=delay))
    print(json.dumps([endpoint.url for endpoint in endpoints]), flush=True)
    sys.stdin.read()
