"""A referral at a glance: what a page must know before it opens anything. Clear metadata, no content, no entry of its own.

The page that asks for it leaves its own entry in the same request (a list entry or an opening).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import exists, select

from referral_hub import access, protocol
from referral_hub.access import Verb
from referral_hub.accounts import queries as accounts
from referral_hub.referrals import elsewhere, rules, scope
from referral_hub.referrals.queries.detail import acts_of
from referral_hub.referrals.records import ReferralRow
from referral_hub.referrals.values import Glance

if TYPE_CHECKING:
    import uuid
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy.orm import Session

    from referral_hub.access import Actor
    from referral_hub.referrals.scope import Found
    from referral_hub.vault.keyring import Keyring


def glance(session: Session, *, actor: Actor, keys: Keyring, now: datetime, referral_id: uuid.UUID) -> Glance:
    """Return how a referral stands towards the actor, and what may be opened of it.

    Raises:
        errors.NotFound: a stranger, or a conflict entry. errors.NotAllowed: the actor's roles see no referrals.
    """
    found = scope.find(session, actor=actor, hub=keys.hub, referral_id=referral_id)
    access.require(actor, Verb.REFERRAL_LIST, found.target(actor, now=now))
    row = found.row
    codes = accounts.codes(session, member_ids={one for one in (row.handler, row.from_member) if one})
    return Glance(
        referral=scope.shown(found, actor),
        side=found.side,
        alias=found.alias.code if found.alias else "",
        grant=found.grant_fact(now),
        clocks=rules.clocks(row, updated_at=None, now=now),
        acts=acts_of(found, actor, now=now),
        consent=found.consent_fact(actor, sections=found.granted, now=now),
        consent_until=found.consent.valid_until if found.consent else None,
        granted=tuple(code for code in protocol.current().sections if code in found.granted),
        may_preview=_may_preview(found, actor, now=now),
        may_message=row.sent_at is not None and access.decide(actor, Verb.MESSAGE_SEND, found.target(actor, now=now)).allowed,
        may_note=access.decide(actor, Verb.NOTE_WRITE, found.target(actor, now=now)).allowed,
        may_read=_is_or_becomes_allowed(actor, Verb.MESSAGE_READ, found.target(actor, now=now)),
        may_open=_may_open(found, actor, now=now),
        codes=codes,
    )


def numbers(session: Session, *, referral_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return the numbers of referrals by id, for the pages of the log; an unknown id is left out. No scope is checked: a number opens nothing."""
    rows = session.execute(select(ReferralRow.id, ReferralRow.number).where(ReferralRow.id.in_(referral_ids)))
    return {row.id: row.number for row in rows}


def has_accepted_referral(session: Session, *, actor: Actor, to_agency: uuid.UUID) -> bool:
    """Tell whether the actor is assigned to a case whose referral that agency has accepted: only then a restricted contact is shown."""
    member = elsewhere.case_member
    mine = exists().where(member.c.case_id == ReferralRow.case_id, member.c.member_id == actor.member_id)
    accepted = ReferralRow.flags.contains(["ever_accepted"])
    query = select(ReferralRow.id).where(ReferralRow.from_agency == actor.agency_id, ReferralRow.to_agency == to_agency, accepted, mine)
    return session.scalar(query.limit(1)) is not None


def _may_preview(found: Found, actor: Actor, *, now: datetime) -> bool:
    if "ever_opened" not in found.row.flags:
        return False
    return access.decide(actor, Verb.REFERRAL_PREVIEW_READ, found.target(actor, now=now, kind="section")).allowed


def _may_open(found: Found, actor: Actor, *, now: datetime) -> frozenset[str]:
    """Return the sections that the policy lets this actor open now."""
    verbs = {code: Verb.SECTION_SAFE_CONTACT_READ if code == "safe_contact" else Verb.SECTION_READ for code in found.granted}
    targets = {code: found.target(actor, now=now, kind="section", sections=(code,)) for code in found.granted}
    return frozenset(code for code, target in targets.items() if _is_or_becomes_allowed(actor, verbs[code], target))


def _is_or_becomes_allowed(actor: Actor, verb: Verb, target: access.Target) -> bool:
    """Return whether the actor may open this, now or after signing in again."""
    decision = access.decide(actor, verb, target)
    return decision.allowed or decision.reason == "reauth_needed"
