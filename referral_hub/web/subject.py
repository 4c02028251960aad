"""A survivor's disclosure statement: looked up by alias, released after a safety check, printed (N12)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from flask import Blueprint, request, url_for
from flask_babel import force_locale

from referral_hub.access import Verb
from referral_hub.accounts import queries as members
from referral_hub.directory import queries as directory
from referral_hub.gate.acts import act, keyless, on_refusal, read
from referral_hub.gate.admits import acting, admits, signed_in_only
from referral_hub.gate.caller import signed_in
from referral_hub.gate.house import now, session
from referral_hub.gate.schemas import form_of, read_form, tick, uuid
from referral_hub.gate.speech import _
from referral_hub.review import statement as statements
from referral_hub.web import answer_page, log_page, words
from referral_hub.web.amiss import label
from referral_hub.web.desk import desk_page
from referral_hub.web.forms import Option
from referral_hub.web.frame import reader, write_for
from referral_hub.web.page import page, see_other
from referral_hub.web.words import Reader

if TYPE_CHECKING:
    from uuid import UUID

    from werkzeug.wrappers import Response

    from referral_hub.gate.schemas import Problems
    from referral_hub.review.rules.trail import Line
    from referral_hub.review.statement import Statement

bp = Blueprint("subject", __name__)

PAPER = "id"  # the statement is written in Indonesian, whoever prints it


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
    found: Statement = read(keyless(partial(statements.printed, alias=alias, statement_id=statement_id)))
    made = next(one for one in found.released if one.id == statement_id)
    writer = Reader(PAPER, reader().zone)
    write_for(writer)
    with force_locale(PAPER):
        codes = members.codes(session(), member_ids={made.approved_by, made.handed_by, *_staff(found)})
        signed = statements.signed(session(), size=made.log_size)
        return page(
            "subject/paper.html", title=_("Disclosure statement"), found=found, made=made, seen=_lines(found.seen, writer, codes if made.names_staff else {}),
            done=_lines(found.done, writer, codes if made.names_staff else {}), codes=codes, agency=signed_in().agency.name, signed=signed, language=PAPER,
            approved=words.long_day(made.approved_at, writer), signed_at=words.long_day(signed.signed_at, writer) if signed else "",
            size=words.number(made.log_size, writer), signed_size=words.number(signed.size, writer) if signed else "", printed_at=words.long_day(now(), writer),
        )  # fmt: skip


def _decide(alias: str, *, problems: Problems | None = None) -> Response:
    acting(Verb.AUDIT_READ)
    found: Statement = read(keyless(partial(statements.preview, alias=alias)))
    codes = members.codes(session(), member_ids={one.approved_by for one in found.released} | {one.handed_by for one in found.released} | _staff(found))
    hands = [Option(str(one.id), f"{one.code} · {log_page.roles_text(sorted(one.roles))}") for one in found.hands]
    return desk_page(
        "subject/show.html", title=_("Disclosure statement"), status=422 if problems else 200, problems=problems, found=found, codes=codes, hands=hands,
        seen=_lines(found.seen, reader(), codes), done=_lines(found.done, reader(), codes), typed=request.form,
        labels={"asked_alone": _("Asked alone"), "is_safe": _("Safe to have"), "handed_by": _("Handed over by")},
    )  # fmt: skip


def _staff(found: Statement) -> set[UUID]:
    return {line.member for line in (*found.seen, *found.done) if line.member}


def _lines(lines: tuple[Line, ...], writer: Reader, codes: dict[UUID, str]) -> list[Told]:
    agencies = directory.names(session(), {one for line in lines for one in (line.agency, line.recipient) if one})
    return [_told(line, writer, codes, agencies) for line in lines]


def _told(line: Line, writer: Reader, codes: dict[UUID, str], agencies: dict[UUID, str]) -> Told:
    code = codes.get(line.member, "") if line.member else ""
    role = log_page.roles_text(line.roles) if line.kind == "member" else log_page.actor_kind(line.kind)
    what = label("audit_events", line.action)
    to = agencies.get(line.recipient, "") if line.recipient else ""
    return Told(
        words.day(line.first, writer),
        ", ".join(filter(None, (role, code, agencies.get(line.agency, "") if line.agency else ""))),
        _("%(what)s to %(agency)s", what=what, agency=to) if to else what,
        answer_page.sections_text(line.sections),
        ", ".join(words.number(idx, writer) for idx in line.entries),
    )
