"""The last step of a new referral: look once more, who must not know, send (PAGES.md 3.12)."""

from __future__ import annotations

from dataclasses import dataclass
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
from referral_hub.gate.acts import act, form_version, on_conflict, on_refusal, opened
from referral_hub.gate.admits import about, acting, admits
from referral_hub.gate.caller import actor, keys
from referral_hub.gate.house import now, session
from referral_hub.gate.schemas import Problems, form_of, read_form, text, tick
from referral_hub.gate.speech import _
from referral_hub.protocol import forms, scan
from referral_hub.referrals import actions, noticing, queries
from referral_hub.web import files, versions
from referral_hub.web import forms as controls
from referral_hub.web import referral_steps as steps
from referral_hub.web.amiss import hint_text
from referral_hub.web.drafts import WRITTEN, bp, context_of, draft_of, recipient_url
from referral_hub.web.files import field_names, label
from referral_hub.web.forms import Option
from referral_hub.web.frame import reader
from referral_hub.web.page import page, see_other

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from uuid import UUID

    from werkzeug.wrappers import Response

    from referral_hub.referrals.noticing import Looked
    from referral_hub.referrals.values import Check, Draft

__all__ = ["bp"]

BLOCKED = ("blocked_people", "blocked_agencies", "blocked_kinds")
BLOCKED_NAMES = frozenset(f"safety.{code}" for code in BLOCKED)  # they stand on this page


@dataclass(frozen=True)
class Noticed:
    """A text to look at before sending: its field's name and words, what may stand there, where to correct it (empty: not by this member)."""

    name: str
    label: str
    text: str
    url: str
_SENDING = form_of(read_block=tick(), called=tick(), go_on=tick(), confirm_recipient=text(required=False, longest=60))


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
    on_conflict(lambda failure: _both_blocked(number, typed, failure))
    kept = {name.removeprefix("safety.") for name in versions.theirs()}
    known = {"agency": [a.code for a in directory.agencies(session())]}
    work = partial(case_actions.edit_section, case_id=_case_of(draft), section="safety", values={code: value for code, value in typed.items() if code not in kept},
                   version=form_version() or 0, keep=kept, only=[code for code in BLOCKED if code not in kept], known=known)  # fmt: skip
    act(work, result=lambda saved: saved.case.id)
    return see_other(url_for("drafts.check", number=number))


def _both_blocked(number: str, typed: Mapping[str, Any], failure: errors.StaleVersion) -> Response:
    """Show what was typed beside what was saved meanwhile."""
    draft = draft_of(number)
    acting(Verb.CASE_READ)
    stored = opened(partial(case_reading.open_sections, case_id=_case_of(draft), sections=("safety",)), case_reading.reveal)["safety"]
    names = {a.code: a.name for a in directory.agencies(session())}
    pairs = versions.differing("safety", typed, stored.fields(), prefix="safety.", only=BLOCKED, names=names)
    return versions.versions_page(failure, pairs, version=stored.revision, back=url_for("drafts.check", number=number))


@bp.post("/rujukan/<number>/kirim")
@admits(Verb.REFERRAL_SEND)
def send(number: str) -> Response:
    """Send: seal for the recipient, sign, record."""
    about("referral", partial(queries.id_of, session(), number=number))
    on_refusal(lambda problems: check_page(draft_of(number), problems=problems))
    form = read_form(_SENDING)
    work = partial(
        actions.send,
        referral_id=number,
        version=form_version() or 0,
        safe_contact_read=form["read_block"],
        phoned=form["called"],
        recipient_code=form.get("confirm_recipient", ""),
        looked_at=request.form.getlist("looked_at") if form["go_on"] else (),
    )
    act(work)
    return see_other(url_for("referrals.show", number=number))


def check_page(draft: Draft, *, problems: Problems | None = None, blocked: Mapping[str, Any] | None = None) -> Response:
    """Make the page of step 6. Reading who must not know is an opening of safe contact, with its entry; texts are compared in the same one."""
    acting(Verb.SECTION_SAFE_CONTACT_READ)
    row = draft.referral
    asked: Check = queries.check(session(), actor=actor(), keys=keys(), now=now(), referral_id=row.id)
    agency = directory.agency(session(), row.to_agency)
    offered = next((one for one in directory.services(session(), agency.id) if one.code == row.service), None)
    look: Looked = opened(partial(noticing.open_look, referral_id=row.id), noticing.reveal)
    problems, noticed = _texts(problems, look.noticed)
    elsewhere = _elsewhere(draft, problems.fields if problems else ())
    names = {"confirm_recipient": _("Recipient code"), "safe_contact_read": _("Who must not know"), "phoned": _("Phone call"), "go_on": _("Texts")}
    return page("drafts/check.html", title=_("Check and send"), status=422 if problems else 200, problems=problems, draft=draft, check=asked, agency=agency, offered=offered, elsewhere=elsewhere,
                is_full=offered is not None and directory_rules.capacity_shown(offered, now()) == "none",
                further=steps.forms_of(asked.acts, steps.Around(agency.kind)),
                noticed=_noticed(noticed, _elsewhere(draft, noticed) if look.may_correct else {}), may_correct=look.may_correct,
                beyond=field_names(look.beyond), why=look.why, is_blocked=look.is_blocked,
                typed=request.form, service=files.service_name(row.service), must_not_know=look.must_not_know, recipient_url=recipient_url(draft),
                revision=_revision(draft), blocked=_blocked_controls(draft, blocked or {}, problems) if blocked is not None or "safety" not in draft.own_sections else None,
                labels=names | controls.section_labels("safety", reader(), prefix="safety.") | {s: label(s) for s in ("profile", "safe_contact", "safety")}
                | controls.section_labels("needs", reader(), prefix="needs.") | controls.section_labels("meta", reader(), prefix="meta."))  # fmt: skip


def _texts(problems: Problems | None, noticed: noticing.Texts) -> tuple[Problems | None, noticing.Texts]:
    """Return what else is amiss, with one line for texts that were not looked at, and all texts to look at."""
    if problems is None:
        return None, noticed
    unseen = {name: codes for name, codes in problems.fields.items() if set(codes) <= scan.IDENTIFYING}
    rest = {name: codes for name, codes in problems.fields.items() if name not in unseen}
    return Problems(rest | ({"go_on": ("look_again",)} if unseen else {}), problems.code, problems.wait), noticed | unseen


def _noticed(noticed: noticing.Texts, urls: Mapping[str, str]) -> list[Noticed]:
    """Return the texts to look at in words: section and field, what may stand there, where to correct it."""
    book, language = protocol.current(), reader().language
    found = []
    for name, codes in noticed.items():
        section, _dot, _code = name.partition(".")
        words = " ".join(hint_text(scan.Hint(code)) for code in codes)
        found.append(Noticed(name, f"{label(section)}: {book.field(name).label(language)}", words, urls.get(name, "")))
    return found


def _elsewhere(draft: Draft, names: Iterable[str]) -> dict[str, str]:
    """Return, for each of these fields or sections, the address of the step where it is written."""
    book = protocol.current()
    found = {}
    for name in names:
        section = name.partition(".")[0]
        if section in WRITTEN:
            found[name] = url_for("drafts.needs", number=draft.referral.number)
        elif section == "consent":
            found[name] = url_for("consents.ask", number=draft.referral.number)
        elif section in book.sections and name not in BLOCKED_NAMES:
            found[name] = url_for("cases.edit", code=draft.alias, section=section)
    return found


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
