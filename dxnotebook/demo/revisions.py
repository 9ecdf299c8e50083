"""The revisions of the simulated account, as its jobs leave them, and what is planted in them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from dxnotebook.demo.catalogue import COMPLETED, DATA_SETS, DAY, END, Array, Json
from dxnotebook.demo.job import Names, stamps
from dxnotebook.demo.plan import DATA_SET_OF, FIRST_REVISION, IMPORTS, REVISION_DAYS, revision_days

# one of so many is planted, where there are as many
_EARLY, _NEVER, _REVOKED = 12, 300, 400
_WHY = "A source withdrew its data."
_WORK_BITS = 47  # of a slot and a feed


class Flags(NamedTuple):
    """What became of each revision: that of a day of a data set, data set by data set.

    ``ended`` is when the last job that fills it did; ``early`` and ``never`` are the revisions that
    were planted: finalized though incomplete, and whole but not finalized.
    """

    ended: Array
    finalized: Array
    revoked: Array
    early: Array
    never: Array


def flags_of(plan: Array) -> Flags:
    """Return what became of the revisions of a plan until its end.

    They are finalized when they are whole, but for what is planted.
    """
    plan = plan[IMPORTS[plan["feed"]]]
    revision = DATA_SET_OF[plan["feed"]] * REVISION_DAYS + revision_days(plan)
    work = plan["slot"] * 64 + plan["feed"]
    of_revision = revision << _WORK_BITS | work
    done = (plan["outcome"] == COMPLETED) & (plan["ended"] <= END)
    is_left = ~np.isin(of_revision, of_revision[done])
    left = np.unique(revision[is_left])
    # that no later revision makes up for
    for_good = np.unique(revision[is_left & ~np.isin(work, work[done]) & (plan["ended"] <= END)])
    whole = np.setdiff1d(revision, left)
    ended = np.full(len(DATA_SETS) * REVISION_DAYS, 0)
    np.maximum.at(ended, revision, plan["ended"])
    early, never = for_good[_EARLY // 2 :: _EARLY], whole[_NEVER // 2 :: _NEVER]
    finalized = ~np.isin(np.arange(len(ended)), [*np.setdiff1d(left, early), *never])
    revoked = np.isin(np.arange(len(ended)), whole[_REVOKED // 3 :: _REVOKED])
    return Flags(ended, finalized, revoked & finalized, early, never)


def revisions_of(names: Names, data_set: int, flags: Flags, now: int) -> list[Json]:
    """Return the revisions of a data set as ListDataSetRevisions gives them, newest first."""
    days = np.arange(min((now - FIRST_REVISION) // DAY, REVISION_DAYS - 1), -1, -1)
    number, created = data_set * REVISION_DAYS + days, FIRST_REVISION + days * DAY
    ended = np.maximum(flags.ended[number], created)
    has_ended = ended <= now
    data_set_id, name = names.data_set_ids[data_set], DATA_SETS[data_set]["name"]
    revisions = []
    for revision, created_at, updated_at, is_final, is_revoked in zip(
        (names.revision_ids[n] for n in number),
        stamps(created),
        stamps(np.where(has_ended, ended, created)),
        (flags.finalized[number] & has_ended).tolist(),
        (flags.revoked[number] & has_ended).tolist(),
        strict=True,
    ):
        arn = f"{names.arn}:data-sets/{data_set_id}/revisions/{revision}"
        one = {"DataSetId": data_set_id, "Arn": arn, "Id": revision, "CreatedAt": created_at}
        one |= {"Comment": f"{name}, {created_at[:10]}", "UpdatedAt": updated_at}
        one |= {"Finalized": is_final, "Revoked": is_revoked}
        more = {"RevokedAt": updated_at, "RevocationComment": _WHY} if is_revoked else {}
        revisions.append(one | more)
    return revisions
