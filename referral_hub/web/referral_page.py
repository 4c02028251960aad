"""The page of one referral as values: the next step, history, deadlines, closed sections, who has seen it. Codes in, words out."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from flask import url_for

from referral_hub import errors, protocol
from referral_hub.accounts import queries as members
from referral_hub.directory import Need, Viewer
from referral_hub.directory import queries as directory
from referral_hub.gate.caller import actor, signed_in
from referral_hub.gate.house import now, session
from referral_hub.gate.speech import _
from referral_hub.protocol import lifecycle
from referral_hub.web import forms as controls
from referral_hub.web import words
from referral_hub.web.amiss import label
from referral_hub.web.files import label as section_label
from referral_hub.web.forms import Option
from referral_hub.web.frame import reader
from referral_hub.web.words import Deadline

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from referral_hub.referrals.values import Clock, Content, Detail, Event, Glance, Referral, SectionContent, Seen
    from referral_hub.web.forms import Fact

SAFE_CONTACT = "safe_contact"
NOT_SHARED = "not_shared"
USUAL_REASONS = ("no_capacity", "out_of_scope", "out_of_jurisdiction", "conflict_of_interest")
NEXT_STEPS = ("start", "progress")
PURGE = "purge_due"
NAMING = frozenset({"agency", "agencies", "user", "users"})
# Input of an event -> the code list of its answer; other inputs are shown otherwise, or not at all.
CODED = {"decline_reason": "decline_reasons", "event_reason": "event_reasons", "outcome": "outcomes", "milestone": "milestones",
         "purge_statement": "purge_statements", "readiness": "interview_readiness"}  # fmt: skip


@dataclass(frozen=True)
class Step:
    """One line of the history."""

    title: str
    at: datetime
    by: str
    now: bool


@dataclass(frozen=True)
class Due:
    """A deadline with its words: `clock` for the macro `due`, under a name of its own."""

    name: str
    clock: Deadline
    kind: str


@dataclass(frozen=True)
class Row:
    """One section: its name, how it stands, where it opens (nowhere for whoever may not), and since when it is another than the one read before."""

    code: str
    label: str
    text: str
    url: str
    read: bool
    note: str = ""


@dataclass(frozen=True)
class Look:
    """One access by somebody: who in which role, when, and what was shown."""

    who: str
    agency: str
    at: datetime
    what: str


def agency_names(row: Referral, extra: Iterable[uuid.UUID | None] = ()) -> dict[uuid.UUID, str]:
    """Return the names of the agencies that a referral names."""
    return directory.names(session(), {one for one in (row.from_agency, row.to_agency, row.redirect_agency, *extra) if one})


def history(found: Detail, names: Mapping[uuid.UUID, str]) -> list[Step]:
    """Return the events in order, with what was answered in words; the last one is marked."""
    agencies = {"sender": names[found.referral.from_agency], "recipient": names[found.referral.to_agency]}
    last = found.history[-1].seq if found.history else 0
    return [Step(event_text(event, names), event.at, _by(event, agencies), event.seq == last) for event in found.history]


def event_text(event: Event, names: Mapping[uuid.UUID, str]) -> str:
    """Return what happened: the event, its coded answers, and the sections that it names; a sending's stand on the page."""
    coded = [label(CODED[name], str(value)) for name, value in event.inputs.items() if name in CODED and value]
    if "agreed" in event.inputs:
        coded.append(_("agreed") if event.inputs["agreed"] else _("not agreed"))
    if event.code != "send":
        coded += [section_label(code) for code in event.inputs.get("sections", ())]
    target = event.inputs.get("redirect_agency") or event.inputs.get("target_agency")
    named = [names[one] for one in (uuid.UUID(str(target)),) if one in names] if target else []
    return ": ".join(filter(None, (label("events", event.code), ", ".join([*coded, *named]))))


def _by(event: Event, agencies: Mapping[str, str]) -> str:
    place = agencies.get(event.side.removesuffix("_supervisor"), agencies["sender"] if event.side == "survivor" else "")
    return " · ".join(filter(None, (event.actor_code, place)))


