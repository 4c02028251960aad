"""One HTTP exchange that can neither take long nor bring much, whatever the other side does. Standard library only.

A time limit holds for the whole exchange and not for each read: a guard closes the connection when it is over, so that an
answer of one byte a second ends too. Redirects are not followed.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from referral_hub import errors

if TYPE_CHECKING:
    from collections.abc import Mapping

SECONDS = 5.0
MOST = 64 * 1024
OK = 200


@dataclass(frozen=True)
class Answer:
    """What came back: status, content type, body."""

    status: int
    content_type: str
    body: bytes


class Unanswered(errors.HubError):
    """No usable answer. Fact `reason`: address, unreachable, slow, too_large, malformed."""

    code = "unanswered"

    def __init__(self, reason: str) -> None:
        super().__init__(reason=reason)
        self.reason = reason


def exchange(
    url: str, *, body: bytes | None = None, headers: Mapping[str, str] | None = None, seconds: float = SECONDS, most: int = MOST
) -> Answer:
    """GET `url`, or POST `body` to it; return the answer, of at most `most` bytes and within `seconds`.

    Raises:
        Unanswered: there was none, or it is not one to be used.
    """
    connection, target = _connection(url, seconds)
    limit = _Limit(seconds)
    try:
        connection.connect()
        limit.guard(connection.sock)
        connection.request("GET" if body is None else "POST", target, body=body, headers={"Connection": "close", **(headers or {})})
        with connection.getresponse() as response:
            content = response.read(most + 1)
            if len(content) > most:
                raise Unanswered("too_large")
            if response.length or limit.is_over:  # cut off
                raise http.client.IncompleteRead(content)
            return Answer(response.status, response.headers.get_content_type(), content)
    except (OSError, http.client.HTTPException, ValueError) as failure:
        if limit.is_over or isinstance(failure, TimeoutError):
            raise Unanswered("slow") from failure
        raise Unanswered("unreachable" if isinstance(failure, OSError) else "malformed") from failure
    finally:
        limit.lift()
        connection.close()


class _Limit:
    """Closes a connection when its time is over; whoever reads or writes on it then fails at once."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds
        self._timer: threading.Timer | None = None

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self._until

    def guard(self, connected: socket.socket) -> None:
        self._timer = threading.Timer(max(0.0, self._until - time.monotonic()), _cut, (connected,))
        self._timer.daemon = True
        self._timer.start()

    def lift(self) -> None:
        if self._timer is not None:
            self._timer.cancel()


def _cut(connected: socket.socket) -> None:
    with contextlib.suppress(OSError):  # closed already
        connected.shutdown(socket.SHUT_RDWR)


def _connection(url: str, seconds: float) -> tuple[http.client.HTTPConnection, str]:
    kinds = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
    try:
        parts = urlsplit(url)
        if parts.scheme not in kinds or not parts.hostname:
            raise Unanswered("address")
        made = kinds[parts.scheme](parts.hostname, parts.port, timeout=seconds)
    except ValueError as wrong:
        raise Unanswered("address") from wrong
    return made, (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
