"""Values of this room: what was agreed, what a page showed and took in, and what the caller knows of the case. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from referral_hub import errors

if TYPE_CHECKING:
    import uuid
    from collections.abc import Mapping
    from datetime import date, datetime

    from referral_hub.access import Target

STATISTICS = "statistics"  # form of the answer whether she may be counted
REFUSAL = "refusal"  # form of a record that is no consent (consent_forms.yaml)
BEST_INTEREST = "best_interest_record"
WITHOUT = "no_consent_disclosure"
FORMS_BY_TWO = frozenset({BEST_INTEREST, WITHOUT})
VITAL = "vital_interest"
REVIEW = {BEST_INTEREST: timedelta(days=14), WITHOUT: timedelta(days=3)}  # consent_rules.yaml, review; a test holds these against the list
REVIEW_VITAL = timedelta(days=1)


class Standing(StrEnum):
    """How a consent stands towards one agency, purpose and set of sections on one day."""

    COVERS = "covers"
    LACKS = "lacks"
    SCOPE = "scope"
    ENDED = "ended"
    WITHDRAWN = "withdrawn"

    @property
    def refusal(self) -> str:
        """Return the code of refusals.yaml, empty where nothing is refused (consent_rules.yaml, checks)."""
        return {"covers": "", "lacks": "no_consent", "scope": "consent_scope"}.get(self, "consent_expired")

    @property
    def fact(self) -> str:
        """Return the value of the policy's fact `consent`, which knows no scope."""
        return "lacks" if self is Standing.SCOPE else str(self)


@dataclass(frozen=True)
class Consent:
    """One row of the ledger: clear metadata, no content. `sections` are those that stand; `taken_back` are those she took back one by one."""

    id: uuid.UUID
    case_id: uuid.UUID
    basis: str
    scope_agency: uuid.UUID
    purpose: str
    sections: frozenset[str]
    use_limits: frozenset[str]
    onward_allowed: bool
    contact_allowed: bool
    stats_allowed: bool
    valid_until: date | None
    given_by: str
    method: str | None
    language: str
    form: str
    form_version: str
    given_at: datetime
    copy_given: str | None
    signers: tuple[uuid.UUID, ...]
    withdrawn_at: datetime | None
    taken_back: frozenset[str] = frozenset()
    reviewed_at: datetime | None = None
    reviewer: uuid.UUID | None = None

    @property
    def is_refusal(self) -> bool:
        """Tell whether the survivor said no."""
        return self.form == REFUSAL

    @property
    def is_count_answer(self) -> bool:
        """Tell whether it only says whether she may be counted: it is no basis of any referral."""
        return self.form == STATISTICS

    @property
    def by_two(self) -> bool:
        """Tell whether two different people have to sign before it stands (consent_rules.yaml, signers)."""
        return self.form in FORMS_BY_TWO

    @property
    def review_on(self) -> date | None:
        """Return the day by which somebody looks at it again (consent_rules.yaml, review), or None where nobody has to."""
        if self.form not in REVIEW:
            return None
        return self.given_at.date() + (REVIEW_VITAL if self.basis == VITAL else REVIEW[self.form])

    def review_late(self, on: date) -> bool:
        """Tell whether somebody should have looked at it again before the day `on`, and nobody has."""
        return self.review_on is not None and self.reviewed_at is None and on > self.review_on

    @property
    def is_signed(self) -> bool:
        """Tell whether everybody signed who has to."""
        return len(set(self.signers)) >= (2 if self.by_two else 1)


@dataclass(frozen=True)
class Child:
    """What the rules for children ask of the own file: age in years where a birth date is known, and how it is with the guardian."""

    age: int | None
    age_band: str
    guardian_is_suspect: bool
    guardian_informed: str


@dataclass(frozen=True)
class About:
    """Whose consent it is, as the caller found the case within the actor's scope. `closed`: nothing new begins in it."""

    case_id: uuid.UUID
    agency_id: uuid.UUID
    subject: uuid.UUID
    flags: tuple[str, ...]
    minor: bool
    target: Target
    closed: bool = False

    def check_open(self) -> None:
        """Refuse what begins something in a file that was closed; asked after the policy. Raises errors.RuleBroken: `wrong_state`."""
        if self.closed:
            raise errors.RuleBroken("wrong_state")


@dataclass(frozen=True, repr=False)
class Shown:
    """What the text on the page was filled with."""

    form: str
    text_language: str
    from_agency: str
    to_agency: str
    agency_id: uuid.UUID
    purpose: str
    sections: tuple[str, ...]
    valid_until: date
    onward: bool
    contact: bool
    stats: bool
    excluded: tuple[str, ...] = ()
    blocked: str = ""
    reason: str = ""
    guardian_relation: str = ""
    child_view: str = ""
    options: str = ""
    legal_basis: str = ""
    law_article: str = ""
    told: bool | None = None
    further: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Name the form and nothing else."""
        return f"<Shown {self.form}>"


@dataclass(frozen=True, repr=False)
class Giving:
    """What the worker recorded of the survivor's answer.

    `witness` are member ids. `text_shown` is the digest that the page carried of the text it showed (`ConsentText.shown`).
    `assent`: what a child said in her own words' sense ("yes", "no"; "comforted" for the youngest, who are told simply); empty for an adult.
    `facts`: the written facts of a disclosure without consent. `further`: fields ("section.field") beyond the usual ones, which the text named.
    """

    agency_id: uuid.UUID
    service: str
    purpose: str
    sections: frozenset[str]
    excluded_fields: tuple[str, ...]
    restrictions: str
    use_limits: frozenset[str]
    onward_allowed: bool
    contact_allowed: bool
    stats_allowed: bool
    valid_until: date
    given_by: str
    method: str
    language: str
    given_at: datetime
    copy_given: str
    witness: tuple[uuid.UUID, ...]
    shown: Shown
    text_shown: str
    basis: str = "consent"
    assent: str = ""
    facts: str = ""
    further: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Name the form and nothing else."""
        return f"<Giving {self.shown.form}>"


@dataclass(frozen=True, repr=False)
class Disclosure:
    """What a worker recorded where the survivor was not asked (consent_rules.yaml, without_consent).

    `ground` is the code of the rule; `law_article` the article, or number and date of the paper, where the rule has it written in. `facts`,
    why it is necessary now, and `why_not`, why the survivor is not told yet, are content. `told` None: not said.
    """

    agency_id: uuid.UUID
    service: str
    recipient_kind: str
    ground: str
    law_article: str
    sections: frozenset[str]
    contact_allowed: bool
    facts: str
    told: bool | None
    why_not: str
    text_language: str = "id"

    def __repr__(self) -> str:
        """Name the ground and nothing else."""
        return f"<Disclosure {self.ground}>"


@dataclass(frozen=True, repr=False)
class Validated:
    """A consent that keeps every rule: the ledger's columns, and the fields that only a seal may hold."""

    clear: Mapping[str, Any]
    sealed: Mapping[str, Any]

    def __repr__(self) -> str:
        """Say nothing of either half."""
        return "<Validated>"
