"""Where the measurements happen: a private folder under the system's temporary directory with a PostgreSQL of its own, fsync on."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

from referral_hub.db.engine import make_engine
from referral_hub.db.server import OWNER, WEB, create_database, ensure_roles, start_embedded, url_for
from referral_hub.settings import load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from referral_hub.settings import Settings

PLACE = "HUB_BENCH_PLACE"
DATABASE = "HUB_BENCH_DATABASE"
PRODUCT, TWIN, MANY = "product", "twin", "many"


@dataclass(frozen=True)
class Place:
    """The folder, and the address of a superuser of its database server."""

    folder: Path
    admin_url: str

    def url(self, database: str, *, role: str | None = WEB) -> str:
        """Return the address of `database` as `role`; None is the superuser."""
        return url_for(self.admin_url, role=role, database=database)

    def copy(self, name: str, *, of: str) -> None:
        """Make database `name` as a copy of database `of`, which nobody uses meanwhile."""
        create_database(self.admin_url, name, template=of)

    def settings(self, database: str) -> Settings:
        """Return settings with the derivation of production."""
        return load(
            "test",
            environ={},
            database_url=self.url(database),
            owner_database_url=self.url(database, role=OWNER),
            key_folder=self.folder / "keys",
            session_folder=self.folder / "sessions",
            tombstone_file=self.folder / "tombstones",
            public_url="https://hub.bench.test",
            argon2_iterations=3,
            argon2_memory_kib=65536,
        )

    def environment(self, database: str) -> dict[str, str]:
        """Return what a server process has to know."""
        return os.environ | {PLACE: json.dumps([str(self.folder), self.admin_url]), DATABASE: database}

    @classmethod
    def of_environment(cls) -> tuple[Place, str]:
        """Return the place and the database that this server process was given."""
        folder, admin_url = json.loads(os.environ[PLACE])
        return cls(Path(folder), admin_url), os.environ[DATABASE]

    def session(self, database: str, *, role: str | None = WEB) -> Iterator[Session]:
        """Give a session on `database`, closed at the end (for `contextlib.contextmanager`)."""
        engine = make_engine(self.url(database, role=role), pool_size=1)
        try:
            with Session(engine, expire_on_commit=False) as opened:
                yield opened
        finally:
            engine.dispose()


def prepare(folder: Path) -> tuple[Any, Place]:
    """Start PostgreSQL in `folder` and make the roles; return the server's handle and the place."""
    server, admin_url = start_embedded(folder / "pg" / "data")
    ensure_roles(admin_url)
    return server, Place(folder, admin_url)
