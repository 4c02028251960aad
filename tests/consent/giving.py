"""A consent as a page takes it in, for tests; every fact can be changed."""

import uuid
from dataclasses import replace
from datetime import UTC, date, datetime

from referral_hub.consent import rules
from referral_hub.consent.facts import Giving, Shown

NOW = datetime(2026, 11, 2, 3, 0, tzinfo=UTC)
TODAY = date(2026, 11, 2)
CLINIC = uuid.UUID(int=7)
WORKER = uuid.UUID(int=1)
WITNESS = uuid.UUID(int=2)

SHOWN = Shown(
    form="adult_release",
    text_language="id",
    from_agency="UPTD PPA Contoh",
    to_agency="Klinik Contoh",
    agency_id=CLINIC,
    purpose="psychosocial_care",
    sections=("meta", "profile", "identity", "safe_contact", "needs", "consent"),
    valid_until=date(2027, 5, 2),
    onward=False,
    contact=True,
    stats=False,
    excluded=("identity.nik",),
    blocked="mantan majikan",
)


def giving(*, shown=SHOWN, **changes):
    """A valid answer to `shown`, with `changes`. The digest is of what was shown unless given."""
    answer = Giving(
        agency_id=shown.agency_id,
        service="mental_health",
        purpose=shown.purpose,
        sections=frozenset(shown.sections),
        excluded_fields=shown.excluded,
        restrictions="hanya pagi hari",
        use_limits=frozenset({"no_media"}),
        onward_allowed=bool(shown.onward),
        contact_allowed=bool(shown.contact),
        stats_allowed=bool(shown.stats),
        valid_until=shown.valid_until,
        given_by="self",
        method="witnessed_verbal",
        language="su",
        given_at=NOW,
        copy_given="kept_by_agency_unsafe",
        witness=(WITNESS,),
        shown=shown,
        text_shown=rules.wording(shown).shown,
    )
    return replace(answer, **changes)
