"""What was shared is corrected, or put on a new consent: the sender seals it anew, and the earlier keys are destroyed."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete

from referral_hub import access, errors
from referral_hub.access import Verb
from referral_hub.cases import rules as case_rules
from referral_hub.protocol import package
from referral_hub.referrals import drafts, firing, noticing, resending, rules, scope
from referral_hub.referrals.actions import narrowing
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
    from referral_hub.protocol.lifecycle import Life
    from referral_hub.referrals.scope import Found
    from referral_hub.referrals.values import Referral
    from referral_hub.vault.keyring import Keyring

NEEDS = "needs"
OPEN = frozenset({"preview", "full"})


def revise(
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
    looked_at: Collection[str] = (),
    needs: Mapping[str, Any] | None = None,
    request_id: str = "",
) -> Referral:
    """Send shared sections as the own file has them now, with a coded reason. `referral.revise`, naming them and the new manifest.

    Texts that may tell who she is go only where they are named in `looked_at`. No field leaves that was not chosen for the referral before; the earlier revision opens no more. Who merely keeps safe contact corrects
    just that section. `needs`, which is written for this referral alone, is corrected by handing in what stands there from now on.

    Raises:
        errors.NotFound, errors.NotAllowed, errors.StaleVersion; errors.InputInvalid: `sections` (required, not_known: not shared, or not of the
        person; nothing_filled; unchanged, some_unchanged), `event_reason`, `note`, fields as "needs.wishes";
        errors.RuleBroken: `no_consent`, `consent_scope`, `consent_expired`, `access_ended`, `wrong_state`.
    """
    act = Act(actor, keys, now, request_id)

    written = {NEEDS: needs} if needs is not None and NEEDS in sections else {}

    def prepare(found: Found) -> Change:
        change = _revised(session, act, found, sections=sections, written=written, looked_at=looked_at)
        inputs = {**change.inputs} | ({"event_reason": reason} if reason else {})
        return replace(change, inputs=inputs, values={"event_reason": reason}, note=rules.checked_note(note))

    return firing.fire(session, act, event="revise", referral_id=referral_id, version=version, prepare=prepare)


def _revised(
    session: Session, act: Act, found: Found, *, sections: Collection[str], written: Mapping[str, Mapping[str, Any]], looked_at: Collection[str]
) -> Change:
    """Return the correction of these sections; `written`: what was written for the referral, as it stands from now on."""
    named = rules.check_sections(sections, possible=found.granted & {*case_rules.sections_of_person(), *written})
    if not all(case_rules.may_write(access.abilities(act.actor.roles), section) for section in named):
        raise errors.NotAllowed("role_lacks_ability")
    resending.require_standing(found, act, sections=found.granted)
    if found.life().grant not in OPEN or found.consent is None:
        raise errors.RuleBroken("access_ended")
    closed = {section: resending.kept_back(session, act, found, found.basis_of(section) or found.consent) for section in named}
    file = resending.open_file(session, act, found, verb=Verb.REFERRAL_REVISE, consent=found.consent, also=named - {NEEDS})
    anew = _written_anew(act, found, written)
    file = replace(file, content={**file.content, **anew}, draft={**file.draft, **anew})
    earlier = resending.open_newest(session, act, found)
    parts = resending.corrected(file, found, sections=named, before=earlier.contents, closed=closed)
    noticing.check(parts, own=file.own, looked_at=looked_at)

    def seal(found: Found, life: Any) -> Mapping[str, Any]:
        everything = frozenset().union(*closed.values())
        changed = {section: Plain.of(values) for section, values in parts.items()}
        drafts.seal(session, found.row, act, contents=anew)
        changed |= resending.preview_with(earlier, file, sections=named, service=found.row.service, closed=everything)
        facts = resending.replace(session, act, found, earlier, after=life, bases=narrowing.bases_of(found), changed=changed)
        return facts | {"sections": tuple(sorted(named))}

    return Change({"sections": sorted(named)}, {"basis_stands": True}, then=seal)


def _written_anew(act: Act, found: Found, written: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return what was written for the referral as it stands from now on. Raises errors.InputInvalid."""
    row = found.row
    return drafts.checked(written, act=act, service=row.service, recipient_kind=found.recipient_kind, urgency=row.urgency, whole=True)


