"""What is done to a sent referral: the recipient answers and serves, the sender takes back. Each act one POST, one entry, once."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from flask import request, url_for

from referral_hub import errors
from referral_hub.access import Verb
from referral_hub.cases.aliases import aliases, case_of_alias
from referral_hub.gate.acts import act, form_version, on_refusal
from referral_hub.gate.admits import acting, admits
from referral_hub.gate.caller import actor, keys, signed_in
from referral_hub.gate.house import now, session
from referral_hub.gate.schemas import Problems, form_of, read_form, text, uuid
from referral_hub.referrals import actions, queries
from referral_hub.web import referral_steps as steps
from referral_hub.web import words
from referral_hub.web.frame import reader
from referral_hub.web.page import see_other
from referral_hub.web.referrals import bp, id_of, referral_page

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from werkzeug.wrappers import Response

__all__ = ["bp"]

NOTE = 2000


def note() -> Any:
    """Return the field of a note, which may be left empty."""
    return text(required=False, longest=NOTE, load_default="")


@bp.post("/rujukan/<number>/buka")
@admits(Verb.REFERRAL_OPEN_PREVIEW)
def open_preview(number: str) -> Response:
    """Open the preview: the state changes and the sender sees it; the page that follows shows it."""
    return _done(number, actions.open_preview)


@bp.post("/rujukan/<number>/tangani")
@admits(Verb.REFERRAL_CLAIM)
def claim(number: str) -> Response:
    """Take the task; one of several who try has it."""
    return _done(number, actions.claim)


@bp.post("/rujukan/<number>/terima")
@admits(Verb.REFERRAL_ACCEPT)
def accept(number: str) -> Response:
    """Accept: who handles it, and when first contact is made at the latest."""
    _comes_back(number)
    form = read_form(form_of(handler=uuid(), first_contact_by=text(longest=40)))
    moment = words.from_local(form["first_contact_by"], reader())
    if moment is None:
        raise errors.InputInvalid({"first_contact_by": ("not_a_datetime",)})
    return _done(number, actions.accept, handler=form["handler"], first_contact_by=moment)


@bp.post("/rujukan/<number>/tolak")
@admits(Verb.REFERRAL_DECLINE)
def decline(number: str) -> Response:
    """Decline with a reason, and another agency where the reason asks for one."""
    _comes_back(number, {"redirect_needed": "redirect_agency"})
    form = read_form(form_of(decline_reason=text(longest=60), redirect_agency=uuid(required=False), note=note()))
    return _done(number, actions.decline, reason=form["decline_reason"], redirect_agency=form.get("redirect_agency"), note=form["note"])


@bp.post("/rujukan/<number>/mulai")
@admits(Verb.REFERRAL_START)
def start(number: str) -> Response:
    """Start the service."""
    return _done(number, actions.start)


@bp.post("/rujukan/<number>/perkembangan")
@admits(Verb.REFERRAL_PROGRESS)
def progress(number: str) -> Response:
    """Record a milestone and a note; the sender sees both."""
    _comes_back(number)
    form = read_form(form_of(milestone=text(longest=60), note=text(longest=NOTE)))
    return _done(number, actions.progress, **form)


@bp.post("/rujukan/<number>/selesai")
@admits(Verb.REFERRAL_COMPLETE)
def complete(number: str) -> Response:
    """Complete with an outcome; content stays readable for the agreed window."""
    _comes_back(number)
    form = read_form(form_of(outcome=text(longest=60), closing_note=note()))
    return _done(number, actions.complete, outcome=form["outcome"], note=form["closing_note"])


@bp.post("/rujukan/<number>/batal")
@admits(Verb.REFERRAL_WITHDRAW)
def withdraw(number: str) -> Response:
    """Withdraw a sent referral with a reason; the recipient's access ends at once."""
    _comes_back(number)
    form = read_form(form_of(event_reason=text(longest=60), note=note()))
    return _done(number, actions.withdraw, reason=form["event_reason"], note=form["note"])


