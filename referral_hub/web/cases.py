"""The survivor's file at the own agency: list, file, one section to read or to write, one sensitive field, who is assigned.

A section is closed until somebody asks for it; each opening is a request of its own and names its entry in the foot.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from flask import Blueprint, request, url_for

from referral_hub import access, errors, protocol
from referral_hub.access import Verb
from referral_hub.accounts import queries as members
from referral_hub.cases import actions, queries, reading, rules
from referral_hub.directory import queries as directory
from referral_hub.gate.acts import act, form_version, on_conflict, on_refusal, opened, read
from referral_hub.gate.admits import acting, admits
from referral_hub.gate.caller import actor, signed_in
from referral_hub.gate.house import house, now, session
from referral_hub.gate.schemas import Problems, form_of, one_of, read_form, text, tick, uuid
from referral_hub.gate.speech import _
from referral_hub.protocol import forms
from referral_hub.referrals import queries as referrals
from referral_hub.web import forms as controls
from referral_hub.web import versions
from referral_hub.web.files import case_id_of, label, options
from referral_hub.web.forms import Option
from referral_hub.web.frame import reader
from referral_hub.web.page import page, see_other

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from werkzeug.wrappers import Response

    from referral_hub.cases.facts import Case, Content, Copy, Detail, Lookalike, SectionState

bp = Blueprint("cases", __name__)

FIRST = frozenset({"safe_contact", "profile", "identity"})


@dataclass(frozen=True)
class Row:
    """One section of the file, closed: what it is called, whether anything stands in it, and whether this member may open or fill it."""

    code: str
    label: str
    state: SectionState | None
    opens: bool

    @property
    def first(self) -> bool:
        """Tell whether nearly every referral needs this section; the others are folded while they are empty."""
        return self.code in FIRST


@bp.get("/kasus")
@admits(Verb.CASE_LIST)
def lists() -> Response:
    """Show the files within the member's scope: latest activity first, newest first or by stage of help."""
    stages = {item.code for item in protocol.current().codelist("case_stages")}
    sorts = (Option("activity", _("Latest activity first")), Option("newest", _("Newest first")), Option("stage", _("By stage of help")))
    stage, sort = request.args.get("tahap", ""), request.args.get("urutan", "")
    asked = ({"tahap": stage} if stage in stages else {}) | ({"urutan": sort} if sort in {one.value for one in sorts[1:]} else {})
    after = request.args.get("setelah")
    found = read(partial(queries.list_cases, after=after, stage=asked.get("tahap"), sort=sort))
    return page(
        "cases/lists.html", title=_("Cases"), found=found, asked=asked, sorts=sorts, is_first=not after, may_open=_may(Verb.CASE_OPEN), may_search=_may(Verb.CASE_SEARCH), stages=options("case_stages")
    )


@bp.post("/kasus")
@admits(Verb.CASE_OPEN)
def open_file() -> Response:
    """Open an empty file; the member who opens it is assigned."""
    done = act(actions.open_case)
    return see_other(url_for("cases.show", code=queries.case(session(), hub=house().hub, actor=actor(), case_id=done.id).alias))


@bp.get("/kasus/<code>")
@admits(Verb.CASE_LIST)
def show(code: str) -> Response:
    """Show one file with its sections closed."""
    return file_page(code)


def file_page(code: str, *, problems: Problems | None = None, status: int = 200) -> Response:
    """Make the page of one file: facts in clear, closed sections, who is assigned."""
    found: Detail = read(partial(queries.detail, case_id=case_id_of(code)))
    codes = members.codes(session(), member_ids=[*found.case.members, *([found.case.companion_id] if found.case.companion_id else [])])
    colleagues = members.members(session(), agency_id=signed_in().agency.id) if _may(Verb.CASE_ASSIGN) else ()
    return page(
        "cases/show.html",
        status=status,
        problems=problems,
        case=found.case,
        rows=_rows(found),
        copies=_copies(found),
        sources=_sources(found),
        codes=codes,
        colleagues=[Option(str(m.id), m.code) for m in colleagues if m.state == "active" and m.holds_key],
        stages=options("case_stages"),
        agencies=_agencies() if _may(Verb.CASE_CONFLICT_ADD) else (),
        may={verb.value for verb in Verb if _may(verb)},
        closing=_closing(found.case),
    )


