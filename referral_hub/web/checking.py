"""The last step of a new referral: look once more, who must not know, send (PAGES.md 3.12)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from flask import request, url_for

from referral_hub import errors, protocol
from referral_hub.access import Verb
from referral_hub.cases import actions as case_actions
from referral_hub.cases import queries as cases
from referral_hub.cases import reading as case_reading
from referral_hub.directory import queries as directory
from referral_hub.directory import rules as directory_rules
from referral_hub.gate.acts import act, form_version, on_refusal, opened
from referral_hub.gate.admits import acting, admits
from referral_hub.gate.caller import actor, keys
from referral_hub.gate.house import now, session
from referral_hub.gate.schemas import Problems, form_of, read_form, text, tick
from referral_hub.gate.speech import _
from referral_hub.protocol import forms
from referral_hub.referrals import actions, queries
from referral_hub.web import files
from referral_hub.web import forms as controls
from referral_hub.web import referral_steps as steps
from referral_hub.web.drafts import WRITTEN, bp, context_of, draft_of, recipient_url
from referral_hub.web.files import label
from referral_hub.web.forms import Option
from referral_hub.web.frame import reader
from referral_hub.web.page import page, see_other

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from werkzeug.wrappers import Response

    from referral_hub.referrals.values import Check, Draft

__all__ = ["bp"]

BLOCKED = ("blocked_people", "blocked_agencies", "blocked_kinds")


@bp.get("/rujukan/<number>/draf/periksa")
@admits(Verb.SECTION_SAFE_CONTACT_READ)
def check(number: str) -> Response:
    """Step 6: look once more; who must not know is read here."""
    return check_page(draft_of(number))


@bp.post("/rujukan/<number>/draf/jangan-tahu")
@admits(Verb.CASE_EDIT)
def save_blocked(number: str) -> Response:
    """Keep whom the survivor does not want to receive anything."""
    draft = draft_of(number)
    typed = forms.parse_form("safety", request.form, timezone=actor().timezone, prefix="safety.")
    typed = {code: value for code, value in typed.items() if code in BLOCKED}
    on_refusal(lambda problems: check_page(draft, problems=problems, blocked=typed))
    known = {"agency": [a.code for a in directory.agencies(session())]}
    work = partial(case_actions.edit_section, case_id=_case_of(draft), section="safety", values=typed, version=_revision(draft), only=BLOCKED, known=known)
    act(work, result=lambda saved: saved.case.id)
    return see_other(url_for("drafts.check", number=number))


@bp.post("/rujukan/<number>/kirim")
@admits(Verb.REFERRAL_SEND)
def send(number: str) -> Response:
    """Send: seal for the recipient, sign, record."""
    draft = draft_of(number)
    on_refusal(lambda problems: check_page(draft_of(number), problems=problems))
    form = read_form(form_of(read_block=tick(), called=tick(), confirm_recipient=text(required=False, longest=60)))
    work = partial(
        actions.send,
        referral_id=draft.referral.id,
        version=form_version() or 0,
        safe_contact_read=form["read_block"],
        phoned=form["called"],
        recipient_code=form.get("confirm_recipient", ""),
    )
    act(work)
    return see_other(url_for("referrals.show", number=number))


def check_page(draft: Draft, *, problems: Problems | None = None, blocked: Mapping[str, Any] | None = None) -> Response:
    """Make the page of step 6. Reading who must not know is an opening of safe contact, with its entry."""
    acting(Verb.SECTION_SAFE_CONTACT_READ)
    row = draft.referral
    asked: Check = queries.check(session(), actor=actor(), keys=keys(), now=now(), referral_id=row.id)
    agency = directory.agency(session(), row.to_agency)
    offered = next((one for one in directory.services(session(), agency.id) if one.code == row.service), None)
    elsewhere = _elsewhere(draft, problems)
    names = {"confirm_recipient": _("Recipient code"), "safe_contact_read": _("Who must not know"), "phoned": _("Phone call")}
    return page("drafts/check.html", title=_("Check and send"), status=422 if problems else 200, problems=problems, draft=draft, check=asked, agency=agency, offered=offered, elsewhere=elsewhere,
                is_full=offered is not None and directory_rules.capacity_shown(offered, now()) == "none",
                further=steps.forms_of(asked.acts, kind=agency.kind),
                typed=request.form, service=files.service_name(row.service), must_not_know=_must_not_know(draft), recipient_url=recipient_url(draft),
                blocked=_blocked_controls(draft, blocked or {}, problems) if blocked is not None or "safety" not in draft.own_sections else None,
                labels=names | controls.section_labels("safety", reader(), prefix="safety.") | {s: label(s) for s in ("profile", "safe_contact", "safety")}
                | controls.section_labels("needs", reader(), prefix="needs.") | controls.section_labels("meta", reader(), prefix="meta."))  # fmt: skip


def _elsewhere(draft: Draft, problems: Problems | None) -> dict[str, str]:
    """Return, for each field that is still empty in another step, the address of that step."""
    book = protocol.current()
    found = {}
    for name in problems.fields if problems else ():
        section = name.partition(".")[0]
        if section in WRITTEN:
            found[name] = url_for("drafts.needs", number=draft.referral.number)
        elif name in book.sections:
            found[name] = url_for("cases.edit", code=draft.alias, section=name)
    return found


def _must_not_know(draft: Draft) -> str:
    work = partial(case_reading.open_sections, case_id=_case_of(draft), sections=("safe_contact",))
    content = opened(work, case_reading.reveal)["safe_contact"].fields()
    return str(content.get("must_not_know", ""))


def _blocked_controls(draft: Draft, values: Mapping[str, Any], problems: Problems | None) -> Any:
    complaints = {name.removeprefix("safety."): codes for name, codes in (problems.fields if problems else {}).items()}
    lookups = {"agencies": tuple(Option(a.code, a.name) for a in directory.agencies(session()) if a.id != actor().agency_id)}
    return controls.controls("safety", values, context=context_of(draft), reader=reader(), problems=complaints,
                             lookups={"agency": lookups["agencies"]}, only=BLOCKED, prefix="safety.")  # fmt: skip


def _case_of(draft: Draft) -> UUID:
    if draft.referral.case_id is None:
        raise errors.NotFound
    return draft.referral.case_id


def _revision(draft: Draft) -> int:
    state = cases.sections_of(session(), case_id=_case_of(draft)).get("safety")
    return state.revision if state else 0
