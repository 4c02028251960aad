"""Opening the sealed half of a consent, for whoever signs second or reviews: nobody signs what she has not read."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from referral_hub import access, audit, errors
from referral_hub.access import Verb
from referral_hub.cases import queries as cases
from referral_hub.consent import queries as ledger
from referral_hub.consent.facts import WITHOUT
from referral_hub.referrals import drafts
from referral_hub.referrals.reading import Opened
from referral_hub.referrals.values import Content, SectionContent
from referral_hub.vault import opening
from referral_hub.vault.grants import GrantKind, ObjectKind

if TYPE_CHECKING:
    import uuid
    from datetime import datetime

    from sqlalchemy.orm import Session

    from referral_hub.access import Actor
    from referral_hub.consent.facts import Consent
    from referral_hub.vault.keyring import Keyring


def open_consent(
    session: Session, *, actor: Actor, keys: Keyring, now: datetime, consent_id: uuid.UUID, request_id: str = ""
) -> Opened:
    """Open what was sealed with a consent of the own agency's case: why, the options, the child's view, what a review found. `case.read`, naming `consent`.

    Whoever may sign it may read it, assigned or not: a supervisor signs what she has read.

    Raises:
        errors.NotFound: no such consent at the agency, or nothing was sealed with it. errors.NotAllowed; errors.CannotOpen.
    """
    found = ledger.by_id(session, consent_id, lock="share")
    about = cases.about(session, hub=keys.hub, actor=actor, case_id=found.case_id, lock="share", sections=(drafts.CONSENT,))
    decision = access.require(actor, verb_of(found), replace(about.target, kind="consent"))
    if drafts.CONSENT not in drafts.filled(session, consent_id):
        raise errors.NotFound
    sealed = opening.gather(
        session, member_id=keys.member_id, agency_id=about.agency_id, object_kind=ObjectKind.DRAFT, object_id=consent_id,
        kind=GrantKind.OWN, now=now,
    )  # fmt: skip
    entry = audit.entry_for(
        actor, Verb.CASE_READ, now=now, decision=decision, request_id=request_id, object_kind="consent", object_id=consent_id,
        consent_id=consent_id, subjects=(about.subject,), subject_flags=about.flags, sections=(drafts.CONSENT,), purpose="case_coordination",
        basis="assigned" if about.target.assigned else "supervisor",
    )  # fmt: skip
    revisions = sealed.revisions
    return Opened(
        audit.record(session, entry), sealed, keys, None,
        lambda plain, index: Content(
            consent_id, "", tuple(SectionContent(part, revisions[part], one.fields()) for part, one in sorted(plain.items())), (), index
        ),
    )  # fmt: skip


def verb_of(consent: Consent) -> Verb:
    """Return the act that records a decision of this form, and signs it."""
    return Verb.CONSENT_WITHOUT if consent.form == WITHOUT else Verb.CONSENT_BEST_INTEREST
