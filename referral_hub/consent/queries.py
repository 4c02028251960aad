"""Reads of the ledger. Clear metadata only; no entries: whoever asks is inside a verb that leaves its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from referral_hub import errors
from referral_hub.consent import rules, without
from referral_hub.consent.facts import Consent, Standing
from referral_hub.consent.records import ConsentRow

if TYPE_CHECKING:
    import uuid
    from collections.abc import Collection
    from datetime import date

    from sqlalchemy.orm import Session

    from referral_hub.vault.hub import HubKeys


def by_id(session: Session, consent_id: uuid.UUID, *, lock: str = "") -> Consent:
    """Return a row of the ledger. `lock`: "" none, "share" for openings and sendings, "update".

    Raises:
        errors.NotFound: no such consent.
    """
    return snapshot(find(session, consent_id, lock=lock))


def of_case(session: Session, case_id: uuid.UUID) -> tuple[Consent, ...]:
    """Return what the survivor answered in this case, the newest first, refusals and withdrawn consents included."""
    query = select(ConsentRow).where(ConsentRow.case_id == case_id).order_by(ConsentRow.given_at.desc(), ConsentRow.id.desc())
    return tuple(map(snapshot, session.scalars(query)))


def laws(session: Session, *, hub: HubKeys, consent_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return the laws that records without consent name, by id; what names none is left out.

    Raises:
        errors.CannotOpen: what was locked does not belong to its record.
    """
    query = select(ConsentRow.id, ConsentRow.law).where(ConsentRow.id.in_(consent_ids), ConsentRow.law.is_not(None))
    return {row.id: without.unlock(hub, consent_id=row.id, locked=row.law) for row in session.execute(query)} if consent_ids else {}


def standing_for(
    session: Session,
    *,
    consent_id: uuid.UUID | None,
    agency_id: uuid.UUID,
    purpose: str,
    sections: Collection[str],
    on: date,
    lock: str = "share",
) -> Standing:
    """Tell how the consent that a referral rests on stands now. It is locked, so that a withdrawal that commits first is seen."""
    consent = None
    if consent_id is not None:
        try:
            consent = by_id(session, consent_id, lock=lock)
        except errors.NotFound:
            consent = None
    return rules.covers(consent, agency_id=agency_id, purpose=purpose, sections=sections, on=on)


def other_standing(
    session: Session, *, case_id: uuid.UUID, agency_id: uuid.UUID, purpose: str, sections: Collection[str], on: date, but: uuid.UUID
) -> Consent | None:
    """Return another consent of the case that covers the same (guard no_other_basis), the one that lasts longest, or None."""
    covering = [
        consent
        for consent in of_case(session, case_id)
        if consent.id != but and rules.covers(consent, agency_id=agency_id, purpose=purpose, sections=sections, on=on) is Standing.COVERS
    ]
    return max(covering, key=lambda consent: consent.valid_until or on, default=None)


def find(session: Session, consent_id: uuid.UUID, *, lock: str) -> ConsentRow:
    """Return the live row, locked as asked; this room's own.

    Raises:
        errors.NotFound: no such consent.
    """
    query = select(ConsentRow).where(ConsentRow.id == consent_id).execution_options(populate_existing=True)
    if lock:
        query = query.with_for_update(read=lock == "share")
    row = session.scalars(query).one_or_none()
    if row is None:
        raise errors.NotFound
    return row


def snapshot(row: ConsentRow) -> Consent:
    """Return the row as a value."""
    return Consent(
        id=row.id,
        case_id=row.case_id,
        basis=row.basis,
        scope_agency=row.scope_agency,
        purpose=row.purpose,
        sections=frozenset(row.sections) - frozenset(row.taken_back),
        use_limits=frozenset(row.use_limits),
        onward_allowed=row.onward_allowed,
        contact_allowed=row.contact_allowed,
        stats_allowed=row.stats_allowed,
        valid_until=row.valid_until,
        given_by=row.given_by,
        method=row.method,
        language=row.language,
        form=row.form,
        form_version=row.form_version,
        given_at=row.given_at,
        copy_given=row.copy_given,
        signers=tuple(row.signers),
        withdrawn_at=row.withdrawn_at,
        taken_back=frozenset(row.taken_back),
        reviewed_at=row.reviewed_at,
        reviewer=row.reviewer,
    )
