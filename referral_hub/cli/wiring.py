"""What operators' commands share: settings of the profile, a session of a database role, the hub's keys."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from referral_hub.access import Actor
from referral_hub.db.engine import make_engine
from referral_hub.settings import load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from referral_hub.settings import Settings


def settings() -> Settings:
    """Return the settings of the profile in `HUB_PROFILE` (production unless it says otherwise)."""
    return load(os.environ.get("HUB_PROFILE", "production"))


@contextmanager
def session_at(url: str) -> Iterator[Session]:
    """Give a session on the database at `url`, closed at the end."""
    engine = make_engine(url, pool_size=1)
    try:
        with Session(engine, expire_on_commit=False) as opened:
            yield opened
    finally:
        engine.dispose()


def machine_actor(kind: str) -> Actor:
    """Return the actor of an operator's command ("operator") or of the worker ("clock"): nobody's member, no role."""
    return Actor(
        kind=kind,
        member_id=None,
        agency_id=None,
        agency_kind="",
        agency_code="",
        code="",
        roles=frozenset(),
        state="active",
        holds_key=False,
        strength="full",
        auth_method="console" if kind == "operator" else "process",
        session_digest="",
        language="id",
        timezone="Asia/Jakarta",
    )
