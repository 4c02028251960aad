"""An opening in two halves: `gather` reads everything in the transaction of the access, `unseal` opens it without a database.

Between the two the entry of the log becomes durable. `unseal` rebuilds each private key once and opens each grant once, however many
parts it opens.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, func, select
from sqlalchemy.dialects.postgresql import distinct_on

from referral_hub import errors
from referral_hub.vault import agency, epochs, grants, keyring, manifest, parts
from referral_hub.vault.agency import RECORD_COLUMNS
from referral_hub.vault.epochs import EpochPublic
from referral_hub.vault.grants import OPENING, SEALED_COLUMNS, GrantKind, ObjectKind, SealedGrant
from referral_hub.vault.manifest import text_of
from referral_hub.vault.parts import Place
from referral_hub.vault.records import SHARES, EpochRow, EpochShareRow, GrantRow, ManifestRow, PartRow, ReleaseRow
from referral_hub.vault.sending import PREVIEW

if TYPE_CHECKING:
    import uuid
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import ScalarSelect
    from sqlalchemy.engine import Row
    from sqlalchemy.orm import Session

    from referral_hub.vault.epochs import Bundle, SealedChain
    from referral_hub.vault.hub import HubKeys
    from referral_hub.vault.manifest import Manifest
    from referral_hub.vault.member import MemberKey
    from referral_hub.vault.plain import Plain


@dataclass(frozen=True, repr=False)
class SealedPart:
    """One part, still sealed, with its share in the grant that opens it."""

    place: Place
    ciphertext: bytes
    wrapped: bytes
    grant_id: uuid.UUID


@dataclass(frozen=True, repr=False)
class SignedManifest:
    """The manifest of a sending as it stands in the database, with the records of the agency that signed it."""

    body: bytes
    signature: bytes
    epoch: int
    signer: tuple[EpochPublic, ...]


@dataclass(frozen=True, repr=False)
class SealedParts:
    """All that an opening needs, still sealed. `sections` and `revisions` name what will be shown, for the entry of the log."""

    object_kind: ObjectKind
    object_id: uuid.UUID
    agency_id: uuid.UUID
    kind: GrantKind
    grants: Mapping[uuid.UUID, SealedGrant]
    parts: Mapping[str, SealedPart]
    chains: Mapping[int, SealedChain]
    whole: bool
    signed: SignedManifest | None = None

    def __repr__(self) -> str:
        return "<sealed parts>"

    @property
    def sections(self) -> tuple[str, ...]:
        """Return the part codes, sorted."""
        return tuple(sorted(self.parts))

    @property
    def revisions(self) -> dict[str, int]:
        """Return the revision of each part."""
        return {name: part.place.revision for name, part in self.parts.items()}

    @property
    def manifest_digest(self) -> bytes | None:
        """Return the digest of the manifest that came along; None for own files and threads."""
        return None if self.signed is None else manifest.digest(self.signed.body)


def gather(
    session: Session, *, member_id: uuid.UUID, agency_id: uuid.UUID, object_kind: ObjectKind, object_id: uuid.UUID, kind: GrantKind,
    now: datetime, parts: Collection[str] | None = None, revision: int | None = None,
) -> SealedParts:  # fmt: skip
    """Read what the member's agency may open of an object under grants of `kind`: the newest revision of `parts`, or of all parts.

    For a sending (`referral`) that is one sending: `revision`, by default the newest. Two reads; more after a rotation of keys.

    Raises:
        errors.CannotOpen: no grant stands, no release secret, no share of the member, or one of `parts` is not there.
    """
    rows = _grant_rows(session, member_id, agency_id, object_kind, object_id, kind, now, revision)
    found = {row.id: grants.sealed_from(row) for row in rows}
    sealed = _parts(session, object_kind, object_id, found, parts)
    missing = set(parts or ()) - set(sealed)
    used = {part.grant_id for part in sealed.values()}
    if missing or not used:
        raise errors.CannotOpen(what="part")
    kept = [row for row in rows if row.id in used]
    return SealedParts(
        object_kind=ObjectKind(object_kind), object_id=object_id, agency_id=agency_id, kind=kind, grants={row.id: found[row.id] for row in kept},
        parts=sealed, chains=_chains(session, member_id, agency_id, kept), whole=parts is None, signed=_signed(session, object_kind, rows[0]),
    )  # fmt: skip


def unseal(
    hub: HubKeys, member_key: MemberKey | None, sealed: SealedParts, *, expected_manifest_digest: bytes | None = None,
) -> dict[str, Plain]:  # fmt: skip
    """Open what `gather` read, after its entry is durable; no database. Returns the content of each part.

    For a sending the manifest is verified first; with `expected_manifest_digest`, that of the last sending in the log, it must be that one.

    Raises:
        errors.CannotOpen: anything does not verify or decrypt; nothing of it is shown. errors.NotAllowed: `key_not_held`.
    """
    if member_key is None:
        raise errors.NotAllowed("key_not_held")
    bundles = epochs.open_chains(hub.hub_id, member_key, sealed.chains)
    if sealed.object_kind == ObjectKind.REFERRAL:
        _check_manifest(hub.hub_id, sealed, bundles, expected_manifest_digest)
    opened = {grant_id: g.open(hub, bundles[g.grant.epoch]) for grant_id, g in sealed.grants.items()}
    content = {}
    for name, part in sealed.parts.items():
        place = part.place
        section_key = opened[part.grant_id].open_share(part.wrapped, part=place.part, revision=place.revision)
        content[name] = parts.open_content(section_key, part.ciphertext, hub_id=hub.hub_id, place=place)
    return content


def _check_manifest(hub_id: bytes, sealed: SealedParts, bundles: Mapping[int, Bundle], expected: bytes | None) -> None:
    """Check the signature, then that the manifest names this object, sending, grant, these keys and these parts."""
    signed = sealed.signed
    if signed is None or (expected is not None and not hmac.compare_digest(manifest.digest(signed.body), expected)):
        raise errors.CannotOpen(what="manifest")
    epochs.verify_records(hub_id, signed.signer)
    signer = signed.signer[-1]
    if signer.epoch != signed.epoch:
        raise errors.CannotOpen(what="manifest")
    named = manifest.verified(signed.body, signed.signature, signing_public=signer.signing_public)
    grant = next(iter(sealed.grants.values())).grant
    manifest.expect(
        named, hub=text_of(hub_id), referral=sealed.object_id, sending=grant.revision, from_agency=signer.agency_id, from_epoch=signer.epoch,
        from_keys=text_of(signer.key_digest),
    )  # fmt: skip
    keys = text_of(bundles[grant.epoch].key_digest)
    if sealed.kind == GrantKind.OWN:
        manifest.expect(named, from_agency=grant.agency_id, from_epoch=grant.epoch, from_keys=keys)
    else:
        manifest.expect(named, to_agency=grant.agency_id, to_epoch=grant.epoch, to_keys=keys)
    _check_parts(named, sealed)


def _check_parts(named: Manifest, sealed: SealedParts) -> None:
    for name, part in sealed.parts.items():
        if named.parts.get(name) != text_of(hashlib.sha256(part.ciphertext).digest()):
            raise errors.CannotOpen(what="manifest.parts")
    if sealed.whole and set(sealed.parts) != _covered(named, sealed.kind):
        raise errors.CannotOpen(what="manifest.parts")


def _covered(named: Manifest, kind: GrantKind) -> set[str]:
    """Return the parts of a manifest that a grant of `kind` opens."""
    everything = set(named.parts)
    return {GrantKind.OWN: everything, GrantKind.PREVIEW: {PREVIEW}, GrantKind.FULL: everything - {PREVIEW}}.get(kind, set())


def _grant_rows(
    session: Session, member_id: uuid.UUID, agency_id: uuid.UUID, object_kind: str, object_id: uuid.UUID, kind: GrantKind, now: datetime,
    revision: int | None,
) -> list[Row[*tuple[Any, ...]]]:  # fmt: skip
    """Return the grants that open, newest first, each with its release secret, the member's share of its epoch, and the manifest."""
    mine = and_(EpochShareRow.agency_id == GrantRow.agency_id, EpochShareRow.epoch == GrantRow.epoch, EpochShareRow.member_id == member_id)
    sent = and_(ManifestRow.object_id == GrantRow.object_id, ManifestRow.revision == GrantRow.revision, GrantRow.object_kind == ObjectKind.REFERRAL)
    columns = (
        *SEALED_COLUMNS, EpochShareRow.sealed.label("share"), ManifestRow.body, ManifestRow.signature,
        ManifestRow.agency_id.label("signer"), ManifestRow.epoch.label("signer_epoch"), *(c.label(f"signer_{c.key}") for c in RECORD_COLUMNS),
    )  # fmt: skip
    query = select(*columns).join(ReleaseRow, ReleaseRow.grant_id == GrantRow.id)
    signer = and_(EpochRow.agency_id == ManifestRow.agency_id, EpochRow.epoch == ManifestRow.epoch)
    query = query.outerjoin(EpochShareRow, mine).outerjoin(ManifestRow, sent).outerjoin(EpochRow, signer).where(
        GrantRow.object_id == object_id, GrantRow.object_kind == object_kind, GrantRow.agency_id == agency_id, GrantRow.kind == kind,
        GrantRow.standing.in_(OPENING), (GrantRow.until.is_(None)) | (GrantRow.until > now),
    )  # fmt: skip
    if object_kind == ObjectKind.REFERRAL:
        query = query.where(GrantRow.revision == (_newest_sending(agency_id, object_id, kind) if revision is None else revision))
    rows = session.execute(query.order_by(GrantRow.revision.desc(), GrantRow.epoch.desc(), GrantRow.id.desc())).all()
    if not rows:
        raise errors.CannotOpen(what="grant")
    return list(rows)


