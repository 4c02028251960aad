"""The survivor is asked once more about a referral that runs.

For further sections, whether it goes on after its consent ends, or whether it may go to the agency that the recipient proposes instead.
The page is that of a draft's step 5 (`consents`); her answer is written into her file and changes nothing by itself. The sender then supplies
further sections, puts the referral on the new consent, or agrees to what was proposed, by an act of its own.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from flask import Blueprint, request, url_for

from referral_hub import errors
from referral_hub.access import Verb
from referral_hub.consent import givers
from referral_hub.directory import queries as directory
from referral_hub.gate.acts import act, on_refusal
from referral_hub.gate.admits import acting, admits, signed_in_only
from referral_hub.gate.caller import actor, keys
from referral_hub.gate.house import now, session
from referral_hub.gate.schemas import form_of, one_of, read_form
from referral_hub.protocol import lifecycle, package
from referral_hub.referrals import actions, queries
from referral_hub.referrals.values import Draft
from referral_hub.web import consents
from referral_hub.web.amiss import label
from referral_hub.web.files import options
from referral_hub.web.further_steps import AGAIN, FORWARD, MORE
from referral_hub.web.page import see_other
from referral_hub.web.referrals import glance_at

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from referral_hub.consent.facts import Shown
    from referral_hub.gate.schemas import Problems
    from referral_hub.referrals.values import Further, Glance
    from referral_hub.web.consents import Asked

bp = Blueprint("asking_again", __name__)

SUPPLEMENT = "supplement"
USUAL_REASON = "needed_for_service"


@bp.get("/rujukan/<number>/persetujuan")
@signed_in_only
def ask(number: str) -> Response:
    """Show the text to read out, and take her answer."""
    found = _sent(number)
    return _page(found, _asked(found))


@bp.post("/rujukan/<number>/persetujuan")
@admits(Verb.CONSENT_GIVE, Verb.CONSENT_REFUSE, Verb.CONSENT_BEST_INTEREST)
def answer(number: str) -> Response:
    """Keep her answer in her file: consent to just what was read out, or "not yet, or no"."""
    found = _sent(number)
    asked = _asked(found)
    acting(consents.verb_of(asked))
    on_refusal(lambda problems: _page(found, asked, problems=problems))
    form = read_form(form_of(answer=one_of(consents.ANSWERS), language=one_of([o.value for o in options("languages")])))
    back = see_other(url_for("referrals.show", number=number))
    if form["answer"] == "no":
        act(partial(actions.record_refusal, referral_id=found.referral.id, language=form["language"], text_language=asked.text_language, proposed=_what(found) == FORWARD))
        return back
    case_id = found.referral.case_id
    if case_id is None:
        raise errors.NotFound
    giving = consents.giving_of(_draft(found), asked, language=form["language"], shown=_shown(found, asked))
    act(partial(actions.record_consent, case_id=case_id, giving=giving, known=consents.known()))
    return back


def _sent(number: str) -> Glance:
    """Return a referral of the own agency that runs. Raises errors.NotFound."""
    found = glance_at(number)
    if found.side != "sender" or found.referral.sent_at is None or found.referral.ended_at is not None:
        raise errors.NotFound
    return found


def _what(found: Glance) -> str:
    """Return what she is asked for; about another agency only while one is proposed."""
    asked = request.values.get("untuk")
    if asked == FORWARD and "forward_proposed" in found.referral.flags:
        return FORWARD
    return AGAIN if asked == AGAIN else MORE


def _draft(found: Glance) -> Draft:
    """Return the referral as a draft to ask about: to its recipient, or to the agency proposed."""
    row = found.referral
    if _what(found) == FORWARD and row.redirect_agency is not None:
        row = replace(row, to_agency=row.redirect_agency)
    return Draft(row, found.alias, frozenset(), frozenset(), found.consent)


def _further(found: Glance) -> Further:
    return queries.further(session(), actor=actor(), keys=keys(), now=now(), referral_id=found.referral.id)


def _offered(found: Glance) -> tuple[str, ...]:
    what = _what(found)
    if what == MORE:
        return _further(found).possible
    shared = tuple(code for code in found.granted if code not in package.sections_always())
    if what == AGAIN:
        return shared
    usual = package.ceiling(directory.agency(session(), _draft(found).referral.to_agency).kind, found.referral.service)
    return tuple(code for code in shared if code in usual)


def _asked(found: Glance) -> Asked:
    """Return what this request asks the text to say: by default what was asked for, or all that is shared."""
    default = _further(found).asked if _what(found) == MORE else _offered(found)
    asked = consents.asked_of(_draft(found), default)
    possible = _offered(found)
    return replace(asked, sections=tuple(code for code in asked.sections if code in possible))


def _shown(found: Glance, asked: Asked) -> Shown:
    shown = consents.shown_text(_draft(found), asked)
    if _what(found) == MORE and asked.given_by == givers.ADULT_GIVER:
        reasons = {item.code for item in lifecycle.choices("ask_sections", "event_reason")}
        asked_for = _further(found).reason
        return replace(shown, form=SUPPLEMENT, reason=label("event_reasons", asked_for if asked_for in reasons else USUAL_REASON))
    return shown


def _page(found: Glance, asked: Asked, *, problems: Problems | None = None) -> Response:
    number = found.referral.number
    here = url_for("asking_again.ask", number=number)
    place = consents.Place(here, here, url_for("referrals.show", number=number), number, what=_what(found))
    return consents.asking_page(_draft(found), asked, place, shown=_shown(found, asked), sections=_offered(found), problems=problems)
