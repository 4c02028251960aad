"""Engines: one set of connection options for web, worker, operators and tests."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, create_engine

SESSION_OPTIONS = "-c lock_timeout=2000 -c statement_timeout=20000 -c timezone=UTC"


def engine_options(*, pool_size: int = 5) -> dict[str, Any]:
    """Return keyword arguments for `create_engine`: pooled, pre-pinged, prepared statements on, READ COMMITTED."""
    return {
        "pool_size": pool_size,
        "max_overflow": 5,
        "pool_pre_ping": False,
        "pool_recycle": 1800,
        "isolation_level": "READ COMMITTED",
        "connect_args": {"options": SESSION_OPTIONS, "prepare_threshold": 3},
    }


def make_engine(url: str, *, pool_size: int = 5) -> Engine:
    """Return an engine for `url` (postgresql+psycopg://…)."""
    return create_engine(url, **engine_options(pool_size=pool_size))
