"""Tables of other rooms, named as foreign keys name them: just the columns that one joined select reads on the hot paths.

A row here is only read, never written, and never leaves this room as a row. What each column means stands in its own room.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import ARRAY, UUID, Boolean, ColumnElement, Date, Text, column, func, literal_column, select, table

from referral_hub.consent.facts import Consent
from referral_hub.db import UtcDateTime
from referral_hub.referrals.records import ReferralRow

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
)
case_file = table(
    "case_file",
    column("id", _ID),
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
)
sealed_share = table("sealed_share", column("grant_id", _ID), column("part", Text))

CONSENT_COLUMNS = tuple(c.label(f"consent_{c.name}") for c in consent.c)


def consent_of(row: Any) -> Consent | None:
    """Return the ledger's row that was read with `CONSENT_COLUMNS`, or None where the referral rests on none."""
    values = {c.name: getattr(row, f"consent_{c.name}") for c in consent.c}
    if values["id"] is None:
        return None
    sets = {name: frozenset(values[name]) for name in ("sections", "use_limits")}
    return Consent(**(values | sets | {"signers": tuple(values["signers"])}))


def recipient_grants() -> ScalarSelect[Any]:
    """Return, for the referral of the surrounding select, its recipient's grants as a JSON list of [id, kind, standing, parts]."""
    parts = (
        select(func.jsonb_agg(sealed_share.c.part))
        .where(sealed_share.c.grant_id == sealed_grant.c.id)
        .correlate(sealed_grant)
        .scalar_subquery()
    )
    one = func.jsonb_build_array(sealed_grant.c.id, sealed_grant.c.kind, sealed_grant.c.standing, func.coalesce(parts, _EMPTY))
    return (
        select(func.coalesce(func.jsonb_agg(one), _EMPTY))
        .where(sealed_grant.c.object_id == ReferralRow.id, sealed_grant.c.agency_id == ReferralRow.to_agency)
        .correlate(ReferralRow)
        .scalar_subquery()
    )
