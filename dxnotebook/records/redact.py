r"""What is secret in a job, and taking it out: signed URLs' queries, keys, passwords and tokens.

The API's model marks nothing as sensitive, so the rules are names and forms. A member named as a
URL loses its query, one named as a secret its value; in any other text go queries that carry a
signature, what stands behind the name of a secret, bearer tokens, and passwords in URLs. Names are
compared by their letters alone: ``ApiKeys`` is ``api-key``.
"""

from __future__ import annotations

import re
from functools import cache
from html.entities import html5
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dxnotebook.arrays import substituted
from dxnotebook.model import MODEL, TEXT, branches

REDACTED = "REDACTED"
_REDACTED = pa.scalar(REDACTED, TEXT)

#: What a member's name says of its value: it is secret as a whole, or it is a URL.
SECRET, URL = "secret", "url"
_SECRETS = (
    "api key", "secret key", "access key", "access key id", "account key", "private key",
    "client secret", "authorization", "session token", "security token", "access token",
    "auth token", "bearer token", "refresh token", "id token", "sas token", "password", "passwd",
    "pwd", "passphrase", "amz signature", "amz credential", "goog signature", "goog credential",
)  # fmt: skip
_ENDINGS = {SECRET: tuple(name.replace(" ", "") for name in _SECRETS), URL: ("url", "uri")}


def _sign(signs: str) -> str:
    """Return the pattern of some characters, also as URLs, HTML and string literals escape them."""
    named = [name[:-1] for name, meant in html5.items() if meant in set(signs) and name[-1] == ";"]
    decimal, hexadecimal, octal = ("|".join(format(ord(s), form) for s in signs) for form in "dxo")
    html = "|".join([rf"#0*(?:{decimal})", rf"#x0*(?:{hexadecimal})", *named])
    literal = rf"[ux]\{{?0*(?:{hexadecimal})\}}?|0*(?:{octal})"
    return rf"(?:[{signs}]|%(?:25)*(?:{hexadecimal})|&(?:amp;)*(?:{html});?|\\+(?:{literal}))"


_EQUALS, _IS, _COLON, _SLASH, _AT, _QUESTION = map(_sign, ("=", "=:>", ":", "/", "@", "?"))
_IN_URL = r"[^\s\"'<>]"
_IN_WORD = r"[\w%+/=&.~-]"
# what follows a name: after a line break also what goes on like a token, not like a sentence,
# and behind spaces what an equals sign begins: the value of the query's next parameter
_GOES_ON = (
    rf"{_IN_WORD}{{16,}}|{_IN_WORD}*(?:[=&]|%[0-9a-f]{{2}}){_IN_WORD}+"
    rf"|{_IN_WORD}{{3,}}(?:\d[a-z]|[a-z]\d){_IN_WORD}*"
    rf"|{_IN_WORD}*(?:\d[a-z]|[a-z]\d){_IN_WORD}{{3,}}"
)
_OPENS = rf"[\s\"'\\]*{_IN_URL}"
_VALUE = rf"{_OPENS}*(?:(?:[\r\n]|<w?br\s*/?>)[\s>]*(?:{_GOES_ON})|\s+{_EQUALS}{_OPENS}+)*"
# the parameters that make a URL a credential: AWS (versions 4 and 2, CloudFront), Google, Azure,
# Swift and plain tokens; a signed query goes from its start where there is one
_DASH = "(?:-|%(?:25)*2d)"
_ISSUER = rf"x{_DASH}(?:amz|goog){_DASH}"
_PARAMETER = (
    rf"(?:(?:{_ISSUER})?(?:signature|credential)|{_ISSUER}security{_DASH}token|awsaccesskeyid"
    rf"|googleaccessid|key{_DASH}pair{_DASH}id|[_-](?:sig|token))\s*|\b(?:sig|token)"
)
_NAMES = "|".join(name.replace(" ", r"[\s_-]*") for name in _SECRETS)
_LABELLED = (
    rf"((?:{_NAMES})s?\d*[\"'\\]*\s*{_IS}{{1,2}}[\s\"'\\]*(?:(?:bearer|basic|digest|token)\s+)?)"
)
_JWT = r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"
_BEARER = rf"bearer\s+(?:{_IN_WORD}*\d{_IN_WORD}*|{_IN_WORD}{{20,}})"
_USER = rf"{_COLON}{_SLASH}{_SLASH}[^\s\"'<>/?#@:%&]*{_COLON}[^\s\"'<>/?#]*{_AT}"
# one after the other, nearly all without groups, which would make them a hundred times slower
_FORMS = {
    rf"(?i){_QUESTION}{_IN_URL}*?(?:{_PARAMETER}|{_ISSUER}[\w-]*){_EQUALS}{_VALUE}": f"?{REDACTED}",
    rf"(?i)(?:{_PARAMETER}){_EQUALS}{_VALUE}|{_JWT}": REDACTED,
    rf"(?i){_LABELLED}{_IN_URL}{_VALUE}": rf"\1{REDACTED}",
    rf"(?i){_BEARER}": f"Bearer {REDACTED}",
    rf"(?i){_USER}": f"://{REDACTED}@",
}
_QUERY = rf"(?is)({_QUESTION}|[#&;]).*"
_QUERY_CUT = rf"\1{REDACTED}"
# every match of the forms holds one of each, in whatever encoding
_MARKS = b"=:%&>\\. "
_ANY_MARK = re.compile(r"[=:%&>\\. ]")
_HINTS = (
    r"(?i)sig|token|credential|accessid|pair.{1,9}id|amz|goog|bearer|eyj|secret|passw|pwd|phrase"
    rf"|authorization|(?:api|access|account|private)[\s_-]*key|{_AT}"
)
_HINT = re.compile(_HINTS)
# a member's; a repeated one has a number behind it
_IS_NAME = re.compile(r"[\w-]{1,100}(?::\d+)?").fullmatch
_BRANCHES = frozenset(branches(MODEL.record))


