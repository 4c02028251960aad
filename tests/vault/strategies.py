"""What property tests draw from."""

import uuid

from hypothesis import strategies as st

from referral_hub.vault.formats import Context

blobs = st.binary(max_size=200)
ids = st.uuids()
words = st.text(max_size=12)
numbers = st.integers(min_value=0, max_value=2**31 - 1)
fields = st.one_of(blobs, words, st.integers(min_value=0, max_value=2**64 - 1), ids)
contexts = st.builds(
    Context, purpose=words, hub_id=st.binary(min_size=16, max_size=16), object_kind=words, object_id=ids, part=words, revision=numbers,
    agency_id=ids, epoch=numbers, kind=words, grant_id=ids,
)  # fmt: skip

OTHER = {
    "purpose": "another", "hub_id": b"another hub's id", "object_kind": "another", "object_id": uuid.UUID(int=404), "part": "another",
    "revision": 404, "agency_id": uuid.UUID(int=404), "epoch": 404, "kind": "another", "grant_id": uuid.UUID(int=404),
}  # fmt: skip
"""For each field of a context, a value that the tests use nowhere else."""


def flipped(data, position):
    """Return `data` with one bit turned, at `position` (any number)."""
    at = position % (len(data) * 8)
    changed = bytearray(data)
    changed[at // 8] ^= 1 << at % 8
    return bytes(changed)
