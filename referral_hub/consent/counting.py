"""May she be counted, without identity, in reports? Asked with each consent, and by itself once a file is there (consent_forms.yaml, statistics)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, case, func, or_, select

from referral_hub import access, errors
from referral_hub.access import Verb
from referral_hub.consent import actions, givers, rules
from referral_hub.consent.facts import FORMS_BY_TWO, REFUSAL, STATISTICS
from referral_hub.consent.records import ConsentRow
from referral_hub.db import uuid7
from referral_hub.db.fixed import Fixed
from referral_hub.protocol import consent_text

if TYPE_CHECKING:
    import uuid
    from datetime import datetime

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from referral_hub.access import Actor
    from referral_hub.consent.facts import About, Consent

PURPOSE = "statistics"


def may_count(session: Session, case_id: uuid.UUID) -> bool:
    """Tell whether the survivor's newest answer says yes and stands. What was never asked, taken back or decided without her is no.

    Of two answers of the same moment, a no counts. What was taken back brings no earlier answer to life.
    """
    newest = _NEWEST.all(session, case_id=case_id)
    return bool(newest) and all(one.stats_allowed and one.withdrawn_at is None for one in newest)


def _answered(row: Any) -> ColumnElement[bool]:
    """Return what an answer is: she said it herself or it was said for her, and everybody signed who has to (`Consent.is_signed`)."""
    by_two = or_(*(row.form == form for form in sorted(FORMS_BY_TWO)))
    signed = case((by_two, row.signers[1] != func.any(row.signers)), else_=func.cardinality(row.signers) > 0)
    return and_(row.case_id == bindparam("case_id"), row.form != REFUSAL, row.basis == rules.BY_CONSENT, signed)


_ROW, _OTHER = ConsentRow.__table__.c, ConsentRow.__table__.alias().c
_NEWEST = Fixed(  # of a file with a hundred consents, what was said last is read and nothing else
    select(_ROW.stats_allowed, _ROW.withdrawn_at).where(
        _answered(_ROW), _ROW.given_at == select(func.max(_OTHER.given_at)).where(_answered(_OTHER)).scalar_subquery()
    )
)


def answer(
    session: Session, *, actor: Actor, about: About, allowed: bool, language: str, given_by: str, now: datetime, request_id: str = ""
) -> Consent:
    """Record her answer in the ledger: `consent.give` for yes, `consent.refuse` for no. It is no basis of any referral.

    Raises:
        errors.NotAllowed: the policy refused. errors.RuleBroken: the file is closed (`wrong_state`).
        errors.InputInvalid: `language`, `given_by`: no such code, or not the one to speak for her.
    """
    verb = Verb.CONSENT_GIVE if allowed else Verb.CONSENT_REFUSE
    decision = access.require(actor, verb, actions.target_of(about))
    about.check_open()
    fits = speakers(minor=about.minor)
    rules.check_refusal(purpose=PURPOSE, language=language)
    if given_by not in fits:
        raise errors.InputInvalid({"given_by": ("not_a_code",)})
    row = ConsentRow(
        id=uuid7(now), case_id=about.case_id, basis=rules.BY_CONSENT, scope_agency=about.agency_id, purpose=PURPOSE, sections=[], use_limits=[],
        onward_allowed=False, contact_allowed=False, stats_allowed=allowed, valid_until=None, given_by=given_by, method=None, language=language,
        form=STATISTICS, form_version=consent_text.form_version(STATISTICS, "id"), given_at=now, copy_given=None, signers=[actor.member_id],
    )  # fmt: skip
    return actions.written(session, row, about=about, actor=actor, verb=verb, decision=decision, now=now, request_id=request_id)


def speakers(*, minor: bool) -> tuple[str, ...]:
    """Return who may answer: she herself, or for a child her guardian with her or alone (consent_rules.yaml, givers)."""
    return (givers.TOGETHER, givers.GUARDIAN) if minor else (givers.ADULT_GIVER,)
