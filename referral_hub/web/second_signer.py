"""What two people decide without the survivor: the second reads what a colleague recorded, signs in her own session; one of them reviews (PAGES.md 3.11)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from flask import Blueprint, request, url_for

from referral_hub import access, errors, protocol
from referral_hub.access import Verb
from referral_hub.accounts import queries as members
from referral_hub.consent import queries as ledger
from referral_hub.consent.facts import WITHOUT
from referral_hub.directory import queries as directory
from referral_hub.gate.acts import act, on_refusal, opened
from referral_hub.gate.admits import acting, admits
from referral_hub.gate.caller import actor
from referral_hub.gate.house import session
from referral_hub.gate.speech import _
from referral_hub.referrals import actions, consent_reading, reading
from referral_hub.web.files import case_id_of
from referral_hub.web.frame import reader
from referral_hub.web.page import page, see_other

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from werkzeug.wrappers import Response

    from referral_hub.consent.facts import Consent
    from referral_hub.gate.schemas import Problems

bp = Blueprint("second_signer", __name__)

STANDS = {"yes": True, "no": False}


@bp.get("/kasus/<code>/persetujuan/<uuid:consent_id>/tanda-tangan")
@admits(Verb.CASE_READ, Verb.CONSENT_BEST_INTEREST, Verb.CONSENT_WITHOUT)
def show(code: str, consent_id: UUID) -> Response:
    """Show what was recorded, with its reasons, to whoever may sign second or review."""
    return _page(code, _of_case(code, consent_id))


@bp.post("/kasus/<code>/persetujuan/<uuid:consent_id>/tanda-tangan")
@admits(Verb.CONSENT_BEST_INTEREST, Verb.CONSENT_WITHOUT)
def sign(code: str, consent_id: UUID) -> Response:
    """Sign as the second person."""
    acting(consent_reading.verb_of(_of_case(code, consent_id)))
    act(partial(actions.countersign_consent, consent_id=consent_id))
    return see_other(url_for("consents.of_case", code=code))


@bp.post("/kasus/<code>/persetujuan/<uuid:consent_id>/tinjau")
@admits(Verb.CONSENT_REVIEW)
def review(code: str, consent_id: UUID) -> Response:
    """Keep what the review found: it stands, or it ends at once."""
    consent = _of_case(code, consent_id)
    on_refusal(lambda problems: _page(code, consent, problems=problems))
    stands = STANDS.get(request.form.get("stands", ""))
    act(partial(actions.review_consent, consent_id=consent_id, stands=stands, note=request.form.get("note", "")))
    return see_other(url_for("consents.of_case", code=code))


def _page(code: str, consent: Consent, *, problems: Problems | None = None) -> Response:
    acting(Verb.CASE_READ)
    content = opened(partial(consent_reading.open_consent, consent_id=consent.id), reading.reveal)
    parts: dict[str, Mapping[str, object]] = {part.code: part.fields for part in content.sections}
    told = members.codes(session(), member_ids=[*consent.signers, *([consent.reviewer] if consent.reviewer else [])])
    approves = "approve" in access.abilities(actor().roles)
    first = actor().member_id == consent.signers[0]
    ground = protocol.current().grounds.get(str(parts["consent"].get("ground", "")))
    return page("consents/sign.html", status=422 if problems else 200, problems=problems, code=code, consent=consent,
                said=parts["consent"], found=parts.get("review"), signers=[told.get(one, "") for one in consent.signers], reviewer=told.get(consent.reviewer, "") if consent.reviewer else "",
                agency_name=directory.names(session(), {consent.scope_agency})[consent.scope_agency], own=actor().member_id in consent.signers,
                without=consent.form == WITHOUT, ground=ground.label(reader().language) if ground else "", typed=request.form,
                may_review=approves and not first and consent.is_signed and not consent.reviewed_at and not consent.withdrawn_at,
                labels={"stands": _("Does it stand"), "note": _("What the review found")})  # fmt: skip


def _of_case(code: str, consent_id: UUID) -> Consent:
    """Return a consent of this survivor. Raises errors.NotFound."""
    case_id = case_id_of(code)
    found = next((one for one in ledger.of_case(session(), case_id) if one.id == consent_id), None)
    if found is None:
        raise errors.NotFound
    return found
