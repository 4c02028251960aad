"""An agency's key through its life: founded, members admitted, recovered with the code, renewed when a holder leaves."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from referral_hub import errors
from referral_hub.db.fixed import Fixed
from referral_hub.vault import codes, epochs, hpke, member
from referral_hub.vault.epochs import FOUNDING, NO_DIGEST, Bundle, EpochPublic
from referral_hub.vault.records import EpochRow, EpochShareRow

if TYPE_CHECKING:
    import uuid
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy.orm import Session

    from referral_hub.vault.hpke import PrivateKey
    from referral_hub.vault.hub import HubKeys
    from referral_hub.vault.keyring import Keyring

RECORD_COLUMNS: Final = (
    EpochRow.epoch, EpochRow.public_key, EpochRow.signing_public, EpochRow.recovery_public, EpochRow.previous_digest, EpochRow.signature,
)  # fmt: skip


@dataclass(frozen=True, repr=False)
class Founded:
    """A new epoch. `recovery_code` is shown once and kept nowhere; `fingerprint` is that of the epoch's public record."""

    epoch: int
    recovery_code: str
    fingerprint: str

    def __repr__(self) -> str:
        return f"<founded epoch {self.epoch}>"


def found(session: Session, *, keys: Keyring, agency_id: uuid.UUID, now: datetime) -> Founded:
    """Make epoch 1 of the agency's key, with a share for the founding member and one for a new recovery code.

    Raises:
        errors.RuleBroken: `already_founded`. errors.NotAllowed: `key_not_held`.
    """
    bundle = Bundle.generate(agency_id=agency_id, epoch=FOUNDING)
    made = _make_epoch(session, keys=keys, bundle=bundle, signer=bundle, before=None, now=now)
    if made is None:
        raise errors.RuleBroken("already_founded")
    _give_share(session, hub=keys.hub, bundle=bundle, member_id=keys.member_id, public=keys.key().public, given_by=keys.member_id, now=now)
    return made


def admit(
    session: Session, *, keys: Keyring, agency_id: uuid.UUID, member_id: uuid.UUID, public: bytes, typed_fingerprint: str, now: datetime,
) -> None:  # fmt: skip
    """Give a newcomer a share of the current epoch, after the digits heard from her were typed; earlier epochs follow by the links.

    Raises:
        errors.RuleBroken: `fingerprint_mismatch`, or `no_agency_key`. errors.NotAllowed: `key_not_held`.
        errors.CannotOpen: the admitting member holds no share, or the published keys are not those of the bundle.
    """
    shown = member.fingerprint(hub_id=keys.hub.hub_id, member_id=member_id, public=public)
    if not codes.same_digits(shown, typed_fingerprint):
        raise errors.RuleBroken("fingerprint_mismatch")
    bundle = _checked_bundle(session, keys=keys, agency_id=agency_id)
    _give_share(session, hub=keys.hub, bundle=bundle, member_id=member_id, public=public, given_by=keys.member_id, now=now)


def recover(
    session: Session, *, hub: HubKeys, agency_id: uuid.UUID, code: str, member_id: uuid.UUID, public: bytes, now: datetime,
) -> None:  # fmt: skip
    """Give a member a share of the current epoch with the recovery code. Whoever used it rotates next: the code is spent then.

    Raises:
        errors.RuleBroken: `recovery_code_wrong`, or `no_agency_key`. errors.CannotOpen: the share was tampered with or deleted.
    """
    current = current_epoch(session, hub=hub, agency_id=agency_id)
    key = epochs.recovery_key(code, hub_id=hub.hub_id, agency_id=agency_id)
    if not hmac.compare_digest(key.public, current.recovery_public):
        raise errors.RuleBroken("recovery_code_wrong")
    query = select(EpochRow.recovery_share).where(EpochRow.agency_id == agency_id, EpochRow.epoch == current.epoch)
    sealed = session.scalar(query)
    if sealed is None:
        raise errors.CannotOpen(what="recovery")
    raw = key.open(sealed, epochs.recovery_context(hub.hub_id, agency_id=agency_id, epoch=current.epoch))
    bundle = Bundle(raw, agency_id=agency_id, epoch=current.epoch)
    _give_share(session, hub=hub, bundle=bundle, member_id=member_id, public=public, given_by=member_id, now=now)


