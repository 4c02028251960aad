"""The protocol book: everything the agencies agreed, in one frozen value with one way to ask for each thing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from referral_hub import errors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from referral_hub.protocol.shapes import (
        Ability,
        Codelist,
        ConsentForm,
        ConsentWords,
        Event,
        Field,
        FieldType,
        Ground,
        Holiday,
        Hours,
        Item,
        Kind,
        Lifecycle,
        Matrix,
        Refusal,
        Role,
        Section,
        Service,
        State,
        Urgency,
        WordHint,
    )

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Protocol:
    """Everything the agencies agreed. `digest` is the SHA-256 of all lists; accessors raise errors.NotFound for an unknown code."""

    digest: str
    codelists: Mapping[str, Codelist]
    field_types: Mapping[str, FieldType]
    sections: Mapping[str, Section]
    matrix: Matrix
    kinds: Mapping[str, Kind]
    services: Mapping[str, Service]
    abilities: Mapping[str, Ability]
    roles: Mapping[str, Role]
    refusals: Mapping[str, Refusal]
    urgencies: Mapping[str, Urgency]
    lifecycle: Lifecycle
    consent_forms: Mapping[str, ConsentForm]
    consent_words: ConsentWords
    grounds: Mapping[str, Ground]
    hints: tuple[WordHint, ...]
    own_place: frozenset[str]
    name_parts: frozenset[str]
    holidays: Mapping[str, Holiday]
    hours: Mapping[str, Hours]

    def __repr__(self) -> str:
        """Name the digest and nothing else."""
        return f"<Protocol {self.digest[:12]}>"

    def codelist(self, name: str) -> Codelist:
        """Return a code list by name."""
        return _found(self.codelists, name)

    def item(self, list_name: str, code: str) -> Item:
        """Return one code of a list."""
        return _found(self.codelist(list_name).items, code)

    def label(self, list_name: str, code: str, language: str) -> str:
        """Return the label of a code. A code that the list no longer knows comes back as it is, so that an old record can still be shown."""
        item = self.codelist(list_name).get(code)
        return item.label(language) if item else code

    def short_label(self, service: str, language: str) -> str:
        """Return the words for a service in lists, notices and page heads; an unknown code comes back as it is."""
        found = self.services.get(service)
        return found.short_label(language) if found else service

    def section(self, code: str) -> Section:
        """Return a section of the form."""
        return _found(self.sections, code)

    def field(self, name: str) -> Field:
        """Return a field by "section.field"."""
        section, _, code = name.partition(".")
        return _found(self.section(section).fields, code)

    def kind(self, code: str) -> Kind:
        """Return a kind of agency."""
        return _found(self.kinds, code)

    def service(self, code: str) -> Service:
        """Return a service."""
        return _found(self.services, code)

    def role(self, code: str) -> Role:
        """Return a role."""
        return _found(self.roles, code)

    def ability(self, code: str) -> Ability:
        """Return an ability."""
        return _found(self.abilities, code)

    def refusal(self, code: str) -> Refusal:
        """Return a refusal."""
        return _found(self.refusals, code)

    def urgency(self, code: str) -> Urgency:
        """Return an urgency with its deadlines."""
        return _found(self.urgencies, code)

    def event(self, code: str) -> Event:
        """Return an event of the life of a referral."""
        return _found(self.lifecycle.events, code)

    def state(self, code: str) -> State:
        """Return a state of a referral."""
        return _found(self.lifecycle.states, code)

    def ground(self, code: str) -> Ground:
        """Return a case in which a referral may go without consent."""
        return _found(self.grounds, code)

    def consent_form(self, code: str) -> ConsentForm:
        """Return the wording of a consent form."""
        return _found(self.consent_forms, code)


def _found(held: Mapping[str, T], code: str) -> T:
    try:
        return held[code]
    except (KeyError, TypeError) as wrong:
        raise errors.NotFound from wrong