def deadlines(row: Referral, clocks: Iterable[Clock], *, side: str) -> list[Due]:
    """Return the referral's own deadlines with their words (PAGES.md section 5); the reading window is told in a note of its own."""
    began = {"ack": row.sent_at, "first_service": row.accepted_at, "update": row.started_at}
    names = {"ack": _("Answer"), "first_service": _("First contact"), "update": _("News")}
    kinds = {"ack": "answer" if side == "recipient" else "answered", "first_service": "contact", "update": "news"}
    return [Due(names[clock.kind], _deadline(clock, row, began[clock.kind]), kinds[clock.kind]) for clock in clocks if clock.kind in names]


def _deadline(clock: Clock, row: Referral, began: datetime | None) -> Deadline:
    if clock.state == "done":
        return Deadline("done", clock.due, (clock.met_at or clock.due) - (began or clock.due), clock.met_at)
    if clock.state == "paused":
        return Deadline("paused", clock.due, clock.due - (row.paused_at or now()), row.paused_at)
    return Deadline(clock.state, clock.due, abs(clock.due - now()))


def about_survivor(content: Content) -> tuple[list[str], list[Fact]]:
    """Return what the preview says of the survivor: words that stand beside the code (age band, sex), and answers by yes or no."""
    profile = next((part.fields for part in content.sections if part.code == "profile"), {})
    fields = protocol.current().section("profile").fields
    shown = controls.facts("profile", profile, reader=reader())
    return [fact.text for fact in shown if fields[fact.code].type != "bool"], [fact for fact in shown if fields[fact.code].type == "bool"]


def running(dues: list[Due]) -> Due | None:
    """Return the deadline that runs now, if one does."""
    return next((due for due in dues if due.clock.state in {"calm", "soon", "late"}), None)


def sections(found: Detail, may_open: frozenset[str]) -> list[Row]:
    """Return the shared sections as closed rows, safe contact first."""
    texts = {"later": _("Opens on acceptance"), "closed": _("No longer open"), "open": _("Not open to your role")}
    rows = []
    for one in (one for one in found.sections if one.state != NOT_SHARED):
        opens = one.state == "open" and one.code in may_open
        url = url_for("referrals.section", number=found.referral.number, section=one.code) if opens else ""
        changed, read = _corrected(found, one.code), _last_read(found, one.code)
        is_read = one.read_by_actor and (changed is None or (read is not None and read >= changed))
        note = _correction(changed, None if is_read else read) if changed and opens else ""
        rows.append(Row(one.code, section_label(one.code), "" if opens else texts[one.state], url, is_read, note))
    return sorted(rows, key=lambda row: row.code != SAFE_CONTACT)


def _corrected(found: Detail, section: str) -> datetime | None:
    return max((event.at for event in found.history if event.code == "revise" and section in event.inputs["sections"]), default=None)


def _last_read(found: Detail, section: str) -> datetime | None:
    return max((one.at for one in found.seen if one.actor_id == actor().member_id and section in one.sections), default=None)


def _correction(changed: datetime, read_before: datetime | None) -> str:
    """Return when a section was corrected, and when the reader opened the one before."""
    at = words.moment(changed, reader(), now=now())
    if read_before is None:
        return _("Corrected %(time)s.", time=at)
    return _("Corrected %(time)s. You read the one before, %(earlier)s.", time=at, earlier=words.moment(read_before, reader(), now=now()))


def not_shared(found: Detail) -> list[str]:
    """Return the names of the sections that were not shared; they stay folded."""
    return [section_label(one.code) for one in found.sections if one.state == NOT_SHARED]


def looks(seen: Iterable[Seen], names: Mapping[uuid.UUID, str]) -> list[Look]:
    """Return who has seen what, newest first; codes and roles, never names."""
    found = []
    for one in seen:
        who = " ".join(filter(None, (label("agency_roles", one.role), one.code)))
        what = ", ".join(section_label(code) for code in one.sections)
        agency = names.get(one.agency_id, "") if one.agency_id else ""
        found.append(Look(who, agency, one.at, f"{label('audit_events', one.action)}{': ' + what if what else ''}"))
    return found


def refused_text(count: int) -> str:
    """Return how many attempts were refused; who it was is for the data protection officer to see."""
    return _("Refused attempts: %(number)s. The data protection officer looks at them.", number=count) if count else ""


