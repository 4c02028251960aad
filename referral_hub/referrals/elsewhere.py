"""Tables of other rooms, named as foreign keys name them: just the columns that one joined select reads on the hot paths.

A row here is only read, never written, and never leaves this room as a row. What each column means stands in its own room.
"""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import ARRAY, UUID, Boolean, ColumnElement, Date, Integer, Text, column, func, literal_column, or_, select, table

from referral_hub.consent.facts import Consent
from referral_hub.db import UtcDateTime
from referral_hub.referrals.records import BasisRow, ReferralRow

if TYPE_CHECKING:
    from sqlalchemy import ScalarSelect

_ID, _IDS, _CODES = UUID(as_uuid=True), ARRAY(UUID(as_uuid=True)), ARRAY(Text)
_EMPTY: ColumnElement[Any] = literal_column("'[]'::jsonb")

consent = table(
    "consent",
    column("id", _ID),
    column("case_id", _ID),
    column("basis", Text),
    column("scope_agency", _ID),
    column("purpose", Text),
    column("sections", _CODES),
    column("use_limits", _CODES),
    column("onward_allowed", Boolean),
    column("contact_allowed", Boolean),
    column("stats_allowed", Boolean),
    column("valid_until", Date),
    column("given_by", Text),
    column("method", Text),
    column("language", Text),
    column("form", Text),
    column("form_version", Text),
    column("given_at", UtcDateTime),
    column("copy_given", Text),
    column("signers", _IDS),
    column("withdrawn_at", UtcDateTime),
    column("taken_back", _CODES),
    column("reviewed_at", UtcDateTime),
)
case_file = table(
    "case_file",
    column("id", _ID),
    column("agency_id", _ID),
    column("minor", Boolean),
    column("protected", Boolean),
    column("second_person_needed", Boolean),
    column("companion_id", _ID),
)
case_member = table("case_member", column("case_id", _ID), column("member_id", _ID))
alias = table("alias", column("id", _ID), column("case_id", _ID), column("agency_id", _ID), column("code", Text))
sealed_grant = table(
    "sealed_grant",
    column("id", _ID),
    column("object_kind", Text),
    column("object_id", _ID),
    column("agency_id", _ID),
    column("kind", Text),
    column("standing", Text),
    column("revision", Integer),
)
sealed_share = table("sealed_share", column("grant_id", _ID), column("part", Text))

CONSENT_COLUMNS = tuple(c.label(f"consent_{c.name}") for c in consent.c)


def consent_of(row: Any) -> Consent | None:
    """Return the ledger's row that was read with `CONSENT_COLUMNS`, or None where the referral rests on none."""
    values = {c.name: getattr(row, f"consent_{c.name}") for c in consent.c}
    return None if values["id"] is None else _consent(values)


def further_consent(said: dict[str, Any]) -> Consent:
    """Return a consent of the ledger that was read as JSON (`further_bases`)."""
    ids = {name: uuid.UUID(said[name]) for name in ("id", "case_id", "scope_agency")}
    until = said["valid_until"]
    times: dict[str, Any] = {name: datetime.fromisoformat(said[name]) if said[name] else None for name in ("given_at", "withdrawn_at", "reviewed_at")}
    times["valid_until"] = date.fromisoformat(until) if until else None
    return _consent(said | ids | times | {"signers": [uuid.UUID(one) for one in said["signers"]]})


def _consent(values: dict[str, Any]) -> Consent:
    taken = frozenset(values["taken_back"])
    sets = {"sections": frozenset(values["sections"]) - taken, "use_limits": frozenset(values["use_limits"]), "taken_back": taken}
    return Consent(**(values | sets | {"signers": tuple(values["signers"])}))


def further_bases() -> ScalarSelect[Any]:
    """Return, for the referral of the surrounding select, a JSON list of [sections, consent] of what rests on a consent of its own."""
    basis = BasisRow.__table__.alias("further")
    ledger = consent.alias("further_consent")
    whole = func.jsonb_build_object(*(part for c in ledger.c for part in (literal_column(f"'{c.name}'"), c)))
    one = func.jsonb_build_array(basis.c.sections, whole)
    return (
        select(func.coalesce(func.jsonb_agg(one), _EMPTY))
        .select_from(basis.join(ledger, ledger.c.id == basis.c.consent_id))
        .where(basis.c.referral_id == ReferralRow.id)
        .correlate(ReferralRow)
        .scalar_subquery()
    )


def recipient_grants() -> ScalarSelect[Any]:
    """Return, for the referral of the surrounding select, its recipient's grants as a JSON list of [id, kind, standing, parts].

    Of package and preview just those of the newest sending: an earlier one never steps in.
    """
    parts = (
        select(func.jsonb_agg(sealed_share.c.part))
        .where(sealed_share.c.grant_id == sealed_grant.c.id)
        .correlate(sealed_grant)
        .scalar_subquery()
    )
    one = func.jsonb_build_array(sealed_grant.c.id, sealed_grant.c.kind, sealed_grant.c.standing, func.coalesce(parts, _EMPTY))
    return (
        select(func.coalesce(func.jsonb_agg(one), _EMPTY))
        .where(
            sealed_grant.c.object_id == ReferralRow.id,
            sealed_grant.c.agency_id == ReferralRow.to_agency,
            or_(sealed_grant.c.object_kind != "referral", sealed_grant.c.revision == ReferralRow.sending),
        )
        .correlate(ReferralRow)
        .scalar_subquery()
    )
