"""Rows that are written many at a time: one statement for all of them, made once, run through the driver.

A row at a time costs SQLAlchemy and psycopg 0.05 to 0.1 ms each, and a sending has thirty. Here each column travels as one array, and
several tables that belong together (a grant and its release secret) are written at the same moment. Arrays travel in binary: a third of the time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
from sqlalchemy.dialects.postgresql import ARRAY

from referral_hub.db.fixed import DIALECT, as_dbapi_error, driver_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import FromClause
    from sqlalchemy.orm import Session


class Written:
    """An insert into one table or several, in this order, so that a row may refer to rows of a table named before it."""

    def __init__(self, *tables: FromClause) -> None:
        self._columns = [[str(column.key) for column in table.c] for table in tables]
        if any(isinstance(column.type, ARRAY) for table in tables for column in table.c):
            raise ValueError("a column that is an array itself")
        *before, last = (self._insert(number, table) for number, table in enumerate(tables))
        parts = ", ".join(f"part_{number} AS ({text})" for number, text in enumerate(before))
        self._text = f"WITH {parts} {last}" if parts else last

    @staticmethod
    def _insert(number: int, table: FromClause) -> str:
        names = ", ".join(f'"{column.key}"' for column in table.c)
        arrays = ", ".join(f"%({number}_{column.key})b::{column.type.compile(DIALECT)}[]" for column in table.c)
        return f'INSERT INTO "{table.description}" ({names}) SELECT * FROM unnest({arrays})'  # noqa: S608 - names of our own tables

    def insert(self, session: Session, *rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert `rows`, a list for each table; every row names every column of its table.

        Raises:
            sqlalchemy.exc.DBAPIError: as the session does, so that `transact` repeats or gives up in the same way.
        """
        values = {
            f"{number}_{name}": [row[name] for row in of_table]
            for number, (names, of_table) in enumerate(zip(self._columns, rows, strict=True))
            for name in names
        }
        driver = driver_of(session)
        try:
            with driver.cursor() as cursor:
                cursor.execute(self._text, values)
        except psycopg.Error as failure:
            raise as_dbapi_error(failure, self._text) from failure
