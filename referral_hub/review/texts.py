"""The texts of a finding's steps: hub-locked to their place, so that neither a stolen database nor another step shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from referral_hub.vault.hub import Use

if TYPE_CHECKING:
    import uuid

    from referral_hub.vault.hub import HubKeys


def lock(hub: HubKeys, text: str, *, finding_id: uuid.UUID, seq: int) -> bytes | None:
    """Return `text` locked to its step; None where there is none."""
    return hub.lock(Use.DETAIL, text.encode(), "finding", finding_id, seq) if text else None


def unlock(hub: HubKeys, locked: bytes | None, *, finding_id: uuid.UUID, seq: int) -> str:
    """Return the text of a step; raises errors.CannotOpen where the bytes belong elsewhere."""
    return "" if locked is None else hub.unlock(Use.DETAIL, locked, "finding", finding_id, seq).decode()