def notes(row: Referral, *, side: str, grant: str, names: Mapping[uuid.UUID, str], taken: Sequence[str] = ()) -> list[str]:
    """Return what has to be known about the state before anything else is done, in whole sentences. `taken`: sections that alone are to be deleted."""
    told = [_ended(row, side=side, names=names)]
    if side == "recipient" and grant == "suspended":
        told.append(_("Access is on hold: the consent has ended. The sender has been told; your service goes on."))
    told += _open_matters(row, side=side, names=names)
    if "basis_needed" in row.flags and side == "sender":
        told.append(_("The consent has ended. Ask the survivor again, or let access end."))
    if PURGE in row.flags:
        told.append(_purge(row, side=side, names=names, taken=taken))
    return [text for text in told if text]


def _open_matters(row: Referral, *, side: str, names: Mapping[uuid.UUID, str]) -> list[str]:
    """Return who owes what while something is asked."""
    found = []
    sender, recipient = names[row.from_agency], names[row.to_agency]
    if "info_requested" in row.flags and row.due_at:
        until = words.moment(row.due_at, reader(), now=now())
        found.append(_("%(agency)s answers by %(time)s. The clock stands until then.", agency=sender, time=until))
    if "waitlisted" in row.flags and row.review_on:
        found.append(_("On the waiting list. Looked at again on %(day)s.", day=words.day(row.review_on, reader())))
    if "cancel_requested" in row.flags and side == "sender":
        found.append(_("%(agency)s has been asked to end this service.", agency=recipient))
    if "disputed" in row.flags and side == "sender":
        found.append(_("%(agency)s has been asked about the outcome.", agency=recipient))
    if row.has_appointment and not row.ended_at:
        found.append(_("There is an appointment. Its time stands under Notes."))
    return found


def _ended(row: Referral, *, side: str, names: Mapping[uuid.UUID, str]) -> str:
    recipient = names[row.to_agency]
    texts = {
        "recalled": _("Referral recalled. %(agency)s cannot open it.", agency=recipient)
        if side == "sender"
        else _("The sender has recalled this referral."),
        "withdrawn-by-sender": _("Withdrawn by the sender. The content is closed."),
        "consent-withdrawn": _("The survivor has withdrawn consent. The content is closed."),
        "access-withdrawn": _("The survivor has withdrawn this access. The content can no longer be opened."),
        "expired-no-response": _("It expired without an answer."),
        "cancelled-by-agreement": _("Ended by agreement. The content is closed."),
        "closed-upstream": _("Ended by the sender. The content is closed."),
        "entered-in-error": _("Marked as entered in error. The content is closed."),
        "referred-elsewhere": _("Passed on to another agency. The content is closed here."),
        "declined": _("Thank you for answering. The sender is told; this preview is closed.")
        if side == "recipient"
        else _declined(row, names),
    }
    return texts.get(row.business, "")


def _declined(row: Referral, names: Mapping[uuid.UUID, str]) -> str:
    agency = names.get(row.redirect_agency, "") if row.redirect_agency else ""
    if agency:
        return _("Declined. %(agency)s is suggested; sending there needs new consent.", agency=agency)
    return _("Declined. Look for another way together with the survivor.")


def _purge(row: Referral, *, side: str, names: Mapping[uuid.UUID, str], taken: Sequence[str]) -> str:
    if taken:
        sections = ", ".join(map(section_label, taken))
        if side == "recipient":
            return _("Please delete what you hold of this outside the hub (paper, notes, devices) within 72 hours: %(sections)s.", sections=sections)
        return _("%(agency)s is asked to delete its copies of this within 72 hours: %(sections)s.", agency=names[row.to_agency], sections=sections)
    if side == "recipient":
        return _("Please delete your copies outside the hub (paper, notes, devices) within 72 hours.")
    return _("%(agency)s is asked to delete its copies within 72 hours.", agency=names[row.to_agency])


def may_write(found: Glance) -> set[str]:
    """Return which words beside the events the member may write: messages to the other agency, notes for the own one."""
    return {verb for verb, allowed in (("message", found.may_message), ("note", found.may_note)) if allowed}


def window_text(found: Detail, *, taken: Sequence[str] = ()) -> str:
    """Return until when a completed referral may still be read, or nothing. What was `taken` back in part leaves the rest readable."""
    is_closed = found.grant not in {"read_only", "own"} or (PURGE in found.referral.flags and not taken)
    if is_closed or found.read_until is None or found.read_until <= now():
        return ""
    until = words.moment(found.read_until, reader(), now=now())
    if found.side == "sender":
        return _("The recipient can read until %(time)s.", time=until)
    return _("Readable until %(time)s. After that the content closes for your agency.", time=until)


