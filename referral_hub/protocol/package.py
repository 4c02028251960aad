"""What may leave: the ceiling of a kind and service, what is ticked beforehand, the package itself, and the preview.

A ceiling is `sections_ever` of the recipient's kind, narrowed by the matrix and by the cap of the service. No consent widens it; a written
reason can, up to `sections_ever`. Less is always free.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from referral_hub import errors
from referral_hub.protocol.conditions import holds
from referral_hub.protocol.loader import current
from referral_hub.protocol.values import Amiss, shaped

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from referral_hub.protocol.shapes import Field, Share

Fields = Mapping[str, frozenset[str]]
Content = Mapping[str, Mapping[str, Any]]


LEDGER = "consent"  # the section that the ledger writes: nothing of it is the sender's to add
BY_SERVICE, BY_KIND, ON_REQUEST = "service", "kind", "on_request"


@dataclass(frozen=True)
class Extra:
    """More than the matrix gives, by section, with the sender's written reason (content, kept out of repr)."""

    reason: str = field(repr=False)
    fields: Fields

    @property
    def is_reasoned(self) -> bool:
        """Tell whether the reason says something: dashes and dots are none."""
        return is_said(self.reason)


def is_said(text: str) -> bool:
    """Tell whether a text says something: dashes and dots say nothing."""
    return any(letter.isalnum() for letter in text)


@cache
def ceiling(kind: str, service: str = "") -> Fields:
    """Return the most that a recipient of `kind` may get for `service`, by section; without a service, for any.

    Empty where the kind does not offer the service.

    Raises:
        errors.NotFound: an unknown kind or service.
    """
    ever = current().kind(kind).sections_ever
    if service and kind not in current().service(service).kinds:
        return MappingProxyType({})
    given = current().matrix.kinds.get(kind, {})
    cap = current().matrix.caps.get(service)
    most = {}
    for section in ever:
        names = _of(section, given.get(section)) & (_of(section, cap.get(section)) if cap is not None else _all(section))
        allowed = frozenset(name for name in names if _may_be_ticked(section, name, service))
        if allowed:
            most[section] = allowed
    return MappingProxyType(most)


def _all(section: str) -> frozenset[str]:
    return frozenset(current().section(section).fields)


def _of(section: str, share: Share | None) -> frozenset[str]:
    if share is None or share.level not in {"full", "summary"}:
        return frozenset()
    return _all(section) if share.level == "full" else share.fields


def _tickable(section: str, service: str) -> frozenset[str]:
    return frozenset(name for name in _all(section) if _may_be_ticked(section, name, service))


def _may_be_ticked(section: str, name: str, service: str) -> bool:
    """A field that is never ticked beforehand goes only for its named services; without any, it stays with the sender."""
    found = current().section(section).fields[name]
    if not found.never_default:
        return True
    return service in found.only_for_services if service else bool(found.only_for_services)


@cache
def beyond(kind: str, service: str) -> Fields:
    """Return what may leave besides the ceiling once somebody wrote down why and the survivor agreed, by section.

    Empty where the kind does not offer the service.

    Raises:
        errors.NotFound: an unknown kind or service.
    """
    usual = ceiling(kind, service)
    if kind not in current().service(service).kinds:
        return MappingProxyType({})
    wide = {section: _tickable(section, service) - usual.get(section, frozenset()) for section in current().kind(kind).sections_ever if section != LEDGER}
    return MappingProxyType({section: names for section, names in wide.items() if names})


def cause(kind: str, name: str) -> str:
    """Tell why "section.field" is not in the usual set: the `service` needs less than the kind gets, `on_request` of the recipient, or the `kind`.

    Raises:
        errors.NotFound: an unknown kind.
    """
    section, _, code = name.partition(".")
    if code in ceiling(kind).get(section, ()):
        return BY_SERVICE
    share = current().matrix.kinds.get(kind, {}).get(section)
    return ON_REQUEST if share is not None and share.level == ON_REQUEST else BY_KIND


def to_be_named(kind: str, service: str, chosen: Mapping[str, Collection[str]]) -> frozenset[str]:
    """Return which chosen fields ("section.field") consent must name one by one, because the name of their section does not tell of them.

    These are fields beyond the usual ones of a section that is shared in part, and fields that are never ticked beforehand.
    """
    usual = ceiling(kind, service)
    form = current().sections
    return frozenset(
        f"{section}.{name}"
        for section, names in chosen.items()
        for name in names
        if (section in usual and name not in usual[section]) or (name in form[section].fields and form[section].fields[name].never_default)
    )


def preselect(kind: str, service: str, *, contact_allowed: bool = True, excluded: Collection[str] = ()) -> Fields:
    """Return what is ticked beforehand, by section. `excluded` are fields ("section.field") that the survivor left out.

    Raises:
        errors.NotFound: an unknown kind or service.
    """
    closed = closed_fields(contact_allowed=contact_allowed, excluded=excluded)
    ticked = {section: frozenset(name for name in names if _is_ticked(section, name, closed)) for section, names in ceiling(kind, service).items()}
    return MappingProxyType({section: names for section, names in ticked.items() if names})


def closed_fields(*, contact_allowed: bool, excluded: Collection[str]) -> frozenset[str]:
    """Return the fields ("section.field") that the survivor's answer keeps back: left out by name, or all ways of contact where she wants none."""
    return frozenset(excluded) | (frozenset() if contact_allowed else current().matrix.contact_off)


def _is_ticked(section: str, name: str, closed: frozenset[str]) -> bool:
    return not current().section(section).fields[name].never_default and f"{section}.{name}" not in closed


