"""What is needed was written for one referral: its sender corrects it on a page of its own, and what was sent is sealed anew."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from flask import Blueprint, request, url_for

from referral_hub.access import Verb
from referral_hub.directory import queries as directory
from referral_hub.gate.acts import act, form_version, on_conflict, on_refusal, opened
from referral_hub.gate.admits import admits
from referral_hub.gate.caller import actor, keys
from referral_hub.gate.house import now, session
from referral_hub.gate.schemas import Problems, form_of, one_of, problems_of, read_form, text, tick
from referral_hub.gate.speech import _
from referral_hub.protocol import forms, scan
from referral_hub.referrals import actions, drafts, kept_reading, queries, reading
from referral_hub.web import forms as controls
from referral_hub.web import referral_page as view
from referral_hub.web.drafts import services_of
from referral_hub.web.files import field_names
from referral_hub.web.frame import reader
from referral_hub.web.page import page, see_other
from referral_hub.web.referrals import id_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from werkzeug.wrappers import Response

    from referral_hub.referrals.values import Referral

bp = Blueprint("correcting", __name__)

NEEDS, PREFIX = "needs", "needs."
NOTE = 2000


@bp.get("/rujukan/<number>/kebutuhan")
@admits(Verb.SECTION_READ)
def form(number: str) -> Response:
    """Show what is needed, as it was written, to be corrected."""
    content = opened(partial(kept_reading.open_needs, referral_id=id_of(number)), reading.reveal)
    return _page(number, content.sections[0].fields)


@bp.post("/rujukan/<number>/kebutuhan")
@admits(Verb.REFERRAL_REVISE)
def correct(number: str) -> Response:
    """Send it as it is typed now; the earlier one opens no more."""
    referral_id = id_of(number)
    typed = forms.parse_form(NEEDS, request.form, timezone=actor().timezone, prefix=PREFIX)
    on_refusal(lambda problems: _page(number, typed, problems=problems))
    on_conflict(lambda failure: _page(number, typed, problems=problems_of(failure)))
    reasons = [option.value for option in view.coded("revise", "event_reason")]
    said = read_form(form_of(event_reason=one_of(reasons), note=text(required=False, longest=NOTE, load_default=""), go_on=tick()))
    work = partial(
        actions.revise,
        referral_id=referral_id,
        version=form_version() or 0,
        sections=(NEEDS,),
        needs=typed,
        reason=said["event_reason"],
        note=said["note"],
        looked_at=request.form.getlist("looked_at") if said["go_on"] else (),
    )
    act(work)
    return see_other(url_for("referrals.show", number=number))


def _page(number: str, values: Mapping[str, Any], *, problems: Problems | None = None) -> Response:
    row = queries.referral(session(), actor=actor(), keys=keys(), now=now(), referral_id=id_of(number))
    problems, texts = _texts(problems)
    complaints = {name.removeprefix(PREFIX): codes for name, codes in (problems.fields if problems else {}).items() if name.startswith(PREFIX)}
    lookups = {"services": services_of(directory.agency(session(), row.to_agency))}
    asked = controls.controls(NEEDS, values, context=_context(row), reader=reader(), problems=complaints, lookups=lookups, only=drafts.sealed_fields(NEEDS), prefix=PREFIX)
    labels = {"event_reason": _("Reason"), "note": _("Note"), "go_on": _("Texts"), "sections": _("Content")}
    return page(
        "referrals/correct.html", status=422 if problems else 200, problems=problems, number=row.number, version=row.version, asked=asked,
        labels=labels | controls.section_labels(NEEDS, reader(), prefix=PREFIX), reasons=view.coded("revise", "event_reason"),
        typed=request.form, texts=texts, text_labels=field_names(texts),
    )  # fmt: skip


def _texts(problems: Problems | None) -> tuple[Problems | None, list[str]]:
    """Return what is amiss, with one line for texts that may tell who she is, and these texts by name."""
    if problems is None:
        return None, []
    unseen = [name for name, codes in problems.fields.items() if set(codes) <= scan.IDENTIFYING]
    rest = {name: codes for name, codes in problems.fields.items() if name not in unseen}
    names = [*dict.fromkeys([*request.form.getlist("looked_at"), *unseen])]
    return Problems(rest | ({"go_on": ("look_again",)} if unseen else {}), problems.code, problems.wait), names


def _context(row: Referral) -> forms.Context:
    kind = directory.agency(session(), row.to_agency).kind
    return forms.Context(now=now(), timezone=actor().timezone, service=row.service, recipient_kind=kind)
