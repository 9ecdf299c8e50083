"""Long texts are seen in a notebook."""

from __future__ import annotations

import pandas as pd
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

import dxnotebook as dx
from dxnotebook.metrics.readable import readable
from tests.conftest import job, page_of, tables_of

# its database would be left open
NO_HISTORY = Config(HistoryManager={"enabled": False})

LONG = "The bucket policy does not allow what is to be done with the objects that are in it now."


def test_a_notebook_shows_the_texts_of_causes_and_other_frames_as_ever():
    shell = InteractiveShell.instance(config=NO_HISTORY)
    try:
        failed = {
            "State": "ERROR",
            "Type": "IMPORT_ASSETS_FROM_S3",
            "Details": {
                "ImportAssetsFromS3": {
                    "AssetSources": [{"Bucket": "b", "Key": "k"}],
                    "DataSetId": "d",
                    "RevisionId": "r",
                }
            },
            "Errors": [{"Code": "ACCESS_DENIED_EXCEPTION", "Message": LONG}],
        }
        tables = tables_of(page_of(job(**failed)))
        frames = (
            dx.error_causes(tables).head(),
            dx.unresolved_failures(tables),
            dx.check(tables, max_failure_rate=0),
            dx.missing_assets(tables),
        )
        for frame in frames:
            assert LONG in shell.display_formatter.format(frame)[0]["text/html"]
        open_jobs = dx.read_jobs(list(dx.demo.Account(jobs=1_000).pages())).jobs
        remedy = dx.stuck_jobs(open_jobs)["remedy"][0]
        assert remedy in shell.display_formatter.format(dx.stuck_jobs(open_jobs))[0]["text/html"]
        other = pd.DataFrame({"text": [LONG]})
        shown = shell.display_formatter.format(other)[0]["text/html"]
        assert shown == other._repr_html_()
        assert LONG not in shown
    finally:
        InteractiveShell.clear_instance()


def test_without_a_notebook_nothing_happens():
    assert readable(pd.DataFrame({"a": [1]}))["a"].tolist() == [1]
