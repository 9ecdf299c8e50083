"""What jobs were seen as, and when: the observations in the rows of an archive, read as frames."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

#: What is said of the job beside each observation of it.
OBSERVED = ["job_id", "job_arn", "account_id", "region", "type", "created_at"]


def rolled_back(rows: pa.Table, at: pd.Timestamp) -> pa.Table:
    """Return rows as they were seen last by a time: those that were seen otherwise later have the JSON of then."""
    lists = rows["observations"].combine_chunks()
    seen = pd.DataFrame({"row": pc.list_parent_indices(lists).to_numpy()})
    seen["raw"] = lists.flatten().field("raw").to_pandas()
    seen["by_then"] = lists.flatten().field("seen_at").to_pandas() <= at
    last = seen[seen["by_then"]].drop_duplicates("row", keep="last").set_index("row")["raw"]
    later = np.zeros(len(rows), bool)
    later[seen.loc[~seen["by_then"], "row"]] = True
    raw = rows["raw"].to_pandas()
    raw = raw.where(~(later & last.reindex(raw.index).notna()), last.reindex(raw.index))
    return rows.set_column(rows.column_names.index("raw"), "raw", pa.array(raw, rows["raw"].type))


def observed(rows: pa.Table) -> pd.DataFrame:
    """Return one row for each observation of jobs, in order."""
    lists = rows["observations"].combine_chunks()
    owner = pc.list_parent_indices(lists)
    seen = lists.flatten()
    columns = {name: rows[name].take(owner) for name in OBSERVED}
    columns |= {name: seen.field(name) for name in ("state", "updated_at", "seen_at")}
    frame: pd.DataFrame = pa.table(columns).to_pandas()
    return frame.sort_values(["created_at", "job_arn", "seen_at"], kind="stable", ignore_index=True)


def changes(seen: pd.DataFrame, syncs: pd.DataFrame) -> pd.DataFrame:
    """Return the observations in which a job's state was another than before, and between when it changed."""
    complete = syncs[syncs["complete"] & syncs["account_id"].notna()]
    held = complete[["account_id", "region", "asked_at"]].drop_duplicates().sort_values("asked_at")
    held["held_until"] = held["asked_at"]
    by = ["account_id", "region"]
    order = seen.reset_index().sort_values("seen_at", kind="stable")
    # the last sync before the one that saw it so: the job was as it had been until then
    found = (
        pd.merge_asof(
            order, held, left_on="seen_at", right_on="asked_at", by=by, allow_exact_matches=False
        )
        .set_index("index")
        .sort_index()
    )
    of_job = seen.groupby("job_arn", sort=False)
    before = seen["updated_at"].fillna(seen["seen_at"])
    lower = of_job["seen_at"].shift()
    lower = pd.concat([lower, found["held_until"].where(found["held_until"] >= lower)], axis=1).max(
        axis=1
    )
    lower = lower.fillna(seen["created_at"])
    changed = seen.assign(
        from_state=of_job["state"].shift(),
        to_state=seen["state"],
        after=np.minimum(lower, before),
        before=before,
    )
    changed = changed[changed["from_state"] != changed["to_state"]]
    return changed[[*OBSERVED, "from_state", "to_state", "after", "before"]].reset_index(drop=True)
