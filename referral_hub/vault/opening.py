"""An opening in two halves: `gather` reads everything in the transaction of the access, `unseal` opens it without a database.

Between the two the entry of the log becomes durable. `unseal` rebuilds each private key once and opens each grant once, however many
parts it opens.
"""

from __future__ import annotations

import hashlib
import hmac
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Text, Uuid, and_, bindparam, func, null, or_, select
from sqlalchemy.dialects.postgresql import ARRAY, distinct_on

from referral_hub import errors
from referral_hub.db.fixed import Fixed
from referral_hub.vault import agency, epochs, grants, keyring, manifest, parts
from referral_hub.vault.agency import RECORD_COLUMNS
from referral_hub.vault.epochs import EpochPublic
from referral_hub.vault.grants import GRANT_COLUMNS, OPENING, GrantKind, ObjectKind, SealedGrant
from referral_hub.vault.manifest import text_of
from referral_hub.vault.parts import Place
from referral_hub.vault.records import SHARES, EpochRow, EpochShareRow, GrantRow, ManifestRow, PartRow, ReleaseRow
from referral_hub.vault.sending import PREVIEW

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from referral_hub.vault.epochs import Bundle, SealedChain
    from referral_hub.vault.hub import HubKeys
    from referral_hub.vault.manifest import Manifest
    from referral_hub.vault.member import MemberKey
    from referral_hub.vault.plain import Plain


Beside = Callable[[ColumnElement[uuid.UUID]], ColumnElement[Any]]


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
    """All that an opening needs, still sealed. `sections` and `revisions` name what will be shown, for the entry of the log.

    `beside` is what another room had read at the same moment.
    """

    object_kind: ObjectKind
    object_id: uuid.UUID
    agency_id: uuid.UUID
    kind: GrantKind
    grants: Mapping[uuid.UUID, SealedGrant]
    parts: Mapping[str, SealedPart]
    chains: Mapping[int, SealedChain]
    whole: bool
    signed: SignedManifest | None = None
    beside: Any = None

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
    now: datetime, parts: Collection[str] | None = None, revision: int | None = None, beside: Beside | None = None,
) -> SealedParts:  # fmt: skip
    """Read what the member's agency may open of an object under grants of `kind`: the newest revision of `parts`, or of all parts.

    `beside` makes one more value from the column of the object's id, which another room wants read at the same moment: `SealedParts.beside`.

    For a sending (`referral`) that is one sending: `revision`, by default the newest. One read; more after a rotation of keys.

    Raises:
        errors.CannotOpen: no grant stands, no release secret, no share of the member, or one of `parts` is not there.
    """
    asked = {
        "member": member_id, "agency": agency_id, "object_kind": object_kind, "object": object_id, "kind": kind, "now": now,
        "parts": sorted(parts or ()), "revision": revision,
    }  # fmt: skip
    statement = _statement(is_sending=object_kind == ObjectKind.REFERRAL, is_newest=revision is None, is_whole=parts is None, beside=beside)
    rows = statement.all(session, **asked)
    if not rows or not {row.part for row in rows}.issuperset(parts or ()):
        raise errors.CannotOpen(what="part" if rows else "grant")
    return SealedParts(
        object_kind=ObjectKind(object_kind), object_id=object_id, agency_id=agency_id, kind=kind, grants=_grants(rows), parts=_parts(rows),
        chains=_chains(session, member_id, agency_id, rows), whole=parts is None, signed=_signed(session, object_kind, rows[0]),
        beside=rows[0].beside,
    )  # fmt: skip


def unseal(
    hub: HubKeys, member_key: MemberKey | None, sealed: SealedParts, *, expected_manifest_digest: bytes | None = None,
) -> dict[str, Plain]:  # fmt: skip
    """Open what `gather` read, after its entry is durable; no database. Returns the content of each part.

    For a sending the manifest is verified first; with `expected_manifest_digest`, that of the last sending in the log, it must be that one.

    Raises:
        errors.CannotOpen: anything does not verify or decrypt; nothing of it is shown. errors.NotAllowed: `key_not_held`.
    """
    keys = section_keys(hub, member_key, sealed, expected_manifest_digest=expected_manifest_digest)
    return {
        name: parts.open_content(keys[name], part.ciphertext, hub_id=hub.hub_id, place=part.place) for name, part in sealed.parts.items()
    }


def section_keys(
    hub: HubKeys, member_key: MemberKey | None, sealed: SealedParts, *, expected_manifest_digest: bytes | None = None,
) -> dict[str, bytes]:  # fmt: skip
    """Open the key of each part and no content: what a new grant shares on. Checks and raises as `unseal`."""
    if member_key is None:
        raise errors.NotAllowed("key_not_held")
    bundles = epochs.open_chains(hub.hub_id, member_key, sealed.chains)
    if sealed.object_kind == ObjectKind.REFERRAL:
        _check_manifest(hub.hub_id, sealed, bundles, expected_manifest_digest)
    opened = {grant_id: g.open(hub, bundles[g.grant.epoch]) for grant_id, g in sealed.grants.items()}
    return {
        name: opened[part.grant_id].open_share(part.wrapped, part=part.place.part, revision=part.place.revision)
        for name, part in sealed.parts.items()
    }


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