def filter_package(
    content: Content,
    *,
    kind: str,
    service: str,
    consented: Collection[str],
    excluded: Collection[str] = (),
    contact_allowed: bool = True,
    chosen: Mapping[str, Collection[str]] | None = None,
    extra: Extra | None = None,
    facts: Content | None = None,
) -> dict[str, dict[str, Any]]:
    """Return the package: of each section asked for, the fields that may and should leave.

    Args:
        content: the whole sections asked to be sent; its keys are the request.
        kind: of the recipient.
        service: asked for.
        consented: sections that consent or another basis covers; meta, profile and consent are always covered.
        excluded: fields ("section.field") left out by the survivor.
        contact_allowed: whether the recipient may contact the survivor.
        chosen: fields by section where they were ticked by hand; other sections go as ticked beforehand.
        extra: more than the matrix, with a reason.
        facts: all sections known, to tell what is hidden; else `content`.

    Raises:
        errors.NotFound: an unknown kind or service.
        errors.RuleBroken: service_not_allowed; beyond_matrix; consent_scope (facts `sections`, `fields`: codes).
    """
    if kind not in current().service(service).kinds:
        raise errors.RuleBroken("service_not_allowed")
    more = dict(extra.fields) if extra else {}
    allowed = _allowed(kind, service, extra)
    wanted = _wanted(content, chosen or {}, more, preselect(kind, service, contact_allowed=contact_allowed, excluded=excluded))
    _refuse("beyond_matrix", (name for name in wanted if name not in allowed), _outside(wanted, allowed))
    covered = frozenset(consented) | sections_always()
    closed = closed_fields(contact_allowed=contact_allowed, excluded=excluded)
    by_hand = {f"{section}.{name}" for asked in (chosen or {}, more) for section, names in asked.items() for name in names}
    _refuse("consent_scope", (name for name in wanted if name not in covered), by_hand & closed)
    look = partial(_look, content if facts is None else facts)
    package = {name: _visible(name, content.get(name, {}), names, look, service, kind) for name, names in wanted.items()}
    return {name: values for name, values in package.items() if values}


def _allowed(kind: str, service: str, extra: Extra | None) -> Fields:
    most = ceiling(kind, service)
    if not extra or not extra.is_reasoned:
        return most
    ever = current().kind(kind).sections_ever
    wide = {name: _tickable(name, service) for name in ever if name in extra.fields}
    return {name: most.get(name, frozenset()) | (extra.fields.get(name, frozenset()) & wide.get(name, frozenset())) for name in {*most, *wide}}


def _wanted(content: Content, chosen: Mapping[str, Collection[str]], more: Fields, ticked: Fields) -> dict[str, frozenset[str]]:
    names = dict.fromkeys([*content, *chosen, *more])
    return {name: frozenset(chosen.get(name, ticked.get(name, frozenset()))) | more.get(name, frozenset()) for name in names}


def _outside(wanted: Fields, allowed: Fields) -> set[str]:
    return {f"{section}.{name}" for section, names in wanted.items() for name in names - allowed.get(section, frozenset())}


def _refuse(code: str, sections: Iterable[str], fields: Collection[str]) -> None:
    beyond, named = tuple(sorted(set(sections))), tuple(sorted(fields))
    if beyond or named:
        raise errors.RuleBroken(code, sections=beyond, fields=named)


def _look(facts: Content, name: str) -> Any:
    section, _, code = name.partition(".")
    return facts.get(section, {}).get(code)


def _visible(section: str, values: Mapping[str, Any], names: frozenset[str], look: Any, service: str, kind: str) -> dict[str, Any]:
    form = current().section(section)
    shown = partial(holds, look=look, service=service, recipient_kind=kind)
    if not shown(form.show_if):
        return {}
    return {code: values[code] for code, one in form.fields.items() if code in names and code in values and shown(one.show_if)}


@cache
def preview_fields(service: str) -> tuple[str, ...]:
    """Return the fields of the preview for a service ("section.field"), in the order of the form.

    Raises:
        errors.NotFound: an unknown service.
    """
    current().service(service)
    return tuple(one.name for one in _marked() if not one.preview_only_for or service in one.preview_only_for)


@cache
def _marked() -> tuple[Field, ...]:
    return tuple(one for section in current().sections.values() for one in section.fields.values() if one.preview)


def preview(content: Content, *, service: str, excluded: Collection[str] = ()) -> dict[str, dict[str, Any]]:
    """Return the preview part: copies of the marked fields, by section. Only codes, yes or no, ids and times; a value of another shape is left out.

    Raises:
        errors.NotFound: an unknown service.
    """
    made: dict[str, dict[str, Any]] = {}
    for name in preview_fields(service):
        found = current().field(name)
        value = content.get(found.section, {}).get(found.code)
        if value is None or name in excluded:
            continue
        try:
            made.setdefault(found.section, {})[found.code] = shaped(found, value)
        except Amiss:
            continue
    return {section: values for section, values in made.items() if values}


def may_ask(service: str, *, sender_kind: str, recipient_kind: str, documents: Collection[str] = (), facts: Content | None = None) -> bool:
    """Tell whether a service may be asked for: by this sender, of this recipient, with its needed document, in this kind of case.

    Raises:
        errors.NotFound: an unknown service or kind.
    """
    found = current().service(service)
    sender, recipient = current().kind(sender_kind), current().kind(recipient_kind)
    fits = sender.may_send and recipient.case_data and recipient_kind in found.kinds and (not found.senders or sender_kind in found.senders)
    has_paper = not found.needs_document or found.needs_document in documents
    return fits and has_paper and not holds(found.blocked_when, partial(_look, facts or {}), absent=False)


def sections_always() -> frozenset[str]:
    """Return the sections that every consent covers."""
    return current().matrix.always
