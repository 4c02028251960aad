"""A sending: the package sealed anew for sender and recipient, with a manifest that the sending agency signs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import insert

from referral_hub.vault import agency, grants, manifest, parts
from referral_hub.vault.grants import GrantKind, ObjectKind, OpenGrant
from referral_hub.vault.manifest import Manifest
from referral_hub.vault.parts import Place
from referral_hub.vault.records import ManifestRow

if TYPE_CHECKING:
    import uuid
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy.orm import Session

    from referral_hub.vault.epochs import Bundle, EpochPublic
    from referral_hub.vault.keyring import Keyring
    from referral_hub.vault.parts import Sealed
    from referral_hub.vault.plain import Plain

PREVIEW: Final = "preview"


@dataclass(frozen=True)
class SendingFacts:
    """What decides about a sending, for its manifest. `sending` counts from 1; `consent_digest` is 32 bytes of the ledger's row."""

    referral_id: uuid.UUID
    sending: int
    from_agency: uuid.UUID
    to_agency: uuid.UUID
    consent_digest: bytes
    service: str
    urgency: str
    purpose: str


@dataclass(frozen=True)
class Sent:
    """The three grants of a sending (ids) and the digest of its manifest, which the log's entry names."""

    own: uuid.UUID
    preview: uuid.UUID
    full: uuid.UUID
    manifest_digest: bytes
    sending: int


def seal_sending(
    session: Session, *, keys: Keyring, facts: SendingFacts, parts: Mapping[str, Plain], preview: Plain, now: datetime,
) -> Sent:  # fmt: skip
    """Seal `parts` and `preview` as one package; make the sender's own, the recipient's preview and full grants; sign the manifest.

    Own opens all parts and the preview, preview only the preview, full all parts. Object kind `referral`, revision = sending number.

    Raises:
        errors.NotAllowed: `key_not_held`. errors.RuleBroken: `no_agency_key` of either agency.
        errors.CannotOpen: the sender holds no share, or keys were tampered with.
    """
    sender = agency.current_epoch(session, hub=keys.hub, agency_id=facts.from_agency)
    recipient = agency.current_epoch(session, hub=keys.hub, agency_id=facts.to_agency)
    bundle = keys.bundle(session, sender.agency_id, sender.epoch)
    own = _grant(session, keys, facts, sender, GrantKind.OWN, {*parts, PREVIEW}, now)
    first = _grant(session, keys, facts, recipient, GrantKind.PREVIEW, {PREVIEW}, now)
    full = _grant(session, keys, facts, recipient, GrantKind.FULL, set(parts), now)
    sealed = _seal_package(session, keys, facts, bundle.epoch, {**parts, PREVIEW: preview}, own=own, first=first, full=full, now=now)
    digest = _sign(session, keys=keys, facts=facts, bundle=bundle, recipient=recipient, sealed=sealed)
    return Sent(own=own.grant.id, preview=first.grant.id, full=full.grant.id, manifest_digest=digest, sending=facts.sending)


def _grant(
    session: Session, keys: Keyring, facts: SendingFacts, holder: EpochPublic, kind: GrantKind, sections: set[str], now: datetime,
) -> OpenGrant:  # fmt: skip
    return grants.make(
        session, hub=keys.hub, holder=holder, object_kind=ObjectKind.REFERRAL, object_id=facts.referral_id, kind=kind, sections=sections,
        revision=facts.sending, made_by=keys.member_id, now=now,
    )  # fmt: skip


def _seal_package(
    session: Session, keys: Keyring, facts: SendingFacts, epoch: int, contents: Mapping[str, Plain], *, own: OpenGrant, first: OpenGrant,
    full: OpenGrant, now: datetime,
) -> list[Sealed]:  # fmt: skip
    package = []
    for part in sorted(contents):
        place = Place(ObjectKind.REFERRAL, facts.referral_id, part, facts.sending, facts.from_agency, epoch)
        package.append((place, contents[part], (own, first if part == PREVIEW else full)))
    return parts.store(session, keys=keys, contents=package, now=now)


def _sign(
    session: Session, *, keys: Keyring, facts: SendingFacts, bundle: Bundle, recipient: EpochPublic, sealed: list[Sealed],
) -> bytes:  # fmt: skip
    body = Manifest(
        hub=keys.hub.hub_id.hex(), referral=str(facts.referral_id), sending=facts.sending, member=str(keys.member_id),
        from_agency=str(bundle.agency_id), from_epoch=bundle.epoch, from_keys=bundle.key_digest.hex(),
        to_agency=str(recipient.agency_id), to_epoch=recipient.epoch, to_keys=recipient.key_digest.hex(),
        consent=facts.consent_digest.hex(), service=facts.service, urgency=facts.urgency, purpose=facts.purpose,
        parts={s.part: s.digest.hex() for s in sealed},
    ).body()  # fmt: skip
    digest = manifest.digest(body)
    row = {
        "object_id": facts.referral_id, "revision": facts.sending, "agency_id": bundle.agency_id, "epoch": bundle.epoch, "body": body,
        "signature": bundle.sign(manifest.signed_bytes(body)), "digest": digest,
    }  # fmt: skip
    session.execute(insert(ManifestRow).values(row))
    return digest
