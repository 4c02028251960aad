"""What was decided without the survivor and asks for a second person: to sign it, or to look at it again. Clear metadata, never why."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, case, func, null, select

from referral_hub import access, audit
from referral_hub.access import Verb, outside_cases
from referral_hub.cases import queries as cases
from referral_hub.consent import rules as consents
from referral_hub.consent.facts import BEST_INTEREST, WITHOUT
from referral_hub.referrals import elsewhere
from referral_hub.referrals.values import SecondLook, SecondLooks

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Select
    from sqlalchemy.orm import Session

    from referral_hub.access import Actor
    from referral_hub.vault.hub import HubKeys

MOST = 10
MOST_OF_ALL = 50
SIGN, REVIEW, DONE = "sign", "review", "done"


def waiting_for(session: Session, *, actor: Actor, hub: HubKeys, now: datetime) -> tuple[SecondLook, ...]:
    """Return what waits for this member's second signature or review, the longest first: nothing for whoever does not approve.

    No entry: the list that shows it leaves its own.
    """
    if actor.member_id is None or "approve" not in access.abilities(actor.roles):
        return ()
    ledger, file = elsewhere.consent, elsewhere.case_file
    free = cases.no_conflict(hub=hub, member_id=actor.member_id, case_id=file.c.id)
    query = _select().where(
        file.c.agency_id == actor.agency_id, ledger.c.form.in_((BEST_INTEREST, WITHOUT)), ledger.c.withdrawn_at.is_(None), ledger.c.reviewed_at.is_(None),
        ledger.c.signers[1] != actor.member_id, free,
    )  # fmt: skip
    return _looks(session, query.order_by(ledger.c.given_at, ledger.c.id).limit(MOST), actor=actor, now=now)


def without_consent(session: Session, *, actor: Actor, now: datetime, request_id: str = "") -> SecondLooks:
    """Return the disclosures without consent for whoever reads the log: an officer those of the own agency, a network auditor all. `audit.read`.

    What is not reviewed stands first. Neither law nor reasons: these are sealed.

    Raises:
        errors.NotAllowed: the actor's roles read no log.
    """
    decision = access.require(actor, Verb.AUDIT_READ, outside_cases("log", same_agency=True))
    ledger, file = elsewhere.consent, elsewhere.case_file
    query = _select().where(ledger.c.form == WITHOUT)
    if "subject_requests" in access.abilities(actor.roles):
        query = query.where(file.c.agency_id == actor.agency_id)
    open_first = case((and_(ledger.c.reviewed_at.is_(None), ledger.c.withdrawn_at.is_(None)), 0), else_=1)
    found = _looks(session, query.order_by(open_first, ledger.c.given_at.desc()).limit(MOST_OF_ALL), actor=actor, now=now)
    entry = audit.entry_for(
        actor, Verb.AUDIT_READ, now=now, decision=decision, request_id=request_id, object_kind="consent", count=len(found), purpose="supervision"
    )  # fmt: skip
    return SecondLooks(found, audit.record(session, entry))


def _select() -> Select[Any]:
    """Return the select of records with the alias that the agency of the case gave."""
    ledger, file, alias = elsewhere.consent, elsewhere.case_file, elsewhere.alias
    return (
        select(*elsewhere.CONSENT_COLUMNS, file.c.agency_id, alias.c.id.label("subject"), alias.c.code)
        .select_from(ledger)
        .join(file, file.c.id == ledger.c.case_id)
        .join(alias, and_(alias.c.case_id == file.c.id, alias.c.agency_id == file.c.agency_id))
        .where(func.cardinality(ledger.c.signers) > 0, ledger.c.given_at.is_not(null()))
    )


def _looks(session: Session, query: Select[Any], *, actor: Actor, now: datetime) -> tuple[SecondLook, ...]:
    today = consents.local_day(now, actor.timezone)
    looks = []
    for row in session.execute(query):
        found = elsewhere.consent_of(row)
        if found is None:
            continue
        is_over = found.reviewed_at is not None or found.withdrawn_at is not None
        looks.append(
            SecondLook(
                consent_id=found.id,
                alias=row.code,
                subject=row.subject,
                agency=row.agency_id,
                to_agency=found.scope_agency,
                basis=found.basis,
                form=found.form,
                step=DONE if is_over else REVIEW if found.is_signed else SIGN,
                given_on=found.given_at.astimezone(UTC).date(),
                review_on=found.review_on or today,
                late=found.review_late(today) and not is_over,
            )
        )
    return tuple(looks)