def renew_basis(
    session: Session,
    *,
    actor: Actor,
    keys: Keyring,
    now: datetime,
    referral_id: uuid.UUID,
    version: int,
    new_basis: uuid.UUID,
    request_id: str = "",
) -> Referral:
    """Put a referral on a new consent of hers; access that was suspended comes back. `referral.renew_basis`, naming the new manifest.

    It never widens. Sections that the new consent leaves out are closed first, as by her own decision (`referral.consent_narrowed`), and
    fields that it keeps back fall out. A grant that was revoked stays so.

    Raises:
        errors.NotFound, errors.NotAllowed (`blocked_by_survivor`), errors.StaleVersion; errors.InputInvalid: `new_basis` (not_known: it rests on it already);
        errors.RuleBroken: `no_consent`, `consent_scope` (nothing of what is shared is left), `consent_expired`, `wrong_state`, `wrong_side`.
    """
    act = Act(actor, keys, now, request_id)
    found = scope.find(session, actor=actor, hub=keys.hub, referral_id=referral_id, lock="update")
    access.require(actor, Verb.REFERRAL_RENEW_BASIS, found.target(actor, now=now))
    left_out: frozenset[str] = frozenset()
    if found.row.version == version and found.life().grant in {*OPEN, "suspended"}:
        consent = resending.consent_of_case(session, found, new_basis)
        left_out = narrowing.close_left_out(session, act, found, new=consent)

    def prepare(found: Found) -> Change:
        consent = resending.consent_of_case(session, found, new_basis)
        if consent.id == found.row.consent_id:
            raise errors.InputInvalid({"new_basis": ("not_known",)})
        resending.require_standing(found, act, sections=narrowing.to_cover(found, act, new=consent) - left_out, consent=consent)
        closed = resending.kept_back(session, act, found, consent)
        file = resending.open_file(session, act, found, verb=Verb.REFERRAL_RENEW_BASIS, consent=consent, also=())
        inputs = {"new_basis": str(consent.id)}
        return Change(inputs, {"basis_stands": True, "not_blocked": True}, then=partial(_renewed, session, act, consent, file, closed, left_out))

    fresh = None if left_out else version
    return firing.fire(session, act, event="renew_basis", referral_id=referral_id, version=fresh, prepare=prepare)


def _renewed(
    session: Session, act: Act, consent: Consent, file: resending.File, closed: frozenset[str], left_out: frozenset[str], found: Found, life: Life
) -> Mapping[str, Any]:
    """Seal what is left on the new consent, where anything is open, and let the referral rest on it; return what the entry says."""
    facts: dict[str, Any] = {"consent_id": consent.id, "legal_basis": consent.basis}
    apart = {basis.consent: left for basis in found.further if (left := basis.sections - consent.sections - left_out)}
    if life.grant in OPEN:
        earlier = resending.open_newest(session, act, found)
        elsewhere = frozenset().union(*apart.values())
        mine = {name for name in closed if name.partition(".")[0] not in elsewhere}
        changed = resending.without(earlier, closed=mine, drop=left_out) | {narrowing.AGREED: Plain.of(_agreed(file, found, closed))}
        facts |= resending.replace(session, act, found, earlier, after=life, bases=(consent, *apart), changed=changed, drop=left_out)
    session.execute(delete(BasisRow).where(BasisRow.referral_id == found.row.id), execution_options={"synchronize_session": "fetch"})
    session.add_all(BasisRow(referral_id=found.row.id, consent_id=one.id, sections=sorted(left)) for one, left in apart.items())
    found.row.consent_id = consent.id
    return facts


def _agreed(file: resending.File, found: Found, closed: Collection[str]) -> dict[str, Any]:
    """Return the section that tells the recipient what was agreed, cut like any other."""
    usual = package.ceiling(file.recipient.kind, found.row.service)["consent"]
    return {code: value for code, value in file.content["consent"].items() if code in usual and f"consent.{code}" not in closed}
