"""Proving a passphrase without holding a connection: what is read before the derivation, and what the derivation is compared with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from referral_hub import errors
from referral_hub.accounts.rules import typed
from referral_hub.vault import kdf as derivation
from referral_hub.vault import member as member_keys
from referral_hub.vault.kdf import KdfParameters

if TYPE_CHECKING:
    import uuid

    from referral_hub.accounts.records import MemberRow
    from referral_hub.accounts.slots import Slots
    from referral_hub.vault.hub import HubKeys
    from referral_hub.vault.kdf import Unlock
    from referral_hub.vault.member import MemberKey

METHOD = "passphrase"


@dataclass(frozen=True, repr=False)
class Credentials:
    """What a member's row keeps of the passphrase; everything in it is hub-locked, public or salt."""

    member_id: uuid.UUID
    verifier: bytes
    wrap: bytes
    public: bytes
    salt: bytes
    parameters: KdfParameters


def credentials_of(row: MemberRow) -> Credentials | None:
    """Return what `row` keeps, or None before enrolment and after a reset."""
    kept = (row.verifier_locked, row.key_wrap, row.public_key, row.kdf_salt)
    verifier, wrap, public, salt = kept
    if verifier is None or wrap is None or public is None or salt is None or row.kdf is None:
        return None
    return Credentials(row.id, verifier, wrap, public, salt, KdfParameters.parse(row.kdf))


def derive(slots: Slots, passphrase: str, *, salt: bytes, parameters: KdfParameters) -> Unlock:
    """Return the keys of `passphrase`, derived in a place of its own.

    Raises:
        errors.Unavailable: no place came free in time (at_capacity).
    """
    with slots.aside():
        return derivation.unlock(typed.clean(passphrase), salt=salt, parameters=parameters)


def opened_key(hub: HubKeys, credentials: Credentials, unlock: Unlock) -> MemberKey | None:
    """Return the member key, or None for another passphrase.

    Raises:
        errors.CannotOpen: the verifier fits but the key does not, or is not the published one: the row was tampered with.
    """
    if not member_keys.verifier_matches(hub, credentials.verifier, member_id=credentials.member_id, unlock=unlock):
        return None
    return member_keys.open_key(
        hub, credentials.wrap, member_id=credentials.member_id, method=METHOD, unlock=unlock, public=credentials.public
    )


def is_weaker(parameters: KdfParameters, wanted: KdfParameters) -> bool:
    """Whether a row's parameters cost less than those in force, and are raised at the next sign-in."""
    return parameters.iterations < wanted.iterations or parameters.memory_kib < wanted.memory_kib


def keep(row: MemberRow, *, hub: HubKeys, key: MemberKey, unlock: Unlock, salt: bytes, parameters: KdfParameters) -> None:
    """Write verifier, wrapped key, salt and parameters of a passphrase into `row`; the member key stays what it is."""
    row.verifier_locked = member_keys.lock_verifier(hub, member_id=row.id, unlock=unlock)
    row.key_wrap = member_keys.wrap_key(hub, key, member_id=row.id, method=METHOD, unlock=unlock)
    row.kdf_salt = salt
    row.kdf = parameters.text


def pair_mismatch() -> errors.InputInvalid:
    """Return the one answer to every pair that does not let in: unknown, wrong, suspended, left."""
    return errors.InputInvalid({"passphrase": ("pair_mismatch",)}, code="pair_mismatch")


def code_mismatch() -> errors.InputInvalid:
    """Return the one answer to every second-factor code that does not let in: wrong, used, out of time."""
    return errors.InputInvalid({"code": ("code_mismatch",)}, code="code_mismatch")