def _closing(case: Case) -> str:
    """Return whom to ask for the file to be closed, for whoever cannot close it; agency_roles.yaml says who may (ability `close`)."""
    assigned = actor().member_id in case.members
    if case.closed_at is not None or (assigned and _may(Verb.CASE_CLOSE)):
        return ""
    if _may(Verb.CASE_CLOSE):
        return _("To finish helping, assign yourself first.")
    here = members.members(session(), agency_id=signed_in().agency.id)
    able = [m.code for m in here if m.state == "active" and Verb.CASE_CLOSE.value in access.acts_allowed(m.roles)]
    if able:
        return _("Finish helping: %(codes)s can close the file. Ask there.", codes=", ".join(sorted(able)))
    return _("By the agreed list of roles nobody at your agency closes a file. It stays open; the stage of help says where it stands.")


def _rows(found: Detail) -> tuple[Row, ...]:
    """Return the sections in the order of the form, safe contact first (PAGES.md 3.5)."""
    book = protocol.current()
    order = sorted(rules.sections_of_person(), key=lambda code: code != rules.SAFE_CONTACT)
    return tuple(Row(code, book.section(code).label(reader().language), found.sections.get(code), _opens(code, found)) for code in order)


def _copies(found: Detail) -> list[Copy]:
    """Return the copies that no row above stands for: those of what is written for a referral, beside a section of the file's own, or held."""
    shown = {state.copy.id for state in found.sections.values() if state.copy}
    return [copy for copy in found.copies if copy.id not in shown]


def _sources(found: Detail) -> dict[UUID, str]:
    """Return the numbers of the referrals that something was copied from."""
    return referrals.numbers(session(), referral_ids={copy.referral_id for copy in found.copies})


def _opens(section: str, found: Detail) -> bool:
    if actor().member_id not in found.case.members:
        return False
    if section not in found.sections:
        return _may_write(section) and found.case.closed_at is None
    return _may(Verb.SECTION_SAFE_CONTACT_READ if section == rules.SAFE_CONTACT else Verb.CASE_READ)


@bp.get("/kasus/<code>/bagian/<section>")
@admits(Verb.CASE_READ, Verb.SECTION_SAFE_CONTACT_READ)
def section(code: str, section: str) -> Response:
    """Show what stands in one section."""
    content = _opened(code, section)
    names, closed = known_names(), queries.is_closed(session(), case_id=case_id_of(code))
    return page(
        "cases/section.html",
        code=code,
        section=section,
        label=label(section),
        facts=controls.facts(section, content.fields(), reader=reader(), masked=content.hidden, names=names, tails=content.tails),
        may_edit=_may_write(section) and not closed,
    )


@bp.get("/kasus/<code>/bagian/<section>/ubah")
@admits(Verb.CASE_READ, Verb.SECTION_SAFE_CONTACT_READ, Verb.CASE_LIST)
def edit(code: str, section: str) -> Response:
    """Show the form of one section with what stands in it."""
    acting(Verb.CASE_LIST)
    _known_section(section)
    case_id = case_id_of(code)
    if section not in queries.sections_of(session(), case_id=case_id):
        read(partial(queries.detail, case_id=case_id))
        return form_page(code, section, {}, revision=0)
    content = _opened(code, section)
    return form_page(code, section, content.fields(), revision=content.revision, hidden=content.hidden)