@cache
def _statement(*, is_sending: bool, is_newest: bool, is_whole: bool, beside: Beside | None) -> Fixed:
    """Return the select of `gather`.

    The newest revision of each part, with the grant that opens it, its release secret, the member's share of that grant's epoch, and for a
    sending its manifest with the record of the epoch that signed it.
    """
    agency_id, object_id, kind = bindparam("agency", type_=Uuid()), bindparam("object", type_=Uuid()), bindparam("kind", type_=Text())
    on_share = and_(_SHARE.agency_id == _GRANT.agency_id, _SHARE.epoch == _GRANT.epoch, _SHARE.member_id == bindparam("member"))
    on_part = and_(_PART.object_id == _GRANT.object_id, _PART.object_kind == _GRANT.object_kind, _PART.part == SHARES.c.part)
    found = (
        GrantRow.__table__.join(ReleaseRow.__table__, _RELEASE.grant_id == _GRANT.id)
        .join(SHARES, SHARES.c.grant_id == _GRANT.id)
        .join(PartRow.__table__, and_(on_part, _PART.revision == SHARES.c.revision))
        .outerjoin(EpochShareRow.__table__, on_share)
    )
    conditions = [
        _GRANT.object_id == object_id, _GRANT.object_kind == bindparam("object_kind"), _GRANT.agency_id == agency_id, _GRANT.kind == kind,
        or_(*(_GRANT.standing == standing for standing in OPENING)), or_(_GRANT.until.is_(None), _GRANT.until > bindparam("now")),
    ]  # fmt: skip
    columns = [*_GRANT_COLUMNS, *_PART_COLUMNS, SHARES.c.wrapped, _SHARE.sealed.label("share"), (beside(_GRANT.object_id) if beside else null()).label("beside")]
    if is_sending:
        found = found.outerjoin(ManifestRow.__table__, and_(_SIGNED.object_id == _GRANT.object_id, _SIGNED.revision == _GRANT.revision))
        found = found.outerjoin(EpochRow.__table__, and_(_EPOCH.agency_id == _SIGNED.agency_id, _EPOCH.epoch == _SIGNED.epoch))
        columns += [*_SIGNED_COLUMNS, *(_EPOCH[column.key].label(f"record_{column.key}") for column in RECORD_COLUMNS)]
        same = (_NEWER.object_id == object_id, _NEWER.object_kind == ObjectKind.REFERRAL, _NEWER.agency_id == agency_id, _NEWER.kind == kind)
        # The newest sending, whatever its standing: an older one never steps in for one that has ended.
        newest = select(func.max(_NEWER.revision)).where(*same).scalar_subquery()
        conditions.append(_GRANT.revision == (newest if is_newest else bindparam("revision")))
    if not is_whole:
        conditions.append(_PART.part == func.any(bindparam("parts", type_=ARRAY(Text))))
    order = (_PART.part, _PART.revision.desc(), _GRANT.epoch.desc(), _GRANT.id.desc())
    return Fixed(select(*columns).select_from(found).where(*conditions).ext(distinct_on(_PART.part)).order_by(*order))


_GRANT, _RELEASE, _PART, _SHARE = (row.__table__.c for row in (GrantRow, ReleaseRow, PartRow, EpochShareRow))
_SIGNED, _EPOCH, _NEWER = ManifestRow.__table__.c, EpochRow.__table__.c, GrantRow.__table__.alias("newer").c
_GRANT_COLUMNS = (*(_GRANT[column.key] for column in GRANT_COLUMNS), _GRANT.key_wrap, _RELEASE.locked)
_PART_COLUMNS = (_PART.part, _PART.revision.label("part_revision"), _PART.agency_id.label("author_agency"), _PART.epoch.label("author_epoch"), _PART.head, _PART.body)
_SIGNED_COLUMNS = (_SIGNED.body.label("manifest"), _SIGNED.signature, _SIGNED.agency_id.label("signer"), _SIGNED.epoch.label("signer_epoch"))


def _grants(rows: Sequence[Any]) -> dict[uuid.UUID, SealedGrant]:
    return {row.id: grants.sealed_from(row) for row in {row.id: row for row in rows}.values()}


def _parts(rows: Sequence[Any]) -> dict[str, SealedPart]:
    places = ((row, Place(row.object_kind, row.object_id, row.part, row.part_revision, row.author_agency, row.author_epoch)) for row in rows)
    return {row.part: SealedPart(place, row.head + row.body, row.wrapped, row.id) for row, place in places}


def _chains(session: Session, member_id: uuid.UUID, agency_id: uuid.UUID, rows: Sequence[Any]) -> dict[int, SealedChain]:
    chains = {row.epoch: epochs.SealedChain(agency_id, member_id, row.epoch, row.share) for row in rows if row.share is not None}
    distant = {row.epoch for row in rows} - set(chains)
    if distant:
        chains |= keyring.chains_for(session, agency_id=agency_id, member_id=member_id, wanted=distant)
    return chains


def _signed(session: Session, object_kind: str, row: Any) -> SignedManifest | None:
    if object_kind != ObjectKind.REFERRAL:
        return None
    if row.manifest is None:
        raise errors.CannotOpen(what="manifest")
    if row.signer_epoch == epochs.FOUNDING:
        record = tuple(row)[-len(RECORD_COLUMNS) :]
        return SignedManifest(row.manifest, row.signature, row.signer_epoch, (EpochPublic(row.signer, *record),))
    records = agency.read_records(session, agency_id=row.signer)
    return SignedManifest(row.manifest, row.signature, row.signer_epoch, tuple(r for r in records if r.epoch <= row.signer_epoch))
