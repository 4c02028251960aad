"""What a sending takes at rest (VAULT.md: at most 2.5 times its content, at 10 kB, with the entry of the log)."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from referral_hub.db import uuid7
from referral_hub.vault.plain import Plain
from referral_hub.vault.sending import SendingFacts, seal_sending
from tests.vault.world import World

NOW = datetime(2025, 3, 4, 5, 6, 7, tzinfo=UTC)
EVEN = dict.fromkeys(("profile", "identity", "safe_contact", "needs", "meta"), 1667) | {"consent": 1665}
UNEVEN = {"profile": 1500, "identity": 1800, "safe_contact": 1200, "needs": 3000, "meta": 800, "consent": 1700}
TABLES = ("sealed_part", "sealed_share", "sealed_grant", "release", "manifest")
WARM, SENDINGS = 100, 900  # PostgreSQL extends a table by up to half a megabyte at a time: over few sendings that is 0.1 of the content


def at_rest(session):
    query = text("SELECT sum(pg_total_relation_size(name::regclass)) FROM unnest(CAST(:names AS text[])) AS name")
    return int(session.scalar(query, {"names": list(TABLES)}))


@pytest.mark.parametrize(("sizes", "limit"), [(EVEN, 2.3), (UNEVEN, 2.4)], ids=["even", "uneven"])
def test_a_sending_takes_little_more_than_its_padded_content(session, tmp_path, sizes, limit):
    """Tables with their indexes and large values; the padding alone is 1.33 (even) or 1.43 (uneven), the preview 0.1."""
    world = World(session, tmp_path, NOW)
    a, b = world.agency(), world.agency()
    contents = {name: Plain(b"x" * size) for name, size in sizes.items()}
    content = sum(sizes.values())
    before = 0
    for number in range(WARM + SENDINGS):
        if number == WARM:
            before = at_rest(session)
        facts = SendingFacts(uuid7(NOW), 1, a.id, b.id, b"c" * 32, "medical", "urgent", "referral")
        seal_sending(session, keys=a.keys, facts=facts, parts=contents, preview=Plain(b"p" * 600), now=NOW)
    each = (at_rest(session) - before) / SENDINGS
    assert content == 10_000
    assert each <= limit * content