@bp.post("/kasus/<code>/bagian/<section>")
@admits(Verb.CASE_EDIT)
def save(code: str, section: str) -> Response:
    """Seal one section as a new revision."""
    _known_section(section)
    prefix = f"{section}."
    typed = forms.parse_form(section, request.form, timezone=actor().timezone, prefix=prefix)
    hidden = frozenset(request.form.getlist("hidden")) & rules.sensitive_fields(section)
    on_refusal(lambda problems: form_page(code, section, typed, revision=form_version() or 0, hidden=hidden, problems=problems))
    on_conflict(lambda failure: _both_sections(code, section, typed, failure))
    kept = {name.removeprefix(prefix) for name in versions.theirs()}
    done = act(
        partial(
            actions.edit_section,
            case_id=case_id_of(code),
            section=section,
            values={field: value for field, value in typed.items() if field not in kept},
            version=form_version() or 0,
            keep=[*(field for field in hidden if field not in typed), *kept],
            known={"user": [str(m.id) for m in members.members(session(), agency_id=signed_in().agency.id)]},
            as_other=request.form.get("as_other") == "yes",
        ),
        result=lambda saved: saved.case.id,
    )
    if done.value is not None and done.value.alike:
        return form_page(code, section, typed, revision=done.value.revision, hidden=hidden, alike=done.value.alike)
    if done.value is not None and done.value.warnings:
        return form_page(code, section, typed, revision=done.value.revision, hidden=hidden, saved=done.value.warnings)
    return see_other(url_for("cases.show", code=code))


def _both_sections(code: str, section: str, typed: Mapping[str, Any], failure: errors.StaleVersion) -> Response:
    """Show what was typed beside what was saved meanwhile; a sensitive field that was saved stays masked."""
    content = _opened(code, section)
    pairs = versions.differing(
        section, typed, content.fields(), prefix=f"{section}.", names=known_names(), masked=content.hidden, tails=content.tails
    )
    return versions.versions_page(failure, pairs, version=content.revision, back=url_for("cases.edit", code=code, section=section))


@bp.post("/kasus/<code>/bagian/<section>/tampilkan")
@admits(Verb.FIELD_REVEAL)
def reveal(code: str, section: str) -> Response:
    """Show one sensitive field; the showing is an entry of its own."""
    field = request.form.get("field", "")
    if field not in rules.sensitive_fields(section):
        raise errors.NotFound
    content = _opened(code, section, fields=(f"{section}.{field}",))
    facts = controls.facts(section, content.fields(), reader=reader(), names=known_names())
    return page("cases/field.html", code=code, section=section, label=label(section), facts=facts)


@bp.post("/kasus/<code>/tahap")
@admits(Verb.CASE_STAGE)
def stage(code: str) -> Response:
    """Move the file to another stage of help."""
    on_refusal(lambda problems: file_page(code, problems=problems, status=422))
    chosen = read_form(form_of(stage=one_of([option.value for option in options("case_stages")])))["stage"]
    return _changed(code, partial(actions.set_stage, stage=chosen, version=version()))


@bp.post("/kasus/<code>/petugas")
@admits(Verb.CASE_ASSIGN)
def assign(code: str) -> Response:
    """Assign a colleague, or end an assignment."""
    on_refusal(lambda problems: file_page(code, problems=problems, status=422))
    form = read_form(form_of(member=uuid(), end=tick()))
    if form["end"]:
        return _changed(code, partial(actions.unassign, member_id=form["member"], version=version()))
    colleague = members.member(session(), member_id=form["member"])
    return _changed(code, partial(actions.assign, member=colleague, version=version()))


@bp.post("/kasus/<code>/lindungi")
@admits(Verb.CASE_PROTECT)
def protect(code: str) -> Response:
    """Mark a file as protected, or lift the mark."""
    on = read_form(form_of(protected=tick()))["protected"]
    return _changed(code, partial(actions.protect, protected=on, version=version()))


