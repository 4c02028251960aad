"""Makes what the rules need: kinds, services, roles, refusals, urgencies, the life of a referral, consent forms, holidays and hours."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from referral_hub.protocol.build_form import build_condition
from referral_hub.protocol.raw import Raw, by_code, fail, labels
from referral_hub.protocol.shapes import (
    Ability,
    ConsentForm,
    ConsentWords,
    Event,
    Ground,
    Guard,
    Holiday,
    Hours,
    Input,
    Kind,
    Lifecycle,
    Line,
    Refusal,
    Role,
    Service,
    State,
    Urgency,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MONTHS = 12


def build_kinds(file: Raw) -> Mapping[str, Kind]:
    """Return the kinds of agency by code."""
    return by_code(file.rows("items"), _kind)


def _kind(row: Raw) -> Kind:
    return Kind(
        **labels(row),
        case_data=row.flag("case_data"),
        may_send=row.flag("may_send"),
        may_lead_case=row.flag("may_lead_case"),
        sections_ever=row.texts("sections_ever"),
    )


def build_services(file: Raw) -> Mapping[str, Service]:
    """Return the services by code; a service without short names uses its full ones."""
    return by_code(file.rows("items"), _service)


def _service(row: Raw) -> Service:
    return Service(
        **labels(row),
        short_id=row.text("short_id", row.text("id")),
        short_en=row.text("short_en", row.text("en")),
        kinds=row.texts("kinds"),
        purpose=row.text("purpose"),
        simfoni_service=row.text("simfoni_service"),
        senders=row.texts("senders"),
        time_critical=row.flag("time_critical"),
        needs_document=row.text("needs_document") if row.has("needs_document") else "",
        yields_document=row.text("yields_document") if row.has("yields_document") else "",
        blocked_when=build_condition(row, "blocked_when"),
    )


def build_abilities(file: Raw) -> Mapping[str, Ability]:
    """Return what roles can do, by code."""
    return by_code(file.rows("abilities"), _ability)


def _ability(row: Raw) -> Ability:
    return Ability(**labels(row), events=row.texts("events"), actions=row.texts("actions"), reads=row.text("reads"), fields=row.texts("fields"))


def build_roles(file: Raw) -> Mapping[str, Role]:
    """Return the roles by code."""
    return by_code(file.rows("items"), _role)


def _role(row: Raw) -> Role:
    return Role(**labels(row), kind=row.text("kind"), holds_key=row.flag("holds_key"), can=row.texts("can"), no_case_data=row.flag("no_case_data"))


def build_refusals(file: Raw) -> Mapping[str, Refusal]:
    """Return the refusals by code."""
    return by_code(file.rows("items"), _refusal)


def _refusal(row: Raw) -> Refusal:
    return Refusal(**labels(row), status=row.number("status") or fail(row.place, "missing"), retry_after=row.flag("retry_after"))


def build_urgencies(file: Raw) -> Mapping[str, Urgency]:
    """Return the urgencies by code, most pressing first."""
    return by_code(file.rows("items"), _urgency)


def _urgency(row: Raw) -> Urgency:
    texts = {name: row.text(name) for name in ("ack", "first_service", "update_every", "info_answer", "triggers_id", "triggers_en")}
    return Urgency(
        **labels(row),
        **texts,
        expires_after=row.text("expires_after") if row.has("expires_after") else "",
        business=row.texts("business"),
        phone_call_required=row.flag("phone_call_required"),
        escalate=tuple((step.text("after"), step.text("to")) for step in row.rows("escalate")),
    )


def build_lifecycle(file: Raw) -> Lifecycle:
    """Return the life of a referral."""
    ends = file.sub("basis_end")
    return Lifecycle(
        states=by_code(file.rows("states"), lambda row: State(**labels(row), terminal=row.flag("terminal"))),
        guards=by_code(file.rows("guards"), _guard),
        inputs=by_code(file.rows("inputs"), _input),
        events=by_code(file.rows("events"), _event),
        flags=frozenset(row.text("code") for row in file.rows("flags")),
        sides=frozenset(row.text("code") for row in file.rows("sides")),
        grants=frozenset(row.text("code") for row in file.rows("grants")),
        read_only_window=_texts_of(file.sub("read_only_window")),
        within=_texts_of(file.sub("within")),
        basis_notices=ends.texts("notices_before"),
        basis_revoked_after=ends.text("revoked_after"),
    )


def _texts_of(row: Raw) -> Mapping[str, str]:
    return MappingProxyType({key: row.text(key) for key in row.data})


def _guard(row: Raw) -> Guard:
    return Guard(**labels(row), refusal=row.text("refusal", "guard_failed"), worked_out=row.flag("worked_out"))


def _input(row: Raw) -> Input:
    return Input(
        **labels(row),
        type=row.text("type"),
        codelist=row.text("codelist") if row.has("codelist") else "",
        must=row.flag("must"),
        required_if=(row.sub("required_if").text("input"), row.sub("required_if").text("fact")) if row.has("required_if") else None,
        refusal=row.text("refusal", "missing_input"),
    )


def _event(row: Raw) -> Event:
    row.only("code", "id", "en", "from", "to", "business", "by", "needs", "guards", "grant", "if", "sets", "clears", "clock", "note")
    return Event(
        **labels(row),
        from_=frozenset(row.texts("from")),
        to=row.text("to"),
        business=row.text("business"),
        by=frozenset(row.texts("by")),
        needs=row.texts("needs"),
        guards=row.texts("guards"),
        grant=row.text("grant"),
        if_=row.text("if") if row.has("if") else "",
        sets=frozenset(row.texts("sets")),
        clears=frozenset(row.texts("clears")),
        clock=row.text("clock") if row.has("clock") else "",
    )


def build_consent_forms(file: Raw) -> Mapping[str, ConsentForm]:
    """Return the consent forms by code, each joined with the forms and the scope that it includes.

    Raises:
        errors.BadSettings: a form includes itself or an unknown form.
    """
    rows = {row.text("code"): row for row in file.rows("forms")}
    scope = _lines(file, "scope_lines")
    return by_code(list(rows.values()), lambda row: _consent_form(row, rows, scope))


def _consent_form(row: Raw, rows: Mapping[str, Raw], scope: tuple[Line, ...]) -> ConsentForm:
    lines = _lines(row, "lines") + (scope if row.flag("includes_scope") else ())
    seen, inner = {row.text("code")}, row
    while inner.has("includes"):
        name = inner.text("includes")
        if name not in rows or name in seen:
            fail(f"{inner.place}.includes", "unknown_or_circular")
        seen.add(name)
        inner = rows[name]
        lines += _lines(inner, "lines")
    return ConsentForm(
        **labels(row),
        lines=lines,
        signatures=row.texts("signatures"),
        min_signers=row.number("min_signers") or 1,
        review_days=row.number("review_days") or 0,
    )


def _lines(row: Raw, key: str) -> tuple[Line, ...]:
    return tuple(_line(line) for line in row.rows(key))


def _line(row: Raw) -> Line:
    return Line(row.text("id"), row.text("en"))


def build_grounds(file: Raw) -> Mapping[str, Ground]:
    """Return the cases in which a referral may go without consent, by code."""
    return by_code(file.rows("without_consent"), _ground)


def _ground(row: Raw) -> Ground:
    return Ground(
        **labels(row),
        basis=row.text("basis"),
        law=row.text("law"),
        services=row.texts("services"),
        sections=row.texts("sections"),
        form=row.text("form"),
        given_by=row.text("given_by"),
        signers=row.number("signers") or 1,
        review=row.text("review"),
        applies_if=build_condition(row, "applies_if"),
        sender_kinds=row.texts("sender_kinds"),
        writes_article=row.flag("article"),
    )


def build_consent_words(file: Raw) -> ConsentWords:
    """Return the words that fill placeholders."""
    given = file.sub("placeholders")
    choices = {name: _choice(given.sub(name)) for name, held in given.data.items() if isinstance(held, dict)}
    months = file.sub("months")
    if any(len(months.texts(language)) != MONTHS for language in ("id", "en")):
        fail(months.place, "twelve_months")
    return ConsentWords(
        choices=MappingProxyType(choices),
        nothing=_line(file.sub("nothing")),
        including=_line(file.sub("including")),
        months=MappingProxyType({language: months.texts(language) for language in ("id", "en")}),
        placeholders=frozenset(given.data),
    )


def _choice(row: Raw) -> tuple[Line, Line]:
    pairs = [row.text(language).split(" / ") for language in ("id", "en")]
    if any(len(pair) != len(("yes", "no")) for pair in pairs):
        fail(row.place, "two_words")
    return Line(pairs[0][0], pairs[1][0]), Line(pairs[0][1], pairs[1][1])


def build_holidays(file: Raw) -> Mapping[str, Holiday]:
    """Return the holidays by date (YYYY-MM-DD)."""
    return by_code(file.rows("items"), _holiday, "date")


def _holiday(row: Raw) -> Holiday:
    return Holiday(code=row.text("date"), id=row.text("id"), en=row.text("en"), joint=row.flag("joint"), verified=row.flag("verified"))


def build_hours(file: Raw) -> Mapping[str, Hours]:
    """Return the working hours by code."""
    return by_code(file.rows("items"), _hours)


def _hours(row: Raw) -> Hours:
    row.sub("days").only(*WEEKDAYS)
    days = row.sub("days")
    return Hours(row.text("code"), MappingProxyType({WEEKDAYS.index(day): _span(days.text(day), days.place) for day in days.data}))


def _span(text: str, place: str) -> tuple[str, str]:
    opens, dash, closes = text.partition("-")
    if not dash or not opens < closes:
        fail(place, "not_hours")
    return opens, closes
