"""The access log: every access an entry of an append-only Merkle tree, durable before anything is revealed.

Verbs use four names from here. They are fetched when asked for, so that the pure modules (`merkle`, `note`, `checkpoint`,
`tiles`, `entry`) can be imported by an offline verifier without a database.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from referral_hub.audit.entry import Entry, entry_for

if TYPE_CHECKING:
    from referral_hub.audit.append import Ticket, record

__all__ = ["Entry", "Ticket", "entry_for", "record"]


def __getattr__(name: str) -> Any:
    """Return `record` or `Ticket` of `append`, loading the database side when it is first asked for."""
    if name in {"record", "Ticket"}:
        from referral_hub.audit import append  # noqa: PLC0415 - the pure modules must not load a database

        return getattr(append, name)
    raise AttributeError(name)
