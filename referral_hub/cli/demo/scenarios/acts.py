"""What each step does, by audit event code: the same actions that the pages call, with the fictional words that a form asks for.

A lifecycle event needs no line here once the referrals room fires it: its inputs are matched by name (`any_event`).
"""

from __future__ import annotations

import inspect
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from referral_hub import protocol
from referral_hub.accounts import actions as account_actions
from referral_hub.accounts import queries as accounts
from referral_hub.cases import actions as cases
from referral_hub.cases import queries as case_queries
from referral_hub.cli.demo.scenarios import filling
from referral_hub.cli.demo.scenarios.agreeing import giving_of
from referral_hub.cli.demo.scenarios.disclosing import without_consent
from referral_hub.cli.demo.scenarios.player import Later
from referral_hub.consent import counting
from referral_hub.directory import queries as directory
from referral_hub.protocol import forms, package
from referral_hub.referrals import actions, queries, reading
from referral_hub.referrals.packages import ASKED_ALWAYS
from referral_hub.referrals.rules import BUILT

if TYPE_CHECKING:
    import uuid
    from collections.abc import Callable, Collection, Mapping

    from referral_hub.accounts.values import Caller
    from referral_hub.cli.demo.scenarios.player import Turn

WORDS = {"note": "Catatan contoh.", "question": "Pertanyaan contoh?", "answer": "Jawaban contoh.", "message": "Pesan contoh."}
ALIASES = {"reason": ("event_reason", "decline_reason"), "consent_id": ("new_basis", "basis"), "new_basis": ("basis",)}


def open_case(turn: Turn) -> None:
    """Open a file; whoever opens it is assigned."""
    case = turn.do(cases.open_case)
    turn.player.told.cases[turn.who.agency.code] = case.id
    turn.player.told.openers[turn.who.agency.code] = turn.who


def edit_case(turn: Turn) -> None:
    """Save the sections that the step names, one by one."""
    changes = turn.inputs.get("set", {})
    for section in turn.inputs["sections"]:
        given = dict(turn.player.scenario["given"].get(section, {}))
        given |= {name.partition(".")[2]: value for name, value in changes.items() if name.startswith(f"{section}.")}
        save_section(turn, turn.who, section, given)
        _answer_counting(turn, section)


def _answer_counting(turn: Turn, saved: str) -> None:
    """Record the case's own answer on statistics as soon as the file says who may give it: a suspected guardian never does."""
    given, case_id = turn.player.scenario["given"], turn.player.told.cases[turn.who.agency.code]
    is_child, guardian = given["profile"]["is_child"], given.get("child_guardian", {})
    if saved != ("child_guardian" if is_child else "profile") or guardian.get("guardian_is_suspect") or "consent" not in given:
        return
    allowed, speaker = bool(given["consent"]["stats_allowed"]), counting.speakers(minor=is_child)[0]
    turn.do(actions.answer_counting, case_id=case_id, allowed=allowed, language="id", given_by=speaker)


def copy_sections(turn: Turn) -> None:
    """Copy sections into the own file; whoever opened it lets the colleague who handles the referral in."""
    agency, opener = turn.who.agency.code, turn.player.told.openers.get(turn.who.agency.code, turn.who)
    if opener.member.id != turn.who.member.id:
        case = case_queries.case(turn.session, hub=turn.player.stage.hub, actor=opener.actor, case_id=turn.player.told.cases[agency])
        turn.do(cases.assign, by=opener, case_id=case.id, member=turn.who.member, version=case.version)
    turn.do(actions.copy_sections, referral_id=_ref(turn), sections=turn.inputs["sections"], case_id=_case(turn))


def save_section(turn: Turn, by: Caller, section: str, given: Mapping[str, Any]) -> None:
    """Save one section of the own file, with samples where the form asks for more."""
    case_id = turn.player.told.cases[by.agency.code]
    context = _context(turn, by)
    if not forms.section_applies(section, context=context):
        raise Later(f"section {section}")
    values = filling.section_values(section, _with_people(section, given, context), start=turn.player.start, context=context)
    states = case_queries.sections_of(turn.session, case_id=case_id)
    revision = states[section].revision if section in states else 0
    turn.do(cases.edit_section, by=by, case_id=case_id, section=section, values=values, version=revision, known=context.known, as_other=True)


