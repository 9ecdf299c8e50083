"""The only AWS room: clients for profiles × regions, and the raw pages of a listing, checked and retried."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Generic, Protocol, TypeVar
from weakref import WeakKeyDictionary

import boto3
from botocore.exceptions import BotoCoreError, ClientError, ProxyConnectionError, SSLError

from dxnotebook.errors import DxError, FormatError

SERVICE = "dataexchange"

_MOST_ATTEMPTS = 8
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 5.0
_THROTTLED = {"ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded", "SlowDown"}

Client = Any  # boto3 makes its clients' classes at run time

# the profiles that `clients` made clients for, so that a load can call them by name
_profiles: WeakKeyDictionary[Client, str] = WeakKeyDictionary()


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


def clients(profiles: str | Iterable[str] | None = None, regions: str | Iterable[str] | None = None) -> list[Client]:
    """Return boto3 clients of AWS Data Exchange for every profile in every region.

    Parameters
    ----------
    profiles : str or iterable of str, optional
        Names of profiles of the AWS configuration; by default the default credentials.
    regions : str or iterable of str, optional
        Names of regions, or ``"all"`` for each that boto3 knows the service in; by default the profile's own.

    Returns
    -------
    list of boto3 clients
        One for each profile and region, profile by profile, as `load_jobs` takes them.

    Raises
    ------
    DxError
        When a profile is not configured, or no region is given or configured.

    Examples
    --------
    >>> import dxnotebook as dx
    >>> [client.meta.region_name for client in dx.clients(regions=["us-east-1", "eu-west-1"])]
    ['us-east-1', 'eu-west-1']
    """
    names: list[str | None] = [profiles] if profiles is None or isinstance(profiles, str) else list(profiles)
    made = []
    for name in names:
        session = _session(name)
        for region in _regions(session, regions):
            client = session.client("dataexchange", region_name=region)
            if name:
                _profiles[client] = name
            made.append(client)
    return made


def _session(profile: str | None) -> boto3.Session:
    available = boto3.Session().available_profiles if profile else []
    if profile and profile not in available:
        raise DxError(f"Invalid profile: {profile!r}. Configured profiles are: {', '.join(available) or 'none'}.")
    return boto3.Session(profile_name=profile)


def _regions(session: boto3.Session, regions: str | Iterable[str] | None) -> list[str]:
    if regions == "all":
        return session.get_available_regions(SERVICE)
    if regions is None:
        regions = session.region_name or ""
    found = [regions] if isinstance(regions, str) else list(regions)
    if not all(found):
        raise DxError("No region is configured. Give regions=['us-east-1'], or set AWS_DEFAULT_REGION.")
    return found


def label(client: Client) -> str:
    """Return what to call a client: its profile, where it has one, and its region."""
    profile = _profiles.get(client)
    return f"{profile} {client.meta.region_name}" if profile else str(client.meta.region_name)


def describe(error: Exception) -> str:
    """Return what went wrong with a request and what to do about it."""
    if not isinstance(error, ClientError):
        return f"{str(error).rstrip('.')}. {_remedy(type(error).__name__)}"
    said = error.response.get("Error", {})
    code, message = said.get("Code", "unknown error"), said.get("Message", "")
    return f"{code}: {message.rstrip('.') or 'no message'}. {_remedy(code)}"


def _remedy(code: str) -> str:
    remedies = {
        "Expired": "Renew the credentials (for example with 'aws sso login') and load again",
        "Credentials": "Configure credentials (for example with 'aws configure') and load again",
        "Unrecognized": "Check the credentials' account and profile and load again",
        "InvalidSignature": "Check the secret key and this machine's clock, and load again",
        "Token": "Renew the credentials (for example with 'aws sso login') and load again",
        "AccessDenied": "Allow the action dataexchange:ListJobs (and ListDataSets for names) and load again",
        "ResourceNotFound": "Check data_set_id and revision_id",
        "Validation": "Check data_set_id and revision_id, and load again",
        "Throttl": "Wait a minute and load again, fewer clients at once",
        "Endpoint": "Check the network and that the region offers AWS Data Exchange",
        "Format": "Load again; if it recurs, something between here and AWS answers in its place",
    }
    return next((remedy for part, remedy in remedies.items() if part in code), "Load again")


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
        Gets a page's raw body, or the parsed response where a stub gave no body; returns what the caller wants of it,
        with its ``token``, and raises `FormatError` for what is no whole page.

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
                raise FormatError(f"page {number} has a NextToken that came before, so the listing would never end")
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
            result = self._check({name: value for name, value in parsed.items() if name != "ResponseMetadata"})
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

    def _is_passing(self, response: tuple[Any, dict[str, Any]] | None, error: Exception | None) -> bool:
        """Tell whether the same request may do better."""
        if response is None:
            return error is not None and not isinstance(error, SSLError | ProxyConnectionError)
        status = response[0].status_code
        if status == 200:
            return isinstance(self._result, FormatError)
        return status >= 500 or status == 429 or response[1].get("Error", {}).get("Code") in _THROTTLED


def _check_length(headers: Mapping[str, str], body: bytes) -> None:
    promised = headers.get("content-length", "")
    if promised.isdigit() and int(promised) != len(body) and "content-encoding" not in headers:
        raise FormatError(f"the response was cut short: {len(body):,} of {int(promised):,} bytes came")


def _http_date(text: str | None) -> datetime | None:
    try:
        return parsedate_to_datetime(text or "").astimezone(UTC)
    except ValueError:
        return None


#: What a request may raise that is the service's or the network's doing.
REQUEST_ERRORS = (BotoCoreError, ClientError, FormatError)
