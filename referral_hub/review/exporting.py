"""The log for a SIEM, by cursor: what came after an index, as lines without content. Each export is itself an entry (`audit.siem_export`)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from referral_hub import audit, errors
from referral_hub.access import Verb
from referral_hub.review.answers import sight
from referral_hub.review.elsewhere import following
from referral_hub.review.rules.siem import FORMATS

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from referral_hub.access import Actor
    from referral_hub.audit import Ticket

MOST = 10_000


@dataclass(frozen=True)
class Exported:
    """Lines, oldest first, and the index to go on after: the last one exported, or the one asked with where there was nothing new."""

    lines: tuple[str, ...]
    last: int
    ticket: Ticket = field(repr=False)


def export(session: Session, *, actor: Actor, now: datetime, form: str, after: int = -1, most: int = MOST) -> Exported:
    """Return at most `most` entries behind index `after` in one of the forms (`ocsf`, `rfc5424`). An entry whose bytes are spoilt is left out.

    Raises:
        errors.NotAllowed: no operator. errors.InputInvalid: no such form (field `form`).
    """
    decision, _ = sight(actor, Verb.AUDIT_SIEM_EXPORT)
    if form not in FORMATS:
        raise errors.InputInvalid({"form": ("not_a_code",)})
    found = following(session, first=after + 1, before=now, most=most)
    lines = tuple(FORMATS[form](read.logged) for read in found if read.logged)
    said = audit.entry_for(actor, Verb.AUDIT_SIEM_EXPORT, now=now, decision=decision, object_kind="log", count=len(lines), purpose="audit")
    return Exported(lines, found[-1].idx if found else after, audit.record(session, said))
