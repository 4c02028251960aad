"""Further sections: the recipient asks, the survivor is asked, and the sender supplies just what she agreed to, or refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from referral_hub import errors, protocol
from referral_hub.access import Verb
from referral_hub.referrals import firing, noticing, resending, rules
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
    request_id: str = "",
) -> Referral:
    """Share further sections on a consent that names them, asked for or not. `referral.supply_sections`, naming them and the new manifest.

    What leaves is cut by matrix and consent as in a sending; a section beyond the matrix needs a written reason (`note`), which both
    agencies read. Texts that may tell who she is go only where they are named in `looked_at`. The whole sending is replaced, so that what was shared before stays as it was.

    Raises:
        errors.NotFound, errors.NotAllowed (`blocked_by_survivor`), errors.StaleVersion; errors.InputInvalid: `sections` (required, not_known, nothing_filled), `note`;
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
        closed = resending.kept_back(session, act, found, consent)
        file = resending.open_file(session, act, found, verb=Verb.REFERRAL_SUPPLY_SECTIONS, consent=consent, also=named)
        parts = resending.supplied(file, found, consent, sections=named, closed=closed, reason=reason)
        noticing.check(parts, own=file.own, looked_at=looked_at)
        earlier = resending.open_newest(session, act, found)
        guards = {"basis_stands": True, "not_blocked": True}

        def seal(found: Found, life: Any) -> Mapping[str, Any]:
            changed = {section: Plain.of(values) for section, values in parts.items()}
            bases = {one.id: one for one in _bases(found, consent)}
            facts = resending.replace(session, act, found, earlier, after=life, bases=bases.values(), changed=changed)
            _rest(session, found, consent, named)
            return facts | {"sections": tuple(sorted(named)), "consent_id": consent.id, "legal_basis": consent.basis}

        return Change({"sections": sorted(named), "new_basis": str(consent.id)}, guards, note=reason, then=seal)

    return firing.fire(session, act, event="supply_sections", referral_id=referral_id, version=version, prepare=prepare)


def _further(found: Found, sections: Collection[str]) -> frozenset[str]:
    possible = rules.askable(protocol.current().sections, kind=found.recipient_kind, granted=found.granted)
    return rules.check_sections(sections, possible=possible)


def _bases(found: Found, new: Consent) -> list[Consent]:
    return [one for one in (found.consent, *(basis.consent for basis in found.further), new) if one is not None]


def _rest(session: Session, found: Found, consent: Consent, sections: frozenset[str]) -> None:
    """Note that these sections rest on `consent`, where that is not the referral's own."""
    if consent.id == found.row.consent_id:
        return
    row = session.get(BasisRow, (found.row.id, consent.id))
    if row is None:
        session.add(BasisRow(referral_id=found.row.id, consent_id=consent.id, sections=sorted(sections)))
    else:
        row.sections = sorted({*row.sections, *sections})
