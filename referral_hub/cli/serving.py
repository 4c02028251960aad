"""Run the web workers under granian.

Two processes by default. Each has blocking threads, of which the gate's turnstile lets one work at a time: a key derivation at sign-in
leaves the turnstile, so it stops no other request (docs/decisions.md). A body that trickles holds a thread, so there are more than a few;
waiting threads cost neither time nor a database connection (benchmarks/README.md).
"""

from __future__ import annotations

import logging
import os

from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels

BLOCKING_THREADS = 16
WORKERS = "HUB_WORKERS"
"""Tells each worker process how many there are: the share of the cores that its key derivations may take follows from it."""


def serve(target: str, *, host: str, port: int, workers: int = 2) -> None:
    """Serve the WSGI factory `target` ("module:function") until stopped; a worker that dies is replaced."""
    os.environ[WORKERS] = str(workers)
    logging.getLogger("_granian").addFilter(_is_news)
    Granian(
        target,
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=BLOCKING_THREADS,
        factory=True,
        backpressure=64,
        respawn_failed_workers=True,
        log_access=False,
        log_level=LogLevels.warning,
        websockets=False,
    ).serve()


def _is_news(record: logging.LogRecord) -> bool:
    """Keep what the server has to say but for its advice on the number of threads, which wait on purpose."""
    return "Python threads" not in record.getMessage()
