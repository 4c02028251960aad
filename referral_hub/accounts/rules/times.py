"""How long sessions, invitations and known devices last (VAULT.md, Sign-in)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

PENDING = timedelta(minutes=5)
ENROLLING = timedelta(minutes=30)
FRESH = timedelta(minutes=10)
TOUCH_EVERY = timedelta(minutes=1)
INVITATION = timedelta(days=7)
DEVICE = timedelta(days=180)
REPEATS = timedelta(hours=24)
CODES_PER_SESSION = 5


@dataclass(frozen=True)
class Limits:
    """How long a session lasts without a request, and at most."""

    idle: timedelta = timedelta(minutes=15)
    lifetime: timedelta = timedelta(hours=8)


LIMITS = Limits()


def idle_until(last_seen: datetime, *, ends_at: datetime, limits: Limits) -> datetime:
    """Return when a session ends if nothing happens: the idle limit after `last_seen`, never after `ends_at`."""
    return min(last_seen + limits.idle, ends_at)


def touch_due(last_seen: datetime, now: datetime) -> bool:
    """Whether last_seen is to be written again: at most once a minute."""
    return now - last_seen >= TOUCH_EVERY


def strength(*, fresh_until: datetime | None, now: datetime) -> str:
    """Return `fresh` while both factors were shown just now, else `full`."""
    return "fresh" if fresh_until is not None and now < fresh_until else "full"


def seconds_left(until: datetime, now: datetime) -> int:
    """Return whole seconds to wait, at least 1."""
    return max(1, math.ceil((until - now).total_seconds()))
