"""A sending that takes the place of the one before: parts added, renewed or left out; the keys to the earlier one are destroyed.

What stays is not sealed again: the new grants get shares of the same section keys, and the new manifest names the same digests.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from referral_hub import errors
from referral_hub.vault import agency, grants, manifest, opening
from referral_hub.vault.grants import GrantKind, ObjectKind, Standing
from referral_hub.vault.manifest import Manifest
from referral_hub.vault.parts import Place, open_content, share_anew, store
from referral_hub.vault.sending import PREVIEW, SendingFacts, Sent, make_grants, sign

if TYPE_CHECKING:
    import uuid
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from sqlalchemy.orm import Session

    from referral_hub.vault.keyring import Keyring
    from referral_hub.vault.opening import Beside, SealedParts
    from referral_hub.vault.plain import Plain


@dataclass(frozen=True, repr=False)
class Earlier:
    """The newest sending of a referral as its sender holds it: verified, open, in memory only."""

    sealed: SealedParts
    named: Manifest
    section_keys: Mapping[str, bytes]
    contents: Mapping[str, Plain]

    def __repr__(self) -> str:
        """Say nothing of the content."""
        return f"<earlier sending {self.named.sending}>"


def open_newest(
    session: Session, *, keys: Keyring, agency_id: uuid.UUID, referral_id: uuid.UUID, now: datetime, last_digest: Beside,
) -> Earlier:  # fmt: skip
    """Open the newest sending as its sender, inside an act whose entry covers it. It must be the last one that the log knows.

    `last_digest` makes the log's digest from the column of the object's id, read at the same moment.

    Raises:
        errors.CannotOpen: a grant is gone, the manifest is not the log's last, or anything does not verify. errors.NotAllowed: `key_not_held`.
    """
    sealed = opening.gather(
        session, member_id=keys.member_id, agency_id=agency_id, object_kind=ObjectKind.REFERRAL, object_id=referral_id, kind=GrantKind.OWN,
        now=now, beside=last_digest,
    )  # fmt: skip
    if sealed.signed is None or sealed.beside is None:
        raise errors.CannotOpen(what="manifest")
    opened = opening.section_keys(keys.hub, keys.member_key, sealed, expected_manifest_digest=sealed.beside)
    contents = {
        name: open_content(opened[name], part.ciphertext, hub_id=keys.hub.hub_id, place=part.place) for name, part in sealed.parts.items()
    }
    return Earlier(sealed, Manifest.parse(sealed.signed.body), opened, contents)


def replace_sending(
    session: Session, *, keys: Keyring, facts: SendingFacts, earlier: Earlier, changed: Mapping[str, Plain], drop: Collection[str],
    standings: Mapping[GrantKind, Standing], now: datetime,
) -> Sent:  # fmt: skip
    """Put a sending in the place of `earlier`: its parts without `drop`, and `changed` (the preview's part among them) sealed anew.

    The recipient's new preview and full grants stand as `standings` says; those of every earlier sending are destroyed, so that neither a
    part that was left out nor an old revision opens again. The sender keeps its own grants: what it once sent stays readable to it.

    Raises:
        errors.NotAllowed: `key_not_held`. errors.RuleBroken: `no_agency_key` of either agency.
        errors.CannotOpen: `earlier` is not the sending before this one, or went to another agency than `facts` says.
    """
    manifest.expect(
        earlier.named, referral=facts.referral_id, sending=facts.sending - 1, from_agency=facts.from_agency, to_agency=facts.to_agency,
        service=facts.service, purpose=facts.purpose,
    )  # fmt: skip
    recipient = agency.current_epoch(session, hub=keys.hub, agency_id=facts.to_agency)
    sender = agency.current_epoch(session, hub=keys.hub, agency_id=facts.from_agency)
    bundle = keys.bundle(session, sender.agency_id, sender.epoch)
    own, first, full = make_grants(session, keys=keys, facts=facts, bundle=bundle, recipient=recipient, standings=standings, now=now)
    holders = {name: (own.opened, (first if name == PREVIEW else full).opened) for name in {*earlier.sealed.parts, *changed}}
    kept = {name: part for name, part in earlier.sealed.parts.items() if name not in changed and name not in drop}
    share_anew(session, [(part.place, earlier.section_keys[name], holders[name]) for name, part in sorted(kept.items())])
    digests = {name: hashlib.sha256(part.ciphertext).digest() for name, part in kept.items()}
    if changed:
        places = {name: Place(ObjectKind.REFERRAL, facts.referral_id, name, facts.sending, facts.from_agency, bundle.epoch) for name in changed}
        sealed = store(session, keys=keys, contents=[(places[name], changed[name], holders[name]) for name in sorted(changed)], now=now)
        digests |= {one.part: one.digest for one in sealed}
    digest = sign(session, keys=keys, facts=facts, bundle=bundle, recipient=recipient, parts=digests)
    _destroy_before(session, keys=keys, facts=facts, now=now)
    own_id, first_id, full_id = (new.opened.grant.id for new in (own, first, full))
    return Sent(own=own_id, preview=first_id, full=full_id, manifest_digest=digest, sending=facts.sending)


def _destroy_before(session: Session, *, keys: Keyring, facts: SendingFacts, now: datetime) -> None:
    held = grants.grants_of(session, object_kind=ObjectKind.REFERRAL, object_id=facts.referral_id, agency_id=facts.to_agency)
    old = [one.id for one in held if one.revision < facts.sending and one.standing != Standing.REVOKED]
    grants.revoke(session, grant_ids=old, now=now, hub=keys.hub)
