"""The simulated account behind a real HTTP endpoint on loopback: for trying, showing and testing without AWS."""

from __future__ import annotations

import functools
import json
import os
import socketserver
import threading
import weakref
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qsl, urlsplit

import boto3
from botocore.client import BaseClient
from botocore.config import Config
from botocore.session import Session

from dxnotebook.demo.account import Account, Story
from dxnotebook.demo.catalogue import NOW

__all__ = ["NOW", "Account", "Endpoint", "Fault", "Story", "client"]

_NOT_ALLOWED = (
    "User: arn:aws:iam::{account}:user/demo is not authorized to perform: dataexchange:ListJobs on resource: "
    "arn:aws:dataexchange:{region}:{account}:jobs/* because no identity-based policy allows the "
    "dataexchange:ListJobs action"
)
_REFUSALS = {  # fault: status, code, message
    "throttle": (429, "ThrottlingException", "Rate exceeded"),
    "server_error": (
        500,
        "InternalServerException",
        "An internal error occurred. Please try again.",
    ),
    "expired": (
        403,
        "ExpiredTokenException",
        "The security token included in the request is expired",
    ),
    "denied": (403, "AccessDeniedException", _NOT_ALLOWED),
}
_TOKEN_FAULTS = ("repeat_token", "cycle_token", "empty_page", "empty_token")
_BODY_FAULTS = ("unavailable", "stall", "reset", "truncate", "cut", "empty", "html")
_FAULTS = (*_REFUSALS, *_BODY_FAULTS, *_TOKEN_FAULTS, "reply")
_JSON = {"Content-Type": "application/json"}
_HTML = {"Content-Type": "text/html"}
_UNAVAILABLE = b"<html><body><h1>503 Service Temporarily Unavailable</h1></body></html>"


@dataclass(frozen=True)
class Fault:
    """What goes wrong when a page of ListJobs is asked for.

    Parameters
    ----------
    kind : str
        An error: "throttle" (429), "server_error" (500), "unavailable" (503, HTML), "expired" or
        "denied" (403). No answer: "stall" (only after `seconds`), "reset" (the connection is
        closed). A bad body with status 200: "truncate" (half of what Content-Length says), "cut"
        (half a JSON), "empty", "html". A bad NextToken: "repeat_token" (the one just used),
        "cycle_token" (to the first page), "empty_token" (""), "empty_page" (no jobs, but a token
        that leads to the true page). Anything else: "reply" (`status`, `headers` and `body` as
        given).
    page : int
        Which page of the listing, from 0; a retry asks for the same page.
    times : int or None
        For how many requests; None for all.
    seconds : float
        How long a "stall" takes.
    status, headers, body : int, tuple of pairs, bytes
        The whole of a "reply".

    Examples
    --------
    >>> from dxnotebook import demo
    >>> client = demo.client(300, faults=[demo.Fault("denied", page=1, times=None)])
    >>> client.list_jobs(NextToken=client.list_jobs()["NextToken"])  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    botocore.errorfactory.AccessDeniedException: An error occurred (AccessDeniedException) when calling the ListJobs ...
    """

    kind: str
    page: int
    times: int | None = 1
    seconds: float = 1.0
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def __post_init__(self) -> None:
        if self.kind not in _FAULTS:
            raise ValueError(
                f"Invalid kind: {self.kind!r}. Valid options are: {', '.join(_FAULTS)}"
            )


class _Reply(NamedTuple):
    status: int
    body: bytes
    headers: Mapping[str, str] = _JSON
    missing: int = 0  # bytes that Content-Length promises and nobody sends


