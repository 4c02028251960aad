"""Reading again why more than usual was shared: the reason that the sender wrote stays sealed at the own agency, and never leaves it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from referral_hub import access, audit, errors
from referral_hub.access import Verb
from referral_hub.audit import queries as log
from referral_hub.referrals import drafts, scope
from referral_hub.referrals.reading import Opened
from referral_hub.referrals.values import Content, SectionContent
from referral_hub.vault import opening
from referral_hub.vault.grants import GrantKind, ObjectKind

if TYPE_CHECKING:
    import uuid
    from datetime import datetime

    from sqlalchemy.orm import Session

    from referral_hub.access import Actor
    from referral_hub.vault.keyring import Keyring

WHY = "reason"


def sent_beyond(session: Session, *, referral_id: uuid.UUID) -> tuple[str, ...]:
    """Return the fields beyond the usual ones that were sent ("identity.religion"), as the entry of the sending names them. No scope is checked."""
    sent = log.latest(session, filters=log.Filter(referral_id=referral_id, action=Verb.REFERRAL_SEND, outcome="allow"), limit=1)
    return sent[0].entry.fields if sent else ()


def open_why(session: Session, *, actor: Actor, keys: Keyring, now: datetime, referral_id: uuid.UUID, request_id: str = "") -> Opened:
    """Open why more than usual was sent. `section.read`, naming no section: nothing of the survivor's file is shown.

    Raises:
        errors.NotFound: a stranger, the recipient, or no more than usual was sent. errors.NotAllowed; errors.CannotOpen.
    """
    found = scope.find(session, actor=actor, hub=keys.hub, referral_id=referral_id, lock="share")
    decision = access.require(actor, Verb.SECTION_READ, found.target(actor, now=now, kind="section"))
    if found.side != "sender" or not sent_beyond(session, referral_id=referral_id):
        raise errors.NotFound
    row = found.row
    sealed = opening.gather(
        session, member_id=keys.member_id, agency_id=row.from_agency, object_kind=ObjectKind.DRAFT, object_id=row.id, kind=GrantKind.OWN, now=now,
        parts=(drafts.CHOICE,),
    )  # fmt: skip
    entry = audit.entry_for(
        actor, Verb.SECTION_READ, now=now, decision=decision, request_id=request_id, **(found.entry_facts() | {"object_kind": "section", "sections": ()})
    )
    return Opened(
        audit.record(session, entry), sealed, keys, None,
        lambda plain, index: Content(row.id, row.number, (SectionContent(WHY, 0, {WHY: plain[drafts.CHOICE].fields().get("reason", "")}),), (), index),
    )  # fmt: skip