def rotate(session: Session, *, keys: Keyring, agency_id: uuid.UUID, members: Mapping[uuid.UUID, bytes], now: datetime) -> Founded:
    """Make the next epoch, with shares for the rotating member and for `members` (id to public key); the old recovery code is spent.

    Raises:
        errors.LostRace: another holder rotated at the same moment. Else like `admit`.
    """
    old = _checked_bundle(session, keys=keys, agency_id=agency_id)
    before = current_epoch(session, hub=keys.hub, agency_id=agency_id)
    bundle = Bundle.generate(agency_id=agency_id, epoch=old.epoch + 1, index_key=old.index_key)
    made = _make_epoch(session, keys=keys, bundle=bundle, signer=old, before=before, now=now)
    if made is None:
        raise errors.LostRace(event="rotate")
    spent = update(EpochRow).where(EpochRow.agency_id == agency_id, EpochRow.epoch < bundle.epoch).values(recovery_share=None)
    session.execute(spent)
    for member_id, public in ({keys.member_id: keys.key().public} | dict(members)).items():
        sealed = epochs.seal_share(keys.hub.hub_id, bundle, member_id=member_id, public=public)
        session.execute(insert(EpochShareRow).values(_share_row(bundle, member_id, sealed, keys.member_id, now)))
    return made


def current_epoch(session: Session, *, hub: HubKeys, agency_id: uuid.UUID) -> EpochPublic:
    """Return the public record of the agency's current epoch, after the whole chain of records was verified.

    Raises:
        errors.RuleBroken: `no_agency_key`. errors.CannotOpen: a record was tampered with.
    """
    return records_of(session, hub=hub, agency_id=agency_id)[-1]


def records_of(session: Session, *, hub: HubKeys, agency_id: uuid.UUID) -> tuple[EpochPublic, ...]:
    """Return the public records of all epochs, the founding first, verified; raises like `current_epoch`."""
    found = read_records(session, agency_id=agency_id)
    if not found:
        raise errors.RuleBroken("no_agency_key")
    epochs.verify_records(hub.hub_id, found)
    return found


def read_records(session: Session, *, agency_id: uuid.UUID) -> tuple[EpochPublic, ...]:
    """Return the public records as they stand in the database, unverified (`epochs.verify_records` checks them without one)."""
    return tuple(EpochPublic(agency_id, *row) for row in _RECORDS.all(session, agency_id=agency_id))


_RECORDS = Fixed(select(*RECORD_COLUMNS).where(EpochRow.agency_id == bindparam("agency_id")).order_by(EpochRow.epoch))


def founding_fingerprint(session: Session, *, hub: HubKeys, agency_id: uuid.UUID) -> str:
    """Return the 24 digits that the founder saw and that two people of the network type; raises like `current_epoch`."""
    return records_of(session, hub=hub, agency_id=agency_id)[0].fingerprint(hub.hub_id)


def check_keys(session: Session, *, keys: Keyring, agency_id: uuid.UUID) -> None:
    """Check at sign-in that the keys published for the agency belong to the private ones that this member opens.

    Raises:
        errors.CannotOpen: they do not, or the member holds no share. errors.RuleBroken: `no_agency_key`.
    """
    _checked_bundle(session, keys=keys, agency_id=agency_id)


def holders(session: Session, *, agency_id: uuid.UUID) -> frozenset[uuid.UUID]:
    """Return the members who hold a share of the current epoch; empty when there is none."""
    newest = select(EpochRow.epoch).where(EpochRow.agency_id == agency_id).order_by(EpochRow.epoch.desc()).limit(1).scalar_subquery()
    query = select(EpochShareRow.member_id).where(EpochShareRow.agency_id == agency_id, EpochShareRow.epoch == newest)
    return frozenset(session.scalars(query))