class _RefusalError(Exception):
    def __init__(self, status: int, code: str, message: str, **more: str) -> None:
        body = json.dumps({"Message": message, **more}).encode()
        self.reply = _Reply(status, body, {**_JSON, "x-amzn-ErrorType": code})


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 128
    timeout = 0.05  # how soon the serving thread notices that it is to end

    def handle_error(self, *_: object) -> None:
        """Say nothing: a client that goes away is no event."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # headers and body leave together
    answer: Callable[[str, str], _Reply | None]

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        reply = self.answer(self.command, self.path)
        if reply is None or reply.missing:
            self.close_connection = True
        if reply is None:
            return
        self.send_response_only(reply.status)
        length = str(len(reply.body) + reply.missing)
        for name, value in {**reply.headers, "Content-Length": length}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.body)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 (the names are http.server's)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


_MAKING_CLIENTS = threading.Lock()  # a session is not thread-safe, its clients are


@functools.cache  # reading botocore's data files is most of what a client costs
def _session(region: str) -> boto3.Session:
    """Return a session that knows no profile and no configuration file of the user's."""
    nowhere = (None, None, os.devnull, None)
    sources = {
        "profile": (None, None, None, None),
        "config_file": nowhere,
        "credentials_file": nowhere,
    }
    return boto3.Session("AKIADEMO", "demo", region_name=region, botocore_session=Session(sources))