def assign(turn: Turn) -> None:
    """Name a colleague for the case."""
    case_id = turn.player.told.cases[turn.who.agency.code]
    case = case_queries.case(turn.session, hub=turn.player.stage.hub, actor=turn.who.actor, case_id=case_id)
    turn.do(cases.assign, case_id=case_id, member=turn.player.member(turn.inputs["member"]).member, version=case.version)


def conflict_add(turn: Turn) -> None:
    """Keep a member of any agency away from the case."""
    member = turn.player.member(turn.inputs["member"]).member
    turn.do(cases.conflict_add, case_id=turn.player.told.cases[turn.who.agency.code], member_id=member.id)


def give_consent(turn: Turn) -> None:
    """Record the survivor's answer in her file."""
    case_id = _case(turn)
    giving = giving_of(turn)
    made = turn.do(actions.record_consent, case_id=case_id, giving=giving, known=_known(turn, turn.who))
    turn.player.told.consents[turn.inputs["id"]] = made.id


def best_interest(turn: Turn) -> None:
    """Two workers decide for a child: one records, the other signs in a session of her own. Alone it is refused."""
    first = turn.who if turn.inputs["signers"] == 1 else turn.player.told.openers[turn.who.agency.code]
    made = turn.do(actions.record_consent, by=first, case_id=_case(turn), giving=giving_of(turn, by=first), known=_known(turn, first))
    turn.do(actions.countersign_consent, consent_id=made.id)
    turn.player.told.consents[turn.inputs["id"]] = made.id


def refuse_consent(turn: Turn) -> None:
    """Record a no where the page asks: on a draft for that agency."""
    agency = directory.agency(turn.session, turn.inputs["agency"])
    service = turn.player.stage.people.services(agency.code)[0]
    made = turn.do(actions.create, case_id=_case(turn), service=service, recipient_agency=agency.id)
    turn.do(actions.refuse_consent, referral_id=made.id, version=made.version, language="id")


def submit(turn: Turn) -> None:
    """Ask the supervisor, once the draft rests on its consent."""
    _rest_on_basis(turn)
    any_event(turn)


def create(turn: Turn) -> None:
    """Make a draft."""
    given, told = turn.inputs, turn.player.told
    agency = directory.agency(turn.session, given["recipient_agency"])
    urgency = given.get("urgency", "normal")
    parts = _draft_parts(turn, service=given["service"], kind=agency.kind, urgency=urgency)
    made = turn.do(
        actions.create, case_id=_case(turn), service=given["service"], recipient_agency=agency.id, urgency=urgency,
        type=given.get("referral_type", "referral"), parts=parts,
    )  # fmt: skip
    ref = turn.step["ref"]
    told.referrals[ref], told.senders[ref] = made.id, turn.who
    told.recipients[ref], told.services[ref] = agency.code, given["service"]


def send(turn: Turn) -> None:
    """Choose what is shared, rest the draft on its consent, and send it: what the pages of steps 4 to 6 do."""
    ref, given, told = turn.step["ref"], turn.inputs, turn.player.told
    _rest_on_basis(turn)
    referral_id, writer = _ref(turn), told.senders[ref]
    kind = directory.agency(turn.session, told.recipients[ref]).kind
    _fill_what_is_sent(turn, writer, kind, told.services[ref])
    chosen = _chosen(given["sections"], kind, told.services[ref])
    reason = "Alasan contoh." if given.get("reason") else ""
    turn.do(actions.edit_draft, by=writer, referral_id=referral_id, version=_version(turn), choice=chosen, reason=reason)
    turn.do(
        actions.send, referral_id=referral_id, version=_version(turn), safe_contact_read=given["safe_contact_read"],
        recipient_code=told.recipients[ref], phoned=True,
    )  # fmt: skip


def supply(turn: Turn) -> None:
    """Fill the further sections in the own file, and send them; a written reason goes with those beyond the usual ones."""
    _fill(turn, turn.who, turn.inputs["sections"])
    knowingly(turn)


def knowingly(turn: Turn) -> None:
    """Fire an event whose texts were looked at."""
    fields = [f"{section}.{code}" for section in turn.inputs["sections"] for code in protocol.current().section(section).fields]
    any_event(replace(turn, step={**turn.step, "with": {**turn.inputs, "looked_at": fields}}))