def coded(event: str, name: str, *, kind: str = "", leave_out: Iterable[str] = ()) -> list[Option]:
    """Return the answers that an event offers for a coded input, in this reader's language."""
    dropped = set(leave_out)
    return [
        Option(item.code, item.label(reader().language))
        for item in lifecycle.choices(event, name, recipient_kind=kind)
        if item.code not in dropped
    ]


def milestones(row: Referral) -> list[Option]:
    """Return what may be reported now: not what was reported already, unless it may come again."""
    items = protocol.current().codelist("milestones")
    done = [code for code in row.milestones if not (item := items.get(code)) or not item.facts.get("repeat")]
    return coded("progress", "milestone", kind=signed_in().agency.kind, leave_out=done)


def decline_reasons() -> list[Option]:
    """Return every reason to decline, the usual four first; where another agency has to be named the reason says so."""
    items = protocol.current().codelist("decline_reasons").items
    order = [*USUAL_REASONS, *(code for code in items if code not in USUAL_REASONS)]
    return [Option(code, items[code].label(reader().language), _reason_hint(items[code].facts)) for code in order]


def _reason_hint(facts: Mapping[str, Any]) -> str:
    redirect = _("Name another agency.") if facts.get("redirect") else ""
    hidden = _("Only the supervisors of both agencies see this reason.") if facts.get("restricted_visibility") else ""
    return " ".join(filter(None, (redirect, hidden)))


def redirects(row: Referral) -> list[Option]:
    """Return the agencies that may be suggested instead: those that offer the same service, nearest fit first, then every other.

    A reason that asks for another agency must never be a dead end, so nobody who may receive is left out.
    """
    own = signed_in().agency
    need = Need(services=(row.service,), region=own.region, leave_out=(own.id, row.from_agency))
    found = directory.find(session(), need, now=now(), viewer=directory_viewer())
    kinds = protocol.current().kinds
    others = [a for a in directory.agencies(session(), state="active") if kinds[a.kind].case_data and a.id not in {own.id, row.from_agency}]
    agencies = {one.id: one.name for one in (*(found_one.agency for found_one in found), *others)}
    return [Option(str(key), name) for key, name in agencies.items()]


def directory_viewer() -> Viewer:
    """Return how this member looks at the directory."""
    own = signed_in().agency
    return Viewer(own.id, own.kind)


def handler_text(found: Glance) -> str:
    """Return who handles the referral, by code, or nothing."""
    return found.codes.get(found.referral.handler, "") if found.referral.handler else ""


def first_steps(found: Glance, detail: Detail) -> set[str]:
    """Return what a recipient is offered before the preview: not what a colleague does already. Whoever merely opened it has not claimed it."""
    handler = found.referral.handler
    if handler is None or handler == actor().member_id:
        return set(found.acts)
    claimed = any(event.code == "claim" and event.actor_id == handler for event in detail.history)
    return {"claim"} & set(found.acts) if not claimed else set()


def section_facts(part: SectionContent) -> list[Fact]:
    """Return an opened section as facts; of a masked number the last digits stand."""
    shown = controls.facts(part.code, part.fields, reader=reader(), masked=part.masked, names=named_in(part.code, part.fields))
    return [replace(fact, text=f"•••• {part.tails[fact.code]}") if fact.code in part.tails else fact for fact in shown]


def named_in(section: str, fields: Mapping[str, Any]) -> dict[str, str]:
    """Return the words for the agencies and members that the values of a section name: agencies by name, members by code."""
    kinds = {field.code for field in protocol.current().section(section).fields.values() if field.type in NAMING}
    values = [fields[code] for code in kinds if fields.get(code)]
    texts = {str(one) for value in values for one in (value if isinstance(value, list) else [value])}
    ids = {identity for text in texts if (identity := _as_id(text)) is not None}
    by_id = directory.names(session(), ids) | members.codes(session(), member_ids=ids)
    return {str(identity): word for identity, word in by_id.items()} | {text: _agency_name(text) for text in texts if _as_id(text) is None}


def _as_id(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _agency_name(code: str) -> str:
    try:
        return directory.agency(session(), code).name
    except errors.NotFound:
        return code
