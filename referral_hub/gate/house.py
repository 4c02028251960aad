"""What one process holds for all its requests, and what one request takes from it."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, cast

from flask import current_app, g, request
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import Session

from referral_hub import errors
from referral_hub.accounts.rules.times import Limits
from referral_hub.audit import receipts
from referral_hub.db import Base
from referral_hub.vault import key_folder, tombstones
from referral_hub.vault.hub import HubKeys

if TYPE_CHECKING:
    from datetime import datetime

    from referral_hub.audit.note import Signer
    from referral_hub.clock import Clock
    from referral_hub.gate.cookies import CookiePolicy
    from referral_hub.gate.turnstile import Turnstile
    from referral_hub.settings import Settings
    from referral_hub.vault.kdf import KdfParameters
    from referral_hub.vault.sessions import ServerHalves

EXTENSION = "referral_hub"

db = SQLAlchemy(metadata=Base.metadata, session_options={"expire_on_commit": False})


class House:
    """Settings, clock, keys of the hub, and the arrangements of this process."""

    def __init__(
        self,
        *,
        settings: Settings,
        clock: Clock,
        halves: ServerHalves,
        kdf: KdfParameters,
        cookies: CookiePolicy,
        turnstile: Turnstile,
        hub_keys: HubKeys | None = None,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.halves = halves
        self.kdf = kdf
        self.cookies = cookies
        self.turnstile = turnstile
        self._hub = hub_keys
        self._receipt_signer: Signer | None = None

    @property
    def receipt_signer(self) -> Signer | None:
        """Return the signer of receipts, read from its key file when first asked for; None where the file is not there."""
        if self._receipt_signer is None:
            try:
                seed = key_folder.signing_seed(self.settings.key_folder, "receipt")
            except errors.Unavailable:
                return None
            self._receipt_signer = receipts.signer(seed, origin=self.settings.log_origin)
        return self._receipt_signer

    @property
    def hub(self) -> HubKeys:
        """Return the hub's keys, read from their folder when first asked for.

        Raises:
            errors.Unavailable: the key file is not there (key_unavailable), or the database is a backup without its tombstones
                (tombstones_missing, restore_not_replayed): content and sign-in are closed, help stays up.
        """
        if self._hub is None:
            tombstone_file = self.settings.tombstone_file
            with Session(db.engine) as opened:
                hub = HubKeys.load(self.settings.key_folder, opened, profile=self.settings.profile, tombstone_file=tombstone_file)
                tombstones.require_replayed(opened, file=tombstone_file)
                self._hub = hub
        return self._hub

    @property
    def limits(self) -> Limits:
        """Return how long sessions last."""
        return Limits(idle=timedelta(seconds=self.settings.idle_seconds), lifetime=timedelta(seconds=self.settings.session_seconds))

    def __repr__(self) -> str:
        """Name nothing that is secret."""
        return f"<House {self.settings.profile}>"


def house() -> House:
    """Return the house of the running application."""
    return cast("House", current_app.extensions[EXTENSION])


def session() -> Session:
    """Return this request's database session."""
    return db.session()


def now() -> datetime:
    """Return the moment of this request: one moment for everything it does (aware, UTC)."""
    if "hub_now" not in g:
        g.hub_now = house().clock.now()
    return cast("datetime", g.hub_now)


def request_id() -> str:
    """Return the random id of this request, shown on error pages and kept in log entries."""
    if "hub_request_id" not in g:
        g.hub_request_id = uuid.uuid4().hex[:16]
    return cast("str", g.hub_request_id)


def own_path(path: str | None, fallback: str = "/") -> str:
    """Return `path` if it is a plain path of this site, else `fallback`: no answer leads elsewhere."""
    if not path or not path.startswith("/") or path.startswith(("//", "/\\")) or any(ord(c) < ord(" ") for c in path):
        return fallback
    return path


def here() -> str:
    """Return the path and query of this request."""
    return request.full_path.rstrip("?")
