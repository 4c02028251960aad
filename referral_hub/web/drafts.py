"""A new referral as a task list of six steps, any order until the last (PAGES.md 3.6 to 3.12). The recipient sees nothing until it is sent."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from flask import Blueprint, request, url_for

from referral_hub import protocol
from referral_hub.access import Verb
from referral_hub.cases import queries as cases
from referral_hub.directory import queries as directory
from referral_hub.gate.acts import act, form_version, on_conflict, on_refusal, opened, read
from referral_hub.gate.admits import about, acting, admits, signed_in_only
from referral_hub.gate.caller import actor, keys, signed_in
from referral_hub.gate.house import now, session
from referral_hub.gate.schemas import Problems, form_of, one_of, read_form, text, uuid
from referral_hub.gate.speech import _
from referral_hub.protocol import forms
from referral_hub.referrals import actions, drafts, queries, reading
from referral_hub.web import files, versions
from referral_hub.web import forms as controls
from referral_hub.web.files import case_id_of, options
from referral_hub.web.forms import Option
from referral_hub.web.frame import reader
from referral_hub.web.page import page, see_other

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from werkzeug.wrappers import Response

    from referral_hub import errors
    from referral_hub.directory import Agency
    from referral_hub.referrals.values import Draft

bp = Blueprint("drafts", __name__)

URGENCIES = ("emergency", "urgent", "normal", "planned")
WRITTEN = ("meta", "needs")
ASKED = {"meta": ("urgency_reason", "purpose")}
RETURNED = drafts.RETURNED
DONE, TODO, WAIT = "done", "todo", "wait"


@dataclass(frozen=True)
class Task:
    """One step of the list: where it leads (nowhere yet), how it stands, one line about it."""

    title: str
    url: str
    state: str
    text: str
    hint: str = ""


@bp.get("/rujukan/baru")
@admits(Verb.CASE_LIST)
def begin() -> Response:
    """Step 1: choose the survivor's file; then what is needed."""
    code = request.args.get("kasus", "")
    if not code:
        found = read(partial(cases.list_cases, after=request.args.get("setelah")))
        return page("drafts/who.html", title=_("New referral"), found=found)
    file = read(partial(cases.detail, case_id=case_id_of(code)))
    return page("drafts/what.html", title=_("New referral"), case=file.case, services=services(), urgencies=urgencies(), kinds=files.options("referral_types"))


@bp.post("/rujukan/baru")
@admits(Verb.REFERRAL_CREATE)
def create() -> Response:
    """Make the draft, now that file, service and recipient are known."""
    form = read_form(form_of(kasus=text(longest=12), layanan=_service(), urgensi=one_of(URGENCIES), penerima=uuid(), jenis=_type()))
    work = partial(
        actions.create,
        case_id=case_id_of(form["kasus"]),
        service=form["layanan"],
        recipient_agency=form["penerima"],
        urgency=form["urgensi"],
        type=form.get("jenis", "referral"),
    )
    done = act(work)
    return see_other(url_for("drafts.tasks", number=_number(done.id)))


@bp.get("/rujukan/<number>/draf")
@signed_in_only
def tasks(number: str) -> Response:
    """Show how far the draft is. Its steps open to whoever is assigned to the survivor's file; a supervisor is led there first."""
    draft = draft_of(number)
    assigned = _is_assigned(draft)
    steps = [step if assigned else replace(step, url="") for step in tasks_of(draft)]
    first = next((n for n, step in enumerate(steps, 1) if step.state == TODO and step.url), None)
    done = sum(step.state == DONE for step in steps)
    return page("drafts/tasks.html", title=_("New referral"), draft=draft, steps=steps, first=first, done=done, assigned=assigned,
                returned=queries.sent_back(session(), referral_id=draft.referral.id), has_note=RETURNED in draft.parts)  # fmt: skip


def _is_assigned(draft: Draft) -> bool:
    case_id = draft.referral.case_id
    return case_id is not None and actor().member_id in cases.case(session(), hub=keys().hub, actor=actor(), case_id=case_id).members


