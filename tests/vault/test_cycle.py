"""On the real PostgreSQL: founded, admitted, sealed, sent, gathered, unsealed, ended."""

import uuid
from datetime import UTC, datetime

import pytest

from referral_hub import errors
from referral_hub.db import transact
from referral_hub.vault import grants, notes, opening, parts
from referral_hub.vault.grants import GrantKind, ObjectKind
from referral_hub.vault.plain import Plain
from referral_hub.vault.sending import SendingFacts, seal_sending
from tests.vault.world import World

NOW = datetime(2025, 3, 4, 5, 6, 7, tzinfo=UTC)


@pytest.fixture
def world(session, tmp_path):
    return World(session, tmp_path, NOW)


def opened(session, keys, agency_id, kind, object_kind, object_id, **rest):
    expected = rest.pop("expected", None)
    sealed = transact(
        session,
        lambda s: opening.gather(
            s, member_id=keys.member_id, agency_id=agency_id, object_kind=object_kind, object_id=object_id, kind=kind, now=NOW, **rest
        ),
    )
    return opening.unseal(keys.hub, keys.member_key, sealed, expected_manifest_digest=expected)


def test_full_cycle(session, world):
    a, b = world.agency(), world.agency()
    case, referral = uuid.uuid4(), uuid.uuid4()
    parts.seal_parts(session, keys=a.keys, agency_id=a.id, object_kind=ObjectKind.CASE, object_id=case, contents={"profile": Plain(b"p1"), "identity": Plain(b"i1")}, now=NOW)
    got = parts.seal_parts(session, keys=world.fresh(a.keys), agency_id=a.id, object_kind=ObjectKind.CASE, object_id=case, contents={"profile": Plain(b"p2"), "safety": Plain(b"s1")}, now=NOW)
    assert got["profile"].revision == 2
    content = opened(session, a.keys, a.id, GrantKind.OWN, ObjectKind.CASE, case)
    assert {k: v.value() for k, v in content.items()} == {"profile": b"p2", "identity": b"i1", "safety": b"s1"}
    facts = SendingFacts(referral, 1, a.id, b.id, b"c" * 32, "medical", "urgent", "referral")
    sent = seal_sending(session, keys=a.keys, facts=facts, parts=content, preview=Plain(b"pre"), now=NOW)
    reader = world.member(b)
    args = (ObjectKind.REFERRAL, referral)
    assert opened(session, reader, b.id, GrantKind.PREVIEW, *args, expected=sent.manifest_digest) == {"preview": Plain(b"pre")}
    assert opened(session, reader, b.id, GrantKind.FULL, *args, expected=sent.manifest_digest) == content
    assert opened(session, a.keys, a.id, GrantKind.OWN, *args) == content | {"preview": Plain(b"pre")}
    notes.seal_note(session, keys=reader, agency_id=b.id, other_agency_id=a.id, referral_id=referral, part="note.1", content=Plain(b"n1"), now=NOW)
    notes.seal_note(session, keys=a.keys, agency_id=a.id, other_agency_id=b.id, referral_id=referral, part="note.2", content=Plain(b"n2"), now=NOW)
    for keys, side in ((reader, b), (a.keys, a)):
        read = opened(session, keys, side.id, GrantKind.THREAD, ObjectKind.THREAD, referral)
        assert read == {"note.1": Plain(b"n1"), "note.2": Plain(b"n2")}
    assert len(grants.grants_of(session, object_kind=ObjectKind.THREAD, object_id=referral)) == 2
    transact(session, lambda s: grants.revoke(s, grant_ids=[sent.full], now=NOW, hub=world.hub))
    with pytest.raises(errors.CannotOpen):
        opened(session, reader, b.id, GrantKind.FULL, *args)
