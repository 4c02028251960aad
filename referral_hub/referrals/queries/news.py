"""What the other side changed since this handler last looked: told on the card until it is read. Clear metadata, never what changed; no entry."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sqlalchemy import select

from referral_hub.audit import queries as log
from referral_hub.referrals.records import EventRow

if TYPE_CHECKING:
    import uuid
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from sqlalchemy.orm import Session

    from referral_hub.access import Actor
    from referral_hub.audit.queries import Logged
    from referral_hub.referrals.values import Line

REVISED, SUPPLIED, REFUSED, ASKED = "revise", "supply_sections", "refuse_sections", "ask_sections"
TOLD = (REVISED, SUPPLIED, REFUSED)
_READINGS = frozenset({"section.read", "section.safe_contact_read"})
_CHANGES = ("accept", "consent_narrowed", *TOLD)
_LOOKED_BACK = 200


@dataclass
class _Change:
    """What came to one referral since it was accepted: by section when it was sent anew and how, and when asking was answered with no."""

    sections: dict[str, tuple[datetime, str]] = field(default_factory=dict)
    refused_at: datetime | None = None

    @property
    def since(self) -> datetime | None:
        """Return the moment of the earliest of them."""
        return min((at for at in (self.refused_at, *(at for at, _ in self.sections.values())) if at is not None), default=None)

    def unread(self, seen: Collection[Logged]) -> str:
        """Return the code of what the member has not read yet, a correction first; or ""."""
        left = {how for section, (at, how) in self.sections.items() if not any(_reads(one, section, at) for one in seen)}
        if self.refused_at is not None and not any(one.entry.occurred_at > self.refused_at for one in seen):
            left.add(REFUSED)
        return next((code for code in TOLD if code in left), "")


def marked(session: Session, lines: Collection[Line], *, actor: Actor) -> tuple[Line, ...]:
    """Return `lines` with `news` set: at the sender, that further sections are asked for; at whoever handles it, what was sent and not yet read.

    What was sent anew is read when its section was opened since; a refusal, when anything of the referral was looked at since.
    """
    mine = {line.id for line in lines if line.side == "recipient" and line.handler == actor.member_id}
    found = {of: _unread(session, of, change, actor=actor) for of, change in _changes(session, mine).items()}
    return tuple(replace(line, news=found.get(line.id, "") or _asked(line)) for line in lines)


def _asked(line: Line) -> str:
    return ASKED if line.side == "sender" and "sections_requested" in line.flags else ""


def _changes(session: Session, ids: Collection[uuid.UUID]) -> Mapping[uuid.UUID, _Change]:
    found: dict[uuid.UUID, _Change] = {}
    if not ids:
        return found
    query = select(EventRow).where(EventRow.referral_id.in_(ids), EventRow.code.in_(_CHANGES)).order_by(EventRow.referral_id, EventRow.seq)
    for event in session.scalars(query):
        if event.code == "accept":  # what was corrected before was never read as it had been
            found[event.referral_id] = _Change()
        elif event.referral_id in found:
            _follow(found[event.referral_id], event)
    return {of: change for of, change in found.items() if change.since is not None}


def _follow(change: _Change, event: EventRow) -> None:
    if event.code == REFUSED:
        change.refused_at = event.at
        return
    for section in event.inputs.get("sections", ()):
        if event.code == "consent_narrowed":
            change.sections.pop(section, None)
        else:
            change.sections[section] = (event.at, event.code)


def _unread(session: Session, referral_id: uuid.UUID, change: _Change, *, actor: Actor) -> str:
    wanted = log.Filter(referral_id=referral_id, actor_id=actor.member_id, outcome="allow", since=change.since)
    return change.unread(log.latest(session, filters=wanted, limit=_LOOKED_BACK))


def _reads(one: Logged, section: str, since: datetime) -> bool:
    return one.entry.action in _READINGS and section in one.entry.sections and one.entry.occurred_at >= since
