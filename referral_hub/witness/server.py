"""The witness over HTTP: `POST /add-checkpoint`, and `GET /<origin hash>/checkpoint` for monitors (C2SP tlog-witness).

Plain HTTP of the standard library: a reverse proxy in front ends TLS. Few connections at once, small bodies, and no connection
lives longer than half a minute, so that slow or greedy callers cannot keep others out for long.
"""

from __future__ import annotations

import contextlib
import re
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from referral_hub import errors
from referral_hub.audit import submission
from referral_hub.witness.cosigning import Answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from referral_hub.witness.cosigning import Witness

MOST_CONNECTIONS = 64
LIFETIME = 30.0
PATIENCE = 10.0
_CHECKPOINT = re.compile(r"/([0-9a-f]{64})/checkpoint")
NO_SUCH, NOT_OFFERED, NO_LENGTH, TOO_LARGE, UNAVAILABLE = 404, 405, 411, 413, 503


class WitnessServer(ThreadingHTTPServer):
    """Serves `witness` at (host, port); port 0 takes a free one. `clock` gives POSIX seconds."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], witness: Witness, clock: Callable[[], float] = time.time) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.witness = witness
        self.clock = clock
        self._open: dict[socket.socket, float] = {}
        self._lock = threading.Lock()
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Take a connection, or close it at once when there are too many."""
        with self._lock:
            if len(self._open) >= MOST_CONNECTIONS:
                self.shutdown_request(request)
                return
            self._open[request] = time.monotonic()
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection and forget it."""
        self._open.pop(request, None)
        super().shutdown_request(request)

    def service_actions(self) -> None:
        """End connections that have lived too long; called twice a second."""
        now = time.monotonic()
        for request, began in list(self._open.items()):
            if now - began > LIFETIME:
                with contextlib.suppress(OSError):
                    request.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - of the base class
        """Say in one line what went wrong with a connection; never where it came from."""
        print(f"connection failed: {type(sys.exception()).__name__}", file=sys.stderr, flush=True)  # noqa: T201 - the log of this process


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "referral-hub-witness"
    sys_version = ""
    timeout = PATIENCE
    server: WitnessServer

    def do_POST(self) -> None:
        if self.path != "/add-checkpoint":
            self._answer(Answer(NO_SUCH, "no such address\n"), close=True)
            return
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdecimal()) or "Transfer-Encoding" in self.headers:
            self._answer(Answer(NO_LENGTH, "a length is needed\n"), close=True)
            return
        if int(length) > submission.MAX_BYTES:
            self._answer(Answer(TOO_LARGE, "too large\n"), close=True)
            return
        body = self.rfile.read(int(length))
        try:
            answer = self.server.witness.add_checkpoint(body, now=int(self.server.clock()))
        except errors.Unavailable:
            answer = Answer(UNAVAILABLE, "not now\n")
        self._answer(answer)

    def do_GET(self) -> None:
        if self.path == "/add-checkpoint":
            self._answer(Answer(NOT_OFFERED, "POST is needed\n"))
            return
        wanted = _CHECKPOINT.fullmatch(self.path)
        try:
            answer = self.server.witness.newest(wanted[1]) if wanted else Answer(NO_SUCH, "no such address\n")
        except errors.Unavailable:
            answer = Answer(UNAVAILABLE, "not now\n")
        self._answer(answer)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002 - of the base class
        """Answer what HTTP itself refuses: in plain text, and then the connection ends."""
        self._answer(Answer(code, f"{message or 'refused'}\n"), close=True)

    def _answer(self, answer: Answer, *, close: bool = False) -> None:
        body = answer.body.encode()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(body)))
        if answer.status == NOT_OFFERED:
            self.send_header("Allow", "POST")
        if close:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - of the base class
        """Write one line: what was asked and how it was answered; never who asked."""
        line = (format % args).encode("ascii", "backslashreplace").decode()
        print("".join(c if c.isprintable() else "?" for c in line), file=sys.stderr, flush=True)  # noqa: T201 - the log of this process
