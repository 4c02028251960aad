"""Entries of the access log in words: rows of the table, all recorded facts of one entry, the steps of its proof."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from referral_hub.accounts import queries as members
from referral_hub.directory import queries as directory
from referral_hub.gate.house import session
from referral_hub.gate.speech import _
from referral_hub.referrals import queries as referrals
from referral_hub.review.rules.explain import needs_explanation
from referral_hub.web import words
from referral_hub.web.amiss import label, refusal_text
from referral_hub.web.files import label as section_label
from referral_hub.web.forms import Option
from referral_hub.web.frame import reader
from referral_hub.web.proof_words import Proof, proven

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    from referral_hub import audit
    from referral_hub.audit.coverage import Coverage
    from referral_hub.audit.queries import Logged

SHORT = 4


@dataclass(frozen=True)
class Row:
    """One entry in the table."""

    idx: int
    at: datetime
    code: str
    who: str
    action: str
    detail: str
    basis: str
    why: str
    outcome: str
    outcome_text: str
    proof: Proof
    number: str
    unexplained: bool


@dataclass(frozen=True)
class Fact:
    """One recorded fact in words; `code` is set in monospace."""

    label: str
    text: str
    is_code: bool = False


def rows(found: Iterable[Logged], stands: Coverage, now: datetime) -> list[Row]:
    """Return entries as rows; members by code, agencies by name, referrals by number."""
    found = list(found)
    codes = members.codes(session(), member_ids={one.entry.actor_id for one in found if one.entry.actor_id})
    names = directory.names(session(), {one.entry.agency_id for one in found if one.entry.agency_id})
    numbers = referrals.numbers(session(), referral_ids={one.entry.referral_id for one in found if one.entry.referral_id})
    return [_row(one, codes, names, numbers, proven(one.idx, stands, now)) for one in found]


def _row(one: Logged, codes: dict[UUID, str], names: dict[UUID, str], numbers: dict[UUID, str], proof: Proof) -> Row:
    said = one.entry
    return Row(
        idx=one.idx,
        at=said.occurred_at,
        code=codes.get(said.actor_id, "") if said.actor_id else actor_kind(said.actor_kind),
        who=", ".join(filter(None, (roles_text(said.roles), names.get(said.agency_id, "") if said.agency_id else ""))),
        action=label("audit_events", said.action),
        detail=sections_text(said.sections, said.fields),
        basis=basis_text(said.basis),
        why=basis_text(said.basis) if said.outcome == "allow" else refusal_text(said.reason),
        outcome=said.outcome,
        outcome_text=outcome_text(said.outcome),
        proof=proof,
        number=numbers.get(said.referral_id, "") if said.referral_id else "",
        unexplained=needs_explanation(said),
    )


def actor_kind(kind: str) -> str:
    """Return who acts where no member does."""
    return {"clock": _("Deadline clock"), "operator": _("System operator")}.get(kind, _("Nobody signed in"))


def roles_text(roles: Sequence[str]) -> str:
    """Return roles in words."""
    return ", ".join(label("agency_roles", role) for role in roles)


def sections_text(sections: Sequence[str], fields: Sequence[str]) -> str:
    """Return which sections were shown, and which single fields."""
    return ", ".join([*map(section_label, sections), *(field.partition(".")[2] or field for field in fields)])


def basis_text(basis: str) -> str:
    """Return why this person could do this: the relation to the case."""
    texts = {
        "assigned": _("assigned to the case"),
        "recipient": _("recipient of the referral"),
        "supervisor": _("supervisor"),
        "conflict": _("conflict of interest"),
    }
    return texts.get(basis, basis)


def outcome_text(outcome: str) -> str:
    """Return the outcome in one word."""
    return {"allow": _("Allowed"), "deny": _("Refused"), "error": _("Fault")}.get(outcome, outcome)


def outcomes() -> list[Option]:
    """Return the outcomes to filter by."""
    return [Option(code, outcome_text(code)) for code in ("allow", "deny", "error")]


def day_start(text: str, days: int) -> datetime | None:
    """Return the beginning of a typed day in the reader's zone, `days` later; None where it is no day."""
    try:
        return datetime.combine(date.fromisoformat(text) + timedelta(days=days), time(), reader().tzinfo)
    except (ValueError, OverflowError):  # no day, or one at either end of the calendar
        return None


