"""The catalogue is what botocore's model and the story need."""

from __future__ import annotations

import botocore.session

from dxnotebook.demo import catalogue as cat

SERVICE = botocore.session.Session().get_service_model("dataexchange")


def test_types_and_codes_are_the_api_s():
    types, codes = (set(SERVICE.shape_for(name).enum) for name in ("Type", "Code"))
    assert set(cat.MINUTES) == types
    assert {feed.type for feed in cat.FEEDS} == types
    assert {cause["code"] for cause in cat.CAUSES} <= codes
    assert {kind for cause in cat.CAUSES for kind in cause["types"]} <= types


def test_the_feeds_of_6_000_jobs_leave_room_for_re_runs_and_bursts():
    assert sum(feed.jobs for feed in cat.FEEDS) + sum(burst.jobs for burst in cat.BURSTS) < 6_000
    assert len({data_set["slug"] for data_set in cat.DATA_SETS}) == len(cat.DATA_SETS)


def test_the_story_s_causes_are_no_one_else_s():
    story = [cat.CAUSES[number] for number in (cat.POLICY, cat.CONCURRENT, cat.MALWARE)]
    assert [cause["types"] for cause in story] == [[], [], []]
    assert all(cause["types"] for cause in cat.CAUSES[3:])
