"""Jobs that share their fate: those of a revision, which succeed or fail together."""

from __future__ import annotations

import numpy as np
import pandas as pd

from dxnotebook.arrays import Integers

#: What the jobs that make a revision have in common.
CLUSTER = ("type", "data_set_id", "revision_id")


def clusters_of(jobs: pd.DataFrame) -> Integers:
    """Return the number of the revision that each job is to make; any other job is on its own.

    Examples
    --------
    >>> import dxnotebook as dx
    >>> from dxnotebook.metrics.clusters import clusters_of
    >>> jobs = dx.load_jobs(dx.demo.client(jobs=500)).jobs
    >>> len(set(clusters_of(jobs))) < len(jobs)
    True
    """
    alone = jobs[[*CLUSTER]].isna().any(axis=1)
    cluster: Integers = np.where(alone, np.arange(1, len(jobs) + 1), 0)
    for name in CLUSTER:
        codes, values = pd.factorize(jobs[name])
        cluster = pd.factorize(cluster * (len(values) + 1) + codes)[0]
    return cluster
