"""A survivor's disclosure statement: looked up by alias, released after a safety check, printed (N12)."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from flask import Blueprint, request, url_for
from flask import Response as File
from flask_babel import force_locale

from referral_hub.access import Verb
from referral_hub.accounts import queries as members
from referral_hub.consent import queries as ledger
from referral_hub.directory import queries as directory
from referral_hub.gate.acts import act, keyless, on_refusal, read
from referral_hub.gate.admits import acting, admits, signed_in_only
from referral_hub.gate.caller import signed_in
from referral_hub.gate.house import house, now, session
from referral_hub.gate.schemas import form_of, one_of, read_form, text, tick, uuid
from referral_hub.gate.speech import _
from referral_hub.review import requests
from referral_hub.review import statement as statements
from referral_hub.review.rules import subject as rules
from referral_hub.web import answer_page, log_page, statement_pdf, words
from referral_hub.web.amiss import label
from referral_hub.web.desk import desk_page
from referral_hub.web.files import options
from referral_hub.web.forms import Option
from referral_hub.web.frame import reader, write_for
from referral_hub.web.page import page, see_other
from referral_hub.web.words import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from werkzeug.wrappers import Response

    from referral_hub.gate.schemas import Problems
    from referral_hub.review.rules.trail import Line
    from referral_hub.review.statement import Released, Signed, Statement

bp = Blueprint("subject", __name__)

PAPER = "id"  # the statement is written in Indonesian, whoever prints it


@dataclass(frozen=True)
class Paper:
    """A released statement in words, for the page and the PDF. `root` is that of the checkpoint that covers it, or empty."""

    alias: str
    agency: str
    approved: str
    seen: tuple[Told, ...]
    done: tuple[Told, ...]
    refused: int
    check: str
    root: str
    complaint: str
    released: str
    language: str


@dataclass(frozen=True)
class Told:
    """One line of the statement in words."""

    day: str
    who: str
    what: str
    sections: str
    entries: str


@bp.get("/subjek")
@signed_in_only
def look_up() -> Response:
    """Ask for the alias of the survivor whose statement is wanted."""
    alias = request.args.get("kode", "").strip()
    if alias:
        return see_other(url_for("subject.show", alias=alias))
    return desk_page("subject/look_up.html", title=_("Disclosure statement"))


@bp.get("/subjek/<alias>")
@admits(Verb.AUDIT_READ)
def show(alias: str) -> Response:
    """Show the statement as it would be now, with the safety check and what was released before."""
    return _decide(alias)


@bp.post("/subjek/<alias>/permintaan")
@admits(Verb.SUBJECT_REQUEST)
def record_request(alias: str) -> Response:
    """Record what she asked about her data: the clock runs from when she asked."""
    on_refusal(lambda problems: _decide(alias, problems=problems))
    form = read_form(form_of(kind=one_of(rules.KINDS, required=False), asked_at=text(required=False, longest=20)))
    asked_at = words.from_local(form.get("asked_at", ""), reader())
    act(keyless(partial(requests.record, alias=alias, kind=form.get("kind", ""), asked_at=asked_at)))
    return see_other(url_for("subject.requests_desk"))


@bp.get("/subjek/permintaan")
@admits(Verb.AUDIT_READ)
def requests_desk() -> Response:
    """Show what survivors asked about their data: open with its clock, and ended."""
    return _requests()


@bp.post("/subjek/permintaan/<number>/selesai")
@admits(Verb.SUBJECT_ANSWER)
def answer_request(number: str) -> Response:
    """Say that a correction is done and told to her."""
    on_refusal(lambda problems: _requests(number, problems))
    act(keyless(partial(requests.answer, number=number)))
    return see_other(url_for("subject.requests_desk"))


@bp.post("/subjek/permintaan/<number>/tolak")
@admits(Verb.SUBJECT_REFUSE)
def refuse_request(number: str) -> Response:
    """Refuse a request, with its reason."""
    on_refusal(lambda problems: _requests(number, problems.prefixed(f"{number}-")))
    form = read_form(form_of(reason=text(required=False, longest=40, data_key=f"{number}-reason")))
    act(keyless(partial(requests.refuse, number=number, reason=form.get("reason", ""))))
    return see_other(url_for("subject.requests_desk"))


@bp.post("/subjek/<alias>/terbitkan")
@admits(Verb.SUBJECT_STATEMENT)
def release(alias: str) -> Response:
    """Release the statement after the safety check."""
    on_refusal(lambda problems: _decide(alias, problems=problems))
    form = read_form(form_of(asked_alone=tick(), is_safe=tick(), names_staff=tick(), handed_by=uuid(required=False)))
    work = partial(
        statements.release, alias=alias, asked_alone=form["asked_alone"], is_safe=form["is_safe"], names_staff=form["names_staff"], handed_by=form.get("handed_by")
    )
    done = act(keyless(work))
    return see_other(url_for("subject.paper", alias=alias, statement_id=done.id))


@bp.get("/subjek/<alias>/lembar/<uuid:statement_id>")
@admits(Verb.DOCUMENT_PRINT)
def paper(alias: str, statement_id: UUID) -> Response:
    """Show a released statement made for paper, in Indonesian."""
    found, made = _printed(alias, statement_id)
    with _in_indonesian() as writer:
        written = _written(found, made, writer)
        return page("subject/paper.html", title=_("Disclosure statement"), paper=written, statement_id=statement_id)


@bp.get("/subjek/<alias>/lembar/<uuid:statement_id>.pdf")
@admits(Verb.DOCUMENT_PRINT)
def paper_file(alias: str, statement_id: UUID) -> Response:
    """Send a released statement as PDF, in Indonesian, with the hashes of its entries and the signed checkpoint."""
    found, made = _printed(alias, statement_id)
    with _in_indonesian() as writer:
        written = _written(found, made, writer)
        signed = statements.signed(session(), size=made.log_size)
        entries = {idx for line in (*found.seen, *found.done) for idx in line.entries}
        proofs = statement_pdf.Proofs(statements.leaves(session(), entries=entries), signed.note if signed else "", house().settings.public_url)
        response = File(statement_pdf.render(written, proofs), content_type="application/pdf")
    response.headers["Content-Disposition"] = 'attachment; filename="riwayat-akses.pdf"'
    return response


def _requests(number: str = "", problems: Problems | None = None) -> Response:
    acting(Verb.AUDIT_READ)
    found = read(keyless(requests.desk))
    clocks = {one.id: words.deadline(one.due_at, now=now(), started=one.asked_at) for one in found.open}
    reasons = options("subject_refusals")
    codes = members.codes(session(), member_ids={one.ended_by for one in found.ended if one.ended_by})
    return desk_page(
        "subject/requests.html", title=_("Data-subject requests"), status=422 if problems else 200, problems=problems, found=found, clocks=clocks, kinds=kinds(),
        reasons=reasons, codes=codes, tried=number, labels={f"{number}-reason": _("Reason")},
    )  # fmt: skip


def kinds() -> dict[str, str]:
    """Return what a survivor may ask about her data, in words."""
    return {rules.ACCESS: _("To know who saw and received her data"), rules.CORRECT: _("To have something corrected")}


def _printed(alias: str, statement_id: UUID) -> tuple[Statement, Released]:
    found: Statement = read(keyless(partial(statements.printed, alias=alias, statement_id=statement_id)))
    return found, next(one for one in found.released if one.id == statement_id)


@contextmanager
def _in_indonesian() -> Iterator[Reader]:
    writer = Reader(PAPER, reader().zone)
    write_for(writer)
    with force_locale(PAPER):
        yield writer


def _written(found: Statement, made: Released, writer: Reader) -> Paper:
    """Return the words of a released statement."""
    codes = members.codes(session(), member_ids={made.approved_by, made.handed_by, *_staff(found)})
    named = codes if made.names_staff else {}
    agency, signed = signed_in().agency.name, statements.signed(session(), size=made.log_size)
    released = _(
        "Released by %(approver)s after a safety check; handed over by %(hand)s. Printed %(time)s.",
        approver=codes.get(made.approved_by, ""), hand=codes.get(made.handed_by, ""), time=words.long_day(now(), writer),
    )  # fmt: skip
    return Paper(
        found.alias, agency, words.long_day(made.approved_at, writer), tuple(_lines(found.seen, writer, named)), tuple(_lines(found.done, writer, named)), found.refused,
        _how_to_check(made, signed, writer), signed.root.hex() if signed else "",
        _("If something here should not be so, tell your case worker or the data-protection officer of %(agency)s. You may ask for this statement again at any time.", agency=agency),
        released, PAPER,
    )  # fmt: skip


def _how_to_check(made: Released, signed: Signed | None, writer: Reader) -> str:
    covers = _("The last column gives the numbers of the entries. This statement covers the first %(size)s entries of the log.", size=words.number(made.log_size, writer))
    if signed is None:
        return " ".join((covers, _("The next checkpoint, which is signed within minutes, covers them.")))
    facts = {"size": words.number(signed.size, writer), "time": words.long_day(signed.signed_at, writer)}
    stands = _("They stand in the checkpoint of %(size)s entries, signed %(time)s, with the root below.", **facts)
    seen = _("Other agencies have witnessed it; each of them can check this paper.") if signed.witnesses else _("No other agency has witnessed it yet.")
    return f"{covers} {stands} {seen}"


def _decide(alias: str, *, problems: Problems | None = None) -> Response:
    acting(Verb.AUDIT_READ)
    found: Statement = read(keyless(partial(statements.preview, alias=alias)))
    codes = members.codes(session(), member_ids={one.approved_by for one in found.released} | {one.handed_by for one in found.released} | _staff(found))
    hands = [Option(str(one.id), f"{one.code} · {log_page.roles_text(sorted(one.roles))}") for one in found.hands]
    return desk_page(
        "subject/show.html", title=_("Disclosure statement"), status=422 if problems else 200, problems=problems, found=found, codes=codes, hands=hands,
        seen=_lines(found.seen, reader(), codes), done=_lines(found.done, reader(), codes), typed=request.form, kinds=kinds(), asks=[Option(*one) for one in kinds().items()],
        asked_now=words.to_local(now(), reader()),
        labels={"asked_alone": _("Asked alone"), "is_safe": _("Safe to have"), "handed_by": _("Handed over by"), "kind": _("What she asks"), "asked_at": _("Asked at")},
    )  # fmt: skip


def _staff(found: Statement) -> set[UUID]:
    return {line.member for line in (*found.seen, *found.done) if line.member}


def _lines(lines: tuple[Line, ...], writer: Reader, codes: dict[UUID, str]) -> list[Told]:
    agencies = directory.names(session(), {one for line in lines for one in (line.agency, line.recipient) if one})
    laws = ledger.laws(session(), hub=house().hub, consent_ids={line.without for line in lines if line.without})
    return [_told(line, writer, codes, agencies, laws) for line in lines]


def _told(line: Line, writer: Reader, codes: dict[UUID, str], agencies: dict[UUID, str], laws: dict[UUID, str]) -> Told:
    code = codes.get(line.member, "") if line.member else ""
    role = log_page.roles_text(line.roles) if line.kind == "member" else log_page.actor_kind(line.kind)
    what = label("audit_events", line.action)
    to = agencies.get(line.recipient, "") if line.recipient else ""
    what = _("%(what)s to %(agency)s", what=what, agency=to) if to else what
    if line.without:
        basis = ": ".join(filter(None, (label("legal_bases", line.basis), laws.get(line.without, ""))))
        what = f"{what} ({basis})"
    return Told(
        words.day(line.first, writer),
        ", ".join(filter(None, (role, code, agencies.get(line.agency, "") if line.agency else ""))),
        what,
        answer_page.sections_text(line.sections),
        ", ".join(words.number(idx, writer) for idx in line.entries),
    )