@cache
def kind_of_name(name: str) -> str:
    """Return what a member's name says of its value: `SECRET`, `URL` or nothing.

    Examples
    --------
    >>> from dxnotebook.records.redact import kind_of_name
    >>> [kind_of_name(name) for name in ("api_keys", "SignedURL", "Key")]
    ['secret', 'url', '']
    """
    if name in _BRANCHES:  # the name of ImportAssetFromSignedUrl says nothing of what is in it
        return ""
    letters = re.sub(r"[^a-z]", "", name.lower()).removesuffix("s")
    return next((kind for kind, ends in _ENDINGS.items() if letters.endswith(ends)), "")


def redact_array(name: str, texts: pa.LargeStringArray) -> pa.LargeStringArray:
    """Return the texts of the member of that name without what is secret in them."""
    if texts.null_count == len(texts):
        return texts
    kind = kind_of_name(name)
    if kind == SECRET:
        return pc.if_else(texts.is_valid(), _REDACTED, texts)
    if kind == URL:
        texts = pc.replace_substring_regex(texts, pattern=_QUERY, replacement=_QUERY_CUT)
    # looking for characters, and then for words, in all texts at once is much faster than matching
    if not (_has(texts, _MARKS) and _has_hint(texts.buffers()[2])):
        return texts
    hinting = pc.match_substring_regex(texts, _HINTS)
    return pc.replace_with_mask(texts, hinting, substituted(texts.filter(hinting), _FORMS))


def _has(texts: pa.LargeStringArray, signs: bytes) -> bool:
    """Tell whether any of the characters is among those of the texts."""
    characters = np.frombuffer(texts.buffers()[2] or b"", np.uint8)
    return any((characters == sign).any() for sign in signs)


def _has_hint(content: pa.Buffer) -> bool:
    ends = pa.py_buffer(np.array([0, content.size], np.int64))
    joined = pa.Array.from_buffers(TEXT, 1, [None, ends, content])
    return bool(pc.match_substring_regex(joined, _HINTS)[0].as_py())


def redact_text(text: str, name: str = "") -> str:
    """Return one text, of the member of that name, without what is secret in it.

    Examples
    --------
    >>> from dxnotebook.records.redact import redact_text
    >>> redact_text("GET https://b.s3.amazonaws.com/k?X-Amz-Date=1&X-Amz-Signature=ab12 failed")
    'GET https://b.s3.amazonaws.com/k?REDACTED failed'
    """
    kind = kind_of_name(name)
    if kind == SECRET:
        return REDACTED
    if kind == URL:
        text = re.sub(_QUERY, _QUERY_CUT, text, count=1)
    # quickly, as a page may have many texts
    if not (_ANY_MARK.search(text) and _HINT.search(text)):
        return text
    encoded = text.encode("utf-8", "backslashreplace")
    return str(redact_array("", pa.array([encoded], pa.large_binary()).cast(TEXT))[0])


def redact_value(value: Any, name: str = "") -> Any:
    """Return a JSON value with its texts redacted, also keys, and all below a secret member."""
    if isinstance(value, str):
        return redact_text(value, name)
    # of what is empty no copy: there may be millions
    if isinstance(value, dict | list) and not value:
        return value
    if isinstance(value, dict):
        return {
            key if _IS_NAME(key) else redact_text(key): redact_value(member, decisive(name, key))
            for key, member in value.items()
        }
    if isinstance(value, list):
        return [redact_value(element, name) for element in value]
    return REDACTED if kind_of_name(name) == SECRET and value is not None else value


@cache
def decisive(*names: str) -> str:
    """Return which of the names of members, each in the one before, says what is secret there."""
    return min(reversed(names), key=lambda name: (SECRET, URL, "").index(kind_of_name(name)))