class Endpoint:
    """An HTTP endpoint on 127.0.0.1 that answers ListJobs and ListDataSets for an account until it is closed.

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

    def __init__(
        self, account: Account, *, faults: Sequence[Fault] = (), delay: float = 0.0
    ) -> None:
        self.account = account
        self.faults = tuple(faults)
        self.delay = delay
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self._used: Counter[int] = Counter()
        self._lock = threading.Lock()
        self._closed = threading.Event()
        server = _Server(
            ("127.0.0.1", 0), type("_BoundHandler", (_Handler,), {"answer": self._answer})
        )
        self.url = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(
            target=self._serve, args=(server,), name="dxnotebook-demo", daemon=True
        ).start()

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
        """Return a boto3 client of this endpoint that no profile, configuration file or proxy of the user's reaches.

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
        with _MAKING_CLIENTS:
            made: BaseClient = _session(self.account.region).client("dataexchange", **options)
        return made

    def _serve(self, server: _Server) -> None:
        # Polled: `shutdown` would wait for itself if garbage collection forgot a client in this
        # very thread.
        with server:
            while not self._closed.is_set():
                server.handle_request()

    def _answer(self, method: str, target: str) -> _Reply | None:
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
        except _RefusalError as refusal:
            reply = refusal.reply
        if reply is None:
            return None
        date = format_datetime(self.account.now, usegmt=True)
        request_id = f"{number:08x}-0000-4000-8000-{number:012x}"
        return reply._replace(
            headers={"Date": date, "x-amzn-RequestId": request_id, **reply.headers}
        )

    def _operation(self, method: str, path: str, query: dict[str, str]) -> _Reply | None:
        if path not in ("/v1/jobs", "/v1/data-sets"):
            raise _RefusalError(
                404, "UnknownOperationException", f"Unknown operation: {method} {path}"
            )
        if method != "GET":
            raise _RefusalError(405, "MethodNotAllowedException", f"{path} does not allow {method}")
        return self._list_jobs(query) if path == "/v1/jobs" else self._list_data_sets(query)

    def _list_jobs(self, query: dict[str, str]) -> _Reply | None:
        size = _page_size(query)
        listing = (query.get("dataSetId"), query.get("revisionId"))
        start, detours = self._start(query, *listing)
        fault = None if detours else self._fault(start // size)
        if fault is None:
            return _Reply(200, self._page(start, size, listing))
        first = self.account.token(0, *listing)
        wrong_tokens = {
            "repeat_token": query.get("nextToken", first),
            "cycle_token": first,
            "empty_token": "",
            "empty_page": self.account.token(start, *listing, detours=1),
        }
        if fault.kind == "empty_page":
            size = 0
        return self._spoilt(fault, self._page(start, size, listing, wrong_tokens.get(fault.kind)))

    def _page(
        self,
        start: int,
        size: int,
        listing: tuple[str | None, str | None],
        next_token: str | None = None,
    ) -> bytes:
        data_set_id, revision_id = listing
        try:
            return self.account.page(
                start, size, data_set_id=data_set_id, revision_id=revision_id, next_token=next_token
            )
        except LookupError as unknown:
            resource, name = unknown.args
            message = f"{resource.replace('_', ' ').capitalize()} {name} was not found."
            more = {"ResourceId": name, "ResourceType": resource}
            raise _RefusalError(404, "ResourceNotFoundException", message, **more) from None

    def _start(self, query: dict[str, str], *listing: str | None) -> tuple[int, int]:
        """Return the offset that a request's token leads to, and by how many detours."""
        if "nextToken" not in query:
            return 0, 0
        try:
            return self.account.offset(query["nextToken"], *listing)
        except ValueError:
            raise _RefusalError(
                400, "ValidationException", "The NextToken is not valid for this request."
            ) from None

    def _fault(self, page: int) -> Fault | None:
        """Return the fault that a page has now, and count it."""
        with self._lock:
            for i, fault in enumerate(self.faults):
                if fault.page == page and (fault.times is None or self._used[i] < fault.times):
                    self._used[i] += 1
                    return fault
        return None

    def _spoilt(self, fault: Fault, body: bytes) -> _Reply | None:
        """Return what a fault makes of the body of a page."""
        if fault.kind in _REFUSALS:
            status, code, message = _REFUSALS[fault.kind]
            message = message.format(account=self.account.account_id, region=self.account.region)
            raise _RefusalError(status, code, message)
        if fault.kind == "reset" or (fault.kind == "stall" and self._closed.wait(fault.seconds)):
            return None
        half = len(body) // 2
        replies = {
            "unavailable": _Reply(503, _UNAVAILABLE, _HTML),
            "truncate": _Reply(200, body[:half], missing=len(body) - half),
            "cut": _Reply(200, body[:half]),
            "empty": _Reply(200, b""),
            "html": _Reply(200, _UNAVAILABLE, _HTML),
            "reply": _Reply(fault.status, fault.body, dict(fault.headers)),
        }
        return replies.get(fault.kind, _Reply(200, body))

    def _list_data_sets(self, query: dict[str, str]) -> _Reply:
        size = _page_size(query)
        origin = query.get("origin", "OWNED")
        if origin not in ("OWNED", "ENTITLED"):
            raise _invalid(
                origin, "origin", "Member must satisfy enum value set: [OWNED, ENTITLED]"
            )
        start, _ = self._start(query, "data-sets", origin)
        end = start + size
        found = [data_set for data_set in self.account.data_sets if data_set["Origin"] == origin]
        page: dict[str, Any] = {"DataSets": found[start:end]}
        if end < len(found):
            page["NextToken"] = self.account.token(end, "data-sets", origin)
        return _Reply(200, json.dumps(page).encode())


def _page_size(query: dict[str, str]) -> int:
    value = query.get("maxResults", "200")
    if not value.removeprefix("-").isdecimal():
        raise _invalid(value, "maxResults", "Member must be an integer")
    if not 1 <= int(value) <= 200:
        bound = "greater than or equal to 1" if int(value) < 1 else "less than or equal to 200"
        raise _invalid(value, "maxResults", f"Member must have value {bound}")
    return int(value)


def _invalid(value: str, name: str, constraint: str) -> _RefusalError:
    message = f"1 validation error detected: Value '{value}' at '{name}' failed to satisfy constraint: {constraint}"
    return _RefusalError(400, "ValidationException", message)


def client(
    jobs: int = 6_000,
    *,
    faults: Sequence[Fault] = (),
    delay: float = 0.0,
    region: str = "us-east-1",
    account_id: str = "111122223333",
    seed: int = 0,
) -> BaseClient:
    """Return a real boto3 client of a simulated provider account; its endpoint closes when the client is forgotten.

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
