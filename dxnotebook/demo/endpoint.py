"""The simulated account behind a real HTTP endpoint on loopback, which real boto3 clients ask."""

from __future__ import annotations

import functools
import json
import os
import re
import socketserver
import threading
import weakref
from collections import Counter
from collections.abc import Callable, Sequence
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

import boto3
from botocore.client import BaseClient
from botocore.config import Config
from botocore.session import Session

from dxnotebook.demo.account import Account
from dxnotebook.demo.catalogue import Json
from dxnotebook.demo.faults import Fault, RefusalError, Reply

_REVISIONS = re.compile(r"/v1/data-sets/([^/]+)/revisions")


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 128
    timeout = 0.05  # how soon the serving thread notices that it is to end

    def handle_error(self, *_: object) -> None:
        """Say nothing: a client that goes away is no event."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # headers and body leave together
    answer: Callable[[str, str], Reply | None]

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        reply = self.answer(self.command, self.path)
        if reply is None or reply.missing:
            self.close_connection = True
        if reply is None:
            return
        self.send_response_only(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body) + reply.missing))
        self.end_headers()
        self.wfile.write(reply.body)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 (the names are http.server's)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


_making_clients = threading.Lock()  # a session is not thread-safe, its clients are


@functools.cache  # reading botocore's data files is most of what a client costs
def _own_session(region: str) -> boto3.Session:
    """Return a session that knows no profile and no configuration file of the user's."""
    nowhere = (None, None, os.devnull, None)
    sources = {"profile": (None,) * 4, "config_file": nowhere, "credentials_file": nowhere}
    return boto3.Session("AKIADEMO", "demo", region_name=region, botocore_session=Session(sources))


