"""Does a condition of the form hold, and what does the program work out by itself?"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from referral_hub.protocol.loader import current
from referral_hub.protocol.moments import days_of, years_between

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from referral_hub.protocol.shapes import Clause, Condition, Derivation

    Lookup = Callable[[str], Any]

MAJORITY = 18  # years; UU 35/2014 art. 1


def holds(condition: Condition | None, look: Lookup, *, service: str = "", recipient_kind: str = "", absent: bool = True) -> bool:
    """Tell whether a condition holds; `absent` is the answer where there is none. `look("section.field")` gives a value or None."""
    if condition is None:
        return absent
    return any(_clause_holds(clause, look, service, recipient_kind) for clause in condition.any_of)


def _clause_holds(clause: Clause, look: Lookup, service: str, recipient_kind: str) -> bool:
    if clause.service:
        return clause.service == service
    if clause.recipient_kinds:
        return recipient_kind in clause.recipient_kinds
    value = look(clause.field)
    held = list(value) if isinstance(value, (list, tuple)) else [value]
    if clause.under:
        return _any_under(clause, held)
    return any(type(one) is type(wanted) and one == wanted for one in held for wanted in clause.equals)


def _any_under(clause: Clause, held: list[Any]) -> bool:
    codes = current().codelist(current().field(clause.field).codelist)
    return any(codes.is_under(one, above) for one in held if isinstance(one, str) for above in clause.under)


def worked_out(rule: Derivation, look: Lookup, today: date) -> bool | None:
    """Return what a derivation gives, or None while its facts are missing."""
    if rule.rule == "under_18":
        return _under_18(look(rule.reads["birth_date"]), look(rule.reads["age_band"]), today)
    held = look(rule.reads["field"])
    if not isinstance(held, (list, tuple)) or not held:
        return None
    if rule.rule == "lacks":
        return rule.reads["code"] not in held
    return any(code != rule.reads["code"] for code in held)


def _under_18(birth: Any, band: Any, today: date) -> bool | None:
    """A birth date that is known only in part counts as its last day: who may be a child is treated as one."""
    days = days_of(birth)
    if days and days[1] <= today:
        return years_between(days[1], today) < MAJORITY
    if days and days[0] <= today:
        return True
    item = current().codelist("simfoni_age_bands").get(band) if isinstance(band, str) else None
    if item is None:
        return None
    top = item.facts["max"]
    return top is not None and top < MAJORITY


@cache
def age_fields() -> frozenset[str]:
    """Return the names of the fields from which a child is told."""
    return frozenset(_age_rule().reads.values())


@cache
def _age_rule() -> Derivation:
    rules = (field.derive for section in current().sections.values() for field in section.fields.values() if field.derive)
    return next(rule for rule in rules if rule.rule == "under_18")


def band_differs(look: Lookup, today: date) -> bool:
    """Tell whether the age band cannot belong to the birth date (given whole or in part)."""
    reads = _age_rule().reads
    birth, band = look(reads["birth_date"]), look(reads["age_band"])
    days = days_of(birth)
    item = current().codelist("simfoni_age_bands").get(band) if isinstance(band, str) else None
    if not days or item is None or days[0] > today:
        return False
    oldest, youngest = years_between(days[0], today), years_between(min(days[1], today), today)
    top = item.facts["max"]
    return oldest < item.facts["min"] or (top is not None and youngest > top)
