"""A server whose answers a test writes itself, byte by byte, and a real boto3 client of it."""

from __future__ import annotations

import socketserver
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

from dxnotebook import demo


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = block_on_close = False

    def handle_error(self, *_):
        """Say nothing: a client that goes away is no event."""


@contextmanager
def served(answer, **options):
    """Yield a client, and the paths it asked for.

    An answer gets how many requests came before, and returns status, headers and pieces of a body.
    """
    asked = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            asked.append(self.path)
            status, headers, pieces = answer(len(asked) - 1)
            self.send_response_only(status)
            for name, value in {"Connection": "close", **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            for piece in pieces:
                self.wfile.write(piece)
                self.wfile.flush()
            self.close_connection = True

        def log_message(self, *_):
            """Say nothing."""

    with _Server(("127.0.0.1", 0), Handler) as server, demo.Endpoint(demo.Account(0)) as endpoint:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        yield endpoint.client(endpoint_url=url, **options), asked
        server.shutdown()
