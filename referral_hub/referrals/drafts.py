"""The parts of a draft: validated, sealed to the own agency, and opened again inside an act whose entry covers it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from referral_hub import errors, protocol
from referral_hub.protocol import forms, package
from referral_hub.vault import grants, opening, parts
from referral_hub.vault.grants import GrantKind, ObjectKind
from referral_hub.vault.plain import Plain

if TYPE_CHECKING:
    import uuid
    from collections.abc import Collection, Mapping

    from sqlalchemy.orm import Session

    from referral_hub.referrals.firing import Act
    from referral_hub.referrals.records import ReferralRow

WRITTEN = ("meta", "needs")  # sections of the form that are written for this referral; consent comes through the ledger
CONSENT = "consent"
RETURNED = "sent_back"  # what a supervisor wrote to the author when giving the draft back; it is never part of a sending
SUPPLIED = "supplied"  # which fields of further sections were chosen when they were supplied, so that a correction brings no other
CHOICE = "choice"  # what of the ceiling is to be shared: field codes are sealed too (clear_metadata.yaml, never_clear: excluded_fields)


LONGEST_REASON = 2000


@dataclass(frozen=True, repr=False)
class Chosen:
    """What a sender chose to share: fields of the usual set by section, `further` ones, and the reason written for these (content)."""

    fields: Mapping[str, list[str]]
    further: Mapping[str, list[str]] = field(default_factory=dict)
    reason: str = ""

    @property
    def extra(self) -> package.Extra | None:
        """Return what goes beyond the usual set, or None."""
        return package.Extra(self.reason, {name: frozenset(codes) for name, codes in self.further.items()}) if self.further else None

    @property
    def every(self) -> dict[str, list[str]]:
        """Return all chosen fields by section."""
        return {name: [*self.fields.get(name, ()), *self.further.get(name, ())] for name in dict.fromkeys([*self.fields, *self.further])}


def sealed_fields(section: str) -> frozenset[str]:
    """Return the codes of a section's fields that a person fills in and only a seal may hold."""
    return frozenset(f.code for f in protocol.current().section(section).fields.values() if not f.clear and not f.auto)


def checked(
    given: Mapping[str, Mapping[str, Any]], *, act: Act, service: str, recipient_kind: str, urgency: str, whole: bool
) -> dict[str, dict[str, Any]]:
    """Return the parts as they are to be sealed.

    `whole` False: a draft may still lack what is required; True: nothing may be missing (sending).

    Raises:
        errors.InputInvalid: fields as "needs.wishes" with their codes. ValueError: a part that no draft has; a fault of the caller.
    """
    good: dict[str, dict[str, Any]] = {}
    problems: dict[str, tuple[str, ...]] = {}
    context = forms.Context(now=act.now, timezone=act.actor.timezone, service=service, recipient_kind=recipient_kind)
    for section, values in given.items():
        if section not in WRITTEN:
            raise ValueError(section)
        sealed = sealed_fields(section)
        clear = {"urgency": urgency} if section == "meta" else {}  # what is required depends on it
        validated = forms.validate_section(
            section, {k: v for k, v in values.items() if k in sealed} | clear, context=context, only=sealed | set(clear), hints=False
        )
        for code, codes in validated.problems.items():
            left = codes if whole else tuple(c for c in codes if c != "required")
            if left:
                problems[f"{section}.{code}"] = left
        good[section] = {code: value for code, value in validated.values.items() if code in sealed}
    if problems:
        raise errors.InputInvalid(problems)
    return good


def checked_choice(
    choice: Mapping[str, Collection[str]], *, kind: str, service: str, to_agency: uuid.UUID, reason: str = ""
) -> dict[str, Any]:
    """Return the choice of what to share as it is to be sealed, bound to the recipient and service it was made for.

    A field beyond the usual set stands apart, with the reason that was written for it; both are sealed to the own agency and never leave it.

    Raises:
        errors.RuleBroken: more than the kind of agency may ever get, or more than usual and no reason (`beyond_matrix`, facts `sections`, `fields`).
        errors.InputInvalid: `fields`: not_a_code (no field of the form); `reason`: too_long.
    """
    book = protocol.current().sections
    if any(section not in book or code not in book[section].fields for section, codes in choice.items() for code in codes):
        raise errors.InputInvalid({"fields": ("not_a_code",)})
    usual, more, said = package.ceiling(kind, service), package.beyond(kind, service), reason.strip()
    further = {section: sorted(set(codes) - usual.get(section, frozenset())) for section, codes in choice.items()}
    further = {section: codes for section, codes in further.items() if codes}
    never = {section for section in choice if section not in usual and (section not in more or not package.is_said(said))}
    over = {f"{section}.{code}" for section, codes in further.items() for code in codes if not package.is_said(said) or code not in more.get(section, ())}
    if never or over:
        raise errors.RuleBroken("beyond_matrix", sections=sorted(never), fields=sorted(over))
    if len(said) > LONGEST_REASON:
        raise errors.InputInvalid({"reason": ("too_long",)})
    fields = {section: sorted(set(codes) & usual[section]) for section, codes in choice.items() if section in usual}
    return {"agency": str(to_agency), "service": service, "fields": fields} | ({"further": further, "reason": said} if further else {})


