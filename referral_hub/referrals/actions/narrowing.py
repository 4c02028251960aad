"""The survivor takes a consent back, or single sections of it: where they were shared they close at once, keys included; the rest goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from referral_hub import errors, protocol
from referral_hub.cases import queries as cases
from referral_hub.consent import actions as consents
from referral_hub.consent import queries as ledger
from referral_hub.consent.facts import Standing
from referral_hub.referrals import counting, firing, resending, rules, scope
from referral_hub.referrals.actions import ending
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

EVENT = "consent_narrowed"
AGREED = "consent"  # the section that tells the recipient what was agreed


def withdraw_consent(
    session: Session, *, actor: Actor, keys: Keyring, now: datetime, consent_id: uuid.UUID, request_id: str = ""
) -> tuple[Referral, ...]:
    """Take a consent back, and end every referral that rests on it. One entry `consent.withdraw`, one for each referral.

    Where only further sections rest on it, just these close (`consent_narrowed`).

    Open referrals and drafts end (`consent_withdrawn`); one that is completed loses what is left of its window (`access_withdrawn`).
    Each referral rests on the one consent that its signed manifest names, so no other consent keeps it open.

    Raises:
        errors.NotFound, errors.NotAllowed; errors.RuleBroken: `wrong_state`, it was taken back before.
    """
    act = Act(actor, keys, now, request_id)
    consent = ledger.by_id(session, consent_id)
    scope.resting_on(session, consent_id=consent_id)
    about = cases.about(session, hub=keys.hub, actor=actor, case_id=consent.case_id, lock="share")
    consents.withdraw(session, actor=actor, about=about, consent_id=consent_id, now=now, request_id=request_id)
    resting = scope.resting_on(session, consent_id=consent_id)  # also what came to rest on it while its lock was waited for
    counting.follow_answer(session, act, consent.case_id)
    followed = (_withdrawn(session, act, referral_id=one, consent=consent) for one in resting)
    return tuple(one for one in followed if one is not None)


def _withdrawn(session: Session, act: Act, *, referral_id: uuid.UUID, consent: Consent) -> Referral | None:
    """Let a referral follow a withdrawal; None where it has ended otherwise, or its window is over."""
    found = scope.find(session, actor=act.actor, hub=act.keys.hub, referral_id=referral_id)
    if found.row.consent_id != consent.id:
        return follow(session, act, referral_id=referral_id, consent_id=consent.id, taken=consent.sections)
    event = rules.event_of_withdrawal(found.row.state, ended_at=found.row.ended_at, standings=found.standings, now=act.now)
    return ending.end(session, act, referral_id=referral_id, event=event) if event else None


def narrow_consent(
    session: Session, *, actor: Actor, keys: Keyring, now: datetime, consent_id: uuid.UUID, sections: Collection[str], request_id: str = ""
) -> tuple[Referral, ...]:
    """Take single sections of a consent back. One entry `consent.change`, and one `referral.consent_narrowed` for each referral that shared them.

    There they close at once; the keys to the sending that held them are destroyed, and the rest is on keys of its own. A referral that would
    be left with nothing ends, as by a withdrawal. Whoever records it needs the agency's key; a whole withdrawal needs none.

    Raises:
        errors.NotFound, errors.NotAllowed; errors.InputInvalid: `sections` (required, not_known, all_of_them);
        errors.RuleBroken: `wrong_state`: it was taken back whole, or is another basis than her consent. errors.CannotOpen.
    """
    act = Act(actor, keys, now, request_id)
    consent = ledger.by_id(session, consent_id)
    scope.resting_on(session, consent_id=consent_id)
    about = cases.about(session, hub=keys.hub, actor=actor, case_id=consent.case_id, lock="share")
    consents.narrow(session, actor=actor, about=about, consent_id=consent_id, sections=sections, now=now, request_id=request_id)
    resting = scope.resting_on(session, consent_id=consent_id)  # also what came to rest on it while its lock was waited for
    followed = (follow(session, act, referral_id=one, consent_id=consent_id, taken=frozenset(sections)) for one in resting)
    return tuple(one for one in followed if one is not None)


def follow(session: Session, act: Act, *, referral_id: uuid.UUID, consent_id: uuid.UUID, taken: frozenset[str], reason: str = "") -> Referral | None:
    """Let a referral follow what the survivor took back of one consent; None where nothing of it is open there.

    `reason`: the coded reason where it was not her who took it back: a review found that it had no ground.
    """
    found = scope.find(session, actor=act.actor, hub=act.keys.hub, referral_id=referral_id)
    mine = {section for section in found.granted & taken if (basis := found.basis_of(section)) is not None and basis.id == consent_id}
    in_window = rules.is_in_window(found.row.state, ended_at=found.row.ended_at, standings=found.standings, now=act.now)
    event = rules.event_of_narrowing(state=found.row.state, granted=found.granted, taken=mine, in_window=in_window)
    if event == EVENT:
        return _narrowed(session, act, referral_id=referral_id, named=frozenset(mine) if mine else taken, reason=reason)
    return ending.end(session, act, referral_id=referral_id, event=event) if event else None


def _narrowed(session: Session, act: Act, *, referral_id: uuid.UUID, named: frozenset[str], reason: str) -> Referral:
    def prepare(found: Found) -> Change:
        drop = found.granted & named

        def seal(found: Found, life: Any) -> Mapping[str, Any]:
            facts: dict[str, Any] = {"sections": tuple(sorted(named))}
            _keep_bases(session, found, gone=drop)
            if drop and life.grant != "revoked":
                earlier = resending.open_newest(session, act, found)
                changed = resending.without(earlier, closed=(), drop=drop) | _agreed(earlier.contents, found.consent)
                facts |= resending.replace(session, act, found, earlier, after=life, bases=bases_of(found, gone=drop), changed=changed, drop=drop)
            return facts

        why = {"event_reason": reason} if reason else {}
        return Change({"withdrawal_record": True, "sections": sorted(named)} | why, {"some_basis_left": True}, why, then=seal)

    return firing.fire(session, act, event=EVENT, referral_id=referral_id, version=None, prepare=prepare, side="survivor")


def close_left_out(session: Session, act: Act, found: Found, *, new: Consent) -> frozenset[str]:
    """Record that the survivor leaves out, of what is shared, what a new consent does not name; return these sections.

    The sending on the new consent, in the same transaction, closes them. Nothing is recorded where the new consent covers everything.

    Raises:
        errors.RuleBroken: `consent_scope`: nothing of what is shared would be left. errors.NotAllowed.
    """
    left_out = to_cover(found, act, new=new) - new.sections
    if not left_out:
        return left_out
    if not found.granted - left_out - protocol.current().matrix.always:
        raise errors.RuleBroken("consent_scope", sections=sorted(left_out))
    inputs = {"withdrawal_record": str(new.id), "sections": sorted(left_out)}
    change = Change(inputs, {"some_basis_left": True}, then=lambda _f, _life: {"sections": tuple(sorted(left_out))})
    firing.fire(session, act, event=EVENT, referral_id=found.row.id, version=None, prepare=lambda _: change, side="survivor")
    return left_out


def to_cover(found: Found, act: Act, *, new: Consent) -> frozenset[str]:
    """Return the shared sections that a new consent has to cover: all but those that rest on a further one which stands and is not replaced."""
    apart: frozenset[str] = frozenset()
    for basis in found.further:
        standing = scope.standing(found.row, basis.consent, sections=basis.sections, now=act.now, timezone=act.actor.timezone)
        if standing is Standing.COVERS:
            apart |= basis.sections - new.sections
    return found.granted - apart


def bases_of(found: Found, *, gone: Collection[str] = ()) -> list[Consent]:
    """Return the consents that a referral rests on, without those of which nothing is left."""
    further = [basis.consent for basis in found.further if basis.sections - frozenset(gone)]
    return [one for one in (found.consent, *further) if one is not None]


def _keep_bases(session: Session, found: Found, *, gone: frozenset[str]) -> None:
    """Take sections off the further consents that they rested on."""
    for basis in found.further:
        if basis.sections & gone:
            row = session.get_one(BasisRow, (found.row.id, basis.consent.id))
            row.sections = sorted(basis.sections - gone)
            if not row.sections:
                session.delete(row)


def _agreed(contents: Mapping[str, Plain], consent: Consent | None) -> dict[str, Plain]:
    """Return what the recipient is told of the consent, with the sections that stand; nothing where that has not changed."""
    said = contents[AGREED].fields() if AGREED in contents else {}
    if consent is None or "scope_sections" not in said or set(said["scope_sections"]) == consent.sections:
        return {}
    return {AGREED: Plain.of(said | {"scope_sections": sorted(consent.sections)})}
