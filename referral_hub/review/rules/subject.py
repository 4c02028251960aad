"""The clock of a data-subject request (statutory_clocks.yaml: three times 24 hours), and what ends one. Pure."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from referral_hub import errors, protocol
from referral_hub.protocol.deadlines import duration

if TYPE_CHECKING:
    from datetime import datetime

ACCESS, CORRECT = KINDS = ("access", "correct")
OPEN, ANSWERED, REFUSED = STATES = ("open", "answered", "refused")
_CLOCKS: Final = {ACCESS: "pdp_access", CORRECT: "pdp_correct"}
OLDEST: Final = timedelta(days=30)


def due(kind: str, asked_at: datetime) -> datetime:
    """Return by when a request of `kind` is due, as the law and the agreed list say."""
    return asked_at + _span(kind, "limit")


def soon(kind: str, asked_at: datetime) -> datetime:
    """Return from when on an open request wants to be looked at."""
    return asked_at + _span(kind, "amber_after")


def _span(kind: str, fact: str) -> timedelta:
    clock = protocol.current().codelist("legal_clocks").items[_CLOCKS[kind]]
    return duration(str(clock.facts[fact])).exact


def check_asked(asked_at: datetime | None, *, now: datetime) -> datetime:
    """Return when she asked.

    Raises:
        errors.InputInvalid: asked_at: required, in_future, in_past (more than thirty days ago).
    """
    if asked_at is None:
        raise errors.InputInvalid({"asked_at": ("required",)})
    if asked_at > now:
        raise errors.InputInvalid({"asked_at": ("in_future",)})
    if now - asked_at > OLDEST:
        raise errors.InputInvalid({"asked_at": ("in_past",)})
    return asked_at


def check_reason(reason: str) -> None:
    """Raise errors.InputInvalid (reason: required, not_a_code) unless it is one of subject_refusals.yaml."""
    if not reason:
        raise errors.InputInvalid({"reason": ("required",)})
    if reason not in protocol.current().codelist("subject_refusals"):
        raise errors.InputInvalid({"reason": ("not_a_code",)})
