"""The keys of one request: the hub's, and the member's own if she is signed in with a key."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, func, select

from referral_hub import errors
from referral_hub.db.fixed import Fixed
from referral_hub.vault import epochs
from referral_hub.vault.epochs import SealedChain
from referral_hub.vault.formats import pack
from referral_hub.vault.records import EpochRow, EpochShareRow

if TYPE_CHECKING:
    import uuid
    from collections.abc import Collection

    from sqlalchemy.orm import Session

    from referral_hub.vault.epochs import Bundle
    from referral_hub.vault.hub import HubKeys
    from referral_hub.vault.member import MemberKey


class Keyring:
    """Hub keys, member id and member key (None for those who are signed in without one). One per request."""

    def __init__(self, hub: HubKeys, member_id: uuid.UUID, member_key: MemberKey | None) -> None:
        self.hub = hub
        self.member_id = member_id
        self.member_key = member_key

    def __repr__(self) -> str:
        return f"<keyring, {'with' if self.holds_key else 'without'} key>"

    @property
    def holds_key(self) -> bool:
        """Return whether a member key is open in this request."""
        return self.member_key is not None

    def key(self) -> MemberKey:
        """Return the member key.

        Raises:
            errors.NotAllowed: `key_not_held`.
        """
        if self.member_key is None:
            raise errors.NotAllowed("key_not_held")
        return self.member_key

    def bundle(self, session: Session, agency_id: uuid.UUID, epoch: int | None = None) -> Bundle:
        """Return the agency's opened bundle of `epoch`, by default of the current one.

        Raises:
            errors.NotAllowed: `key_not_held`. errors.CannotOpen: no share leads there, or it does not open.
            errors.RuleBroken: `no_agency_key`, the agency has no epoch yet.
        """
        key = self.key()
        wanted = epoch if epoch is not None else current_number(session, agency_id)
        chain = chains_for(session, agency_id=agency_id, member_id=self.member_id, wanted={wanted})[wanted]
        return epochs.open_chain(self.hub.hub_id, key, chain)

    def index_token(self, session: Session, agency_id: uuid.UUID, label: str, value: str) -> bytes:
        """Return the 128-bit search token of `value`: equal values are found inside one agency, and nowhere else. Raises like `bundle`."""
        return self.index_tokens(session, agency_id, [(label, value)])[0]

    def index_tokens(self, session: Session, agency_id: uuid.UUID, words: Collection[tuple[str, str]]) -> list[bytes]:
        """Return the search tokens of several labelled values, in order; the agency's key is opened once."""
        key = self.hub.index_key(self.bundle(session, agency_id).index_key)
        return [hmac.digest(key, pack(label, value), hashlib.sha256)[:16] for label, value in words]


def current_number(session: Session, agency_id: uuid.UUID) -> int:
    """Return the agency's current epoch; raises errors.RuleBroken (`no_agency_key`) when it has none."""
    number = session.scalar(select(func.max(EpochRow.epoch)).where(EpochRow.agency_id == agency_id))
    if number is None:
        raise errors.RuleBroken("no_agency_key")
    return number


def chains_for(session: Session, *, agency_id: uuid.UUID, member_id: uuid.UUID, wanted: Collection[int]) -> dict[int, SealedChain]:
    """Return the member's way to the bundle of each of the `wanted` epochs: her nearest share at or above it, and the links down.

    Raises:
        errors.CannotOpen: no share leads to one of them.
    """
    rows = _SHARES.all(session, agency_id=agency_id, member_id=member_id, lowest=min(wanted))
    shares = {row.epoch: row.sealed for row in rows}
    starts = {epoch: min((held for held in shares if held >= epoch), default=None) for epoch in wanted}
    links = _links(session, agency_id, min(wanted), max((s for s in starts.values() if s), default=0)) if _distant(starts) else {}
    chains = {}
    for epoch, start in starts.items():
        if start is None or any(n not in links for n in range(epoch + 1, start + 1)):
            raise errors.CannotOpen(what="epoch_share")
        way = tuple((n, links[n]) for n in range(start, epoch, -1))
        chains[epoch] = SealedChain(agency_id=agency_id, member_id=member_id, epoch=start, share=shares[start], links=way)
    return chains


_SHARES = Fixed(
    select(EpochShareRow.epoch, EpochShareRow.sealed).where(
        EpochShareRow.agency_id == bindparam("agency_id"), EpochShareRow.member_id == bindparam("member_id"), EpochShareRow.epoch >= bindparam("lowest")
    )
)


def _distant(starts: dict[int, int | None]) -> bool:
    return any(start is not None and start != epoch for epoch, start in starts.items())


def _links(session: Session, agency_id: uuid.UUID, above: int, up_to: int) -> dict[int, bytes]:
    query = select(EpochRow.epoch, EpochRow.link).where(EpochRow.agency_id == agency_id, EpochRow.epoch > above, EpochRow.epoch <= up_to)
    return {row.epoch: row.link for row in session.execute(query) if row.link is not None}
