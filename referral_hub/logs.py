"""The program's own log: JSON lines, and nothing in them that is about a person.

Method, name of the endpoint (never the path, which holds ids), status, milliseconds, request id. Messages of foreign
exceptions are not written: they may hold what was typed.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, TextIO

import structlog

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

log: FilteringBoundLogger = structlog.get_logger("referral_hub")


def configure_logs(stream: TextIO | None = None) -> None:
    """Write JSON lines to `stream` (standard error by default) and keep the libraries' own loggers to their warnings."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(sort_keys=True),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(stream or sys.stderr),
        cache_logger_on_first_use=False,
    )
    for name in ("werkzeug", "sqlalchemy", "flask_babel"):
        logging.getLogger(name).setLevel(logging.ERROR)
