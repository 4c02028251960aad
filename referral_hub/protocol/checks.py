"""Checks the loaded lists against each other: every name that one list uses must exist in the other."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from referral_hub.protocol.checks_form import check_condition, check_form, known
from referral_hub.protocol.raw import fail
from referral_hub.protocol.spans import duration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from referral_hub.protocol.book import Protocol
    from referral_hub.protocol.raw import Raw
    from referral_hub.protocol.shapes import Event

SLOT = re.compile(r"\{([a-z_]+)\}")
SPANS = ("ack", "first_service", "update_every", "info_answer")
CLOCK_ACTIONS = frozenset({"", "start", "next", "restart", "pause", "resume", "stop"})
READS = frozenset({
    "none", "own_case", "safe_contact", "preview", "granted", "granted_if_assigned", "granted_on_forensic_ver", "alerts", "log", "aggregates",
})  # fmt: skip


def check(book: Protocol, files: Mapping[str, Raw]) -> None:
    """Check everything.

    Raises:
        errors.BadSettings: a list names what another does not hold (facts: `place`, `fault`).
    """
    check_form(book)
    _check_services(book)
    _check_roles(book)
    _check_lifecycle(book)
    _check_inputs(book)
    _check_consent(book, files["consent_rules"])
    _check_lists(book)
    _check_clear(book, files["clear_metadata"])
    _check_clocks(book, files["statutory_clocks"])
    _check_spans(book)


def _check_services(book: Protocol) -> None:
    for service in book.services.values():
        place = f"service_types.{service.code}"
        known(service.kinds, book.kinds, f"{place}.kinds")
        known(service.senders, book.kinds, f"{place}.senders")
        known([service.purpose], book.codelists["purposes"], f"{place}.purpose")
        known([service.simfoni_service], book.codelists["simfoni_services"], f"{place}.simfoni_service")
        documents = [code for code in (service.needs_document, service.yields_document) if code]
        known(documents, book.codelists["document_types"], f"{place}.document")
        check_condition(book, service.blocked_when, f"{place}.blocked_when")
    for kind in book.kinds.values():
        known(kind.sections_ever, book.sections, f"agency_kinds.{kind.code}.sections_ever")
        if kind.case_data != (kind.code in book.matrix.kinds):
            fail(f"section_matrix.matrix.{kind.code}", "matrix_and_case_data")


def _check_roles(book: Protocol) -> None:
    acts = book.codelists["audit_events"]
    for ability in book.abilities.values():
        place = f"agency_roles.abilities.{ability.code}"
        known(ability.events, book.lifecycle.events, f"{place}.events")
        known(ability.actions, acts, f"{place}.actions")
        known([ability.reads], READS, f"{place}.reads")
        known(ability.fields, book.codelists["fields"], f"{place}.fields")
    for role in book.roles.values():
        known(role.can, book.abilities, f"agency_roles.{role.code}.can")
        known([role.kind], {*book.kinds, "any"}, f"agency_roles.{role.code}.kind")
        if role.no_case_data and role.holds_key:
            fail(f"agency_roles.{role.code}", "key_without_case_data")
    known([f"referral.{code}" for code in book.lifecycle.events], acts, "audit_events")


def _check_lifecycle(book: Protocol) -> None:
    life = book.lifecycle
    for event in life.events.values():
        place = f"lifecycle.events.{event.code}"
        known(event.from_, life.states, f"{place}.from")
        known([event.to], {*life.states, "same", "previous"}, f"{place}.to")
        known(event.by, life.sides, f"{place}.by")
        known(event.needs, life.inputs, f"{place}.needs")
        known(event.guards, life.guards, f"{place}.guards")
        known([event.grant], life.grants, f"{place}.grant")
        known(event.sets | event.clears | ({event.if_} if event.if_ else set()), life.flags, f"{place}.flags")
        known([event.clock], CLOCK_ACTIONS, f"{place}.clock")
        _check_ends(book, event, place)
    known(life.within, life.events, "lifecycle.within")
    known(life.read_only_window, life.states, "lifecycle.read_only_window")
    for guard in life.guards.values():
        known([guard.refusal], book.refusals, f"lifecycle.guards.{guard.code}.refusal")


def _check_ends(book: Protocol, event: Event, place: str) -> None:
    """Nothing but mark_error leaves a terminal state, and an end leaves no live grant beyond its window."""
    states = book.lifecycle.states
    ended = any(states[code].terminal for code in event.from_)
    if ended and event.to != "same" and event.code != "mark_error":
        fail(place, "leaves_terminal_state")
    if event.to in states and states[event.to].terminal:
        if event.grant == "read_only" and event.to not in book.lifecycle.read_only_window:
            fail(place, "no_window")
        if event.grant not in {"read_only", "revoked", "none"}:
            fail(place, "grant_outlives_end")


def _check_inputs(book: Protocol) -> None:
    life = book.lifecycle
    for held in life.inputs.values():
        place = f"lifecycle.inputs.{held.code}"
        known([held.type], book.field_types, f"{place}.type")
        if (held.type in {"code", "multi"}) != bool(held.codelist):
            fail(place, "codelist")
        if held.codelist:
            known([held.codelist], book.codelists, f"{place}.codelist")
        known([held.required_if[0]] if held.required_if else [], life.inputs, f"{place}.required_if")
        known([held.refusal], book.refusals, f"{place}.refusal")
    for item in book.codelists["event_reasons"]:
        known(item.facts["for"], life.events, f"event_reasons.{item.code}.for")
    for item in book.codelists["outcomes"]:
        known(item.facts["ends"], life.events, f"outcomes.{item.code}.ends")
        known(item.facts.get("kind", ()), book.kinds, f"outcomes.{item.code}.kind")
    for item in book.codelists["milestones"]:
        kinds = item.facts["kinds"]
        known(() if kinds == "any" else kinds, book.kinds, f"milestones.{item.code}.kinds")
        known([item.facts["document"]] if "document" in item.facts else [], book.codelists["document_types"], f"milestones.{item.code}.document")
    for item in book.codelists["purge_statements"]:
        known([item.facts["needs"]] if "needs" in item.facts else [], life.inputs, f"purge_statements.{item.code}.needs")


def _check_consent(book: Protocol, rules: Raw) -> None:
    for form in book.consent_forms.values():
        known(form.signatures, book.codelists["signers"], f"consent_forms.{form.code}.signatures")
        for line in form.lines:
            known(SLOT.findall(line.id), book.consent_words.placeholders, f"consent_forms.{form.code}.lines")
            if set(SLOT.findall(line.id)) != set(SLOT.findall(line.en)):
                fail(f"consent_forms.{form.code}.lines", "languages_differ")
    known(book.matrix.always, book.sections, "consent_rules.limits.sections_always")
    for row in rules.rows("givers"):
        known(row.texts("form") + row.texts("with"), book.consent_forms, f"{row.place}.form")
        known([row.text("given_by")], book.codelists["consent_givers"], f"{row.place}.given_by")
    for ground in book.grounds.values():
        place = f"consent_rules.without_consent.{ground.code}"
        known(ground.sections, book.sections, f"{place}.sections")
        known(ground.services, book.services, f"{place}.services")
        known(ground.sender_kinds, book.kinds, f"{place}.sender_kinds")
        known([ground.basis], book.codelists["legal_bases"], f"{place}.basis")
        known([ground.given_by], book.codelists["consent_givers"], f"{place}.given_by")
        known([ground.form], book.consent_forms, f"{place}.form")
        check_condition(book, ground.applies_if, f"{place}.applies_if")
        if not book.codelists["legal_bases"].items[ground.basis].facts["may_share_case_data"]:
            fail(f"{place}.basis", "shares_no_case_data")
        if duration(ground.review).exact < timedelta(days=1):
            fail(f"{place}.review", "shorter_than_a_day")
    for row in rules.rows("checks"):
        known([row.text("refusal")], book.refusals, f"{row.place}.refusal")


def _check_lists(book: Protocol) -> None:
    for item in book.codelists["purposes"]:
        kinds = item.facts["kinds"]
        known(() if kinds == "any" else kinds, book.kinds, f"purposes.{item.code}.kinds")
    for item in book.codelists["document_types"]:
        for end in ("from", "only_to"):
            kinds = item.facts[end]
            known(() if kinds == "any" else kinds, book.kinds, f"document_types.{item.code}.{end}")
        known(item.facts.get("on_service", ()), book.services, f"document_types.{item.code}.on_service")
        known(item.facts.get("by_roles", ()), book.roles, f"document_types.{item.code}.by_roles")
    for item in book.codelists["break_glass_reasons"]:
        known([item.facts["legal_basis"]], book.codelists["legal_bases"], f"break_glass_reasons.{item.code}")
    for urgency in book.urgencies.values():
        known(urgency.business, SPANS, f"urgency_sla.{urgency.code}.business")
        known([post for _, post in urgency.escalate], book.codelists["duty_posts"], f"urgency_sla.{urgency.code}.escalate")
    known(SPANS, book.codelists["own_clocks"], "urgency_sla.own_clocks")


def _check_spans(book: Protocol) -> None:
    """Every duration can be read, and one that counts working days is whole days."""
    for urgency in book.urgencies.values():
        for name in SPANS:
            if duration(getattr(urgency, name)).exact < timedelta(days=1 if name in urgency.business else 0):
                fail(f"urgency_sla.{urgency.code}.{name}", "not_whole_days")
    life = book.lifecycle
    spans = [*life.within.values(), *life.read_only_window.values(), *life.basis_notices, life.basis_revoked_after]
    spans += [item.facts["keep"] for item in book.codelists["retention"]]
    for span in spans:
        duration(span)


def _check_clear(book: Protocol, clear: Raw) -> None:
    """Each clear fact names a list that exists, and a field marked clear stands in clear_metadata.yaml."""
    sources = set()
    for row in clear.rows("items"):
        sources.add(row.text("source"))
        if row.has("codelist"):
            known([row.text("codelist")], book.codelists, f"{row.place}.codelist")
        known([row.text("keep")], book.codelists["retention"], f"{row.place}.keep")
    for section in book.sections.values():
        for field in section.fields.values():
            if field.clear and field.name not in sources:
                fail(f"clear_metadata.{field.name}", "clear_but_not_listed")


def _check_clocks(book: Protocol, clocks: Raw) -> None:
    for row in clocks.rows("items"):
        known([row.text("class")], book.codelists["duty_classes"], f"{row.place}.class")
        start = row.sub("start")
        known(start.texts("sealed"), book.codelists["fields"], f"{start.place}.sealed")
        known(start.texts("milestone"), book.codelists["milestones"], f"{start.place}.milestone")
        known(row.sub("stop").texts("milestones"), book.codelists["milestones"], f"{row.place}.stop")