class Endpoint:
    """An HTTP endpoint on 127.0.0.1 that answers for an account until it is closed.

    It knows ListJobs, ListDataSets and ListDataSetRevisions.

    Parameters
    ----------
    account : Account
        Whose jobs are listed.
    faults : sequence of Fault
        What goes wrong; of several for one page the first that is not used up counts.
    delay : float
        Seconds that every answer takes.

    Attributes
    ----------
    url : str
        Where it listens.
    requests : list of tuple
        Method, path and query of every request so far.

    Examples
    --------
    >>> from dxnotebook import demo
    >>> with demo.Endpoint(demo.Account(10)) as endpoint:
    ...     jobs = endpoint.client().list_jobs(MaxResults=4)["Jobs"]
    >>> len(jobs), endpoint.requests
    (4, [('GET', '/v1/jobs', {'maxResults': '4'})])
    """

    def __init__(self, account: Account, *, faults: Sequence[Fault] = (), delay: float = 0) -> None:
        self.account, self.faults, self.delay = account, tuple(faults), delay
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self._used: Counter[int] = Counter()
        self._lock = threading.Lock()
        self._closed = threading.Event()
        handler = type("_BoundHandler", (_Handler,), {"answer": self._answer})
        server = _Server(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=self._serve, args=(server,), daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop answering.

        Examples
        --------
        >>> from dxnotebook import demo
        >>> demo.Endpoint(demo.Account(1)).close()
        """
        self._closed.set()

    def client(self, **kwargs: object) -> BaseClient:
        """Return a boto3 client of this endpoint, out of reach of the user's configuration.

        No profile, configuration file or proxy of the user's has a say in it.

        Parameters
        ----------
        **kwargs
            For boto3's `Session.client`; a `config` is merged over the one made here.

        Examples
        --------
        >>> from dxnotebook import demo
        >>> with demo.Endpoint(demo.Account(1)) as endpoint:
        ...     endpoint.client().meta.region_name
        'us-east-1'
        """
        config = Config(proxies={}, use_fips_endpoint=False, use_dualstack_endpoint=False)
        options: dict[str, Any] = {"endpoint_url": self.url, **kwargs}
        options["config"] = config.merge(options.get("config") or Config())
        with _making_clients:
            made: BaseClient = _own_session(self.account.region).client("dataexchange", **options)
        return made

    def _serve(self, server: _Server) -> None:
        # Polled: `shutdown` would wait for itself if garbage collection forgot a client in this
        # very thread.
        with server:
            while not self._closed.is_set():
                server.handle_request()

    def _answer(self, method: str, target: str) -> Reply | None:
        """Return the answer to a request, None for none."""
        if self._closed.wait(self.delay):
            return None
        path = urlsplit(target).path
        query = dict(parse_qsl(urlsplit(target).query, keep_blank_values=True))
        with self._lock:
            self.requests.append((method, path, query))
            number = len(self.requests)
        try:
            reply = self._operation(method, path, query)
        except RefusalError as refusal:
            reply = refusal.reply
        date = format_datetime(self.account.now, usegmt=True)
        request_id = f"{number:08x}-0000-4000-8000-{number:012x}"
        headers = {"Date": date, "x-amzn-RequestId": request_id}
        return reply and reply._replace(headers=headers | reply.headers)

    def _operation(self, method: str, path: str, query: dict[str, str]) -> Reply | None:
        operation = {"/v1/jobs": self._list_jobs, "/v1/data-sets": self._list_data_sets}.get(path)
        if revisions := _REVISIONS.fullmatch(path):
            operation = functools.partial(self._list_revisions, data_set_id=unquote(revisions[1]))
        if operation is None:
            message = f"Unknown operation: {method} {path}"
            raise RefusalError(404, "UnknownOperationException", message)
        if method != "GET":
            message = f"{path} does not allow {method}"
            raise RefusalError(405, "MethodNotAllowedException", message)
        try:
            return operation(query)
        except LookupError as unknown:
            resource, name = unknown.args
            message = f"{resource.replace('_', ' ').capitalize()} {name} was not found."
            more = {"ResourceId": name, "ResourceType": resource}
            raise RefusalError(404, "ResourceNotFoundException", message, **more) from None

    def _list_jobs(self, query: dict[str, str]) -> Reply | None:
        size = min(_page_size(query), self.account.per_page)
        filters = {"data_set_id": query.get("dataSetId"), "revision_id": query.get("revisionId")}
        listing = tuple(filters.values())
        start, detours = self._start(query, *listing)
        fault = None if detours else self._fault(start // size)
        if fault is None:
            return Reply(200, self.account.page(start, size, **filters))
        if fault.kind == "reset" or (fault.kind == "stall" and self._closed.wait(fault.seconds)):
            return None
        first = self.account.token(0, *listing)
        wrong_tokens = {
            "repeat_token": query.get("nextToken", first),
            "cycle_token": first,
            "empty_token": "",
            "empty_page": self.account.token(start, *listing, detours=1),
        }
        token = wrong_tokens.get(fault.kind)
        size *= fault.kind != "empty_page"
        body = self.account.page(start, size, **filters, next_token=token)
        return fault.spoilt(body, self.account.account_id, self.account.region)

    def _start(self, query: dict[str, str], *listing: str | None) -> tuple[int, int]:
        """Return the offset that a request's token leads to, and by how many detours."""
        if "nextToken" not in query:
            return 0, 0
        try:
            return self.account.offset(query["nextToken"], *listing)
        except ValueError:
            message = "The NextToken is not valid for this request."
            raise RefusalError(400, "ValidationException", message) from None

    def _fault(self, page: int) -> Fault | None:
        """Return the fault that a page has now, and count it."""
        with self._lock:
            for i, fault in enumerate(self.faults):
                if fault.page == page and (fault.times is None or self._used[i] < fault.times):
                    self._used[i] += 1
                    return fault
        return None

    def _list_data_sets(self, query: dict[str, str]) -> Reply:
        origin = query.get("origin", "OWNED")
        if origin not in ("OWNED", "ENTITLED"):
            raise _invalid(origin, "origin", "satisfy enum value set: [OWNED, ENTITLED]")
        data_sets = [one for one in self.account.data_sets if one["Origin"] == origin]
        return self._listing(query, "DataSets", data_sets, "data-sets", origin)

    def _list_revisions(self, query: dict[str, str], data_set_id: str) -> Reply:
        revisions = self.account.revisions(data_set_id)
        return self._listing(query, "Revisions", revisions, "revisions", data_set_id)

    def _listing(self, query: dict[str, str], name: str, items: list[Json], *listing: str) -> Reply:
        """Return the page of a listing that a request asks for."""
        start, size = self._start(query, *listing)[0], _page_size(query)
        end = start + size
        page: Json = {name: items[start:end]}
        if end < len(items):
            page["NextToken"] = self.account.token(end, *listing)
        return Reply(200, json.dumps(page).encode())


def _page_size(query: dict[str, str]) -> int:
    value = query.get("maxResults", "200")
    if not value.removeprefix("-").isdecimal():
        raise _invalid(value, "maxResults", "be an integer")
    size = min(max(int(value), 1), 200)
    if size != int(value):
        bound = "greater" if size == 1 else "less"
        raise _invalid(value, "maxResults", f"have value {bound} than or equal to {size}")
    return size


def _invalid(value: str, name: str, constraint: str) -> RefusalError:
    what = f"1 validation error detected: Value '{value}' at '{name}' failed to satisfy constraint"
    return RefusalError(400, "ValidationException", f"{what}: Member must {constraint}")


def client(
    jobs: int = 6_000,
    *,
    faults: Sequence[Fault] = (),
    delay: float = 0.0,
    region: str = "us-east-1",
    account_id: str = "111122223333",
    seed: int = 0,
) -> BaseClient:
    """Return a real boto3 client of a simulated provider account.

    Its endpoint closes when the client is forgotten.

    Parameters
    ----------
    jobs : int
        How many jobs the account has.
    faults, delay
        As for `Endpoint`.
    region, account_id, seed
        As for `Account`.

    Examples
    --------
    >>> from dxnotebook import demo
    >>> pages = demo.client(500).get_paginator("list_jobs").paginate()
    >>> [len(page["Jobs"]) for page in pages]
    [200, 200, 100]
    """
    account = Account(jobs, account_id=account_id, region=region, seed=seed)
    endpoint = Endpoint(account, faults=faults, delay=delay)
    made = endpoint.client()
    weakref.finalize(made, endpoint.close)
    return made
