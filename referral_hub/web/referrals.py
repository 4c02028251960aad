"""Referrals: lists, the page of one by side and state, its sections one by one (PAGES.md 3.4, 3.13, 3.14).

What a referral shows depends on the side and on how far it is: a recipient sees clear metadata, then the preview, and the sections only
after acceptance; each opening is a request of its own and leaves its own entry. The acts stand in `referral_acts`.
"""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import TYPE_CHECKING

from flask import Blueprint, request, url_for

from referral_hub import access, errors, protocol
from referral_hub.access import Verb
from referral_hub.accounts import queries as members
from referral_hub.cases import rules as case_rules
from referral_hub.directory import queries as directory
from referral_hub.gate.acts import opened, read
from referral_hub.gate.admits import about, acting, admits
from referral_hub.gate.caller import actor, keys, signed_in
from referral_hub.gate.house import now, session
from referral_hub.gate.speech import _
from referral_hub.protocol import deadlines
from referral_hub.referrals import kept_reading, queries, reading, rules
from referral_hub.referrals.queries.lists import Filters
from referral_hub.web import copies, further_steps, supplying, words
from referral_hub.web import forms as controls
from referral_hub.web import referral_page as view
from referral_hub.web import referral_steps as steps
from referral_hub.web.files import field_names, label, options
from referral_hub.web.forms import Option
from referral_hub.web.frame import reader
from referral_hub.web.lines import card_of
from referral_hub.web.page import page, see_other

if TYPE_CHECKING:
    from uuid import UUID

    from werkzeug.wrappers import Response

    from referral_hub.cases.facts import Lookalike
    from referral_hub.gate.schemas import Problems
    from referral_hub.referrals.values import Content, Detail, Glance

bp = Blueprint("referrals", __name__)

IN, OUT = "masuk", "keluar"
UNANSWERED = frozenset({"requested", "received"})
FILTERS = ("state", "urgency", "agency", "handler", "number", "since", "until", "sort")


@bp.get("/rujukan")
@admits(Verb.REFERRAL_LIST)
def lists() -> Response:
    """Show incoming or outgoing referrals: newest first, by urgency or by deadline."""
    side = OUT if request.args.get("arah") == OUT else IN
    asked = {name: value for name in FILTERS if (value := request.args.get(name, "").strip())}
    query = queries.incoming if side == IN else queries.outgoing
    filters = _filters(asked)
    found = read(partial(query, filters=filters, after=request.args.get("setelah")))
    here = directory.agencies(session(), ids={line.other_agency for line in found.lines} | ({filters.agency} if filters.agency else set()))
    names = {one.id: one.name for one in here}
    colleagues = members.members(session(), agency_id=signed_in().agency.id)
    return page(
        "referrals/lists.html", title=_("Referrals"), side=side, found=found, cards=[card_of(line, names) for line in found.lines], asked=asked,
        counts=queries.counts(session(), actor=actor(), keys=keys()), codes={m.id: m.code for m in colleagues}, states=_states(side), sorts=_sorts(), others=[Option(one.code, one.name) for one in here],
        urgencies=options("urgency_sla"), colleagues=[Option(m.code, m.code) for m in colleagues if m.state == "active" and m.holds_key],
    )  # fmt: skip


def _filters(asked: dict[str, str]) -> Filters:
    """Return what the list is narrowed to; a word that fits nothing asks nothing."""
    handler = {m.code: m.id for m in members.members(session(), agency_id=signed_in().agency.id)} if "handler" in asked else {}
    return Filters(
        state=asked.get("state"),
        urgency=asked.get("urgency"),
        agency=_agency_id(asked.get("agency", "")),
        handler=handler.get(asked.get("handler", "")),
        number=asked.get("number"),
        since=_day(asked.get("since", "")),
        until=_day(asked.get("until", "")),
        sort=asked.get("sort", "newest"),
    )


def _agency_id(code: str) -> UUID | None:
    try:
        return directory.agency(session(), code).id if code else None
    except errors.NotFound:
        return None


def _sorts() -> list[Option]:
    return [Option("newest", _("Newest first")), Option("urgency", _("By urgency")), Option("deadline", _("By deadline"))]


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _states(side: str) -> list[Option]:
    return [option for option in options("states") if side == OUT or option.value != "draft"]


@bp.get("/rujukan/<number>")
@admits(Verb.REFERRAL_LIST, Verb.REFERRAL_PREVIEW_READ)
def show(number: str) -> Response:
    """Show a referral as far as its state and the side allow."""
    return referral_page(number)


def referral_page(number: str, *, problems: Problems | None = None, alike: tuple[Lookalike, ...] = ()) -> Response:
    """Make the page of one referral: the task list of a draft, what came in, the preview, or the referral itself.

    `alike`: own files that may be of the same person; then nothing was copied yet.
    """
    found = glance_at(number)
    row = found.referral
    if row.state == "draft":
        return see_other(url_for("drafts.tasks", number=row.number))
    waits = found.side == "recipient" and row.accepted_at is None and row.state in {*UNANSWERED, "on-hold"}
    if waits and found.may_preview and found.grant == "preview":
        return preview_page(found, problems=problems)
    return incoming_page(found, problems=problems) if waits else detail_page(found, problems=problems, alike=alike)