def _newest_sending(agency_id: uuid.UUID, object_id: uuid.UUID, kind: GrantKind) -> ScalarSelect[int]:
    """Return the number of the newest sending, whatever its standing: an older one never steps in for one that has ended."""
    same = (GrantRow.object_id == object_id, GrantRow.object_kind == ObjectKind.REFERRAL, GrantRow.agency_id == agency_id, GrantRow.kind == kind)
    return select(func.max(GrantRow.revision)).where(*same).scalar_subquery()


def _parts(
    session: Session, object_kind: str, object_id: uuid.UUID, found: Mapping[uuid.UUID, SealedGrant], wanted: Collection[str] | None,
) -> dict[str, SealedPart]:  # fmt: skip
    columns = (
        PartRow.object_kind, PartRow.object_id, PartRow.part, PartRow.revision, PartRow.agency_id, PartRow.epoch, PartRow.head, PartRow.body,
        SHARES.c.wrapped, SHARES.c.grant_id,
    )  # fmt: skip
    shared = and_(SHARES.c.part == PartRow.part, SHARES.c.revision == PartRow.revision)
    query = select(*columns).join(SHARES, shared).where(
        SHARES.c.grant_id.in_(found), PartRow.object_id == object_id, PartRow.object_kind == object_kind
    )
    if wanted is not None:
        query = query.where(PartRow.part.in_(wanted))
    newest = query.ext(distinct_on(PartRow.part)).order_by(PartRow.part, PartRow.revision.desc())
    return {row.part: SealedPart(Place(*row[:6]), row.head + row.body, row.wrapped, row.grant_id) for row in session.execute(newest)}


def _chains(session: Session, member_id: uuid.UUID, agency_id: uuid.UUID, rows: Sequence[Row[*tuple[Any, ...]]]) -> dict[int, SealedChain]:
    chains = {row.epoch: epochs.SealedChain(agency_id, member_id, row.epoch, row.share) for row in rows if row.share is not None}
    distant = {row.epoch for row in rows} - set(chains)
    if distant:
        chains |= keyring.chains_for(session, agency_id=agency_id, member_id=member_id, wanted=distant)
    return chains


def _signed(session: Session, object_kind: str, row: Row[*tuple[Any, ...]]) -> SignedManifest | None:
    if object_kind != ObjectKind.REFERRAL:
        return None
    if row.body is None:
        raise errors.CannotOpen(what="manifest")
    if row.signer_epoch == epochs.FOUNDING:
        record = tuple(row)[-len(RECORD_COLUMNS) :]
        return SignedManifest(row.body, row.signature, row.signer_epoch, (EpochPublic(row.signer, *record),))
    records = agency.read_records(session, agency_id=row.signer)
    return SignedManifest(row.body, row.signature, row.signer_epoch, tuple(r for r in records if r.epoch <= row.signer_epoch))
