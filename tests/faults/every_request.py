"""Each request to an object store, in turn, is refused, reset, cut or the last one.

A sync, an add and an optimize of an archive in S3 (moto's) go through a proxy that does so, once
for each request and each fault, as `every_write` does for files. By hand, some minutes; exit status
1 where an archive was not the old or the new one, whole, or doing it again did not complete it::

    python -m tests.faults.every_request
"""

from __future__ import annotations

import argparse
import http.client
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit
from urllib.request import urlopen

import boto3

from dxnotebook import demo
from dxnotebook.archive.archive import Archive
from tests.archive.test_store import s3_server
from tests.faults.every_write import Trial, account, archives, chosen, result_of, told, try_all

FAULTS = ("500", "reset", "cut", "outage", "kill")
KEYS = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}


class Proxy(ThreadingHTTPServer):
    """Hands requests on to a server, but has a fault at the n-th."""

    daemon_threads = True

    def __init__(self, target):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.target = urlsplit(target).netloc
        self.lock = threading.Lock()
        self.arm("none", 0, 0)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def arm(self, fault, number, pid):
        self.fault, self.number, self.pid, self.count = fault, number, pid, 0

    def next_fault(self):
        with self.lock:
            self.count += 1
            is_due = self.count == self.number
            is_over = self.fault == "outage" and self.count > self.number > 0
            return self.fault if is_due or is_over else None

    def handle_error(self, *_):
        pass


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # headers and body leave apart: else each answer waits for the client's acknowledgement
    disable_nagle_algorithm = True

    def _handle(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path.startswith("/-/"):  # from a trial
            before, (fault, number, pid) = self.server.count, self.path[3:].split("/")
            self.server.arm(fault, int(number), int(pid))
            return self._answer(200, {}, str(before).encode())
        fault = self.server.next_fault()
        if fault == "kill":
            os.kill(self.server.pid, signal.SIGKILL)
        if fault in ("500", "outage"):
            return self._answer(500, {}, b"<Error><Code>InternalError</Code></Error>")
        if fault == "reset":
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.close()
            self.close_connection = True
            return None
        connection = http.client.HTTPConnection(self.server.target, timeout=30)
        connection.request(self.command, self.path, body, dict(self.headers))
        answer = connection.getresponse()
        return self._answer(answer.status, answer.headers, answer.read(), is_cut=fault == "cut")

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _handle  # noqa: N815 (the library's names)

    def _answer(self, status, headers, body, *, is_cut=False):
        self.send_response_only(status)
        left = {"transfer-encoding", "connection", "content-length"}
        for name, value in headers.items():
            if name.lower() not in left:
                self.send_header(name, value)
        is_head = self.command == "HEAD"
        self.send_header("Content-Length", headers["Content-Length"] if is_head else len(body))
        self.end_headers()
        if not is_head:
            self.wfile.write(body[: len(body) // 2] if is_cut else body)
        if is_cut:
            self.close_connection = True

    def log_message(self, *_):
        pass


class RequestTrial(Trial):
    """One operation on an archive in S3, with a fault at a request."""

    def __init__(self, operation, proxy, name):
        self._operation, self._proxy, self._name, self._number = operation, proxy, name, 0
        self._compare()

    def _reset(self):
        self._number += 1
        self._place = f"s3://archives/{self._name}-{self._number}"
        result_of(self._operation.prepare, self._place)

    def _arm(self, fault, call):
        def armed(fault, call, pid):
            with urlopen(f"{self._proxy}/-/{fault}/{call}/{pid}") as answer:
                return int(answer.read())

        armed(fault, call, os.getpid())
        return partial(armed, "none", 0, 0)


def main():
    parser = argparse.ArgumentParser("python -m tests.faults.every_request")
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--faults", nargs="*", default=list(FAULTS), choices=FAULTS)
    parser.add_argument("--urls", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.urls is None:
        # who forks has no threads: endpoint and proxy run here
        with s3_server() as server, demo.Endpoint(account(is_new=True)) as endpoint:
            s3 = boto3.client("s3", "us-east-1", endpoint_url=server, **KEYS)
            s3.create_bucket(Bucket="archives")
            urls = ["--urls", endpoint.url, Proxy(server).url]
            command = [sys.executable, "-m", "tests.faults.every_request", *sys.argv[1:], *urls]
            return subprocess.run(command, check=False).returncode
    url, proxy = given.urls
    client = demo.Endpoint(demo.Account(0)).client(endpoint_url=url)
    options = {"AWS_ENDPOINT_URL": proxy, "AWS_ALLOW_HTTP": "true", "AWS_REGION": "us-east-1"}
    options |= {name.upper(): value for name, value in KEYS.items()}
    # so that an outage is not waited out
    options |= {"max_retries": "2", "retry_timeout": "2s", "backoff_config.init_backoff": "10ms"}
    tried = archives(client, opened=lambda uri: Archive(uri, options))
    trials = {
        name: partial(RequestTrial, operation, proxy, name.replace(" ", "-"))
        for name, operation in chosen(tried, given.only).items()
    }
    return told(try_all(trials, given.faults))


if __name__ == "__main__":
    sys.exit(main())
