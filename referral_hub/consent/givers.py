"""Who may say yes for whom, with which form: the survivor, a guardian with the child, or two workers where no guardian can be asked. Pure.

Sources: consent_rules.yaml, givers; UU 27/2022 art. 25, UU 35/2014; age bands as in consent_forms.yaml (unverified).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from referral_hub import errors
from referral_hub.consent.facts import BEST_INTEREST

if TYPE_CHECKING:
    from referral_hub.consent.facts import Child, Giving

ADULT_FORMS = frozenset({"adult_release", "case_transfer", "supplement"})
ADULT_GIVER = "self"
GUARDIAN_FORM = "guardian_consent"
GUARDIAN, TOGETHER, INSTITUTION = "guardian", "child_with_guardian", "institution"
NOT_ASKED = frozenset({"no_unsafe", "no_not_found", "no_child_refuses"})  # guardian_informed_states that stand for "no guardian"
ASKED_FROM, WITH_GUARDIAN_FROM = 6, 12  # years: from when a child is asked, and from when child and guardian consent together
COMFORTED, YES, NO = "comforted", "yes", "no"
BY_BASIS = {"legal_obligation": "none_by_law", "vital_interest": "none_vital"}
_AGES = {"0_5": (0, 5), "6_12": (6, 12), "13_17": (13, 17)}


@dataclass(frozen=True)
class Fitting:
    """The forms and givers that fit one survivor, and the assents that a child of this age may give."""

    forms: frozenset[str]
    givers: frozenset[str]
    assents: frozenset[str] = frozenset()


def fitting(child: Child | None) -> Fitting:
    """Return what fits: an adult (None) speaks for herself; a child with her guardian, or two workers where none can be asked."""
    if child is None:
        return Fitting(ADULT_FORMS, frozenset({ADULT_GIVER}))
    youngest, oldest = (child.age, child.age) if child.age is not None else _AGES.get(child.age_band, (0, 17))
    assents = frozenset({YES} if youngest >= ASKED_FROM else {COMFORTED} if oldest < ASKED_FROM else {YES, COMFORTED})
    if no_guardian(child):
        return Fitting(frozenset({BEST_INTEREST}), frozenset({INSTITUTION}), assents)
    givers = ([GUARDIAN] if youngest < WITH_GUARDIAN_FROM else []) + ([TOGETHER] if oldest >= WITH_GUARDIAN_FROM else [])
    return Fitting(frozenset({GUARDIAN_FORM}), frozenset(givers), assents)


def no_guardian(child: Child) -> bool:
    """Tell whether no guardian can be asked: a suspect, or one whom the own file says was not told and why (giver child_no_guardian)."""
    return child.guardian_is_suspect or child.guardian_informed in NOT_ASKED


def check(giving: Giving, child: Child | None) -> list[tuple[str, str]]:
    """Return what of giver, form and assent does not fit, as pairs of field and code.

    Raises:
        errors.RuleBroken: a guardian who is a suspect would consent (`guardian_is_suspect`).
    """
    form = giving.shown.form
    if child is not None and child.guardian_is_suspect and (form == GUARDIAN_FORM or giving.given_by in {GUARDIAN, TOGETHER}):
        raise errors.RuleBroken("guardian_is_suspect")
    fits = fitting(child)
    checks = {
        ("consent.given_by", "giver_does_not_fit"): giving.given_by not in fits.givers | {""},
        ("consent.form", "giver_does_not_fit"): form not in fits.forms,
    }
    if child is not None:
        checks |= {
            ("consent.assent", "child_refuses"): giving.assent == NO,
            ("consent.assent", "required"): giving.assent not in fits.assents | {NO},
            ("consent.child_view", "required"): giving.assent == YES and not _is_said(giving.shown.child_view),
        }
    if form == BEST_INTEREST:
        said = {"reason": giving.shown.reason, "weighed": giving.shown.options}
        checks |= {(f"consent.{name}", "required"): not _is_said(text) for name, text in said.items()}
    return [place for place, broken in checks.items() if broken]


def _is_said(text: str) -> bool:
    """Tell whether a text says something: a placeholder of the page is no answer."""
    return any(letter.isalnum() for letter in text)