def tasks_of(draft: Draft) -> list[Task]:
    """Return the six steps of a draft."""
    row, number = draft.referral, draft.referral.number
    agency = directory.agency(session(), row.to_agency)
    who = {"profile", "safe_contact"} <= draft.own_sections
    what = set(WRITTEN) <= draft.parts
    chosen, agreed = "choice" in draft.parts, draft.consent == "covers"
    done, todo = _("Done"), _("To do")
    missing = [n for n, fine in ((1, who), (2, what), (4, chosen), (5, agreed)) if not fine]
    ready = not missing
    return [
        Task(_("Who is helped"), url_for("cases.show", code=draft.alias), DONE if who else TODO, done if who else todo,
             "" if who else _("Profile and safe contact are needed.")),
        Task(_("What is needed"), url_for("drafts.needs", number=number), DONE if what else TODO, done if what else todo),
        Task(_("Choose recipient"), recipient_url(draft), DONE, done, f"{agency.name} · {files.service_name(row.service)}"),
        Task(_("What will be shared"), url_for("drafts.package", number=number), DONE if chosen else TODO, done if chosen else _("Look at it"),
             "" if chosen else _("The minimum for this service is ticked already.")),
        Task(_("Consent"), url_for("consents.ask", number=number), DONE if agreed else TODO, done if agreed else todo,
             _("Waits for the second signer") if draft.awaits_signer else ""),
        Task(_("Check and send"), url_for("drafts.check", number=number) if ready else "", TODO if ready else WAIT,
             todo if ready else _("After %(steps)s", steps=", ".join(map(str, missing)))),
    ]  # fmt: skip


def recipient_url(draft: Draft) -> str:
    """Return the address of step 3 for this draft."""
    row = draft.referral
    return url_for("drafts.recipients", kasus=draft.alias, layanan=files.service_token(row.service), urgensi=row.urgency, draf=row.number)


@bp.post("/rujukan/<number>/draf/penerima")
@admits(Verb.REFERRAL_EDIT)
def choose_recipient(number: str) -> Response:
    """Choose another recipient: consent and what is shared are then asked anew."""
    chosen = read_form(form_of(penerima=uuid()))["penerima"]
    draft = draft_of(number)
    act(partial(actions.edit_draft, referral_id=draft.referral.id, version=draft.referral.version, recipient_agency=chosen))
    return see_other(url_for("drafts.tasks", number=number))


@bp.get("/rujukan/<number>/draf/kebutuhan")
@admits(Verb.SECTION_READ, Verb.REFERRAL_LIST)
def needs(number: str) -> Response:
    """Step 2: urgency, purpose, what was given, how things stand, what the survivor wants."""
    draft = draft_of(number)
    return needs_page(draft, parts_of(draft, WRITTEN))


@bp.post("/rujukan/<number>/draf/kebutuhan")
@admits(Verb.REFERRAL_EDIT)
def save_needs(number: str) -> Response:
    """Seal what was typed; what is still missing is asked before sending."""
    draft = draft_of(number)
    typed = {part: forms.parse_form(part, request.form, timezone=actor().timezone, prefix=f"{part}.") for part in WRITTEN}
    on_refusal(lambda problems: needs_page(draft, typed, problems=problems))
    urgency, kept = read_form(form_of(urgency=one_of(URGENCIES)))["urgency"], versions.theirs()
    on_conflict(lambda failure: _both_needs(number, typed, failure, urgency=urgency))
    found = _missing(draft, typed, urgency=urgency)
    chosen = None if "urgency" in kept else urgency
    act(partial(actions.edit_draft, referral_id=draft.referral.id, version=form_version() or 0, urgency=chosen, parts=typed, keep=kept))
    if found and not kept:
        return needs_page(draft_of(number), typed, problems=found, saved=True)
    stay = request.form.get("then") == "stay"
    return see_other(url_for("drafts.needs" if stay else "drafts.tasks", number=number))


def _both_needs(number: str, typed: Mapping[str, Mapping[str, Any]], failure: errors.StaleVersion, *, urgency: str) -> Response:
    """Show what was typed beside what was saved meanwhile."""
    draft = draft_of(number)
    stored = parts_of(draft, WRITTEN)
    names = {s.code: s.label(reader().language) for s in protocol.current().services.values()}
    pairs = [one for part in WRITTEN for one in versions.differing(part, typed[part], stored.get(part, {}), prefix=f"{part}.", only=_asked(part), names=names)]
    if urgency != draft.referral.urgency:
        said = (protocol.current().label("urgency_sla", code, reader().language) for code in (urgency, draft.referral.urgency))
        pairs.insert(0, versions.Pair("urgency", _("Urgency"), *said))
    return versions.versions_page(failure, pairs, version=draft.referral.version, back=url_for("drafts.needs", number=number))


def _missing(draft: Draft, typed: Mapping[str, Mapping[str, Any]], *, urgency: str) -> Problems | None:
    """Return what sending will ask for and is still empty: it is said now, and kept all the same."""
    context = context_of(draft)
    found: dict[str, tuple[str, ...]] = {}
    for part, values in typed.items():
        fields = _asked(part) | ({"urgency"} if part == "meta" else set())
        given = {**values, "urgency": urgency} if part == "meta" else values
        checked = forms.validate_section(part, {k: v for k, v in given.items() if k in fields}, context=context, only=fields)
        found |= {f"{part}.{code}": codes for code, codes in checked.problems.items() if codes == ("required",)}
    return Problems(found) if found else None


