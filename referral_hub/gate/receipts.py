"""The receipts of a request: for each entry that it left, index and leaf hash signed by the hub's receipt key.

They go in the answer's head, one `Hub-Receipt` each (the signed note in base64), to whoever is signed in: pages and later the API
alike. Who keeps them can show an entry that was dropped.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, TypeVar

from referral_hub.audit import receipts
from referral_hub.audit.append import settled
from referral_hub.audit.receipts import Receipt
from referral_hub.gate.caller import known_caller
from referral_hub.gate.house import house, session

if TYPE_CHECKING:
    from datetime import datetime

    from werkzeug.wrappers import Response

    R = TypeVar("R", bound=Response)

HEADER = "Hub-Receipt"
MOST = 20


def add_receipts(response: R) -> R:
    """Put the receipts of this request's entries on `response`; none for nobody, and none where the receipt key is not at hand."""
    if known_caller() is None:
        return response
    for ticket in settled(session())[-MOST:]:
        made = signed(ticket.index, ticket.leaf_hash, ticket.occurred_at, ticket.action)
        if made:
            response.headers.add(HEADER, base64.b64encode(made.encode()).decode())
    return response


def signed(index: int, leaf_hash: bytes, occurred_at: datetime, action: str) -> str:
    """Return the signed receipt of an entry, or an empty text where the receipt key is not at hand."""
    signing = house().receipt_signer
    if signing is None:
        return ""
    return receipts.make(Receipt(house().settings.log_origin, index, leaf_hash, occurred_at, action), signing)
