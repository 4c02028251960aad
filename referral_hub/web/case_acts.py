"""More of the file: found by NIK, phone or name; her rights; its end; copies from referrals, and whether she may be counted."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from flask import request, url_for

from referral_hub import errors, protocol
from referral_hub.access import Verb
from referral_hub.cases import index, queries, reading, rights, rules
from referral_hub.gate.acts import act, on_refusal, opened, read
from referral_hub.gate.admits import acting, admits
from referral_hub.gate.caller import actor, keys
from referral_hub.gate.house import session
from referral_hub.gate.schemas import Problems, form_of, one_of, read_form, text
from referral_hub.gate.speech import _
from referral_hub.referrals import actions
from referral_hub.referrals import queries as referrals
from referral_hub.referrals.actions import case_ending
from referral_hub.web import forms as controls
from referral_hub.web.cases import bp, known_names, version
from referral_hub.web.files import case_id_of, label, options
from referral_hub.web.forms import Option
from referral_hub.web.frame import reader
from referral_hub.web.page import page, see_other
from referral_hub.web.referral_page import agency_names

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from werkzeug.wrappers import Response

    from referral_hub.cases.facts import Case
    from referral_hub.referrals.values import Referral

__all__ = ["bp"]

KEEP = "keep"
NOTE = 2000


@dataclass(frozen=True)
class Right:
    """One right with its words, how it stands, and how it may stand."""

    code: str
    label: str
    state: str


@bp.post("/kasus/cari")
@admits(Verb.CASE_SEARCH)
def search() -> Response:
    """Find files by a NIK, a phone number or a whole name; the words stand in no address and in no entry."""
    typed = request.form.get("words", "")[:200]
    found = read(partial(index.search, text=typed))
    return page("cases/found.html", title=_("Find a file"), found=found, typed=typed)


@bp.get("/kasus/<code>/hak")
@admits(Verb.CASE_READ, Verb.CASE_LIST)
def rights_page(code: str) -> Response:
    """Show how it stands with her rights, and ask for it."""
    acting(Verb.CASE_LIST)
    case_id = case_id_of(code)
    case = _case(case_id)
    if not reading.has_part(session(), case_id=case_id, part=rules.RIGHTS):
        read(partial(queries.detail, case_id=case_id))
        return _rights(case, {})
    acting(Verb.CASE_READ)
    return _rights(case, opened(partial(reading.open_part, case_id=case_id, part=rules.RIGHTS), reading.reveal)[rules.RIGHTS].fields())


@bp.post("/kasus/<code>/hak")
@admits(Verb.CASE_RIGHTS)
def save_rights(code: str) -> Response:
    """Seal how it stands with her rights."""
    case_id = case_id_of(code)
    typed = {item.code: request.form.get(f"rights.{item.code}", "") for item in protocol.current().codelist("survivor_rights")}
    on_refusal(lambda problems: _rights(_case(case_id), typed, problems=problems))
    act(partial(rights.set_rights, case_id=case_id, states=typed, version=version()))
    return see_other(url_for("cases.show", code=code))


def _rights(case: Case, states: Mapping[str, str], *, problems: Problems | None = None) -> Response:
    listed = protocol.current().codelist("survivor_rights")
    rows = [Right(item.code, item.label(reader().language), states.get(item.code, "")) for item in listed]
    return page(
        "cases/rights.html", status=422 if problems else 200, problems=problems, case=case, rows=rows, states=options("right_states"),
        unmet=[row.label for row in rows if row.code in rights.unmet(states)], labels={f"rights.{row.code}": row.label for row in rows},
    )  # fmt: skip


@bp.get("/kasus/<code>/selesai")
@admits(Verb.CASE_LIST, Verb.CASE_READ)
def close_form(code: str) -> Response:
    """Ask why the file ends, and what becomes of each referral that is open; of a closed file, show how it ended."""
    acting(Verb.CASE_LIST)
    case_id = case_id_of(code)
    case = _case(case_id)
    if case.closed_at is None:
        read(partial(queries.detail, case_id=case_id))
        return _close(case)
    acting(Verb.CASE_READ)
    content = opened(partial(reading.open_part, case_id=case_id, part=rules.CLOSING), reading.reveal)[rules.CLOSING].fields()
    return page("cases/closed.html", case=case, content=content)


@bp.post("/kasus/<code>/selesai")
@admits(Verb.CASE_CLOSE)
def close(code: str) -> Response:
    """Close the file and end the referrals that were chosen to end; if one is to go on, nothing is done and the page says so."""
    case_id = case_id_of(code)
    on_refusal(lambda problems: _close(_case(case_id), problems=problems))
    running = _running(case_id)
    form = read_form(form_of(reason=one_of([option.value for option in options("termination_reasons")]), note=text(required=False, longest=NOTE, load_default="")))
    endings = _endings(running)
    act(partial(actions.close_case, case_id=case_id, version=version(), reason=form["reason"], note=form["note"], endings=endings))
    return see_other(url_for("cases.show", code=code))


def _endings(running: list[Referral]) -> dict[UUID, str]:
    """Return what was chosen for each open referral. Raises errors.InputInvalid: one was not decided on, or goes on."""
    chosen = {row: request.form.get(row.number, "") for row in running}
    amiss = {row.number: ("keeps_file_open" if choice == KEEP else "required",) for row, choice in chosen.items() if choice in ("", KEEP)}
    if amiss:
        raise errors.InputInvalid(amiss)
    return {row.id: choice for row, choice in chosen.items()}


def _close(case: Case, *, problems: Problems | None = None) -> Response:
    running = _running(case.id)
    ends = [Option(code, _("End it: %(reason)s", reason=protocol.current().label("event_reasons", code, reader().language))) for code in case_ending.reasons()]
    names = {row.id: agency_names(row)[row.to_agency] for row in running}
    return page(
        "cases/close.html", status=422 if problems else 200, problems=problems, case=case, running=running, names=names,
        reasons=options("termination_reasons"), choices=[Option(KEEP, _("Goes on: the file stays open")), *sorted(ends, key=lambda one: one.label)],
        labels={"reason": _("Reason"), "note": _("Note")} | {row.number: row.number for row in running},
    )  # fmt: skip


def _running(case_id: UUID) -> list[Referral]:
    return referrals.open_of_case(session(), actor=actor(), hub=keys().hub, case_id=case_id)


@bp.post("/kasus/<code>/persetujuan/hitung")
@admits(Verb.CONSENT_GIVE, Verb.CONSENT_REFUSE)
def count(code: str) -> Response:
    """Record whether she may be counted in reports without identity."""
    case_id = case_id_of(code)
    allowed = request.form.get("allowed") == "yes"
    acting(Verb.CONSENT_GIVE if allowed else Verb.CONSENT_REFUSE)
    form = read_form(form_of(language=text(longest=20), given_by=text(longest=40)))
    act(partial(actions.answer_counting, case_id=case_id, allowed=allowed, **form))
    return see_other(url_for("consents.of_case", code=code))


@bp.get("/kasus/<code>/salinan/<uuid:copy_id>")
@admits(Verb.CASE_READ, Verb.SECTION_SAFE_CONTACT_READ)
def copied(code: str, copy_id: UUID) -> Response:
    """Show one section that was copied from a referral and lies beside what the file has of its own."""
    case_id = case_id_of(code)
    copy = next((one for one in queries.copies_in(session(), case_id=case_id) if one.id == copy_id), None)
    if copy is None:
        raise errors.NotFound
    acting(Verb.SECTION_SAFE_CONTACT_READ if copy.section == rules.SAFE_CONTACT else Verb.CASE_READ)
    work = partial(reading.open_sections, case_id=case_id, sections=(copy.section,), copy_id=copy_id)
    content = opened(work, reading.reveal)[copy.section]
    number = referrals.numbers(session(), referral_ids=[copy.referral_id]).get(copy.referral_id, "")
    return page(
        "cases/copied.html", code=code, label=label(copy.section), number=number,
        facts=controls.facts(copy.section, content.fields(), reader=reader(), masked=content.hidden, names=known_names(), tails=content.tails),
    )  # fmt: skip


def _case(case_id: UUID) -> Case:
    return queries.case(session(), hub=keys().hub, actor=actor(), case_id=case_id)