def _rest_on_basis(turn: Turn) -> None:
    basis, consents_made = turn.inputs["basis"], turn.player.told.consents
    if basis not in consents_made:
        raise Later(f"the basis {basis}")
    referral_id, writer = _ref(turn), turn.player.told.senders[turn.step["ref"]]
    turn.do(actions.rest_on, by=writer, referral_id=referral_id, version=_version(turn), consent_id=consents_made[basis])


def accept(turn: Turn) -> None:
    """Accept with a handler; the recipient's own people then work as told."""
    handler = turn.player.member(turn.inputs["handler"])
    promised = turn.moment(turn.inputs["first_contact_by"])
    turn.do(
        actions.accept, referral_id=_ref(turn), version=_version(turn), handler=handler.member.id,
        first_contact_by=promised,
    )  # fmt: skip
    turn.player.told.handlers[turn.step["ref"]] = handler


def read_sections(turn: Turn) -> None:
    """Open sections one by one, and see that each opens."""
    for section in turn.inputs["sections"]:
        turn.do(reading.open_section, referral_id=_ref(turn), section=section)


def reveal_field(turn: Turn) -> None:
    """Open one masked field."""
    section, _, field = turn.inputs["field"].partition(".")
    turn.do(reading.open_field, referral_id=_ref(turn), section=section, field=field)


def list_referrals(turn: Turn) -> None:
    """Open the list of what came in."""
    turn.do(queries.incoming)


def withdraw_consent(turn: Turn) -> None:
    """Take a consent back: what rests on it ends in the same act."""
    turn.do(actions.withdraw_consent, consent_id=turn.player.told.consents[turn.inputs.get("id", turn.inputs.get("basis", ""))])


def suspend_member(turn: Turn) -> None:
    """Suspend a colleague."""
    member = accounts.member(turn.session, member_id=turn.player.member(turn.inputs["member"]).member.id)
    turn.do(account_actions.suspend, member_id=member.id, version=member.version)


def was_fired(turn: Turn) -> None:
    """Nothing more to do: the withdrawal before has ended what rests on the consent."""
    _ref(turn)


def any_event(turn: Turn) -> None:
    """Fire a lifecycle event that the referrals room has built, its inputs matched by name; else it comes later."""
    room, _, event = turn.step["do"].partition(".")
    verb: Callable[..., Any] | None = getattr(actions, event, None)
    if room != "referral" or event not in BUILT or verb is None:
        raise Later(turn.step["do"])
    _check_team(turn)
    known = {"referral_id": _ref(turn), "version": _version(turn)} | _inputs(turn)
    wanted = inspect.signature(verb).parameters
    facts = {name: _named(name, known) for name in wanted if _named(name, known) is not None and name not in {"actor", "keys", "now"}}
    open_still = {
        name for name, one in wanted.items() if one.default is inspect.Parameter.empty and name not in {*facts, "session", "actor", "keys", "now"}
    }
    if open_still:
        raise Later(f"{turn.step['do']} asks for {', '.join(sorted(open_still))}")
    turn.do(verb, **facts)


def _check_team(turn: Turn) -> None:
    """A colleague of the handler works on it too, once handlers can name who works with them."""
    handler = turn.player.told.handlers.get(turn.step["ref"])
    if handler and turn.caller and handler.agency.id == turn.caller.agency.id and handler.member.id != turn.caller.member.id:
        raise Later("a colleague named by the handler")


def _named(name: str, known: Mapping[str, Any]) -> Any:
    for alias in (name, *ALIASES.get(name, ())):
        if alias in known:
            return known[alias]
    return WORDS.get(name)


def _inputs(turn: Turn) -> dict[str, Any]:
    """Return the step's inputs as the actions take them: ids for agencies, members and consents, moments for spans, words for what is sealed."""
    told = turn.player.told
    made: dict[str, Any] = {}
    for name, value in turn.inputs.items():
        if name in {"redirect_agency", "target_agency"}:
            made[name] = directory.agency(turn.session, value).id
        elif name in {"handler", "member"}:
            made[name] = turn.player.member(value).member.id
        elif name in {"basis", "new_basis"}:
            if value not in told.consents:
                raise Later(f"the basis {value}")
            made[name] = told.consents[value]
        elif value == "sealed":
            made[name] = turn.now + timedelta(days=1) if name == "appointment" else WORDS.get(name, "Catatan contoh.")
        else:
            made[name] = value
    return made


