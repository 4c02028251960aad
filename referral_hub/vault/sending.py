"""A sending: the package sealed anew for sender and recipient, with a manifest that the sending agency signs."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from referral_hub.db.written import Written
from referral_hub.vault import agency, grants, manifest
from referral_hub.vault.grants import GrantKind, ObjectKind, Standing
from referral_hub.vault.manifest import Manifest, text_of
from referral_hub.vault.parts import Place, store
from referral_hub.vault.records import ManifestRow

if TYPE_CHECKING:
    import uuid
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy.orm import Session

    from referral_hub.vault.epochs import Bundle, EpochPublic
    from referral_hub.vault.grants import NewGrant
    from referral_hub.vault.keyring import Keyring
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
    standings: Mapping[GrantKind, Standing] = MappingProxyType({}),
) -> Sent:  # fmt: skip
    """Seal `parts` and `preview` as one package; make the sender's own, the recipient's preview and full grants; sign the manifest.

    Own opens all parts and the preview, preview only the preview, full all parts; each live but for what `standings` says. Object kind `referral`, revision = sending number.

    Raises:
        errors.NotAllowed: `key_not_held`. errors.RuleBroken: `no_agency_key` of either agency.
        errors.CannotOpen: the sender holds no share, or keys were tampered with.
    """
    recipient = agency.current_epoch(session, hub=keys.hub, agency_id=facts.to_agency)
    sender = agency.current_epoch(session, hub=keys.hub, agency_id=facts.from_agency)
    bundle = keys.bundle(session, sender.agency_id, sender.epoch)
    own, first, full = made = make_grants(
        session, keys=keys, facts=facts, bundle=bundle, recipient=recipient, standings=standings, now=now
    )
    package = []
    for part, content in sorted({**parts, PREVIEW: preview}.items()):
        place = Place(ObjectKind.REFERRAL, facts.referral_id, part, facts.sending, facts.from_agency, bundle.epoch)
        package.append((place, content, (own.opened, first.opened if part == PREVIEW else full.opened)))
    sealed = store(session, keys=keys, contents=package, now=now)
    digest = sign(session, keys=keys, facts=facts, bundle=bundle, recipient=recipient, parts={s.part: s.digest for s in sealed})
    own_id, first_id, full_id = (new.opened.grant.id for new in made)
    return Sent(own=own_id, preview=first_id, full=full_id, manifest_digest=digest, sending=facts.sending)


def make_grants(
    session: Session, *, keys: Keyring, facts: SendingFacts, bundle: Bundle, recipient: EpochPublic,
    standings: Mapping[GrantKind, Standing], now: datetime,
) -> tuple[NewGrant, NewGrant, NewGrant]:  # fmt: skip
    """Make and insert the three grants of a sending: the sender's own, the recipient's preview and full. They open nothing yet.

    Each stands as `standings` says, else live: changed afterwards, its row of 1.3 kB would be written twice.
    """
    own, first, full = (
        grants.make(
            hub=keys.hub, holder=holder, object_kind=ObjectKind.REFERRAL, object_id=facts.referral_id, kind=kind, revision=facts.sending, now=now,
            standing=standings.get(kind, Standing.LIVE),
        )
        for kind, holder in ((GrantKind.OWN, bundle), (GrantKind.PREVIEW, recipient), (GrantKind.FULL, recipient))
    )
    grants.store(session, (own, first, full))
    return own, first, full


def sign(
    session: Session, *, keys: Keyring, facts: SendingFacts, bundle: Bundle, recipient: EpochPublic, parts: Mapping[str, bytes],
) -> bytes:  # fmt: skip
    """Sign and insert the manifest of a sending with the digest of each of its parts; return the manifest's own digest."""
    body = Manifest(
        hub=text_of(keys.hub.hub_id), referral=str(facts.referral_id), sending=facts.sending, member=str(keys.member_id),
        from_agency=str(bundle.agency_id), from_epoch=bundle.epoch, from_keys=text_of(bundle.key_digest),
        to_agency=str(recipient.agency_id), to_epoch=recipient.epoch, to_keys=text_of(recipient.key_digest),
        consent=text_of(facts.consent_digest), service=facts.service, urgency=facts.urgency, purpose=facts.purpose,
        parts={part: text_of(digest) for part, digest in parts.items()},
    ).body()  # fmt: skip
    row = {
        "object_id": facts.referral_id, "revision": facts.sending, "agency_id": bundle.agency_id, "epoch": bundle.epoch, "body": body,
        "signature": bundle.sign(manifest.signed_bytes(body)),
    }  # fmt: skip
    _MANIFEST.insert(session, [row])
    return manifest.digest(body)


_MANIFEST = Written(ManifestRow.__table__)
