"""Rules of the survivor's file. Pure: they read the protocol and values, nothing else."""

from __future__ import annotations

import unicodedata
from datetime import date
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from referral_hub import errors, protocol
from referral_hub.protocol import deadlines
from referral_hub.protocol import values as fields

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from datetime import datetime

    from referral_hub.cases.facts import Case

FIRST_STAGE = "engagement_intake_contract"
EXTREME = "extreme"  # risk_levels: a second person decides with (DECISIONS 20)
PERSON = ("profile", "identity")  # sections that tell the age
SAFE_CONTACT = "safe_contact"
CLOSING, RIGHTS, STATISTICS = "closing", "rights", "statistics"  # parts of a file that are no sections of the form
PARTS = (CLOSING, RIGHTS)  # of these, what people read
_WRITERS = frozenset({"create", "create_draft"})  # abilities that write the whole file; `safe_contact` keeps its own section only
INDEXED = ("identity", SAFE_CONTACT)  # sections by whose words a file is found (VAULT.md, agency index key)
_FOUND_BY = {("identity", "nik"): "nik", ("identity", "full_name"): "name", (SAFE_CONTACT, "phone"): "phone"}
_NIK_DIGITS = 16
_HIDDEN_TYPES = frozenset({"secret", "nik"})
_TAIL = 4


def sections_of_person() -> tuple[str, ...]:
    """Return the codes of the sections that are written once for the person and kept in the own file, in the order of the form."""
    return tuple(code for code, section in protocol.current().sections.items() if section.written_for == "case")


def sections_in_order() -> tuple[str, ...]:
    """Return the codes of all sections in the order of the form."""
    return tuple(protocol.current().sections)


def may_write(abilities: Collection[str], section: str) -> bool:
    """Tell whether somebody with these abilities writes this section: who only keeps safe contact writes nothing else (agency_roles.yaml, reads)."""
    return section == SAFE_CONTACT or not _WRITERS.isdisjoint(abilities)


def sections_read_with(section: str) -> frozenset[str]:
    """Return the sections of the person that must be known to check this one: itself, the age, what its conditions ask about, what finds a file."""
    form = protocol.current().section(section)
    asked = [form.show_if, *(one for field in form.fields.values() for one in (field.show_if, field.required_if, field.not_required_if))]
    named = {clause.field.partition(".")[0] for condition in asked if condition for clause in condition.any_of}
    indexed = INDEXED if section in INDEXED else ()
    return frozenset({section, *PERSON, *indexed, *named}) & frozenset(sections_of_person())


def sensitive_fields(section: str) -> frozenset[str]:
    """Return the codes of a section's fields that one more press shows, each with an entry of its own (PAGES 3.5).

    Secrets, the NIK, and addresses that are never pre-selected, such as where she lives now.
    """
    fields = () if section in PARTS else protocol.current().section(section).fields.values()
    return frozenset(f.code for f in fields if f.type in _HIDDEN_TYPES or (f.type == "address" and f.never_default))


def masked(section: str, values: Mapping[str, Any]) -> tuple[dict[str, Any], frozenset[str], dict[str, str]]:
    """Split a section's values into what may be shown, which filled fields stay hidden, and the last four digits of a hidden NIK."""
    sensitive = sensitive_fields(section)
    shown = {code: value for code, value in values.items() if code not in sensitive}
    hidden = frozenset(values) & sensitive
    tails = {"nik": str(values["nik"])[-_TAIL:]} if "nik" in hidden else {}
    return shown, hidden, tails


def search_words(person: Mapping[str, Mapping[str, Any]]) -> frozenset[tuple[str, str]]:
    """Return what a file is found by, each with its kind: NIK, phone and whole name, brought to one form."""
    given = {(kind, _FORMS[kind](str(person.get(section, {}).get(field, "")))) for (section, field), kind in _FOUND_BY.items()}
    return frozenset((kind, word) for kind, word in given if word)


def typed_words(text: str) -> frozenset[tuple[str, str]]:
    """Return what somebody who looks for a file may mean by `text`: a NIK, a phone number, a name."""
    digits = _digits(text)
    if not digits:
        return frozenset({("name", _name(text))} if _name(text) else ())
    found = {("phone", _phone(text))} if _phone(text) else set()
    return frozenset(found | ({("nik", digits)} if len(digits) == _NIK_DIGITS else set()))


def _digits(text: str) -> str:
    return "".join(one for one in unicodedata.normalize("NFKC", text) if one.isascii() and one.isdigit())


def _phone(text: str) -> str:
    """Return a phone number as the form keeps it; nothing where it is none."""
    try:
        return str(fields.shaped(protocol.current().field("safe_contact.phone"), text))
    except fields.Amiss:
        return ""


def _name(text: str) -> str:
    """Return a name without case, marks and accents, its words in order of the alphabet: how it is written differs from paper to paper."""
    plain = (one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one))
    return " ".join(sorted("".join(one if one.isalpha() else " " for one in plain).casefold().split()))


_FORMS: Mapping[str, Callable[[str], str]] = {"nik": _digits, "phone": _phone, "name": _name}


def check_open(case: Case) -> None:
    """Refuse a change to a file that was closed: it is read only (audit_events.yaml knows no reopening). Raises errors.RuleBroken: `wrong_state`."""
    if case.closed_at is not None:
        raise errors.RuleBroken("wrong_state", when=case.closed_at)


def is_stage(code: str) -> bool:
    """Tell whether a stage of help has this code (case_stages.yaml)."""
    return code in protocol.current().codelist("case_stages")


def may_move(now_at: str, to: str) -> bool:
    """Tell whether a case may go from one stage of help to another: to the next one, or back to any earlier one."""
    stages = [item.code for item in protocol.current().codelist("case_stages")]
    if now_at not in stages or to not in stages:  # a stage that the list no longer knows moves nowhere
        return False
    return stages.index(to) == stages.index(now_at) + 1 or stages.index(to) < stages.index(now_at)


def needs_second_person(section: str, values: Mapping[str, Any], *, was: bool) -> bool:
    """Return whether a second person must decide with, after this section was saved: at extreme risk (DECISIONS 1, 20).

    A section that says nothing of the risk leaves the answer as it was.
    """
    if section != "safety" or "risk_level" not in values:
        return was
    return bool(values["risk_level"] == EXTREME)


def keep_until(*, last: date, minor: bool, person: Mapping[str, Mapping[str, Any]]) -> date:
    """Return until when the file is kept (retention.yaml): for a child rounded up to 31 December, so that it tells the year only.

    `person`: the sections profile and identity as far as they are known; without an age a child counts as just born.
    """
    birth = str(person.get("identity", {}).get("birth_date", ""))
    band = str(person.get("profile", {}).get("age_band", ""))
    return deadlines.retention_until(last=last, child=minor, birth=birth, age_band=band)


def kept_longer(was: date, *, last: date, minor: bool) -> date:
    """Return the date after an act that opened no content: an adult's moves with the last activity, a child's never comes nearer."""
    moved = deadlines.retention_until(last=last)
    if not minor:
        return moved
    return max(was, date(moved.year, 12, 31))


def local_day(now: datetime, timezone: str) -> date:
    """Return the calendar day at `now` (aware) in a zone of timezones.yaml."""
    return now.astimezone(ZoneInfo(timezone)).date()
