"""A referral that goes without the survivor's consent: on which ground, with which article, which sections, told or why not. Pure.

Source: consent_rules.yaml, without_consent; UU 27/2022 art. 20(2)c, d. What is not named there never goes without consent.
"""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

from referral_hub import errors, protocol
from referral_hub.consent import rules
from referral_hub.consent.facts import Shown, Validated
from referral_hub.protocol import consent_text, package
from referral_hub.protocol.conditions import holds
from referral_hub.vault.hub import Use

if TYPE_CHECKING:
    import uuid
    from collections.abc import Mapping
    from datetime import date, datetime

    from referral_hub.consent.facts import Consent, Disclosure
    from referral_hub.protocol.consent_text import ConsentText
    from referral_hub.protocol.shapes import Ground
    from referral_hub.vault.hub import HubKeys

LONGEST = 2000
LONGEST_ARTICLE = 200


def grounds(*, service: str, sender_kind: str) -> tuple[Ground, ...]:
    """Return on what a referral of this kind of agency for this service may go without consent; mostly on nothing."""
    every = protocol.current().grounds.values()
    return tuple(g for g in every if service in g.services and (not g.sender_kinds or sender_kind in g.sender_kinds))


def minimum(ground: Ground, *, kind: str, service: str) -> tuple[str, ...]:
    """Return the sections that may go on this ground to this kind of agency, besides those that always go, in the order of the form."""
    usual, always = package.ceiling(kind, service), package.sections_always()
    return tuple(code for code in protocol.current().sections if code in ground.sections and code in usual and code not in always)


def reads(ground: Ground) -> frozenset[str]:
    """Return the sections of the own file that say whether a ground applies."""
    clauses = ground.applies_if.any_of if ground.applies_if else ()
    return frozenset(clause.field.partition(".")[0] for clause in clauses if clause.field)


def validate(given: Disclosure, *, now: datetime, timezone: str, sender_kind: str, own: Mapping[str, Mapping[str, Any]]) -> Validated:
    """Check a record and split it: the ledger's clear columns, and what only a seal may hold.

    `own`: the sections of the own file that `reads` names, opened.

    Raises:
        errors.InputInvalid: fields as "consent.ground", or a section of the own file that says nothing yet.
        errors.RuleBroken: a section that the ground does not allow (`consent_scope`, fact `sections`).
    """
    ground = _ground(given, sender_kind=sender_kind, own=own)
    allowed = minimum(ground, kind=given.recipient_kind, service=given.service)
    if beyond := sorted(given.sections - set(allowed) - package.sections_always()):
        raise errors.RuleBroken("consent_scope", sections=tuple(beyond), fields=())
    checks = {
        ("law_article", "required"): ground.writes_article and not package.is_said(given.law_article),
        ("law_article", "too_long"): len(given.law_article) > LONGEST_ARTICLE,
        ("sections", "required"): not given.sections,
        ("facts", "required"): not package.is_said(given.facts),
        ("facts", "too_long"): len(given.facts) > LONGEST,
        ("told", "required"): given.told is None,
        ("why_not", "required"): given.told is False and not package.is_said(given.why_not),
        ("why_not", "too_long"): len(given.why_not) > LONGEST,
    }
    if amiss := {f"consent.{name}": (code,) for (name, code), is_broken in checks.items() if is_broken}:
        raise errors.InputInvalid(amiss)
    today = rules.local_day(now, timezone)
    sealed = {"ground": ground.code, "law_article": article(given), "facts": given.facts.strip(), "told": given.told, "why_not": given.why_not.strip()}
    return Validated(_clear(given, ground, now=now, until=rules.suggested_until(today)), {code: value for code, value in sealed.items() if value != ""})


def article(given: Disclosure) -> str:
    """Return the law that a record names: as written in, or that of its ground."""
    ground = protocol.current().ground(given.ground)
    return " ".join(given.law_article.split()) if ground.writes_article else ground.law


def wording(consent: Consent, *, law: str, told: bool, language: str) -> ConsentText:
    """Return the text that the two sign, filled in.

    Raises:
        errors.InputInvalid: something that the form needs is missing.
    """
    shown = Shown(
        form=consent.form, text_language=language, from_agency="", to_agency="", agency_id=consent.scope_agency, purpose=consent.purpose,
        sections=tuple(sorted(consent.sections)), valid_until=consent.valid_until or consent.given_at.date(), onward=False,
        contact=consent.contact_allowed, stats=False, legal_basis=consent.basis, law_article=law, told=told,
    )  # fmt: skip
    return rules.wording(shown)


def lock(hub: HubKeys, *, consent_id: uuid.UUID, law: str) -> bytes:
    """Return the law of a record locked to it, for her statement, which is made without keys of the agency."""
    return hub.lock(Use.DETAIL, json.dumps({"law": law}).encode(), "consent", consent_id, "law")


def unlock(hub: HubKeys, *, consent_id: uuid.UUID, locked: bytes) -> str:
    """Return what `lock` locked; raises errors.CannotOpen where the bytes belong elsewhere."""
    return str(json.loads(hub.unlock(Use.DETAIL, locked, "consent", consent_id, "law"))["law"])


def _ground(given: Disclosure, *, sender_kind: str, own: Mapping[str, Mapping[str, Any]]) -> Ground:
    """Return the ground that was named, if it applies; raises errors.InputInvalid."""
    found = protocol.current().grounds.get(given.ground)
    if found is None:
        raise errors.InputInvalid({"consent.ground": ("not_a_code" if given.ground else "required",)})
    if found not in grounds(service=given.service, sender_kind=sender_kind):
        raise errors.InputInvalid({"consent.ground": ("not_of_the_service",)})
    if missing := sorted(reads(found) - {section for section, values in own.items() if values}):
        raise errors.InputInvalid(dict.fromkeys(missing, ("required",)))
    if not holds(found.applies_if, partial(_look, own)):
        raise errors.InputInvalid({"consent.ground": ("does_not_apply",)})
    return found


def _look(own: Mapping[str, Mapping[str, Any]], name: str) -> Any:
    section, _, code = name.partition(".")
    return own.get(section, {}).get(code)


def _clear(given: Disclosure, ground: Ground, *, now: datetime, until: date) -> dict[str, Any]:
    return {
        "basis": ground.basis,
        "scope_agency": given.agency_id,
        "purpose": protocol.current().service(given.service).purpose,
        "sections": sorted(given.sections | package.sections_always()),
        "use_limits": [],
        "onward_allowed": False,
        "contact_allowed": given.contact_allowed,
        "stats_allowed": False,
        "valid_until": until,
        "given_by": ground.given_by,
        "method": None,
        "language": given.text_language,
        "form": ground.form,
        "form_version": consent_text.form_version(ground.form, given.text_language),
        "given_at": now,
        "copy_given": None,
    }