def _version(turn: Turn) -> int:
    """Return the row version that the sender's page would show now."""
    referral_id = _ref(turn)
    sender = turn.player.told.senders[turn.step["ref"]]
    row = queries.referral(turn.session, actor=sender.actor, keys=sender.keys, now=turn.now, referral_id=referral_id)
    return row.version


def _ref(turn: Turn) -> uuid.UUID:
    try:
        return turn.player.told.referrals[turn.step["ref"]]
    except KeyError:
        raise Later(f"the referral {turn.step['ref']}") from None


def _case(turn: Turn) -> uuid.UUID:
    try:
        return turn.player.told.cases[turn.who.agency.code]
    except KeyError:
        raise Later("an own case after a transfer") from None


def _known(turn: Turn, by: Caller) -> dict[str, list[str]]:
    members = accounts.members(turn.session, agency_id=by.agency.id)
    return {"user": [str(one.id) for one in members], "agency": list(turn.player.stage.people.codes())}


def _context(turn: Turn, by: Caller) -> forms.Context:
    """Return what the form knows: the sections of the scenario, as far as they decide what is asked."""
    return forms.Context(
        now=turn.now, timezone=by.actor.timezone, known=_known(turn, by),
        sections={code: dict(values) for code, values in turn.player.scenario["given"].items()},
    )  # fmt: skip


def _with_people(section: str, given: Mapping[str, Any], context: forms.Context) -> dict[str, Any]:
    """Name a companion where contact goes through one."""
    if section == "safe_contact" and "companion" in given.get("method", ()):
        return {**given, "companion": min(context.known["user"])}
    return dict(given)


def _draft_parts(turn: Turn, *, service: str, kind: str, urgency: str) -> dict[str, dict[str, Any]]:
    """Return the parts that are written for this referral, with samples for what a sending requires."""
    context = forms.Context(now=turn.now, timezone=turn.who.actor.timezone, service=service, recipient_kind=kind, known=_known(turn, turn.who))
    given = {"meta": {"urgency": urgency}, "needs": {}}
    return {section: filling.section_values(section, given[section], start=turn.player.start, context=context) for section in given}


def _chosen(sections: list[str], kind: str, service: str) -> dict[str, list[str]]:
    """Return the choice of the page: of each section what is ticked beforehand; of one that the matrix does not give, everything."""
    ticked = package.preselect(kind, service)
    return {code: sorted(ticked.get(code, protocol.current().section(code).fields)) for code in sections}


def _fill_what_is_sent(turn: Turn, writer: Caller, kind: str, service: str) -> None:
    """Fill sections of the own file that a sending reads or sends and that the scenario tells nothing about; the profile first, others ask it."""
    _fill(turn, writer, ["profile", *ASKED_ALWAYS])
    _fill(turn, writer, [section for section in turn.inputs["sections"] if section in package.ceiling(kind, service)])


def _fill(turn: Turn, writer: Caller, sections: Collection[str]) -> None:
    case_id = turn.player.told.cases[writer.agency.code]
    filled = case_queries.sections_of(turn.session, case_id=case_id)
    for section in sections:
        form = protocol.current().section(section)
        if form.written_for == "case" and section not in filled:
            given = turn.player.scenario["given"].get(section) or filling.something(section, _context(turn, writer))
            save_section(turn, writer, section, given)


ACTS: Mapping[str, Callable[[Turn], None]] = {
    "case.open": open_case,
    "case.edit": edit_case,
    "case.assign": assign,
    "case.copy_sections": copy_sections,
    "case.conflict_add": conflict_add,
    "consent.give": give_consent,
    "consent.best_interest": best_interest,
    "consent.without": without_consent,
    "consent.refuse": refuse_consent,
    "consent.withdraw": withdraw_consent,
    "referral.create": create,
    "referral.send": send,
    "referral.submit": submit,
    "referral.supply_sections": supply,
    "referral.revise": knowingly,
    "referral.accept": accept,
    "referral.consent_withdrawn": was_fired,
    "member.suspend": suspend_member,
    "referral.list": list_referrals,
    "section.read": read_sections,
    "field.reveal": reveal_field,
}
