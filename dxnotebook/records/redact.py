"""What is secret in a job, and taking it out: signed URLs' queries and API keys.

The API's model marks nothing as sensitive, so the rules are names and forms: a member named
``…Url`` loses its query, one named ``…ApiKey`` its value, and any other text the queries that carry
a signature.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dxnotebook.model import TEXT

REDACTED = "REDACTED"
_REDACTED = pa.scalar(REDACTED, TEXT)

#: How the names of members end that are secret as a whole.
SECRET_NAMES = ("ApiKey", "Url")

# the parameters that make a URL a credential: AWS (versions 4 and 2, CloudFront), Google, Azure and
# plain tokens
_PARAMETERS = (
    r"(?:x-(?:amz|goog)-(?:signature|credential|security-token)|signature|awsaccesskeyid"
    r"|googleaccessid|key-pair-id|\b(?:sig|token|access_token|security_token))"
)
# "=" and "?", also percent-encoded, however often, or escaped as JSON does
_EQUALS = r"(?:=|%(?:25)*3d|\\u003d)"
_QUESTION = r"(?:\?|%(?:25)*3f|\\u003f)"
_IN_URL = r"[^\s\"'<>]"
# what follows the name, also where lines were wrapped
_VALUE = rf"\s*{_IN_URL}*(?:[\r\n]\s*[\w%+/=&.~-]{{16,}})*"
# the query from its start where there is one, or what a line break cut off from it
_SIGNED = rf"(?i)(?:({_QUESTION}){_IN_URL}*?)?{_PARAMETERS}{_EQUALS}{_VALUE}"
_QUERY = rf"(?is)(#|{_QUESTION}).*"
_REPLACEMENT = rf"\1{REDACTED}"
# every match of _SIGNED holds one of each, whatever its case
_EQUALS_SIGNS = b"=%\\"
_HINTS = (b"sig", b"token", b"credential", b"accesskeyid", b"accessid", b"key-pair-id")


def redact_array(name: str, texts: pa.LargeStringArray) -> pa.LargeStringArray:
    """Return the texts of the member of that name without what is secret in them."""
    if texts.null_count == len(texts):
        return texts
    if name.endswith("ApiKey"):
        return pc.if_else(texts.is_valid(), _REDACTED, texts)
    if name.endswith("Url"):
        return _without_query(texts)
    # looking for characters, and then for words, in all texts at once is much faster than matching
    if _has(texts, _EQUALS_SIGNS) and _has_hint(texts.buffers()[2].to_pybytes()):
        return pc.replace_substring_regex(texts, pattern=_SIGNED, replacement=_REPLACEMENT)
    return texts


def _without_query(urls: pa.LargeStringArray) -> pa.LargeStringArray:
    # splitting takes a third of the time that the pattern takes
    parts = pc.split_pattern(urls, "?", max_splits=1)
    paths = pc.list_element(parts, 0)
    redacted = pc.binary_join_element_wise(paths, _REDACTED, pa.scalar("?", TEXT))
    cut = pc.if_else(pc.equal(pc.list_value_length(parts), 1), paths, redacted)
    if _has(paths, b"#%\\"):  # which may begin a query, too
        return pc.replace_substring_regex(cut, pattern=_QUERY, replacement=_REPLACEMENT)
    return cut


def _has(texts: pa.LargeStringArray, signs: bytes) -> bool:
    """Tell whether any of the characters is among those of the texts."""
    characters = np.frombuffer(texts.buffers()[2] or b"", np.uint8)
    return any((characters == sign).any() for sign in signs)


def _has_hint(content: bytes) -> bool:
    content = content.lower()
    return any(hint in content for hint in _HINTS)


def redact_text(text: str, name: str = "") -> str:
    """Return one text, of the member of that name, without what is secret in it.

    Examples
    --------
    >>> from dxnotebook.records.redact import redact_text
    >>> redact_text("GET https://b.s3.amazonaws.com/k?X-Amz-Date=1&X-Amz-Signature=ab12 failed")
    'GET https://b.s3.amazonaws.com/k?REDACTED failed'
    """
    encoded = text.encode("utf-8", "backslashreplace")
    if not name.endswith(SECRET_NAMES) and not _has_hint(encoded):
        return text
    return str(redact_array(name, pa.array([encoded], pa.large_binary()).cast(TEXT))[0])


def redact_value(value: Any, name: str = "") -> Any:
    """Return a JSON value with its texts redacted, also keys, and all below a secret member."""
    if isinstance(value, str):
        return redact_text(value, name)
    if isinstance(value, dict):
        inherited = name if name.endswith(SECRET_NAMES) else ""
        return {
            # a repeated key has a number behind it
            redact_text(key): redact_value(member, inherited or key.partition(":")[0])
            for key, member in value.items()
        }
    if isinstance(value, list):
        return [redact_value(element, name) for element in value]
    return REDACTED if name.endswith("ApiKey") and value is not None else value
