"""Where the demonstration keeps its things, and its settings."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from referral_hub.db.server import OWNER, WEB, WORKER, url_for
from referral_hub.settings import ROOT, load
from referral_hub.vault.kdf import below_floor

if TYPE_CHECKING:
    from referral_hub.settings import Settings

HOST = "127.0.0.1"
DATABASE = "referral_hub"
CHEAP = below_floor(iterations=1, memory_kib=1024)


@dataclass(frozen=True)
class Place:
    """The folder of the demonstration (`instance/`, or `HUB_DEMO_FOLDER`)."""

    folder: Path

    @classmethod
    def default(cls) -> Place:
        """Return the place named by the environment, else `instance/` beside the program."""
        return cls(Path(os.environ.get("HUB_DEMO_FOLDER", ROOT / "instance")).resolve())

    @property
    def accounts(self) -> Path:
        """The list of demonstration accounts (JSON)."""
        return self.folder / "demo.json"

    @property
    def database_folder(self) -> Path:
        """Folder of the embedded PostgreSQL."""
        return self.folder / "postgres"

    @property
    def socket_file(self) -> Path:
        """Where the address of the running database stands for the other processes."""
        return self.folder / "database-url"

    @property
    def address_file(self) -> Path:
        """Where the address of the pages stands for the other processes."""
        return self.folder / "address"

    @property
    def process_file(self) -> Path:
        """Holds the number of the process that runs the demonstration, which keeps it locked."""
        return self.folder / "process"

    @property
    def ready(self) -> Path:
        """Stands once the network is seeded whole; without it a start begins anew."""
        return self.folder / "seeded"

    def settings(self, admin_url: str | None = None) -> Settings:
        """Return the demo profile's settings; `admin_url` is the embedded server's, else the one written down at start."""
        url = admin_url or self.socket_file.read_text(encoding="utf-8")
        return load(
            "demo",
            environ={},
            database_url=url_for(url, role=WEB, database=DATABASE),
            owner_database_url=url_for(url, role=OWNER, database=DATABASE),
            worker_database_url=url_for(url, role=WORKER, database=DATABASE),
            key_folder=self.folder / "keys",
            session_folder=self.folder / "sessions",
            tombstone_file=self.folder / "tombstones",
            public_url=self.address_file.read_text(encoding="utf-8") if self.address_file.exists() else None,
        )
