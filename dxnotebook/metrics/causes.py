"""Why jobs failed: messages that differ only in names and numbers are one cause."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from dxnotebook.arrays import Array, located, text_array
from dxnotebook.model import TEXT
from dxnotebook.tables.jobtables import JobTables, checked

_NUMPY_TEXT: Any = np.dtypes.StringDType()
_SHORTEST = 4  # a shorter name may be part of any word
_HEX = "[0-9a-fA-F]"
_IN = r"[^\s\"'`(),;\[\]{}]"  # what a URL, an ARN or a key goes on with
_END = r"[^\s\"'`(),;.:!?\[\]{}]"  # and what it may end with
_BEYOND = r"\x{80}-\x{10FFFF}"  # letters beyond ASCII, which RE2 does not take for parts of a word
_WORD = rf"[\w{_BEYOND}.=+@%$~*-]"
_BEGIN, _STOP = "\ufdd0", "\ufdd1"  # of a word: characters that no text has
# a path is a key if there is more to it than to "read/write"
_KEY = rf"(?:{_WORD}*[\d.=_-]{_WORD}*/{_IN}*{_END}|{_WORD}+/{_IN}*[\d.=_/-]{_IN}*{_END}|<key>/{_IN}*{_END})"
_PLACES = (
    (rf"\b[A-Za-z][A-Za-z0-9+.-]*://(?:\[[\w:.%]+\])?{_IN}*{_END}", "<url>"),
    (rf"\barn:[\w-]+:{_IN}*{_END}", "<arn>"),
    (rf"\b{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}\b", "<uuid>"),
    (
        r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?)?\b",
        "<date>",
    ),
    (_KEY, "<key>"),
)
_VALUES = (
    (rf"\b(?:{_HEX}{{8,}}|[A-Z0-9]{{4,}}\d[A-Z0-9]{{4,}}|[A-Za-z]*\d+[A-Za-z]+\d\w*)\b", "<id>"),
    (r"(\b|_)\d+(?:[.,:]\d+)*", r"\1<n>"),
    *(
        (rf"{mask}(?:(?:,|;| and|)\s*{mask})+", mask)
        for mask in ("<url>", "<arn>", "<uuid>", "<key>", "<id>", "<n>")
    ),
    (r"\s+", " "),
    (r"^ | $", ""),
)


def error_causes(tables: JobTables) -> pd.DataFrame:
    """Return the causes of failure: the messages of errors, grouped by what they have in common.

    Parameters
    ----------
    tables : JobTables
        The jobs and their errors.

    Returns
    -------
    pandas.DataFrame
        One row a cause, the one with most jobs first: ``fingerprint`` (str: see `fingerprints`),
        ``code``, ``count`` (int64: errors; one that names several assets counts once), ``jobs``
        (int64: jobs with such an error), ``share`` (float64: of all jobs with errors, 0 to 1),
        ``first_seen``, ``last_seen`` (datetime64[us, UTC]: when the first and the last of these
        jobs were created), ``data_sets`` (int64: how many it touched), ``example_job_id`` (str: the
        last of the jobs).

    Raises
    ------
    DxError
        When given something else than tables.

    Examples
    --------
    >>> import dxnotebook as dx
    >>> causes = dx.error_causes(dx.load_jobs(dx.demo.client()))
    >>> causes["fingerprint"][0]
    'Access denied to <url>: the bucket policy of <bucket> does not allow s3:GetObject for dataexchange.amazonaws.com.'
    """
    tables = checked(tables)
    errors = tables.errors[["job_id", "position", "code"]].assign(fingerprint=fingerprints(tables))
    errors = errors.drop_duplicates(["job_id", "position"])
    jobs = tables.jobs[["job_id", "created_at", "data_set_id"]]
    jobs = jobs[located(jobs["job_id"], errors["job_id"]) >= 0].reset_index(drop=True)
    place = located(errors["job_id"], jobs["job_id"])
    of_job = {name: jobs[name].reindex(place).array for name in ("created_at", "data_set_id")}
    errors = errors.assign(**of_job).sort_values(["created_at", "job_id"], na_position="first")
    grouped = errors.groupby(["fingerprint", "code"], sort=False, dropna=False, observed=True)
    causes = grouped.agg(
        count=("job_id", "size"),
        jobs=("job_id", "nunique"),
        first_seen=("created_at", "min"),
        last_seen=("created_at", "max"),
        data_sets=("data_set_id", "nunique"),
        example_job_id=("job_id", "last"),
    ).reset_index()
    causes.insert(4, "share", causes["jobs"] / max(errors["job_id"].nunique(), 1))
    return causes.sort_values(
        ["jobs", "count", "fingerprint"], ascending=[False, False, True], ignore_index=True
    )


def fingerprints(tables: JobTables) -> pd.Series[str]:
    """Return what the message of each error has in common with others of the same cause.

    URLs, ARNs, UUIDs, dates, keys, ids (also hexadecimal ones) and numbers are masked by their
    form; the bucket, key and name of an asset by what the tables say they are. Several of a kind in
    a row count as one.

    Parameters
    ----------
    tables : JobTables
        The jobs and their errors.

    Returns
    -------
    pandas.Series of str
        One a row of `JobTables.errors`, with its index; null where there is no message.

    Raises
    ------
    DxError
        When given something else than tables.

    Examples
    --------
    >>> import dxnotebook as dx
    >>> tables = dx.load_jobs(dx.demo.client())
    >>> errors = tables.errors.assign(fingerprint=dx.fingerprints(tables))
    >>> errors.loc[errors["code"] == "MALWARE_DETECTED", "fingerprint"].iloc[0]
    'Malware was detected in <url>. Asset <id> was not imported.'
    """
    errors = checked(tables).errors
    error = errors.groupby(["job_id", "position"], sort=False, dropna=False).ngroup().to_numpy()
    messages = errors["message"][~pd.Series(error).duplicated()]
    texts = _Texts(messages)
    for name in ("key", "asset_name"):
        formed = pc.match_substring_regex(text_array(errors[name]), pattern=f"^{_KEY}$").fill_null(
            fill_value=True
        )
        texts.mask_names(error, errors[name].mask(np.asarray(formed)), "<key>")
    texts.mask_forms(_PLACES)
    texts.mask_names(error, errors["bucket"].fillna(_buckets(checked(tables))), "<bucket>")
    texts.mask_forms(_VALUES)
    masked = pd.Series(texts.all(), dtype="str").where(messages.notna().to_numpy())
    return masked.take(error).set_axis(tables.errors.index).rename("fingerprint")


def _buckets(tables: JobTables) -> pd.Series[str]:
    """Return, for each error that names no bucket, the first that its job names."""
    of_job = tables.errors["job_id"][tables.errors["bucket"].isna()]
    places = (tables.details[["job_id", "bucket"]], tables.jobs[["job_id", "asset_source_bucket"]])
    named = [
        place[located(place["job_id"], of_job) >= 0].set_axis(["job_id", "bucket"], axis=1)
        for place in places
    ]
    named_once = pd.concat(named).dropna().drop_duplicates("job_id").set_index("job_id")
    return of_job.map(named_once["bucket"]).astype("str")


def _masked(texts: Array, names: Array, mask: str) -> Array:
    """Return texts, each with its name masked where that is not within a longer word."""
    # in marks that surround each word, a part of one is not found
    texts, names = (
        _replaced(each, rf"([\w{_BEYOND}-]+)", rf"{_BEGIN}\1{_STOP}") for each in (texts, names)
    )
    return _replaced(np.strings.replace(texts, names, mask), f"[{_BEGIN}{_STOP}]", "")


def _replaced(texts: Array, pattern: str, replacement: str) -> Array:
    replaced = pc.replace_substring_regex(
        pa.array(texts.tolist(), TEXT), pattern=pattern, replacement=replacement
    )
    return np.array(replaced.to_pylist(), _NUMPY_TEXT)


class _Texts:
    """The messages of errors, each different one being looked at once."""

    def __init__(self, messages: pd.Series[str]) -> None:
        self._different = text_array(messages.fillna(""))
        self._number = np.arange(len(messages))  # of each message among the different ones

    def all(self) -> list[str]:
        """Return the text of each message."""
        return list(self._different.take(pa.array(self._number)).to_pylist())

    def mask_forms(self, masks: Sequence[tuple[str, str]]) -> None:
        """Mask what has one of these forms."""
        for pattern, mask in masks:
            encoded = pc.replace_substring_regex(
                self._different, pattern=pattern, replacement=mask
            ).dictionary_encode()
            self._number, self._different = (
                encoded.indices.to_numpy()[self._number],
                encoded.dictionary,
            )

    def mask_names(self, error: Array, names: pd.Series[str], mask: str) -> None:
        """Mask what each row's asset is called in the message of the error that the row belongs to.

        The longest name of an error is masked first, as it may hold another; no name is masked within a word.
        """
        length = names.str.len()
        long = (length >= _SHORTEST).to_numpy(bool)
        code, different = pd.factorize(names[long], sort=True)
        named = np.array(different, _NUMPY_TEXT)
        order = np.lexsort((code, -length[long].to_numpy(), error[long]))
        error, code = error[long][order], code[order]
        nth = pd.Series(error).groupby(error).cumcount().to_numpy()
        for number in range(nth.max(initial=-1) + 1):
            of, name_of = error[nth == number], code[nth == number]
            pair, pairs = pd.factorize(self._number[of] * len(named) + name_of)
            text, name = np.divmod(pairs, len(named))
            given = np.array(self._different.take(pa.array(text)).to_pylist(), _NUMPY_TEXT)
            found = np.flatnonzero(np.strings.find(given, named[name]) >= 0)
            given[found] = _masked(given[found], named[name[found]], mask)
            self._number[of] = len(self._different) + pair
            self._different = pa.concat_arrays([self._different, pa.array(given.tolist(), TEXT)])
