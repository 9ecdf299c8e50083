"""Clients for profiles × regions: making them, naming them, and what to do when one fails."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from weakref import WeakKeyDictionary

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from dxnotebook.errors import DxError, LoadError, PartialLoadWarning, texts, warn
from dxnotebook.records.redact import redact_text

SERVICE: Final = "dataexchange"

Client = Any  # boto3 makes its clients' classes at run time

# the profiles that `clients` made clients for, so that a load can call them by name
_profiles: WeakKeyDictionary[Client, str] = WeakKeyDictionary()

# by a part of an error's code, or of its class's name; the first that fits counts
_RENEW = "Renew the credentials (for example with 'aws sso login{of_profile}') and load again"
_CONFIGURE = "Check ~/.aws/config, or what AWS_CONFIG_FILE and AWS_PROFILE name in its place"
_REMEDIES = {
    "Login": "Log in again (for example with 'aws login{of_profile}') and load again",
    "Config": _CONFIGURE,
    "ProfileNotFound": _CONFIGURE,
    "Region": "Check the name of the region",
    "Expired": _RENEW,
    "CredentialRetrieval": _RENEW,
    "Credentials": "Configure credentials (for example with 'aws configure') and load again",
    "Unrecognized": "Check the credentials' account and profile and load again",
    "InvalidSignature": "Check the secret key and this machine's clock, and load again",
    "Token": _RENEW,
    "AccessDenied": "Allow the action dataexchange:{operation} and load again",
    "ResourceNotFound": "Check data_set_id and revision_id",
    "Validation": "Check data_set_id and revision_id, and load again",
    "Throttl": "Wait a minute and load again, fewer clients at once",
    "Endpoint": "Check the network and that the region offers AWS Data Exchange",
    "Format": "Load again; if it recurs, something between here and AWS answers in its place",
}


def clients(
    profiles: str | Iterable[str] | None = None, regions: str | Iterable[str] | None = None
) -> list[Client]:
    """Return boto3 clients of AWS Data Exchange for every profile in every region.

    Parameters
    ----------
    profiles : str or iterable of str, optional
        Names of profiles of the AWS configuration; by default the default credentials.
    regions : str or iterable of str, optional
        Names of regions, or ``"all"`` for each that boto3 knows the service in; by default the
        profile's own.

    Returns
    -------
    list of boto3 clients
        One for each profile and region, profile by profile, as `load_jobs` takes them.

    Raises
    ------
    DxError
        When a profile is not configured or cannot be used, or no region is given or configured.

    Examples
    --------
    >>> import dxnotebook as dx
    >>> [client.meta.region_name for client in dx.clients(regions=["us-east-1", "eu-west-1"])]
    ['us-east-1', 'eu-west-1']
    """
    made: list[Client] = []
    for profile in [None] if profiles is None else texts("profiles", profiles):
        try:
            made += _made(profile, regions)
        except BotoCoreError as error:
            raise DxError(f"{redact_text(describe(error, profile))}.") from None
    return made


def _made(profile: str | None, regions: str | Iterable[str] | None) -> Iterator[Client]:
    session = _session(profile)
    for region in _regions(session, regions):
        client = session.client(SERVICE, region_name=region)
        if profile:
            _profiles[client] = profile
        yield client


def _session(profile: str | None) -> boto3.Session:
    configured = boto3.Session().available_profiles if profile else []
    if profile and profile not in configured:
        names = ", ".join(configured) or "none"
        raise DxError(f"Invalid profile: {profile!r}. Configured profiles are: {names}.")
    return boto3.Session(profile_name=profile)


def _regions(session: boto3.Session, regions: str | Iterable[str] | None) -> list[str]:
    if regions == "all":
        return session.get_available_regions(SERVICE)
    names = texts("regions", session.region_name or "" if regions is None else regions)
    if not all(names):
        remedy = "Give regions=['us-east-1'], or set AWS_DEFAULT_REGION."
        raise DxError(f"No region is configured. {remedy}")
    return names


def unnumbered(name: str) -> str:
    """Return a client's name without what told it from others: that may be another one now."""
    return name.partition(" (")[0]


def label(client: Client) -> str:
    """Return what to call a client: its profile, where it has one, and its region."""
    profile = _profiles.get(client)
    return f"{profile} {client.meta.region_name}" if profile else str(client.meta.region_name)


def describe(error: Exception, profile: str | None) -> str:
    """Return what went wrong with a request, or a profile, and what to do about it."""
    code, message = type(error).__name__, str(error).rstrip(".")
    if isinstance(error, ClientError):
        answer = error.response.get("Error", {})
        code = answer.get("Code", "unknown error")
        message = f"{code}: {answer.get('Message') or 'no message'}".rstrip(".")
    remedy = next((remedy for part, remedy in _REMEDIES.items() if part in code), "Load again")
    of_profile = f" --profile {shlex.quote(profile)}" if profile else ""
    operation = getattr(error, "operation_name", "ListJobs")
    return f"{message}. {remedy.format(operation=operation, of_profile=of_profile)}"


def broke_off(
    what: str,
    client: Client,
    error: Exception,
    where: str = "",
    *,
    redact: bool = True,
    partial: Any = None,
) -> LoadError:
    """Return the error of a client's listing that broke off: of what, where, why, what to do."""
    reason = describe(error, _profiles.get(client))
    if redact:
        reason = redact_text(reason)
    return LoadError(f"Listing the {what} broke off{where}: {reason}.", partial)


def report(
    failures: Mapping[str, Exception], clients: int, all_failed: str, rest: str, partial: Any = None
) -> None:
    """Raise LoadError where all of so many clients failed, warn where some did.

    `all_failed` and `rest` are sentences of what is to be had then; `partial` is it.
    """
    if not failures:
        return
    first, count = next(iter(failures.values())), len(failures)
    if count == clients:
        several = f"All {count} clients failed; the first: " if count > 1 else ""
        raise LoadError(f"{several}{first} {all_failed}", partial)
    failed = f"{count} of {clients} clients failed: {', '.join(failures)}."
    warn(f"{failed} The first: {first} {rest}", PartialLoadWarning)


def listed(given: Client | Iterable[Client] | None) -> list[Client]:
    """Return the clients that a user gave, or that of the default credentials.

    Raises
    ------
    DxError
        When there is none, or something that is no client of AWS Data Exchange.
    """
    if given is None:
        return clients()
    several = list(given) if isinstance(given, Iterable) else [given]
    if not several:
        remedy = "leave them out for the default credentials, or use dx.clients()."
        raise DxError(f"No clients were given; {remedy}")
    for client in several:
        meta = getattr(client, "meta", None)
        service = meta.service_model.service_name if meta else type(client).__name__
        if service != SERVICE:
            remedy = "Make one with boto3.client('dataexchange') or dx.clients()."
            raise DxError(f"Invalid client: {service!r}. {remedy}")
    return several


def client_names(clients: list[Client]) -> list[str]:
    """Return a name for each client, no two alike."""
    names = [label(client) for client in clients]
    return [f"{name} ({n})" if names.count(name) > 1 else name for n, name in enumerate(names, 1)]
