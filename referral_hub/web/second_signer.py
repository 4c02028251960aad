"""What two people decide: the second reads what a colleague recorded and signs it in a session of her own (PAGES.md 3.11)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from flask import Blueprint, url_for

from referral_hub import errors
from referral_hub.access import Verb
from referral_hub.accounts import queries as members
from referral_hub.consent import queries as ledger
from referral_hub.directory import queries as directory
from referral_hub.gate.acts import act, opened
from referral_hub.gate.admits import admits
from referral_hub.gate.caller import actor
from referral_hub.gate.house import session
from referral_hub.referrals import actions, consent_reading, reading
from referral_hub.web.files import case_id_of
from referral_hub.web.page import page, see_other

if TYPE_CHECKING:
    from uuid import UUID

    from werkzeug.wrappers import Response

    from referral_hub.consent.facts import Consent

bp = Blueprint("second_signer", __name__)


@bp.get("/kasus/<code>/persetujuan/<uuid:consent_id>/tanda-tangan")
@admits(Verb.CASE_READ, Verb.CONSENT_BEST_INTEREST)
def show(code: str, consent_id: UUID) -> Response:
    """Show what was recorded, with its reasons, to whoever may sign second."""
    consent = _of_case(code, consent_id)
    content = opened(partial(consent_reading.open_consent, consent_id=consent_id), reading.reveal)
    signers = members.codes(session(), member_ids=list(consent.signers))
    names = directory.names(session(), {consent.scope_agency})
    own = actor().member_id in consent.signers
    return page("consents/sign.html", code=code, consent=consent, said=content.sections[0].fields, signers=sorted(signers.values()),
                agency_name=names[consent.scope_agency], own=own)  # fmt: skip


@bp.post("/kasus/<code>/persetujuan/<uuid:consent_id>/tanda-tangan")
@admits(Verb.CONSENT_BEST_INTEREST)
def sign(code: str, consent_id: UUID) -> Response:
    """Sign as the second person."""
    _of_case(code, consent_id)
    act(partial(actions.countersign_consent, consent_id=consent_id))
    return see_other(url_for("consents.of_case", code=code))


def _of_case(code: str, consent_id: UUID) -> Consent:
    """Return a consent of this survivor. Raises errors.NotFound."""
    case_id = case_id_of(code)
    found = next((one for one in ledger.of_case(session(), case_id) if one.id == consent_id), None)
    if found is None:
        raise errors.NotFound
    return found


