"""Many clients, many jobs, some faults, again and again: memory, threads and sockets stay flat.

python -m tests.faults.soak                        # 100 clients of 50,000 jobs, ten times; long
python -m tests.faults.soak --clients 10 --jobs 5000 --loads 4
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import multiprocessing
import random
import sys
import threading
import time
from pathlib import Path

import pyarrow as pa

import dxnotebook as dx
from dxnotebook import demo

KINDS = ("throttle", "server_error", "unavailable", "reset", "truncate", "cut", "empty", "html")


def serve(clients, jobs, share, urls):
    """Serve so many accounts, a share of whose answers is spoilt, until this process is killed."""
    chance = random.Random(0)
    endpoints = [
        demo.Endpoint(demo.Account(jobs, account_id=f"{number:012d}", seed=number))
        for number in range(clients)
    ]
    urls.put([endpoint.url for endpoint in endpoints])
    pages = max(jobs // 200, 1)
    answered = [0] * clients
    while True:
        time.sleep(0.1)
        for number, endpoint in enumerate(endpoints):
            more = (len(endpoint.requests) - answered[number]) * share
            if chance.random() < more:
                answered[number] = len(endpoint.requests)
                fault = demo.Fault(chance.choice(KINDS), chance.randrange(pages))
                endpoint.faults = (*endpoint.faults, fault)


def used():
    """Return the memory in MB, the threads, and the open files and sockets of this process.

    What allocators keep for later is given back first: how much that is differs by gigabytes.
    """
    gc.collect()
    pa.default_memory_pool().release_unused()
    ctypes.CDLL(None).malloc_trim(0)
    status = Path("/proc/self/status").read_text()
    memory = int(status.split("VmRSS:")[1].split()[0]) // 1024
    return memory, threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))


def main():
    parser = argparse.ArgumentParser("python -m tests.faults.soak")
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--jobs", type=int, default=50_000)
    parser.add_argument("--loads", type=int, default=10)
    parser.add_argument("--faults", type=float, default=0.01)
    given = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    urls = context.Queue()
    arguments = (given.clients, given.jobs, given.faults, urls)
    process = context.Process(target=serve, args=arguments, daemon=True)
    process.start()
    nobody = demo.Endpoint(demo.Account(0))
    clients = [nobody.client(endpoint_url=url) for url in urls.get()]
    marks = []
    for number in range(given.loads):
        tables = dx.load_jobs(clients, progress=False)
        assert len(tables) == given.clients * given.jobs, f"{len(tables):,} jobs"
        assert tables.jobs["job_arn"].is_unique
        del tables
        marks.append(used())
        memory, threads, files = marks[-1]
        print(f"load {number + 1}: {memory:,} MB, {threads} threads, {files} files", flush=True)
    process.kill()
    # the first loads fill caches and pools
    early, late = marks[len(marks) // 2 - 1], marks[-1]
    grown = [late[0] > 1.1 * early[0], late[1] > early[1], late[2] > early[2] + given.clients]
    print("grows" if any(grown) else "flat")
    sys.exit(any(grown))


if __name__ == "__main__":
    main()
