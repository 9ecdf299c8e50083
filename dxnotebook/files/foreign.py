"""What is no listing of jobs, and what to do with it: looked at only when reading has failed."""

from __future__ import annotations

import re
from typing import Any

_LOOKED_AT = 2**16
_JSON = "Save it with --output json."
_CONVERT = "Pipe it to ConvertTo-Json -Depth 20."
_FRAMES = "dx.read_tables reads exported JobTables, given their folder; pandas reads single frames."
_UNPACK = "Unpack it, and give the files in it; gzip is read as it is."
_OTHER = "Give what `aws dataexchange list-jobs` or `get-job` writes."
_NO_JOB_ARN = rb'(?!.*"arn:[^":]*:dataexchange:[^":]*:[^":]*:jobs/)'
_FIRST = rb'\{\s*(?:"ResponseMetadata".*?\}\s*,\s*|"\w+"\s*:\s*"[^"]*"\s*,\s*)*'

# how content begins, what that is, with what the groups found, and what to do; the first counts
_FORMS = (
    (rb"PAR1", "a Parquet file", _FRAMES),
    (rb"ARROW1|FEA1|\xff{4}", "a Feather or Arrow file", _FRAMES),
    (rb"PK\x03\x04.*(?:xl/|\[Content_Types\])", "an Excel workbook", _FRAMES),
    (rb"PK[\x03\x05]", "a zip archive", _UNPACK),
    (rb"BZh\d|\xfd7zXZ|\x28\xb5\x2f\xfd|7z\xbc\xaf|.{257}ustar", "packed data", _UNPACK),
    (rb"\x80[\x02-\x05]", "a pickle", "Unpickle it if you trust it, and give its jobs as dicts."),
    (rb"SQLite|.{8}DUCK|Obj\x01|ORC|\x89HDF|%PDF|\x89PNG|\xff\xd8", "a binary file", _OTHER),
    (rb"<", "HTML or XML", _OTHER),
    (rb"[\[{]\s*(?:\{\s*)?'", "what Python prints", "Write it by json.dumps(…, default=str)."),
    (rb"(?:\w+ +: |[\w ]+\r?\n-+ +-)", "what PowerShell shows", _CONVERT),
    (rb"(?:---\s+|#[^\n]*\n)*(?:- +)*\w+:(?:\s|\Z)", "YAML", _JSON),
    (rb"[-+|=]{5}", "a table, as --output table writes it", _JSON),
    (rb"[^\n{\[]*\t", "text with tabs, as --output text writes it", _JSON),
    (rb"[\w \"'.#/-]+(?:[,;][\w \"'.#/-]*)+\r?(?:\n|\Z)", "CSV", _FRAMES),
    (rb'[\[{].*"(?:eventSource|CloudTrailEvent)"\s*:', "records of CloudTrail", _OTHER),
    (rb'[\[{].*"detail-type"\s*:', "events of EventBridge", _OTHER),
    (rb'[\[{].*"(?:GlueVersion|JobRunState)"\s*:', "jobs or job runs of AWS Glue", _OTHER),
    (rb'(?:\[\s*)?\{\s*"(?:job_id|rows|columns|index)"\s*:', "rows of a table",
     "Read them with pandas.read_json; dx.read_tables reads exported JobTables."),
    (rb'\{\s*"(?:__type|[Mm]essage|Error|code)"\s*:', "an answer that says an error", _OTHER),
    (_NO_JOB_ARN + rb'[\[{].*?"\w*[aA]rn"\s*:\s*"arn:[^":]*:([\w-]+):[^":]*:[^":]*:([\w-]+)',
     "{1} of the service {0}", _OTHER),
    (rb'(?!.*"(?i:jobs)"\s*:)' + _FIRST + rb'"(?!Errors")(\w+)"\s*:\s*\[', "a list of {0}", _OTHER),
)  # fmt: skip

# by an attribute of its type, what an object is, and what to do
_OBJECTS = (
    ("get_paginator", "a client", "load its jobs with dx.load_jobs(client)"),
    ("paginate", "a paginator", "give what its paginate() returns"),
    ("to_jobs", "tables already", "use them as they are; dx.concat joins several"),
    ("sync", "an archive", "load its jobs with archive.load()"),
    ("columns", "a frame", "give jobs as dicts, as frame.to_dict('records') of json_normalize has"),
)


def form(content: bytes) -> str | None:
    r"""Return what content is that is no listing of jobs, and what to do with it, if known.

    Examples
    --------
    >>> from dxnotebook.files.foreign import form
    >>> form(b"Jobs:\n- Arn: arn:aws:dataexchange:us-east-1:111122223333:jobs/a1")
    'found YAML, not a listing of jobs in JSON. Save it with --output json.'
    """
    head = content[:_LOOKED_AT].lstrip()
    for pattern, what, advice in _FORMS:
        if match := re.match(rb"(?s)" + pattern, head):
            named = what.format(*(group.decode() for group in match.groups()))
            return f"found {named}, not a listing of jobs in JSON. {advice}"
    return None


def kind(source: Any) -> str | None:
    """Return what an object is that no jobs can be read from, and what to do, if that is known."""
    for name, what, advice in _OBJECTS:
        if hasattr(type(source), name):
            return f"{what}; {advice}"
    return None
