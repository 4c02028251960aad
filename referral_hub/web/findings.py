"""Findings: what waits and what was found, one finding with its steps, opening one, taking its next step (PAGES.md 3.18)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from flask import request, url_for

from referral_hub import errors
from referral_hub.access import Verb
from referral_hub.accounts import queries as members
from referral_hub.directory import queries as directory
from referral_hub.gate.acts import act, form_version, keyless, on_refusal, read
from referral_hub.gate.admits import acting, admits, signed_in_only
from referral_hub.gate.caller import actor
from referral_hub.gate.house import session
from referral_hub.gate.schemas import form_of, one_of, read_form, text, uuid
from referral_hub.gate.speech import _
from referral_hub.review import actions, queries
from referral_hub.review.rules import moves, watch
from referral_hub.web import desk_words
from referral_hub.web.desk import desk_page
from referral_hub.web.forms import Option
from referral_hub.web.page import see_other
from referral_hub.web.questions import bp

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from werkzeug.wrappers import Response

    from referral_hub.accounts.values import Member
    from referral_hub.gate.schemas import Problems
    from referral_hub.review.values import Finding, Opened

__all__ = ["bp"]

STEPS = {"jelaskan": moves.EXPLAIN, "pastikan": moves.CONFIRM, "naikkan": moves.ESCALATE, "tutup": moves.CLOSE}
VERBS = {
    moves.EXPLAIN: Verb.FINDING_EXPLAIN, moves.CONFIRM: Verb.FINDING_CONFIRM, moves.ESCALATE: Verb.FINDING_ESCALATE, moves.CLOSE: Verb.FINDING_CLOSE,
}  # fmt: skip


@bp.get("/temuan")
@admits(Verb.AUDIT_READ)
def findings() -> Response:
    """Show the findings that are open, what waits, those closed last, and how often each rule is right."""
    desk = read(keyless(queries.desk))
    agencies = {one.agency_id for one in desk.waiting if one.agency_id} | {one.agency_id for one in desk.emergencies if one.agency_id}
    names = _names([*desk.findings, *desk.closed]) | directory.names(session(), agencies)
    codes = _codes([*desk.findings, *desk.closed]) | members.codes(session(), member_ids={one.member for one in desk.emergencies if one.member})
    return desk_page(
        "findings/every.html", title=_("Findings"), desk=desk, names=names, codes=codes, rules=desk_words.rules(), states=desk_words.finding_states(),
        verdicts=desk_words.verdicts(),
    )  # fmt: skip


@bp.get("/temuan/baru")
@signed_in_only
def new_finding() -> Response:
    """Show the form of a finding, about an entry or about what waits for a rule at an agency."""
    return _form()


@bp.post("/temuan")
@admits(Verb.FINDING_OPEN)
def open_finding() -> Response:
    """Open a finding."""
    on_refusal(_form)
    form = read_form(form_of(rule=one_of(watch.CODES, required=False), agency=uuid(required=False), entry=text(required=False, longest=20), text=text(longest=4000)))
    rule = form.get("rule")
    work = partial(actions.open_finding, text=form["text"], entries=_entries(rule, form.get("agency"), form.get("entry", "")), rule=rule)
    return see_other(url_for("log.finding", number=queries.number_of(session(), finding_id=act(work).id)))


@bp.get("/temuan/<number>")
@admits(Verb.AUDIT_READ)
def finding(number: str) -> Response:
    """Show one finding: what was asked, what was answered, what can be done now."""
    return _one(number)


@bp.post("/temuan/<number>/tugaskan")
@admits(Verb.FINDING_ASSIGN)
def assign_finding(number: str) -> Response:
    """Name who looks after a finding."""
    on_refusal(lambda problems: _one(number, problems=problems))
    form = read_form(form_of(member_id=uuid()))
    act(partial(actions.assign, finding_id=queries.id_of(session(), number=number), member_id=form["member_id"], version=form_version()))
    return see_other(url_for("log.finding", number=number))


@bp.post("/temuan/<number>/langkah/<step>")
@admits(Verb.FINDING_EXPLAIN, Verb.FINDING_CONFIRM, Verb.FINDING_ESCALATE, Verb.FINDING_CLOSE)
def step_finding(number: str, step: str) -> Response:
    """Explain, confirm, escalate or close a finding."""
    if step not in STEPS:
        raise errors.NotFound
    code = STEPS[step]
    acting(VERBS[code])
    on_refusal(lambda problems: _one(number, problems=problems.prefixed(f"{code}-"), tried=code))
    words, verdict = text(longest=4000, data_key=f"{code}-text"), one_of(moves.VERDICTS, required=code == moves.CLOSE, data_key=f"{code}-verdict")
    form = read_form(form_of(text=words, verdict=verdict))
    work = partial(
        actions.take_step, finding_id=queries.id_of(session(), number=number), step=code, text=form["text"], verdict=form.get("verdict", ""), version=form_version()
    )
    act(work)
    return see_other(url_for("log.finding", number=number))


def _one(number: str, *, problems: Problems | None = None, tried: str = "") -> Response:
    acting(Verb.AUDIT_READ)
    found: Opened = read(partial(queries.opened, number=number))
    row = found.finding
    people = {row.opened_by, row.assigned_to, row.closed_by, *(one.actor_id for one in found.steps)} - {None}
    words = desk_words.verdicts()
    lookers = [Option(str(one.id), f"{one.code} · {names}") for one, names in _lookers(row)] if moves.ASSIGN in found.may else []
    return desk_page(
        "findings/one.html", title=_("Finding %(number)s", number=row.number), status=422 if problems else 200, problems=problems, tried=tried, found=found, finding=row,
        codes=members.codes(session(), member_ids={one for one in people if one}), names=_names([row]) | directory.names(session(), {one.agency_id for one in found.steps}),
        rules=desk_words.rules(), states=desk_words.finding_states(), labels=_labels(tried), steps=desk_words.steps(), verdicts=desk_words.verdicts(), lookers=lookers, typed=request.form,
        endings=[Option(code, words[code]) for code in moves.endings(explained=row.explained_at is not None, confirmed=row.confirmed_at is not None)],
    )  # fmt: skip


def _labels(tried: str) -> dict[str, str]:
    return {f"{tried}-text": _("In words"), f"{tried}-verdict": _("How it ended"), "member_id": _("Who looks after it")}


def _lookers(row: Finding) -> list[tuple[Member, str]]:
    found = actions.may_look_after(session(), row, actor=actor())
    names = directory.names(session(), {one.agency_id for one in found})
    return [(one, names.get(one.agency_id, "")) for one in found]


def _form(problems: Problems | None = None) -> Response:
    source = request.form if request.method == "POST" else request.args
    rule, agency, entry = source.get("rule", ""), source.get("agency", ""), source.get("entry", "")
    return desk_page(
        "findings/new.html", title=_("New finding"), status=422 if problems else 200, problems=problems, rule=rule if rule in watch.CODES else "", agency=agency, entry=entry,
        rules=desk_words.rules(), text=request.form.get("text", ""),
    )  # fmt: skip


def _entries(rule: str | None, agency_id: UUID | None, entry: str) -> tuple[int, ...]:
    """Return the entry that was named, or the oldest that wait for the rule at the agency."""
    if entry.isdecimal():
        return (int(entry),)
    if rule is None:
        raise errors.InputInvalid({"text": ("required",)})
    return queries.waiting_entries(session(), actor=actor(), rule=rule, agency_id=agency_id)


def _names(rows: Iterable[Finding]) -> dict[UUID, str]:
    return directory.names(session(), {one.agency_id for one in rows})


def _codes(rows: Iterable[Finding]) -> dict[UUID, str]:
    people = {person for one in rows for person in (one.opened_by, one.assigned_to, one.closed_by) if person}
    return members.codes(session(), member_ids=people)
