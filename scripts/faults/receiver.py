"""Gets the alerts that the site sends, and counts how often each came."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SLOWEST = 0.6  # seconds of an answer, so that a kill may come in the middle


class Receiver:
    """Listens on a port of 127.0.0.1."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()  # by the message's id
        lock, counts = threading.Lock(), self.counts

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                with lock:
                    counts[self.headers["webhook-id"]] += 1
                time.sleep(random.uniform(0, SLOWEST))  # noqa: S311
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/alerts"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