@bp.post("/kasus/<code>/konflik")
@admits(Verb.CASE_CONFLICT_ADD, Verb.CASE_CONFLICT_REMOVE)
def conflict(code: str) -> Response:
    """Put a member on the conflict list of a file, or take them off; the page never says who stands on it."""
    on_refusal(lambda problems: file_page(code, problems=problems, status=422))
    acting(Verb.CASE_CONFLICT_REMOVE if request.form.get("end") else Verb.CASE_CONFLICT_ADD)
    form = read_form(form_of(agency=uuid(), member_code=text(longest=8), end=tick()))
    member_id = _member_at(form["agency"], form["member_code"])
    return _changed(code, partial(actions.conflict_remove if form["end"] else actions.conflict_add, member_id=member_id))


def _member_at(agency_id: UUID, code: str) -> UUID:
    try:
        return members.member_by_code(session(), agency_id=agency_id, code=code.strip().upper()).id
    except errors.NotFound:
        raise errors.InputInvalid({"member_code": ("not_known",)}) from None


def _changed(code: str, verb: Any) -> Response:
    act(partial(verb, case_id=case_id_of(code)))
    return see_other(url_for("cases.show", code=code))


def _opened(code: str, section: str, *, fields: tuple[str, ...] = ()) -> Content:
    _known_section(section)
    if not fields:
        acting(Verb.SECTION_SAFE_CONTACT_READ if section == rules.SAFE_CONTACT else Verb.CASE_READ)
    work = partial(reading.open_sections, case_id=case_id_of(code), sections=(section,), fields=fields)
    return opened(work, reading.reveal)[section]


def form_page(
    code: str,
    section: str,
    values: Mapping[str, Any],
    *,
    revision: int,
    hidden: frozenset[str] = frozenset(),
    problems: Problems | None = None,
    saved: Mapping[str, Any] | None = None,
    alike: tuple[Lookalike, ...] = (),
) -> Response:
    """Make the form of one section: filled with `values`, complaints beside their fields, hints after a saving that went through.

    `alike`: files that may be of the same person; then nothing was saved yet.
    """
    prefix = f"{section}."
    context = forms.Context(now=now(), timezone=actor().timezone)
    complaints = {name.removeprefix(prefix): codes for name, codes in (problems.fields if problems else {}).items()}
    return page(
        "cases/edit.html",
        heading=label(section),
        status=422 if problems or alike else 200,
        problems=problems.prefixed(prefix) if problems else None,
        code=code,
        section=section,
        revision=revision,
        hidden=hidden,
        saved=saved,
        alike=alike,
        hidden_labels=[protocol.current().section(section).fields[field].label(reader().language) for field in sorted(hidden)],
        labels=controls.section_labels(section, reader(), prefix=prefix),
        controls=controls.controls(
            section,
            values,
            context=context,
            reader=reader(),
            problems=complaints,
            warnings=saved,
            lookups={"user": _colleagues(), "agency": _agencies(), "agencies": _agencies()},
            prefix=prefix,
        ),
    )


def _colleagues() -> tuple[Option, ...]:
    return tuple(Option(str(m.id), m.code) for m in members.members(session(), agency_id=signed_in().agency.id) if m.state == "active")


def _agencies() -> tuple[Option, ...]:
    return tuple(Option(str(a.id), a.name) for a in directory.agencies(session()))


def known_names() -> dict[str, str]:
    """Return the words for member and agency ids that stand in a section."""
    return {option.value: option.label for option in (*_colleagues(), *_agencies())}


def _known_section(section: str) -> None:
    if section not in rules.sections_of_person():
        raise errors.NotFound


def _may(verb: Verb) -> bool:
    return verb.value in access.acts_allowed(actor().roles)


def _may_write(section: str) -> bool:
    return _may(Verb.CASE_EDIT) and rules.may_write(access.abilities(actor().roles), section)


def version() -> int:
    """Return the row version that the form carried. Raises errors.InputInvalid where it carried none."""
    carried = form_version()
    if carried is None:
        raise errors.InputInvalid({"version": ("required",)})
    return carried