def choice_of(draft: Mapping[str, Mapping[str, Any]], *, to_agency: uuid.UUID, service: str) -> Chosen | None:
    """Return the saved choice if it was made for this recipient and service, else None."""
    saved = draft.get(CHOICE)
    if saved is None or (saved["agency"], saved["service"]) != (str(to_agency), service):
        return None
    return Chosen(dict(saved["fields"]), dict(saved.get("further", {})), str(saved.get("reason", "")))


def seal(session: Session, row: ReferralRow, act: Act, *, contents: Mapping[str, Mapping[str, Any]]) -> None:
    """Seal new revisions of these parts to the sending agency."""
    seal_at(session, act, agency_id=row.from_agency, object_id=row.id, contents=contents)


def seal_at(session: Session, act: Act, *, agency_id: uuid.UUID, object_id: uuid.UUID, contents: Mapping[str, Mapping[str, Any]]) -> None:
    """Seal parts of a draft, or the sealed half of a consent under the consent's own id, to the own agency."""
    if contents:
        parts.seal_parts(
            session,
            keys=act.keys,
            agency_id=agency_id,
            object_kind=ObjectKind.DRAFT,
            object_id=object_id,
            contents={name: Plain.of(values) for name, values in contents.items()},
            now=act.now,
        )


def filled(session: Session, referral_id: uuid.UUID) -> frozenset[str]:
    """Return which parts a draft has, without opening any."""
    return frozenset(parts.revisions(session, object_kind=ObjectKind.DRAFT, object_id=referral_id))


def open_now(session: Session, row: ReferralRow, act: Act) -> dict[str, dict[str, Any]]:
    """Open all parts of the draft inside an act; in memory only.

    Raises:
        errors.CannotOpen: a grant is gone, or the sealed data does not verify.
    """
    return open_at(session, act, agency_id=row.from_agency, object_id=row.id)


def open_at(session: Session, act: Act, *, agency_id: uuid.UUID, object_id: uuid.UUID) -> dict[str, dict[str, Any]]:
    """Open what `seal_at` sealed, inside an act; in memory only. Raises errors.CannotOpen as `open_now`."""
    if not filled(session, object_id):
        return {}
    sealed = opening.gather(
        session,
        member_id=act.keys.member_id,
        agency_id=agency_id,
        object_kind=ObjectKind.DRAFT,
        object_id=object_id,
        kind=GrantKind.OWN,
        now=act.now,
    )
    return {name: plain.fields() for name, plain in opening.unseal(act.keys.hub, act.keys.member_key, sealed).items()}


def keeping(
    session: Session, row: ReferralRow, act: Act, parts: Mapping[str, Mapping[str, Any]], *, keep: Collection[str]
) -> dict[str, dict[str, Any]]:
    """Return `parts` with the stored value of each field named in `keep` ("needs.wishes"), opened inside an act; where nothing is stored, without it.

    Raises:
        errors.CannotOpen as `open_now`.
    """
    stored = open_now(session, row, act) if keep else {}
    made = {part: dict(values) for part, values in parts.items()}
    for part, _dot, code in (name.partition(".") for name in keep):
        if part in made:
            made[part].pop(code, None)
            made[part] |= {code: stored[part][code]} if code in stored.get(part, {}) else {}
    return made


def destroy(session: Session, row: ReferralRow, act: Act) -> dict[str, Any]:
    """Destroy the keys of a draft's parts; nothing of it opens again."""
    grants.revoke_object(session, object_kind=ObjectKind.DRAFT, object_id=row.id, now=act.now, hub=act.keys.hub)
    return {}
