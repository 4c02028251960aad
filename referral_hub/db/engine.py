"""Engines: one set of connection options for web, worker, operators and tests, and connections that keep what they have prepared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.pq import ExecStatus, TransactionStatus
from sqlalchemy import Engine, create_engine, event

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect

SESSION_OPTIONS = "-c lock_timeout=2000 -c statement_timeout=20000 -c timezone=UTC"


class Connection(psycopg.Connection[Any]):
    """A connection that keeps its prepared statements over a rollback, as the server does.

    psycopg forgets them all, in case what was undone had made or dropped the tables they name. This program changes no table while it
    serves, and every page that only reads ends by a rollback: each would cost the pages after it a parse and a plan for every statement.
    """

    def rollback(self) -> None:
        """Roll the transaction back, if there is one; raises psycopg.OperationalError when the connection is lost."""
        if self.info.transaction_status == TransactionStatus.IDLE:
            return
        if self.pgconn.exec_(b"ROLLBACK").status != ExecStatus.COMMAND_OK:
            raise psycopg.OperationalError(self.pgconn.error_message.decode(errors="replace"))


@event.listens_for(Engine, "do_connect")
def _connect(dialect: Dialect, _record: Any, arguments: list[Any], parameters: dict[str, Any]) -> Any:
    """Open connections of psycopg as ours; any other driver's as usual."""
    return Connection.connect(*arguments, **parameters) if dialect.driver == "psycopg" else None


def engine_options(*, pool_size: int = 5) -> dict[str, Any]:
    """Return keyword arguments for `create_engine`: pooled, pre-pinged, prepared statements on, READ COMMITTED."""
    return {
        "pool_size": pool_size,
        "max_overflow": 5,
        "pool_pre_ping": False,
        "pool_recycle": 1800,
        "isolation_level": "READ COMMITTED",
        "hide_parameters": True,
        "connect_args": {"options": SESSION_OPTIONS, "prepare_threshold": 3},
    }


def make_engine(url: str, *, pool_size: int = 5) -> Engine:
    """Return an engine for `url` (postgresql+psycopg://…)."""
    return create_engine(url, **engine_options(pool_size=pool_size))
