"""The raw pages of a listing, each checked, and asked for again while it is bad."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import count
from typing import Any, Generic, Protocol, TypeVar

from botocore.exceptions import BotoCoreError, ClientError, ProxyConnectionError, SSLError

from dxnotebook.aws.clients import Client
from dxnotebook.errors import FormatError

#: What a request may raise that is the service's or the network's doing.
REQUEST_ERRORS = (BotoCoreError, ClientError, FormatError)

_THROTTLED = {"Throttling", "ThrottlingException", "TooManyRequestsException",
              "RequestLimitExceeded", "SlowDown"}  # fmt: skip


@dataclass(frozen=True)
class Pauses:
    """How often something is tried, and how long to wait between: each time up to twice as long.

    Examples
    --------
    >>> from dxnotebook.aws.pages import Pauses
    >>> [Pauses().longest(attempts) for attempts in (1, 2, 7)]
    [0.1, 0.2, 5.0]
    """

    first_s: float = 0.1
    longest_s: float = 5.0
    attempts: int = 8

    def longest(self, attempts: int) -> float:
        """Return the most seconds to wait after so many attempts."""
        return min(self.longest_s, self.first_s * 2.0 ** (attempts - 1))


#: The pauses of all listings.
PAUSES = Pauses()


# as botocore gives it to handlers: of HTTP, and parsed; None where none came
Response = tuple[Any, dict[str, Any]] | None


class HasToken(Protocol):
    """What a check returns of a page."""

    @property
    def token(self) -> str | None:
        """The token of the next page, None where the listing ends."""


Checked = TypeVar("Checked", bound=HasToken)


@dataclass(frozen=True)
class Page(Generic[Checked]):
    """A page of a listing: its number, what the check returned, the service's time then."""

    number: int
    checked: Checked
    served_at: datetime


def pages(
    client: Client, method: str, parameters: Mapping[str, Any], check: Callable[[Any], Checked]
) -> Generator[Page[Checked]]:
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
        caller wants of it, with its ``token``, and raises `FormatError` for what is no whole page.

    Raises
    ------
    FormatError
        When a page stays bad, or a token comes a second time.
    botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError
        When the service refuses, or stays out of reach.
    """
    arguments, seen = dict(parameters), set()
    with closing(_Tap(client, method, check)) as tap:
        for number in count():
            page = tap.call(number, arguments)
            yield page
            token = page.checked.token
            if token is None:
                return
            if token in seen:
                reason = "has a NextToken that came before, so the listing would never end"
                raise FormatError(f"page {number + 1} {reason}")
            seen.add(token)
            arguments["NextToken"] = token


class _Tap(Generic[Checked]):
    """Takes the raw bodies of one caller's pages off a client, decides which are asked for again.

    The handlers on the client's events heed only the thread that is inside `call`; whoever else
    uses the client meanwhile is answered as ever.
    """

    def __init__(self, client: Client, method: str, check: Callable[[Any], Checked]) -> None:
        self._method = getattr(client, method)
        self._check = check
        self._thread: int | None = None
        self._result: Checked | FormatError | None = None
        self._served_at: datetime | None = None
        self._events = client.meta.events
        service = client.meta.service_model.service_id.hyphenize()
        name = f"{service}.{client.meta.method_to_api_mapping[method]}"
        self._handlers = {f"before-parse.{name}": self._take, f"needs-retry.{name}": self._pause}
        for event, handler in self._handlers.items():
            self._events.register_first(event, handler)

    def close(self) -> None:
        for event, handler in self._handlers.items():
            self._events.unregister(event, handler)

    def call(self, number: int, parameters: Mapping[str, Any]) -> Page[Checked]:
        """Return a page, asked for as often as it takes."""
        self._result = self._served_at = None
        self._thread = threading.get_ident()
        try:
            parsed = self._method(**parameters)
        finally:
            self._thread = None
        result = self._result
        if result is None:  # a stub answered, and there is no body
            page = {name: parsed[name] for name in parsed if name != "ResponseMetadata"}
            result = self._check(page)
        if isinstance(result, FormatError):
            raise result
        return Page(number, result, self._served_at or datetime.now(UTC))

    def _take(self, response_dict: dict[str, Any], **_: object) -> None:
        """Check a body, and leave botocore's slow parser an empty one."""
        if threading.get_ident() != self._thread or response_dict["status_code"] != 200:
            return
        headers, body = response_dict["headers"], response_dict["body"]
        response_dict["body"] = b"{}"
        with suppress(ValueError):
            self._served_at = parsedate_to_datetime(headers.get("date", "")).astimezone(UTC)
        try:
            _check_length(headers, body)
            self._result = self._check(body)
        except FormatError as error:
            self._result = error

    def _pause(
        self, response: Response, attempts: int, caught_exception: Exception | None, **_: object
    ) -> float | bool | None:
        """Return the seconds until the next attempt, False for none, None to leave it to others."""
        if threading.get_ident() != self._thread:
            return None
        if attempts >= PAUSES.attempts or not self._may_pass(response, caught_exception):
            return False
        longest = PAUSES.longest(attempts)
        # it spreads clients out, it hides nothing
        return random.uniform(longest / 2, longest)  # noqa: S311

    def _may_pass(self, response: Response, error: Exception | None) -> bool:
        """Tell whether the same request may do better."""
        if response is None:
            return error is not None and not isinstance(error, SSLError | ProxyConnectionError)
        status = response[0].status_code
        if status == 200:
            return isinstance(self._result, FormatError)
        code = response[1].get("Error", {}).get("Code")
        return status >= 500 or status == 429 or code in _THROTTLED


def _check_length(headers: Mapping[str, str], body: bytes) -> None:
    promised = headers.get("content-length", "")
    if promised.isdigit() and int(promised) != len(body) and "content-encoding" not in headers:
        raise FormatError(
            f"the response was cut short: {len(body):,} of {int(promised):,} bytes came"
        )
