"""What jobs share their fate, by a naive loop."""

import pandas as pd

import dxnotebook as dx
from dxnotebook.metrics.clusters import CLUSTER, clusters_of


def test_jobs_of_a_revision_are_one_cluster_and_others_are_alone():
    jobs = dx.load_jobs(dx.demo.client(jobs=500)).jobs
    jobs.loc[::7, "revision_id"] = None
    clusters, keys = clusters_of(jobs), {}
    for number, row in enumerate(jobs[[*CLUSTER]].itertuples(index=False)):
        alone = any(map(pd.isna, row))
        keys.setdefault(number if alone else tuple(row), set()).add(clusters[number])
    assert all(len(found) == 1 for found in keys.values())
    assert len(set(clusters)) == len(keys)


def test_no_jobs_have_no_clusters():
    assert len(clusters_of(dx.load_jobs(dx.demo.client(jobs=5)).jobs.iloc[:0])) == 0
