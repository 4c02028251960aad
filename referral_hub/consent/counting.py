"""May she be counted, without identity, in reports? Asked with each consent, and by itself once a file is there (consent_forms.yaml, statistics)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select

from referral_hub import access, errors
from referral_hub.access import Verb
from referral_hub.consent import actions, givers, queries, rules
from referral_hub.consent.facts import REFUSAL, STATISTICS
from referral_hub.consent.records import ConsentRow
from referral_hub.db import uuid7
from referral_hub.db.fixed import Fixed
from referral_hub.protocol import consent_text

if TYPE_CHECKING:
    import uuid
    from datetime import datetime

    from sqlalchemy.orm import Session

    from referral_hub.access import Actor
    from referral_hub.consent.facts import About, Consent

PURPOSE = "statistics"


def may_count(session: Session, case_id: uuid.UUID) -> bool:
    """Tell whether the survivor's newest answer says yes and stands. What was never asked, taken back or decided without her is no.

    Of two answers of the same moment, a no counts. What was taken back brings no earlier answer to life.
    """
    answers = [one for one in map(queries.snapshot, _ANSWERS.all(session, case_id=case_id)) if one.is_signed]
    newest = [one.stats_allowed and one.withdrawn_at is None for one in answers if one.given_at == answers[0].given_at]
    return bool(newest) and all(newest)


_A = ConsentRow.__table__.c
_ANSWERS = Fixed(
    select(*_A)
    .where(_A.case_id == bindparam("case_id"), _A.form != REFUSAL, _A.basis == rules.BY_CONSENT)
    .order_by(_A.given_at.desc(), _A.id.desc())
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
