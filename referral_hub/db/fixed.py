"""Statements that stand in the way of every request: made once, run through the driver.

For each of them SQLAlchemy takes longer to recognise the statement and to dress its rows (0.15 to 0.6 ms) than PostgreSQL to answer it. So
the few that an opening or a sending cannot do without are compiled once and run on the session's own connection, inside its transaction.
Everything else goes through the session as usual.
"""

from __future__ import annotations

from collections import namedtuple
from typing import TYPE_CHECKING, Any, Final

import psycopg
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Delete, Insert, Select, Update
    from sqlalchemy.orm import Session

DIALECT: Final = PGDialect_psycopg()  # type: ignore[no-untyped-call]


class Fixed:
    """One such select, or a change of rows. Its open values are `bindparam`s.

    Rows are tuples with the names of the columns; values come as the driver reads them: ids as UUID, moments aware in UTC, JSON parsed.
    """

    def __init__(self, statement: Select[*tuple[Any, ...]] | Insert | Update | Delete) -> None:
        compiled = statement.compile(dialect=DIALECT, compile_kwargs={"render_postcompile": True})
        self._text = str(compiled)
        self._constants = {name: value for name, value in compiled.params.items() if not compiled.binds[name].required}
        names = [str(column.key) for column in statement.exported_columns]
        self._row: Any = namedtuple("Row", names, rename=True)  # type: ignore[misc]  # noqa: PYI024 - its names are known only now

    def all(self, session: Session, **values: Any) -> list[Any]:
        """Return the rows for `values`, as the transaction sees them with everything the session has to write.

        Raises:
            sqlalchemy.exc.DBAPIError: as the session does, so that `transact` repeats or gives up in the same way.
        """
        driver = driver_of(session)
        try:
            with driver.cursor(binary=True, row_factory=self._named) as cursor:
                rows: list[Any] = cursor.execute(self._text, self._constants | values).fetchall()
        except psycopg.Error as failure:
            raise as_dbapi_error(failure, self._text) from failure
        return rows

    def one_or_none(self, session: Session, **values: Any) -> Any | None:
        """Return the only row, or None; raises ValueError for several, else like `all`."""
        rows = self.all(session, **values)
        if len(rows) > 1:
            msg = "several rows"
            raise ValueError(msg)
        return rows[0] if rows else None

    def run(self, session: Session, **values: Any) -> int:
        """Change what a statement without RETURNING changes; return how many rows. The session does not learn of it. Raises like `all`."""
        driver = driver_of(session)
        try:
            with driver.cursor() as cursor:
                return int(cursor.execute(self._text, self._constants | values).rowcount)
        except psycopg.Error as failure:
            raise as_dbapi_error(failure, self._text) from failure

    def _named(self, _cursor: object) -> Callable[[Any], Any]:
        make: Callable[[Any], Any] = self._row._make
        return make


def driver_of(session: Session) -> Any:
    """Return the session's own connection as the driver has it, after everything the session had to write was written."""
    session.flush()
    return session.connection().connection.driver_connection


def as_dbapi_error(failure: psycopg.Error, text: str) -> DBAPIError:
    """Return the driver's failure of a statement as the session would raise it."""
    kind = next((kind for kind in _KINDS if isinstance(failure, kind)), psycopg.Error)
    return _KINDS.get(kind, DBAPIError)(text, None, failure)


_KINDS: Final[dict[type[psycopg.Error], type[DBAPIError]]] = {
    psycopg.OperationalError: OperationalError,
    psycopg.IntegrityError: IntegrityError,
    psycopg.InterfaceError: InterfaceError,
}
