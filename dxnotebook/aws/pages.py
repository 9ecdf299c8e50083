"""The only AWS room: clients for profiles × regions, and the raw pages of a listing, checked and retried."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Generic, Protocol, TypeVar

from botocore.exceptions import BotoCoreError, ClientError, ProxyConnectionError, SSLError

from dxnotebook.aws.clients import Client
from dxnotebook.errors import FormatError

_MOST_ATTEMPTS = 8
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 5.0
_THROTTLED = {
    "ThrottlingException",
    "Throttling",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "SlowDown",
}


class HasToken(Protocol):
    """What a check returns of a page."""

    @property
    def token(self) -> str | None:
        """The token of the next page, None where the listing ends."""


Checked = TypeVar("Checked", bound=HasToken)


@dataclass(frozen=True)
class Page(Generic[Checked]):
    """A page of a listing: its number, what the check returned of it, and the service's time when it sent it."""

    number: int
    checked: Checked
    served_at: datetime


def pages(
    client: Client, method: str, parameters: Mapping[str, Any], check: Callable[[Any], Checked]
) -> Generator[Page[Checked]]:
    """Yield the pages of a listing, each checked in its raw form and asked for again while it is bad.

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
    token: str | None = None
    seen: set[str] = set()
    number = 0
    with closing(_Tap(client, method, check)) as tap:
        while True:
            page = tap.call(number, {**parameters, **({"NextToken": token} if token else {})})
            yield page
            token, number = page.checked.token, number + 1
            if token is None:
                return
            if token in seen:
                raise FormatError(
                    f"page {number} has a NextToken that came before, so the listing would never end"
                )
            seen.add(token)


class _Tap(Generic[Checked]):
    """Takes the raw bodies of one caller's pages off a client, and decides which are asked for again.

    The handlers on the client's events heed only the thread that is inside `call`; whoever else uses the client
    meanwhile is answered as ever.
    """

    def __init__(self, client: Client, method: str, check: Callable[[Any], Checked]) -> None:
        self._method = getattr(client, method)
        self._check = check
        self._thread: int | None = None
        self._result: Checked | FormatError | None = None
        self._served_at: datetime | None = None
        self._events = client.meta.events
        service = client.meta.service_model.service_id.hyphenize()
        operation = client.meta.method_to_api_mapping[method]
        self._handlers = {
            f"before-parse.{service}.{operation}": self._take,
            f"needs-retry.{service}.{operation}": self._pause,
        }
        for event, handler in self._handlers.items():
            self._events.register_first(event, handler)

    def close(self) -> None:
        for event, handler in self._handlers.items():
            self._events.unregister(event, handler)

    def call(self, number: int, parameters: Mapping[str, Any]) -> Page[Checked]:
        """Return a page, asked for as often as it takes."""
        self._result = self._served_at = None
        with self._listening():
            parsed = self._method(**parameters)
        result = self._result
        if result is None:  # a stub answered, and there is no body
            result = self._check(
                {name: value for name, value in parsed.items() if name != "ResponseMetadata"}
            )
        if isinstance(result, FormatError):
            raise result
        return Page(number, result, self._served_at or datetime.now(UTC))

    @contextmanager
    def _listening(self) -> Iterator[None]:
        self._thread = threading.get_ident()
        try:
            yield
        finally:
            self._thread = None

    def _take(self, response_dict: dict[str, Any], **_: object) -> None:
        """Check a body, and leave botocore's slow parser an empty one."""
        if threading.get_ident() != self._thread or response_dict["status_code"] != 200:
            return
        headers, body = response_dict["headers"], response_dict["body"]
        response_dict["body"] = b"{}"
        self._served_at = _http_date(headers.get("date"))
        try:
            _check_length(headers, body)
            self._result = self._check(body)
        except FormatError as error:
            self._result = error

    def _pause(
        self,
        response: tuple[Any, dict[str, Any]] | None,
        attempts: int,
        caught_exception: Exception | None,
        **_: object,
    ) -> float | bool | None:
        """Return the seconds to wait before the next attempt, False for none, None to leave it to others."""
        if threading.get_ident() != self._thread:
            return None
        if attempts >= _MOST_ATTEMPTS or not self._is_passing(response, caught_exception):
            return False
        longest = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2 ** (attempts - 1))
        return random.uniform(longest / 2, longest)  # noqa: S311 (it spreads clients out, it hides nothing)

    def _is_passing(
        self, response: tuple[Any, dict[str, Any]] | None, error: Exception | None
    ) -> bool:
        """Tell whether the same request may do better."""
        if response is None:
            return error is not None and not isinstance(error, SSLError | ProxyConnectionError)
        status = response[0].status_code
        if status == 200:
            return isinstance(self._result, FormatError)
        return (
            status >= 500 or status == 429 or response[1].get("Error", {}).get("Code") in _THROTTLED
        )


def _check_length(headers: Mapping[str, str], body: bytes) -> None:
    promised = headers.get("content-length", "")
    if promised.isdigit() and int(promised) != len(body) and "content-encoding" not in headers:
        raise FormatError(
            f"the response was cut short: {len(body):,} of {int(promised):,} bytes came"
        )


def _http_date(text: str | None) -> datetime | None:
    try:
        return parsedate_to_datetime(text or "").astimezone(UTC)
    except ValueError:
        return None


#: What a request may raise that is the service's or the network's doing.
REQUEST_ERRORS = (BotoCoreError, ClientError, FormatError)