@bp.post("/rujukan/<number>/tarik")
@admits(Verb.REFERRAL_RECALL)
def recall(number: str) -> Response:
    """Recall a sending that nobody has opened yet."""
    return _done(number, actions.recall)


@bp.post("/rujukan/<number>/lagi")
@admits(Verb.REFERRAL_CREATE)
def start_anew(number: str) -> Response:
    """Make a new draft that is based on a referral that has ended."""
    _comes_back(number)
    return _done(number, actions.start_anew)


@bp.post("/rujukan/<number>/langkah/<event>")
@admits(*steps.VERBS)
def step(number: str, event: str) -> Response:
    """Fire one of the further events with what its form asks for."""
    if event not in steps.ASKS:
        raise errors.NotFound
    acting(Verb(f"referral.{event}"))
    if event not in steps.DRAFTS:
        id_of(number)
        on_refusal(lambda problems: referral_page(number, problems=steps.placed(event, problems)))
    return _done(number, getattr(actions, event), **steps.given(event))


@bp.post("/rujukan/<number>/salin")
@admits(Verb.CASE_COPY_SECTIONS)
def copy(number: str) -> Response:
    """Copy sections into a file of the own agency: the one that is named by its code, or a new one."""
    _comes_back(number)
    sections, code = request.form.getlist("copy"), request.form.get("file", "").strip()
    if not sections:
        raise errors.InputInvalid({"copy": ("missing",)})
    as_other = request.form.get("as_other") == "yes"
    work = partial(actions.copy_sections, referral_id=id_of(number), sections=sections, case_id=_own_file(code), as_other=as_other)
    done = act(work)
    if done.value is not None and done.value.alike:
        return referral_page(number, alike=done.value.alike)
    own = aliases(session(), case_ids=[done.id], agency_id=signed_in().agency.id)
    return see_other(url_for("cases.show", code=own[done.id].code) if own else url_for("referrals.show", number=number))


def _own_file(code: str) -> UUID | None:
    """Return the file that the own agency knows by `code`; none where none was named. Raises errors.InputInvalid: `file`."""
    if not code:
        return None
    try:
        return case_of_alias(session(), agency_id=signed_in().agency.id, code=code)
    except errors.NotFound:
        raise errors.InputInvalid({"file": ("not_known_code",)}) from None


@bp.post("/rujukan/<number>/pesan")
@admits(Verb.MESSAGE_SEND)
def message(number: str) -> Response:
    """Write to the other agency."""
    _comes_back(number)
    form = read_form(form_of(message=text(longest=NOTE)))
    act(partial(actions.send_message, referral_id=id_of(number), message=form["message"]))
    return see_other(url_for("referrals.notes", number=number))


@bp.post("/rujukan/<number>/catatan-lembaga")
@admits(Verb.NOTE_WRITE)
def write_note(number: str) -> Response:
    """Write a note that only the own agency can open."""
    _comes_back(number)
    form = read_form(form_of(internal_note=text(longest=NOTE)))
    act(partial(actions.write_note, referral_id=id_of(number), note=form["internal_note"]))
    return see_other(url_for("referrals.own_notes", number=number))


def _done(number: str, verb: Callable[..., Any], **inputs: Any) -> Response:
    referral_id = id_of(number)
    version = form_version()
    done = act(partial(verb, referral_id=referral_id, version=0 if version is None else version, **inputs))
    if done.id != referral_id:  # what was passed on or begun anew goes on as a draft of its own
        made = queries.referral(session(), actor=actor(), keys=keys(), now=now(), referral_id=done.id)
        return see_other(url_for("drafts.tasks", number=made.number))
    return see_other(url_for("referrals.show", number=number))


def _comes_back(number: str, refusals: dict[str, str] | None = None) -> None:
    """Say that a refused form comes back as the page it stands on; `refusals` names the field that a refusal is about."""
    id_of(number)

    def again(problems: Problems) -> Response:
        field = (refusals or {}).get(problems.code)
        return referral_page(number, problems=Problems({field: (problems.code,)}) if field else problems)

    on_refusal(again)
