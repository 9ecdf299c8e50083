"""The raw pages of a listing, each checked, and asked for again while it is bad.

botocore is asked for one request at a time: what comes of it is raised through botocore before it
parses, and before it asks again. So neither what its parser makes of odd bodies nor what its modes
of retrying do, in any version, reaches a listing.
"""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from http.client import responses
from itertools import count
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, ProxyConnectionError, SSLError

from dxnotebook.aws.background import GIVEN_UP, in_background
from dxnotebook.aws.clients import Client
from dxnotebook.errors import FormatError, LoadError
from dxnotebook.records.body import as_utf8
from dxnotebook.text import shortened, valid_utf8

#: What a request may raise that is the service's or the network's doing.
REQUEST_ERRORS = (BotoCoreError, ClientError, FormatError, LoadError)

_THROTTLED = {"Throttling", "ThrottlingException", "TooManyRequestsException",
              "RequestLimitExceeded", "SlowDown"}  # fmt: skip
_LONGEST_TEXT = 1_000  # of what an error says


@dataclass(frozen=True)
class Pauses:
    """How often something is tried, and how long to wait between: each time up to twice as long.

    Attributes
    ----------
    first_s, longest_s : float
        The most seconds to wait after the first attempt, and after any.
    attempts : int
        How many requests are made for a page, at most.
    read_timeouts : float
        How long an answer may take to be whole, in the client's own timeouts, each of which only
        limits the wait for the next byte.
    repeated_pages : int
        How many pages in a row may bring nothing that was not there before; the empty ones count.

    Examples
    --------
    >>> from dxnotebook.aws.pages import Pauses
    >>> [Pauses().longest(attempts) for attempts in (1, 2, 7)]
    [0.1, 0.2, 5.0]
    """

    first_s: float = 0.1
    longest_s: float = 5.0
    attempts: int = 8
    read_timeouts: float = 4
    repeated_pages: int = 1_000

    def longest(self, attempts: int) -> float:
        """Return the most seconds to wait after so many attempts."""
        return min(self.longest_s, self.first_s * 2.0 ** (attempts - 1))


#: The pauses of all listings.
PAUSES = Pauses()


@dataclass(frozen=True)
class Page:
    """A page of a listing: its number, what the check returned, the service's time then."""

    number: int
    checked: Any
    served_at: datetime


def pages(
    client: Client, method: str, parameters: Mapping[str, Any], check: Callable[[Any], Any]
) -> Generator[Page]:
    """Yield the pages of a listing, each checked in its raw form, and asked for until it is good.

    Parameters
    ----------
    client : boto3 client
        The client to ask; it is left as it was.
    method : str
        The client's method, for example ``"list_jobs"``.
    parameters : mapping
        The method's arguments, without ``NextToken``.
    check : callable
        Gets a page's raw body, or the parsed response where a stub gave no body; returns what the
        caller wants of it, with the next one's ``token`` (None: it is the last) and ``entries``,
        which can be hashed and tell it from other pages; raises `FormatError` for what is no whole
        page.

    Raises
    ------
    FormatError
        When a page stays bad, a token comes a second time, or pages go on without anything new.
    LoadError
        When the client itself breaks.
    botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError
        When the service refuses, or stays out of reach.
    """
    arguments, tokens, known = dict(parameters), set(), set()
    repeated = 0
    with closing(_Tap(client, method, check)) as tap:
        for number in count():
            page = tap.call(number, arguments)
            yield page
            token = page.checked.token
            if token is None:
                return
            if token in tokens:
                reason = "has a NextToken that came before, so the listing would never end"
                raise FormatError(f"page {number + 1} {reason}")
            entries = hash(page.checked.entries)
            repeated = repeated + 1 if entries in known else 0
            if repeated >= PAUSES.repeated_pages:
                reason = "brought nothing new and still named a next one"
                raise FormatError(f"the last {repeated:,} pages, to page {number + 1}, {reason}")
            known.add(entries)
            tokens.add(token)
            arguments["NextToken"] = token


class _Outcome(Exception):  # noqa: N818 (a signal through botocore)
    """What came of one request: what the check returned, or an error; and if another may pass."""

    def __init__(self, result: Any, *, may_pass: bool = False, served_at: Any = None) -> None:
        super().__init__()
        self.result, self.may_pass, self.served_at = result, may_pass, served_at


