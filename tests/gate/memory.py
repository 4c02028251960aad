"""What every test of the pages begins with is built once in a process, kept, and laid down again for the next test.

A network and its agencies come to life through eight people's enrolments. That way has tests of its own; for the others the rows, the key
folders and the people's browsers are the same ones again. The application is made anew for each test.
"""

from __future__ import annotations

import copy
import shutil

import psycopg
from psycopg import sql

FOLDERS = ("keys", "session")
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version' ORDER BY 1"
SEQUENCES = "SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL"


class Kept:
    """Rows, folders, the moment, and what was built, as they were when it was built."""

    def __init__(self, superuser, folder, built, *, app, session, clock):
        session.rollback()
        with psycopg.connect(superuser) as connection:
            names = [name for (name,) in connection.execute(TABLES)]
            self.rows = {name: rows for name in names if (rows := _read(connection, name))}
            self.sequences = connection.execute(SEQUENCES).fetchall()
        self.folder, self.moment = folder, clock.moment
        self.around = (app, session, clock)
        self.built = _copied(built, self.around, self.around)

    def lay_down(self, superuser, folder, clock):
        """Put rows, folders and the moment back, into a database that is empty."""
        with psycopg.connect(superuser) as connection:
            connection.execute("SET session_replication_role = replica")  # rows go in as they are, in any order
            connection.execute("DELETE FROM audit_head")
            for name, rows in self.rows.items():
                with connection.cursor().copy(sql.SQL("COPY {} FROM STDIN (FORMAT binary)").format(sql.Identifier(name))) as into:
                    into.write(rows)
            for name, value in self.sequences:
                connection.execute("SELECT setval(%s::regclass, %s)", [f'"{name}"', value])
        for name in FOLDERS:
            shutil.copytree(self.folder / name, folder / name, dirs_exist_ok=True)
        clock.moment = self.moment

    def again(self, *, app, session, clock):
        """Return what was built, at work in another application."""
        return _copied(self.built, self.around, (app, session, clock))


def _read(connection, name):
    query = sql.SQL("COPY {} TO STDOUT (FORMAT binary)").format(sql.Identifier(name))
    count = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(name))).fetchone()[0]
    if not count:
        return b""
    with connection.cursor().copy(query) as out:
        return b"".join(bytes(piece) for piece in out)


def _copied(built, before, after):
    return copy.deepcopy(built, {id(old): new for old, new in zip(before, after, strict=True)})
