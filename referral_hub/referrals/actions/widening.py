"""Further sections: the recipient asks, the survivor is asked, and the sender supplies just what she agreed to, or refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from referral_hub import errors, protocol
from referral_hub.access import Verb
from referral_hub.referrals import drafts, firing, noticing, resending, rules
from referral_hub.referrals.firing import Act, Change
from referral_hub.referrals.records import BasisRow
from referral_hub.vault.plain import Plain

if TYPE_CHECKING:
    import uuid
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from sqlalchemy.orm import Session

    from referral_hub.access import Actor
    from referral_hub.consent.facts import Consent
    from referral_hub.referrals.scope import Found
    from referral_hub.referrals.values import Referral
    from referral_hub.vault.keyring import Keyring


def ask_sections(
    session: Session,
    *,
    actor: Actor,
    keys: Keyring,
    now: datetime,
    referral_id: uuid.UUID,
    version: int,
    sections: Collection[str],
    reason: str,
    note: str = "",
    request_id: str = "",
) -> Referral:
    """Ask the sender for further sections by name, with a coded reason; the survivor is asked first. `referral.ask_sections`, naming them.

    Raises:
        errors.NotFound, errors.NotAllowed, errors.StaleVersion; errors.InputInvalid: `sections` (required; not_known: shared already, or never for
        this kind of agency), `event_reason`, `note`; errors.RuleBroken: `wrong_state`.
    """
    act = Act(actor, keys, now, request_id)

    def prepare(found: Found) -> Change:
        named = _further(found, sections)
        inputs: dict[str, Any] = {"sections": sorted(named)} | ({"event_reason": reason} if reason else {})
        return Change(
            inputs, {"no_conflict": not found.conflict}, {"event_reason": reason}, note=rules.checked_note(note),
            then=lambda _f, _life: {"sections": tuple(sorted(named))},
        )  # fmt: skip

    return firing.fire(session, act, event="ask_sections", referral_id=referral_id, version=version, prepare=prepare)


def refuse_sections(
    session: Session,
    *,
    actor: Actor,
    keys: Keyring,
    now: datetime,
    referral_id: uuid.UUID,
    version: int,
    reason: str,
    note: str = "",
    request_id: str = "",
) -> Referral:
    """Refuse what was asked for, with a coded reason; the referral goes on with what is shared. `referral.refuse_sections`.

    Raises:
        errors.NotFound, errors.NotAllowed, errors.StaleVersion; errors.InputInvalid: `event_reason`, `note`; errors.RuleBroken: `wrong_state`, nothing is asked.
    """
    act = Act(actor, keys, now, request_id)
    inputs = {"event_reason": reason} if reason else {}
    change = Change(inputs, {}, {"event_reason": reason}, note=rules.checked_note(note))
    return firing.fire(session, act, event="refuse_sections", referral_id=referral_id, version=version, prepare=lambda _: change)


def supply_sections(
    session: Session,
    *,
    actor: Actor,
    keys: Keyring,
    now: datetime,
    referral_id: uuid.UUID,
    version: int,
    sections: Collection[str],
    new_basis: uuid.UUID,
    note: str = "",
    looked_at: Collection[str] = (),
    fields: Collection[str] | None = None,
    request_id: str = "",
) -> Referral:
    """Share further sections on a consent that names them, asked for or not. `referral.supply_sections`, naming them and the new manifest.

    What leaves is cut by matrix and consent as in a sending; a section beyond the matrix needs a written reason (`note`), which both
    agencies read. Texts that may tell who she is go only where they are named in `looked_at`. The whole sending is replaced, so that what was shared before stays as it was.
    `fields` ("chronology.narrative"): of each section just these; less is free, and a correction brings no other later.

    Raises:
        errors.NotFound, errors.NotAllowed (`blocked_by_survivor`), errors.StaleVersion; errors.InputInvalid: `sections` (required, not_known, nothing_filled), `fields` (required, not_known), `note`;
        errors.RuleBroken: `no_consent`, `consent_scope`, `consent_expired`, `beyond_matrix`, `access_ended`, `wrong_state`.
    """
    act = Act(actor, keys, now, request_id)
    reason = rules.checked_note(note)

    def prepare(found: Found) -> Change:
        named = _further(found, sections)
        consent = resending.consent_of_case(session, found, new_basis)
        resending.require_standing(found, act, sections=named, consent=consent)
        resending.require_standing(found, act, sections=found.granted)
        if found.life().grant != "full":
            raise errors.RuleBroken("access_ended")
        file = resending.open_file(session, act, found, verb=Verb.REFERRAL_SUPPLY_SECTIONS, consent=consent, also=named)
        picked = resending.picked(named, fields, kind=found.recipient_kind, service=found.row.service)
        parts = resending.supplied(file, found, consent, sections=named, closed=resending.kept_back(session, act, found, consent), reason=reason, picked=picked)
        noticing.check(parts, own=file.own, looked_at=looked_at)
        earlier = resending.open_newest(session, act, found)

        def seal(found: Found, life: Any) -> Mapping[str, Any]:
            facts = resending.replace(session, act, found, earlier, after=life, bases=_bases(found, consent), changed={s: Plain.of(v) for s, v in parts.items()})
            _rest(session, found, consent, named)
            _keep_picked(session, act, found, {**file.draft.get(drafts.SUPPLIED, {}), **picked})
            return facts | {"sections": tuple(sorted(named)), "consent_id": consent.id, "legal_basis": consent.basis}

        return Change({"sections": sorted(named), "new_basis": str(consent.id)}, {"basis_stands": True, "not_blocked": True}, note=reason, then=seal)

    return firing.fire(session, act, event="supply_sections", referral_id=referral_id, version=version, prepare=prepare)


def _keep_picked(session: Session, act: Act, found: Found, picked: Mapping[str, Collection[str]]) -> None:
    """Seal which fields were picked, for later corrections, to the own agency."""
    if picked:
        drafts.seal(session, found.row, act, contents={drafts.SUPPLIED: {section: sorted(codes) for section, codes in picked.items()}})


def _further(found: Found, sections: Collection[str]) -> frozenset[str]:
    possible = rules.askable(protocol.current().sections, kind=found.recipient_kind, granted=found.granted)
    return rules.check_sections(sections, possible=possible)


def _bases(found: Found, new: Consent) -> list[Consent]:
    every = (found.consent, *(basis.consent for basis in found.further), new)
    return list({one.id: one for one in every if one is not None}.values())


def _rest(session: Session, found: Found, consent: Consent, sections: frozenset[str]) -> None:
    """Note that these sections rest on `consent`, where that is not the referral's own."""
    if consent.id == found.row.consent_id:
        return
    row = session.get(BasisRow, (found.row.id, consent.id))
    if row is None:
        session.add(BasisRow(referral_id=found.row.id, consent_id=consent.id, sections=sorted(sections)))
    else:
        row.sections = sorted({*row.sections, *sections})