def needs_page(
    draft: Draft, values: Mapping[str, Mapping[str, Any]], *, problems: Problems | None = None, saved: bool = False
) -> Response:
    """Make the form of step 2."""
    complaints = problems.fields if problems else {}
    asked = {
        part: controls.controls(
            part,
            values.get(part, {}),
            context=context_of(draft),
            reader=reader(),
            problems={name.removeprefix(f"{part}."): codes for name, codes in complaints.items() if name.startswith(f"{part}.")},
            lookups={"services": services_of(directory.agency(session(), draft.referral.to_agency))},
            only=_asked(part),
            prefix=f"{part}.",
        )
        for part in WRITTEN
    }
    labels = {k: v for part in WRITTEN for k, v in controls.section_labels(part, reader(), prefix=f"{part}.").items()}
    return page("drafts/needs.html", title=_("What is needed"), status=422 if problems else 200, problems=problems, saved=saved, draft=draft,
                asked=asked, labels=labels, urgencies=urgencies())  # fmt: skip


@bp.get("/rujukan/<number>/draf/dikembalikan")
@admits(Verb.SECTION_READ)
def returned(number: str) -> Response:
    """Show what the supervisor wrote when giving the draft back."""
    draft = draft_of(number)
    content = opened(partial(reading.open_draft, referral_id=draft.referral.id, parts=(RETURNED,)), reading.reveal)
    note = str(content.sections[0].fields.get("note", ""))
    return page("drafts/returned.html", title=_("Sent back"), draft=draft, note=note, returned=queries.sent_back(session(), referral_id=draft.referral.id))


@bp.post("/rujukan/<number>/draf/hapus")
@admits(Verb.REFERRAL_DISCARD)
def discard(number: str) -> Response:
    """Give the draft up; its keys are destroyed."""
    draft = draft_of(number)
    act(partial(actions.discard, referral_id=draft.referral.id, version=form_version() or 0))
    return see_other(url_for("tasks.show"))


def draft_of(number: str) -> Draft:
    """Return the draft of this number within the member's scope. Raises errors.NotFound."""
    referral_id = queries.id_of(session(), number=number)
    about("referral", referral_id)
    return queries.draft(session(), actor=actor(), keys=keys(), now=now(), referral_id=referral_id)


def parts_of(draft: Draft, parts: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """Open parts of a draft for its form; where none is filled the page shows clear facts only, and says so in the log."""
    if not draft.parts & set(parts):
        acting(Verb.REFERRAL_LIST)
        read(partial(queries.detail, referral_id=draft.referral.id))
        return {}
    acting(Verb.SECTION_READ)
    content = opened(partial(reading.open_draft, referral_id=draft.referral.id, parts=parts), reading.reveal)
    return {part.code: dict(part.fields) for part in content.sections}


def services() -> tuple[Option, ...]:
    """Return the services that a member of this agency may ask for."""
    own = signed_in().agency.kind
    book = protocol.current()
    asked = [s for s in book.services.values() if not s.senders or own in s.senders]
    return tuple(Option(files.service_token(s.code), s.label(reader().language)) for s in asked)


def services_of(agency: Agency) -> tuple[Option, ...]:
    """Return the further services that this recipient offers."""
    book = protocol.current()
    return tuple(Option(s.code, book.service(s.code).label(reader().language)) for s in directory.services(session(), agency.id))


def urgencies() -> tuple[Option, ...]:
    """Return the four urgencies with their deadlines in words."""
    hints = {
        "emergency": _("Answered within 2 hours, first service within 24 hours. Needs a phone call."),
        "urgent": _("Answered within 24 hours, first service within 72 hours."),
        "normal": _("Answered within 3 working days, first service within 7 days."),
        "planned": _("Answered within 7 working days, begun within 14 days."),
    }
    return tuple(Option(code, protocol.current().label("urgency_sla", code, reader().language), hint) for code, hint in hints.items())


def _asked(part: str) -> set[str]:
    if part in ASKED:
        return set(ASKED[part])
    return {f.code for f in protocol.current().section(part).fields.values() if not f.clear and not f.auto}


def context_of(draft: Draft) -> forms.Context:
    """Return what a draft's sections are checked against."""
    kind = directory.agency(session(), draft.referral.to_agency).kind
    return forms.Context(now=now(), timezone=actor().timezone, service=draft.referral.service, recipient_kind=kind)


def _number(referral_id: UUID) -> str:
    return queries.referral(session(), actor=actor(), keys=keys(), now=now(), referral_id=referral_id).number


def _service() -> Any:
    return one_of(list(protocol.current().services))


def _type() -> Any:
    return one_of([option.value for option in options("referral_types")], required=False)
