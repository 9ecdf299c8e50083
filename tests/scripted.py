"""An account whose jobs a test makes and changes, for the embedded endpoint to list."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from dxnotebook import demo

START = datetime(2026, 1, 1, tzinfo=UTC)
OPEN = ("WAITING", "IN_PROGRESS")


class Scripted(demo.Account):
    """An account whose jobs are dicts in `jobs`, by ARN, `per_page` of them on each page."""

    def __init__(self, *, now=START, per_page=200, account_id="111122223333", region="us-east-1"):
        super().__init__(0, now=now, account_id=account_id, region=region)
        self.per_page = per_page
        self.jobs = {}

    def listed(self):
        """Return the jobs that are not older than 90 days, newest first."""
        kept = [job for job in self.jobs.values() if moment(job) > self.now - timedelta(days=90)]
        return sorted(kept, key=lambda job: (moment(job), job.get("Arn", "")), reverse=True)

    def page(self, start=0, size=200, *, data_set_id=None, revision_id=None, next_token=None):
        listed = self.listed()
        end = start + size
        if next_token is None and end < len(listed):
            next_token = self.token(end, data_set_id, revision_id)
        more = {} if next_token is None else {"NextToken": next_token}
        return json.dumps({"Jobs": listed[start:end], **more}).encode()

    def create(self, number, *, state="WAITING", at=None, **members):
        """Make a job; its number makes its ARN."""
        name = f"{number:032x}"
        arn = f"arn:aws:dataexchange:{self.region}:{self.account_id}:jobs/{name}"
        time = (at or self.now).isoformat()
        job = {
            "Arn": arn,
            "Id": name,
            "State": state,
            "Type": "IMPORT_ASSETS_FROM_S3",
            "CreatedAt": time,
        }
        details = {
            "DataSetId": f"{number % 3:032x}",
            "AssetSources": [{"Bucket": "b", "Key": f"k{number}"}],
        }
        self.jobs[arn] = (
            job | {"UpdatedAt": time, "Details": {"ImportAssetsFromS3": details}} | members
        )
        return arn

    def change(self, arn, state, **members):
        """Put a job into another state, now."""
        errors = (
            [{"Code": "INTERNAL_SERVER_EXCEPTION", "Message": "no"}] if state == "ERROR" else []
        )
        self.jobs[arn] = (
            self.jobs[arn]
            | {"State": state, "UpdatedAt": self.now.isoformat(), "Errors": errors}
            | members
        )


def moment(job, name="CreatedAt"):
    return datetime.fromisoformat(job[name])
