"""What can go wrong when a page of ListJobs is asked for, and what is answered then."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import NamedTuple

from dxnotebook.demo.catalogue import REFUSALS

_JSON, _HTML = {"Content-Type": "application/json"}, {"Content-Type": "text/html"}
_UNAVAILABLE = b"<html><body><h1>503 Service Temporarily Unavailable</h1></body></html>"
_TOKENS = ("repeat_token", "cycle_token", "empty_page", "empty_token")
_BODIES = ("unavailable", "stall", "reset", "truncate", "cut", "empty", "html")
_FAULT_KINDS = (*REFUSALS, *_BODIES, *_TOKENS, "reply")


class Reply(NamedTuple):
    """What is sent in answer to a request."""

    status: int
    body: bytes
    headers: dict[str, str] = _JSON
    missing: int = 0  # bytes that Content-Length promises and nobody sends


class RefusalError(Exception):
    """A request is answered with an error of the service."""

    def __init__(self, status: int, code: str, message: str, **more: str) -> None:
        body = json.dumps({"Message": message, **more}).encode()
        self.reply = Reply(status, body, {**_JSON, "x-amzn-ErrorType": code})


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
    botocore.errorfactory.AccessDeniedException: An error occurred (AccessDeniedException) ...
    """

    kind: str
    page: int
    times: int | None = 1
    seconds: float = 1.0
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def __post_init__(self) -> None:
        if self.kind not in _FAULT_KINDS:
            raise ValueError(
                f"Invalid kind: {self.kind!r}. Valid options are: {', '.join(_FAULT_KINDS)}"
            )

    def spoilt(self, body: bytes, account_id: str, region: str) -> Reply:
        """Return what the fault makes of the body of a page, or raise the service's refusal."""
        if self.kind in REFUSALS:
            status, code, message = REFUSALS[self.kind].values()
            raise RefusalError(status, code, message.format(account=account_id, region=region))
        half = len(body) // 2
        replies = {
            "unavailable": Reply(503, _UNAVAILABLE, _HTML),
            "truncate": Reply(200, body[:half], missing=len(body) - half),
            "cut": Reply(200, body[:half]),
            "empty": Reply(200, b""),
            "html": Reply(200, _UNAVAILABLE, _HTML),
            "reply": Reply(self.status, self.body, dict(self.headers)),
        }
        return replies.get(self.kind, Reply(200, body))