def short(value: UUID | str) -> str:
    """Return a long code by its beginning and end."""
    text = str(value)
    return f"{text[:SHORT]}…{text[-SHORT:]}"


def codes_of(one: Logged) -> list[Fact]:
    """Return the technical facts of an entry, as codes."""
    said, place = one.entry, one.place
    found = [
        (_("Leaf hash"), one.leaf_hash.hex()),
        (_("Entry id"), place.event_id),
        (_("Log"), place.origin),
        (_("Rules"), ", ".join(said.rule_ids)),
        (_("Policy"), said.policy_digest),
        (_("Manifest of the sending"), said.manifest_digest.hex() if said.manifest_digest else ""),
        (_("Request"), said.request_id),
        (_("Program"), place.software),
    ]
    return [Fact(name, str(value), is_code=True) for name, value in found if value]


def facts(one: Logged) -> list[Fact]:
    """Return everything that is recorded, in words."""
    said, place = one.entry, one.place
    number = referrals.numbers(session(), referral_ids={said.referral_id}).get(said.referral_id, "") if said.referral_id else ""
    found = [
        (_("When"), words.exact(said.occurred_at, reader())),
        (_("Who"), " · ".join(filter(None, (_code_of(said), _place_of(said))))),
        (_("Signed in by"), _sign_in(said)),
        (_("Action"), label("audit_events", said.action)),
        (_("Sections"), sections_text(said.sections, said.fields)),
        (_("Object"), _object(said, number)),
        (_("Rows shown"), "" if said.count is None else words.number(said.count, reader())),
        (_("Hits"), "" if said.hits is None else words.number(said.hits, reader())),
        (_("Purpose"), label("purposes", said.purpose) if said.purpose else ""),
        (_("Relation"), basis_text(said.basis)),
        (_("Legal basis"), label("legal_bases", said.legal_basis) if said.legal_basis else ""),
        (_("Consent"), short(said.consent_id) if said.consent_id else ""),
        (_("Result"), outcome_text(said.outcome)),
        (_("Reason"), refusal_text(said.reason) if said.reason else ""),
        (_("Disclosed to"), _agency_name(said.recipient_agency)),
        (_("Subject"), _subjects(one)),
        (_("Order at this member"), _order(place.actor_seq, place.actor_prev)),
        (_("Order at this agency"), _order(place.agency_seq, place.agency_prev)),
    ]
    return [Fact(name, text) for name, text in found if text]


def _code_of(said: audit.Entry) -> str:
    if said.actor_id is None:
        return actor_kind(said.actor_kind)
    return members.codes(session(), member_ids={said.actor_id}).get(said.actor_id, "")


def _place_of(said: audit.Entry) -> str:
    return ", ".join(filter(None, (roles_text(said.roles), _agency_name(said.agency_id))))


def _sign_in(said: audit.Entry) -> str:
    methods = {"passphrase+totp": _("passphrase and code"), "console": _("console of the system"), "process": _("program")}
    way = methods.get(said.auth_method, said.auth_method)
    strength = _("signed in again just before") if said.auth_strength == "fresh" else ""
    session_text = _("session %(code)s", code=short(said.session_digest)) if said.session_digest else ""
    return ", ".join(filter(None, (way, strength, session_text)))


def _object(said: audit.Entry, number: str) -> str:
    if number:
        return _("referral %(number)s", number=number)
    return " ".join(filter(None, (said.object_kind, short(said.object_id) if said.object_id else "")))


def _agency_name(agency_id: UUID | None) -> str:
    return directory.names(session(), {agency_id}).get(agency_id, "") if agency_id else ""


def _subjects(one: Logged) -> str:
    said, place = one.entry, one.place
    if not said.subjects:
        return ""
    names = ", ".join(f"s:{short(subject)}" for subject in said.subjects)
    return " · ".join(filter(None, (names, _order(place.subject_seq, place.subject_prev))))


def _order(seq: int | None, previous: int | None) -> str:
    if seq is None:
        return ""
    if previous is None:
        return _("the first entry")
    return _(
        "number %(seq)s, the one before is entry %(previous)s", seq=words.number(seq, reader()), previous=words.number(previous, reader())
    )
