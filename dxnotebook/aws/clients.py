"""Clients for profiles × regions: making them, naming them, and what to do when one fails."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from weakref import WeakKeyDictionary

import boto3
from botocore.exceptions import ClientError

from dxnotebook.errors import DxError

SERVICE = "dataexchange"

Client = Any  # boto3 makes its clients' classes at run time

# the profiles that `clients` made clients for, so that a load can call them by name
_profiles: WeakKeyDictionary[Client, str] = WeakKeyDictionary()


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
        When a profile is not configured, or no region is given or configured.

    Examples
    --------
    >>> import dxnotebook as dx
    >>> [client.meta.region_name for client in dx.clients(regions=["us-east-1", "eu-west-1"])]
    ['us-east-1', 'eu-west-1']
    """
    names: list[str | None] = (
        [profiles] if profiles is None or isinstance(profiles, str) else list(profiles)
    )
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
        raise DxError(
            f"Invalid profile: {profile!r}. Configured profiles are: {', '.join(available) or 'none'}."
        )
    return boto3.Session(profile_name=profile)


def _regions(session: boto3.Session, regions: str | Iterable[str] | None) -> list[str]:
    if regions == "all":
        return session.get_available_regions(SERVICE)
    if regions is None:
        regions = session.region_name or ""
    found = [regions] if isinstance(regions, str) else list(regions)
    if not all(found):
        raise DxError(
            "No region is configured. Give regions=['us-east-1'], or set AWS_DEFAULT_REGION."
        )
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
        raise DxError(
            "No clients were given; leave them out for the default credentials, or use dx.clients()."
        )
    for client in several:
        meta = getattr(client, "meta", None)
        service = meta.service_model.service_name if meta else type(client).__name__
        if service != SERVICE:
            raise DxError(
                f"Invalid client: {service!r}. "
                "Make one with boto3.client('dataexchange') or dx.clients()."
            )
    return several


def client_names(clients: list[Client]) -> list[str]:
    """Return a name for each client, no two alike."""
    labels = [label(client) for client in clients]
    return [
        f"{name} ({i + 1})" if labels.count(name) > 1 else name for i, name in enumerate(labels)
    ]