class _Tap:
    """Takes the answers to one caller's requests off a client, and decides which are asked again.

    The handlers on the client's events heed only the thread that makes a request here; whoever
    else uses the client meanwhile is answered as ever.
    """

    def __init__(self, client: Client, method: str, check: Callable[[Any], Any]) -> None:
        self._method = getattr(client, method)
        self._check = check
        self._exceptions = client.exceptions
        self._thread: int | None = None
        self._outcome: _Outcome | None = None
        self._is_closed = False
        config = client.meta.config
        # 60 s are botocore's own; a client without timeouts is not to wait for ever here either
        whole_s = PAUSES.read_timeouts * (config.read_timeout or 60)
        self._limit_s = (config.connect_timeout or 60) + whole_s
        self._events = client.meta.events
        service = client.meta.service_model.service_id.hyphenize()
        self._name = client.meta.method_to_api_mapping[method]
        events = ("request-created", "before-parse", "needs-retry")
        self._heeded = [f"{event}.{service}.{self._name}" for event in events]
        for event in self._heeded:
            self._events.register_first(event, self._heed)

    def close(self) -> None:
        """Leave the client as it was, as soon as it is not busy for this tap any more."""
        self._is_closed = True
        if self._thread is None:
            for event in self._heeded:
                self._events.unregister(event, self._heed)

    def call(self, number: int, parameters: Mapping[str, Any]) -> Page:
        """Return a page, asked for as often as it takes."""
        for attempts in count(1):
            if GIVEN_UP.get().is_set():
                raise LoadError("Nobody waits for this any more.")
            # in a thread of its own, which may be left alone with a socket that never answers
            [future] = in_background([partial(self._ask, parameters)])
            try:
                outcome = future.result(self._limit_s)
            except TimeoutError:
                reason = f"the answer was not whole after {self._limit_s:,.0f} s"
                remedy = "a client with a longer read_timeout in its Config waits longer"
                outcome = _Outcome(FormatError(f"{reason}; {remedy}"))
            if not outcome.may_pass or attempts >= PAUSES.attempts:
                break
            # it spreads clients out, it hides nothing
            GIVEN_UP.get().wait(PAUSES.longest(attempts) * random.uniform(0.5, 1))  # noqa: S311
        if isinstance(outcome.result, Exception):
            raise outcome.result
        return Page(number, outcome.result, outcome.served_at or datetime.now(UTC))

    def _ask(self, parameters: Mapping[str, Any]) -> _Outcome:
        """Return what comes of one request."""
        self._outcome = None
        self._thread = threading.get_ident()
        try:
            parsed = self._method(**parameters)
        except _Outcome as outcome:
            return outcome
        except Exception as error:  # noqa: BLE001 (also of a hook or credentials of the user's own)
            broken = LoadError(f"{type(error).__name__}: {error}")
            return _Outcome(error if isinstance(error, REQUEST_ERRORS) else broken)
        finally:
            self._thread = None
            if self._is_closed:
                self.close()
        # a stub answered, and there is no body
        page = {name: parsed[name] for name in parsed if name != "ResponseMetadata"}
        return self._outcome or self._examined(page)

    def _heed(
        self,
        response_dict: dict[str, Any] | None = None,
        caught_exception: Exception | None = None,
        **_: object,
    ) -> None:
        """End a request with its answer, or with what came instead; let no second one begin."""
        if threading.get_ident() != self._thread:
            return
        if response_dict is not None:
            self._outcome = self._judged(**response_dict)
        elif caught_exception is not None:
            stays = isinstance(caught_exception, SSLError | ProxyConnectionError)
            self._outcome = _Outcome(caught_exception, may_pass=not stays)
        elif self._outcome is None:
            self._outcome = _Outcome(FormatError("the client asked again by itself"), may_pass=True)
            return
        raise self._outcome

    def _judged(
        self, status_code: int, headers: Mapping[str, str], body: bytes, **_: object
    ) -> _Outcome:
        """Return what an answer of HTTP comes to."""
        served_at = None
        with suppress(ValueError, TypeError, OverflowError):
            served_at = parsedate_to_datetime(headers.get("date", "")).astimezone(UTC)
        if 200 <= status_code < 300:
            return self._examined(body, headers, served_at)
        error = _denial(status_code, headers, body)
        is_throttled = status_code in (408, 429) or error["Error"]["Code"] in _THROTTLED
        may_pass = status_code >= 500 or is_throttled
        kind = self._exceptions.from_code(error["Error"]["Code"])
        return _Outcome(kind(error, self._name), may_pass=may_pass)

    def _examined(self, page: Any, headers: Any = None, served_at: Any = None) -> _Outcome:
        """Return what a page comes to; another one may be better where it came by HTTP."""
        try:
            if headers is not None:
                _check_length(headers, page)
            checked = self._check(page)
            if checked.token is not None and checked.token != valid_utf8(checked.token):
                raise FormatError("NextToken is not valid Unicode")
        except FormatError as error:
            return _Outcome(error, may_pass=headers is not None)
        return _Outcome(checked, served_at=served_at)


def _denial(status: int, headers: Mapping[str, str], body: bytes) -> Any:
    """Return an error as botocore would give it, whatever the body is."""
    members: Any = None
    with suppress(ValueError, RecursionError, FormatError):
        members = json.loads(as_utf8(body))
    given = members if isinstance(members, dict) else {}

    def first(*texts: object) -> str:
        text = next((text for text in texts if text and isinstance(text, str)), "")
        return shortened(valid_utf8(text), _LONGEST_TEXT)

    named = headers.get("x-amzn-errortype"), *map(given.get, ("__type", "code", "Code"))
    code = first(*named).split(":")[0].rsplit("#")[-1]
    error = {
        "Code": code or f"{status} {responses.get(status, '')}".rstrip(),
        "Message": first(given.get("message"), given.get("Message")),
    }
    return {"Error": error, "ResponseMetadata": {"HTTPStatusCode": status}}


def _check_length(headers: Mapping[str, str], body: bytes) -> None:
    promised, came = headers.get("content-length", ""), str(len(body))
    is_count = promised.isdecimal() and "content-encoding" not in headers
    if is_count and promised.lstrip("0") != came.lstrip("0"):
        shown = shortened(promised, 20)
        raise FormatError(f"the response was cut short: {came} of {shown} bytes came")
