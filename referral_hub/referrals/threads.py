"""Names under which messages and notes are sealed."""

from __future__ import annotations

import uuid

MESSAGE = "message."  # parts of the thread that no event carries


def note_object(referral_id: uuid.UUID, agency_id: uuid.UUID) -> uuid.UUID:
    """Return the id under which an agency's own notes on a referral are sealed."""
    return uuid.uuid5(referral_id, str(agency_id))