def glance_at(number: str) -> Glance:
    """Return the referral of this number at a glance, and name it for a refusal's entry. Raises errors.NotFound."""
    return queries.glance(session(), actor=actor(), keys=keys(), now=now(), referral_id=id_of(number))


def id_of(number: str) -> UUID:
    """Return the id of the referral with this number, and name it for a refusal's entry. Raises errors.NotFound."""
    referral_id = queries.id_of(session(), number=number)
    about("referral", referral_id)
    return referral_id


def incoming_page(found: Glance, *, problems: Problems | None = None) -> Response:
    """Make the page of a referral that came in and is closed to this member still: clear metadata, one button."""
    acting(Verb.REFERRAL_LIST)
    detail: Detail = read(partial(queries.detail, referral_id=found.referral.id))
    return page(
        "referrals/incoming.html", status=422 if problems else 200, problems=problems,
        found=found, row=found.referral, names=view.agency_names(found.referral), handler=view.handler_text(found), may=view.first_steps(found, detail),
        dues=view.deadlines(detail.referral, detail.clocks, side="recipient"),
        notes=view.notes(found.referral, side="recipient", grant=found.grant, names=view.agency_names(found.referral)),
    )  # fmt: skip


def preview_page(found: Glance, *, problems: Problems | None = None) -> Response:
    """Make the page on which the recipient decides: the preview, and the ways to answer. Each showing is an opening."""
    acting(Verb.REFERRAL_PREVIEW_READ)
    row = found.referral
    content: Content = opened(partial(reading.open_preview_page, referral_id=row.id), reading.reveal)
    lists = {"target_agency": tuple(view.redirects(row))} if "propose_forward" in found.acts else {}
    may, further = set(found.acts), steps.forms_of(found.acts, steps.Around(signed_in().agency.kind, lists))
    about, facts = view.about_survivor(content)
    latest = deadlines.first_service_by(now(), urgency=row.urgency)
    return page(
        "referrals/preview.html", title=_("Referral to answer"), status=422 if problems else 200, problems=problems, found=found, row=row, may=may,
        about=about, facts=facts, names=view.agency_names(row), handler=view.handler_text(found), due=view.running(view.deadlines(row, found.clocks, side="recipient")),
        opens=[label(code) for code in found.granted], latest=latest, handlers=_handlers(found) if "accept" in may else (),
        reasons=view.decline_reasons(), usual=len(view.USUAL_REASONS), redirects=view.redirects(row) if "decline" in may else (), further=further,
        step_labels=steps.labels_of(further),
    )  # fmt: skip


def _handlers(found: Glance) -> list[Option]:
    """Return who may be named as handler: oneself first, each with code and roles."""
    able = queries.handlers(session(), actor=actor(), keys=keys(), now=now(), referral_id=found.referral.id)
    book = protocol.current()
    roles = {m.id: ", ".join(book.role(role).label(reader().language) for role in sorted(m.roles)) for m in able}
    own = [Option(str(m.id), _("I (%(role)s %(code)s)", role=roles[m.id], code=m.code)) for m in able if m.id == actor().member_id]
    return own + [Option(str(m.id), f"{roles[m.id]} {m.code}") for m in able if m.id != actor().member_id]


def detail_page(found: Glance, *, problems: Problems | None = None, alike: tuple[Lookalike, ...] = ()) -> Response:
    """Make the referral page: next step, closed sections, history, deadlines, who has seen it."""
    acting(Verb.REFERRAL_LIST)
    detail: Detail = read(partial(queries.detail, referral_id=found.referral.id))
    row = detail.referral
    names = view.agency_names(row, (one.agency_id for one in detail.seen))
    dues = view.deadlines(row, detail.clocks, side=detail.side)
    kind = signed_in().agency.kind
    further = _further(detail, found)
    taken = further_steps.taken_back(row, detail.history)
    return page(
        "referrals/show.html", status=422 if problems or alike else 200, problems=problems, found=found, copied=copies.view_of(detail, alike=alike),
        detail=detail, row=row, names=names, may=set(detail.acts), handler=view.handler_text(found), dues=dues, running=view.running(dues),
        notes=[*further_steps.told(row, detail.history, side=detail.side, names=names), *view.notes(row, side=detail.side, grant=detail.grant, names=names, taken=taken)],
        window=view.window_text(detail, taken=taken),
        sections=view.sections(detail, found.may_open), not_shared=view.not_shared(detail), history=view.history(detail, names), looks=view.looks(detail.seen, names),
        refused=view.refused_text(detail.refused_attempts), has_notes=bool(detail.messages) or any(event.has_note for event in detail.history),
        may_write=view.may_write(found), chain=_chain(detail), beyond=field_names(detail.beyond),
        milestones=view.milestones(row) if "progress" in detail.acts else (),
        outcomes=view.coded("complete", "outcome", kind=kind) if "complete" in detail.acts else (),
        reasons=view.coded("withdraw", "event_reason") if "withdraw" in detail.acts else (), further=further,
        asked=any(one.awaited for one in further), step_labels=steps.labels_of(further), closes=rules.read_until("completed", now()),
    )  # fmt: skip


