"""What stays sealed at the sending agency of a referral that was sent: why more than usual was shared, and what was written for it, whole.

Its members read it again, the one to know why, the other to correct what was sent; neither leaves the agency from here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from referral_hub import access, audit, errors
from referral_hub.access import Verb
from referral_hub.audit import queries as log
from referral_hub.referrals import drafts, scope
from referral_hub.referrals.firing import Act
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

WHY, NEEDS = "reason", "needs"  # a field of the sealed choice; the section that is written for one referral


def sent_beyond(session: Session, *, referral_id: uuid.UUID) -> tuple[str, ...]:
    """Return the fields beyond the usual ones that were sent ("identity.religion"), as the entry of the sending names them. No scope is checked."""
    sent = log.latest(session, filters=log.Filter(referral_id=referral_id, action=Verb.REFERRAL_SEND, outcome="allow"), limit=1)
    return sent[0].entry.fields if sent else ()


def open_why(session: Session, *, actor: Actor, keys: Keyring, now: datetime, referral_id: uuid.UUID, request_id: str = "") -> Opened:
    """Open why more than usual was sent. `section.read`, naming no section: nothing of the survivor's file is shown.

    Raises:
        errors.NotFound: a stranger, the recipient, or no more than usual was sent. errors.NotAllowed; errors.CannotOpen.
    """
    return _open(session, Act(actor, keys, now, request_id), referral_id, part=drafts.CHOICE, sections=())


def open_needs(session: Session, *, actor: Actor, keys: Keyring, now: datetime, referral_id: uuid.UUID, request_id: str = "") -> Opened:
    """Open what is needed as it was written for the referral, for the form that corrects it. `section.read`, naming it.

    Raises:
        errors.NotFound: a stranger, the recipient, or nothing was sent. errors.NotAllowed; errors.CannotOpen.
    """
    return _open(session, Act(actor, keys, now, request_id), referral_id, part=NEEDS, sections=(NEEDS,))


def _open(session: Session, act: Act, referral_id: uuid.UUID, *, part: str, sections: tuple[str, ...]) -> Opened:
    found = scope.find(session, actor=act.actor, hub=act.keys.hub, referral_id=referral_id, lock="share")
    decision = access.require(act.actor, Verb.SECTION_READ, found.target(act.actor, now=act.now, kind="section", sections=sections))
    row = found.row
    if found.side != "sender" or row.sent_at is None or part not in drafts.filled(session, row.id):
        raise errors.NotFound
    if part == drafts.CHOICE and not sent_beyond(session, referral_id=row.id):
        raise errors.NotFound
    sealed = opening.gather(
        session, member_id=act.keys.member_id, agency_id=row.from_agency, object_kind=ObjectKind.DRAFT, object_id=row.id, kind=GrantKind.OWN,
        now=act.now, parts=(part,),
    )  # fmt: skip
    facts = found.entry_facts() | {"object_kind": "section", "sections": sections}
    entry = audit.entry_for(act.actor, Verb.SECTION_READ, now=act.now, decision=decision, request_id=act.request_id, **facts)
    revision = sealed.revisions[part]
    return Opened(
        audit.record(session, entry), sealed, act.keys, None,
        lambda plain, index: Content(row.id, row.number, (SectionContent(part, revision, plain[part].fields()),), (), index),
    )  # fmt: skip
