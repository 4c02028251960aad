"""What the agencies agreed, as frozen values: lists, sections, fields, kinds, services, roles and the events of a referral.

The loader makes them once from `config/protocol/*.yaml`; nothing changes them afterwards. Labels are Indonesian (`id`) and English (`en`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True, eq=False)
class Labelled:
    """Something with a code and a name in both languages."""

    code: str
    id: str
    en: str

    def label(self, language: str) -> str:
        """Return the name in `language`: English for "en", Indonesian for any other."""
        return self.en if language == "en" else self.id


@dataclass(frozen=True, eq=False)
class Item(Labelled):
    """One code of a list. `parent` names the code it is a kind of; `alone` excludes every other code; `facts` are its further entries."""

    parent: str = ""
    alone: bool = False
    facts: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, eq=False)
class Codelist:
    """A named list of codes, in the order of the file."""

    name: str
    items: Mapping[str, Item]

    def __iter__(self) -> Iterator[Item]:
        return iter(self.items.values())

    def __len__(self) -> int:
        return len(self.items)

    def __contains__(self, code: object) -> bool:
        return isinstance(code, str) and code in self.items

    def get(self, code: str) -> Item | None:
        """Return the item, or None where the list has no such code."""
        return self.items.get(code)

    def is_under(self, code: str, above: str) -> bool:
        """Tell whether `code` is `above` or one of its kinds, at any depth."""
        while code:
            if code == above:
                return True
            item = self.items.get(code)
            code = item.parent if item else ""
        return False


@dataclass(frozen=True, eq=False)
class Clause:
    """One condition. `field` with `equals` or `under` (also kinds of a code), or `service`, or `recipient_kinds`."""

    field: str = ""
    equals: tuple[Any, ...] = ()
    under: tuple[str, ...] = ()
    service: str = ""
    recipient_kinds: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Condition:
    """Holds when any of its clauses holds."""

    any_of: tuple[Clause, ...]


@dataclass(frozen=True, eq=False)
class Derivation:
    """How the program works a field out: `rule` and the fields and code it reads."""

    rule: str
    reads: Mapping[str, str]


@dataclass(frozen=True, eq=False)
class FieldType(Labelled):
    """One of the types a field may have (field_types.yaml)."""

    free_text: bool
    identifying: bool
    clear_ok: bool
    json: str


@dataclass(frozen=True, eq=False)
class Field(Labelled):
    """One field of a section. `name` is "section.field"; `clear` fields stand as plain text, every other is sealed."""

    section: str
    type: str
    codelist: str = ""
    required: bool = False
    required_if: Condition | None = None
    not_required_if: Condition | None = None
    show_if: Condition | None = None
    auto: bool = False
    derive: Derivation | None = None
    clear: bool = False
    preview: bool = False
    preview_only_for: tuple[str, ...] = ()
    never_default: bool = False
    only_for_services: tuple[str, ...] = ()
    only_recipient_kind: bool = False
    approximate_ok: bool = False
    warn_only: bool = False
    past: bool = False
    free_text: bool = False
    max: int | None = None
    min: int | None = None
    min_items: int = 0
    level: str = ""
    pdp: str = ""

    @property
    def name(self) -> str:
        """Return "section.field"."""
        return f"{self.section}.{self.code}"


@dataclass(frozen=True, eq=False)
class Section(Labelled):
    """A part of the form that is sealed and opened by itself. `written_for` is "case" or "referral"."""

    sensitivity: str
    written_for: str
    fields: Mapping[str, Field]
    show_if: Condition | None = None
    pdp: str = ""
    legal: str = ""


@dataclass(frozen=True, eq=False)
class Share:
    """What the matrix or a service cap gives of a section: a level and, for "summary", the fields."""

    level: str
    fields: frozenset[str]


@dataclass(frozen=True, eq=False)
class Kind(Labelled):
    """A kind of agency. Nothing outside `sections_ever` can be sent to it, whatever consent says."""

    case_data: bool
    may_send: bool
    may_lead_case: bool
    sections_ever: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Service(Labelled):
    """A service that a referral may ask for."""

    short_id: str
    short_en: str
    kinds: tuple[str, ...]
    purpose: str
    simfoni_service: str
    senders: tuple[str, ...] = ()
    time_critical: bool = False
    needs_document: str = ""
    yields_document: str = ""
    blocked_when: Condition | None = None

    def short_label(self, language: str) -> str:
        """Return the words for lists, notices and page heads, which say nothing of what happened to anyone."""
        return self.short_en if language == "en" else self.short_id


@dataclass(frozen=True, eq=False)
class Ability(Labelled):
    """What a role can do: lifecycle events, other actions (audit_events.yaml), and what it may read."""

    events: tuple[str, ...]
    actions: tuple[str, ...]
    reads: str
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Role(Labelled):
    """A role at agencies of one kind ("any": every kind)."""

    kind: str
    holds_key: bool
    can: tuple[str, ...]
    no_case_data: bool = False


@dataclass(frozen=True, eq=False)
class Refusal(Labelled):
    """Why the program refuses; `status` is the HTTP number the gate answers with."""

    status: int
    retry_after: bool = False


@dataclass(frozen=True, eq=False)
class Urgency(Labelled):
    """Deadlines of one urgency as ISO 8601 durations; `business` names those that count working time."""

    ack: str
    first_service: str
    update_every: str
    info_answer: str
    expires_after: str
    business: tuple[str, ...]
    phone_call_required: bool
    triggers_id: str
    triggers_en: str
    escalate: tuple[tuple[str, str], ...] = ()

    def triggers(self, language: str) -> str:
        """Return the examples that help to choose this urgency."""
        return self.triggers_en if language == "en" else self.triggers_id


@dataclass(frozen=True, eq=False)
class State(Labelled):
    """A state of a referral (FHIR R5 Task.status)."""

    terminal: bool


@dataclass(frozen=True, eq=False)
class Guard(Labelled):
    """A condition of an event. `worked_out` ones follow from flags and times alone; `refusal` is the code when it does not hold."""

    refusal: str
    worked_out: bool


@dataclass(frozen=True, eq=False)
class Input(Labelled):
    """Something an event carries. `must`: only yes passes. `required_if`: an input and the fact its code must carry for this one to be wanted."""

    type: str
    codelist: str = ""
    must: bool = False
    required_if: tuple[str, str] | None = None
    refusal: str = "missing_input"


@dataclass(frozen=True, eq=False)
class Event(Labelled):
    """One event in the life of a referral: from where, by whom, with what, and what it does."""

    from_: frozenset[str]
    to: str
    business: str
    by: frozenset[str]
    needs: tuple[str, ...]
    guards: tuple[str, ...]
    grant: str
    if_: str = ""
    sets: frozenset[str] = frozenset()
    clears: frozenset[str] = frozenset()
    clock: str = ""


@dataclass(frozen=True, eq=False)
class Lifecycle:
    """The states, guards, inputs and events of a referral, with the spans that its rules name."""

    states: Mapping[str, State]
    guards: Mapping[str, Guard]
    inputs: Mapping[str, Input]
    events: Mapping[str, Event]
    flags: frozenset[str]
    sides: frozenset[str]
    grants: frozenset[str]
    read_only_window: Mapping[str, str]
    within: Mapping[str, str]
    basis_notices: tuple[str, ...]
    basis_revoked_after: str


@dataclass(frozen=True, eq=False)
class Line:
    """A sentence in both languages, with placeholders in braces."""

    id: str
    en: str

    def text(self, language: str) -> str:
        """Return the sentence in `language`."""
        return self.en if language == "en" else self.id


@dataclass(frozen=True, eq=False)
class ConsentForm(Labelled):
    """The wording that a survivor agrees to, already joined with what it includes."""

    lines: tuple[Line, ...]
    signatures: tuple[str, ...]
    min_signers: int = 1
    review_days: int = 0


@dataclass(frozen=True, eq=False)
class Ground(Labelled):
    """A case in which a referral may go without the survivor's consent: on which basis and law, to which services, with which sections.

    `applies_if` is what the own file has to say, `sender_kinds` who may rest on it (all, where empty). `writes_article`: the article, with
    number and date of the document, is written in by hand. `review` is an ISO 8601 duration.
    """

    basis: str
    law: str
    services: tuple[str, ...]
    sections: tuple[str, ...]
    form: str
    given_by: str
    signers: int
    review: str
    applies_if: Condition | None = None
    sender_kinds: tuple[str, ...] = ()
    writes_article: bool = False


@dataclass(frozen=True, eq=False)
class ConsentWords:
    """Words that fill placeholders: "may / may not" pairs, what an empty list says, what comes before named fields, the names of the months."""

    choices: Mapping[str, tuple[Line, Line]]
    nothing: Line
    including: Line
    months: Mapping[str, tuple[str, ...]]
    placeholders: frozenset[str]


@dataclass(frozen=True, eq=False)
class WordHint(Labelled):
    """Words that may blame the survivor, and what the field says instead (`id`, `en`)."""

    words: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Holiday(Labelled):
    """A public holiday (`code` is its date, YYYY-MM-DD); `joint` ones close government offices only."""

    joint: bool
    verified: bool


@dataclass(frozen=True, eq=False)
class Matrix:
    """Who gets what: per kind of recipient, narrowed per service."""

    kinds: Mapping[str, Mapping[str, Share]]
    caps: Mapping[str, Mapping[str, Share]]
    contact_off: frozenset[str]
    always: frozenset[str]


@dataclass(frozen=True, eq=False)
class Hours:
    """Opening hours per weekday (0 = Monday) as ("08:00", "16:00")."""

    code: str
    days: Mapping[int, tuple[str, str]]