def _chain(detail: Detail) -> dict[str, object]:
    """Return what this referral is based on, what is based on it, and whether a new one may be begun: for the sending side alone."""
    row = detail.referral
    if detail.side != "sender" or (row.part_of is None and row.ended_at is None):
        return {}
    before, after = queries.chain(session(), actor=actor(), keys=keys(), now=now(), referral_id=row.id)
    may_begin = row.ended_at is not None and Verb.REFERRAL_CREATE in access.acts_allowed(actor().roles)
    return {"before": before, "after": after, "may_begin": may_begin}


def _further(detail: Detail, found: Glance) -> list[steps.Form]:
    """Return the forms of further events. No appointment is asked for before safe contact was read (PAGES.md 3.14)."""
    kind = directory.agency(session(), detail.referral.to_agency).kind
    row = detail.referral
    lists: dict[str, tuple[Option, ...]] = {}
    if "propose_forward" in detail.acts:
        lists["target_agency"] = tuple(view.redirects(row))
    if "approve_forward" in detail.acts and row.redirect_agency:
        lists["new_basis"] = _bases(row.id, row.redirect_agency)
    unread = detail.side == "recipient" and view.SAFE_CONTACT in found.granted and not detail.safe_contact_read
    before = steps.Around(kind, lists, hints=further_steps.purging(row, detail.history))
    around = supplying.with_fields(further_steps.around(detail, before, consent=found.consent), service=row.service)
    return steps.forms_of(detail.acts, around, leave_out=steps.APPOINTMENTS if unread else ())


def _bases(referral_id: UUID, agency_id: UUID) -> tuple[Option, ...]:
    """Return the survivor's consents that stand for an agency, by the day until which they do."""
    found = queries.bases(session(), actor=actor(), keys=keys(), now=now(), referral_id=referral_id, agency_id=agency_id)
    days = [(one.id, one.given_at.date(), one.valid_until) for one in found if one.valid_until]
    return tuple(
        Option(str(key), _("Given %(day)s, until %(end)s", day=words.day(given, reader()), end=words.day(end, reader()))) for key, given, end in days
    )


@bp.get("/rujukan/<number>/bagian/<section>")
@admits(Verb.SECTION_READ, Verb.SECTION_SAFE_CONTACT_READ)
def section(number: str, section: str) -> Response:
    """Show what stands in one section of what was shared."""
    acting(Verb.SECTION_SAFE_CONTACT_READ if section == view.SAFE_CONTACT else Verb.SECTION_READ)
    about("referral", partial(queries.id_of, session(), number=number))
    content = opened(partial(reading.open_section, referral_id=number, section=section), reading.reveal)
    (part,) = content.sections
    withheld = [protocol.current().section(section).fields[code].label(reader().language) for code in sorted(part.withheld)]
    return page(
        "referrals/section.html", number=content.number, section=section, label=label(section), withheld=withheld, facts=view.section_facts(part),
    )  # fmt: skip


@bp.post("/rujukan/<number>/bagian/<section>/tampilkan")
@admits(Verb.FIELD_REVEAL)
def reveal(number: str, section: str) -> Response:
    """Show one sensitive field; the showing is an entry of its own."""
    referral_id, field = id_of(number), request.form.get("field", "")
    if field not in case_rules.sensitive_fields(section):
        raise errors.NotFound
    content = opened(partial(reading.open_field, referral_id=referral_id, section=section, field=field), reading.reveal)
    fields = content.sections[0].fields
    facts = controls.facts(section, fields, reader=reader(), names=view.named_in(section, fields))
    return page("referrals/field.html", number=content.number, section=section, label=label(section), facts=facts)


@bp.get("/rujukan/<number>/alasan")
@admits(Verb.SECTION_READ)
def why(number: str) -> Response:
    """Show, to the sending agency alone, why more than usual was shared."""
    referral_id = id_of(number)
    content = opened(partial(kept_reading.open_why, referral_id=referral_id), reading.reveal)
    fields = field_names(kept_reading.sent_beyond(session(), referral_id=referral_id))
    return page("referrals/why.html", number=content.number, fields=fields, text=str(content.sections[0].fields.get(kept_reading.WHY, "")))


@bp.get("/rujukan/<number>/catatan")
@admits(Verb.MESSAGE_READ)
def notes(number: str) -> Response:
    """Show the thread: messages, and the notes that belong to events; both agencies read them."""
    content = opened(partial(reading.open_notes, referral_id=id_of(number)), reading.reveal)
    return page("referrals/notes.html", number=content.number, notes=content.notes, title=None, own=False)


@bp.get("/rujukan/<number>/catatan-lembaga")
@admits(Verb.NOTE_READ)
def own_notes(number: str) -> Response:
    """Show the notes of the own agency, which the other one has no key to."""
    content = opened(partial(reading.open_own_notes, referral_id=id_of(number)), reading.reveal)
    return page("referrals/notes.html", number=content.number, notes=content.notes, title=None, own=True)