def holds_share(session: Session, *, agency_id: uuid.UUID, member_id: uuid.UUID) -> bool:
    """Return whether the member holds a share of the current epoch."""
    return member_id in holders(session, agency_id=agency_id)


def drop_shares(session: Session, *, member_id: uuid.UUID, agency_id: uuid.UUID | None = None) -> int:
    """Delete the member's shares, of one agency or of all; return how many. She opens nothing from this moment."""
    doomed = delete(EpochShareRow).where(EpochShareRow.member_id == member_id)
    if agency_id is not None:
        doomed = doomed.where(EpochShareRow.agency_id == agency_id)
    return len(session.scalars(doomed.returning(EpochShareRow.epoch)).all())


def _checked_bundle(session: Session, *, keys: Keyring, agency_id: uuid.UUID) -> Bundle:
    published = current_epoch(session, hub=keys.hub, agency_id=agency_id)
    bundle = keys.bundle(session, agency_id, published.epoch)
    if not hmac.compare_digest(bundle.key_digest, published.key_digest):
        raise errors.CannotOpen(what="published_keys")
    return bundle


def _make_epoch(
    session: Session, *, keys: Keyring, bundle: Bundle, signer: Bundle, before: EpochPublic | None, now: datetime,
) -> Founded | None:  # fmt: skip
    hub_id = keys.hub.hub_id
    code = codes.recovery_code()
    recovery = epochs.recovery_key(code, hub_id=hub_id, agency_id=bundle.agency_id)
    record = EpochPublic(
        agency_id=bundle.agency_id, epoch=bundle.epoch, public=bundle.key.public, signing_public=bundle.signing_public,
        recovery_public=recovery.public, previous_digest=NO_DIGEST if before is None else before.digest(hub_id),
    )  # fmt: skip
    record = replace(record, signature=signer.sign(record.body(hub_id)))
    row = _epoch_row(hub_id, record, bundle, recovery, None if before is None else signer) | {"made_by": keys.member_id, "made_at": now}
    placed = session.scalar(upsert(EpochRow).values(row).on_conflict_do_nothing().returning(EpochRow.epoch))
    return None if placed is None else Founded(epoch=placed, recovery_code=code, fingerprint=record.fingerprint(hub_id))


def _epoch_row(hub_id: bytes, record: EpochPublic, bundle: Bundle, recovery: PrivateKey, old: Bundle | None) -> dict[str, object]:
    place = {"agency_id": bundle.agency_id, "epoch": bundle.epoch}
    return {
        "agency_id": record.agency_id,
        "epoch": record.epoch,
        "public_key": record.public,
        "signing_public": record.signing_public,
        "recovery_public": record.recovery_public,
        "previous_digest": record.previous_digest,
        "signature": record.signature,
        "link": None if old is None else hpke.seal(record.public, old.raw(), epochs.link_context(hub_id, **place)),  # type: ignore[arg-type]
        "recovery_share": hpke.seal(recovery.public, bundle.raw(), epochs.recovery_context(hub_id, **place)),  # type: ignore[arg-type]
    }


def _give_share(
    session: Session, *, hub: HubKeys, bundle: Bundle, member_id: uuid.UUID, public: bytes, given_by: uuid.UUID, now: datetime,
) -> None:  # fmt: skip
    """Replace whatever the member held of this agency, sealed perhaps to a key she lost, by a share of the bundle's epoch."""
    drop_shares(session, member_id=member_id, agency_id=bundle.agency_id)
    sealed = epochs.seal_share(hub.hub_id, bundle, member_id=member_id, public=public)
    session.execute(insert(EpochShareRow).values(_share_row(bundle, member_id, sealed, given_by, now)))


def _share_row(bundle: Bundle, member_id: uuid.UUID, sealed: bytes, given_by: uuid.UUID, now: datetime) -> dict[str, object]:
    return {
        "agency_id": bundle.agency_id, "epoch": bundle.epoch, "member_id": member_id, "sealed": sealed, "given_by": given_by, "given_at": now,
    }  # fmt: skip
