"""The entry that begins a new log: what it names of the one before. Pure.

A new log (shard) has a name of its own and takes what is left of the former one as its beginning, so that indexes, counters and
proofs go on. Its first own entry, `checkpoint.new_shard`, names the former log and the entries of it that can no longer be shown to
be the signed ones: from the newest signed size that this tree still contains, up to the largest size that was ever signed.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from referral_hub.audit.entry import BadEntry

if TYPE_CHECKING:
    from referral_hub.audit.entry import Entry

ACTION = "checkpoint.new_shard"
_SAID = tuple(re.compile(pattern) for pattern in (r"former:(.+)", r"lost_from:([0-9]{1,18})", r"lost_until:([0-9]{1,18})"))
_NUMBERED = re.compile(r"(.+)/([1-9][0-9]{0,5})")


@dataclass(frozen=True)
class NewShard:
    """The name of the former log, and the range [lost_from, lost_until) of it that is lost; empty where only the signer's file was."""

    former: str
    lost_from: int
    lost_until: int


def fields_of(shard: NewShard) -> tuple[str, ...]:
    """Return how the entry says it, in its `fields`."""
    return (f"former:{shard.former}", f"lost_from:{shard.lost_from}", f"lost_until:{shard.lost_until}")


def read(entry: Entry) -> NewShard:
    """Return what an entry `checkpoint.new_shard` names.

    Raises:
        BadEntry: it names no such thing.
    """
    found = [pattern.fullmatch(said) for pattern, said in zip(_SAID, entry.fields, strict=False)]
    if len(entry.fields) != len(_SAID) or not all(found):
        raise BadEntry(field="fields")
    former, low, high = (one[1] for one in found if one is not None)
    return NewShard(former, int(low), int(high))


def mark(origin: str) -> str:
    """Return the mark under which the key files of a former log are put away."""
    return hashlib.sha256(origin.encode()).hexdigest()[:8]


def next_origin(origin: str) -> str:
    """Return the name for the log that follows `origin`: with the next number behind it."""
    numbered = _NUMBERED.fullmatch(origin)
    return f"{numbered[1]}/{int(numbered[2]) + 1}" if numbered else f"{origin}/2"
