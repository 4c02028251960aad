"""Openings on the real database: who opens what, and what fails when anything was changed."""

import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, text, update

from referral_hub import errors
from referral_hub.vault import agency, grants, opening
from referral_hub.vault.epochs import Bundle, EpochPublic
from referral_hub.vault.grants import GrantKind, ObjectKind, Standing
from referral_hub.vault.keyring import Keyring
from referral_hub.vault.manifest import Manifest, signed_bytes, text_of
from referral_hub.vault.notes import seal_note
from referral_hub.vault.opening import SealedPart, SignedManifest, gather, unseal
from referral_hub.vault.parts import revisions, seal_parts
from referral_hub.vault.plain import Plain
from referral_hub.vault.records import SHARES, EpochRow, EpochShareRow, GrantRow, ManifestRow, PartRow, ReleaseRow
from tests.vault import strategies as draw
from tests.vault.world import World


def refused(attempt):
    with pytest.raises(errors.CannotOpen):
        attempt()


def change(referral, owner_engine, *statements):
    """Change rows behind the program's back."""
    referral.world.session.commit()
    with owner_engine.begin() as connection:
        for statement in statements:
            connection.execute(statement)


# who opens what


def test_each_grant_opens_its_parts_and_no_more(referral):
    everything = referral.contents | {"preview": referral.preview}
    assert referral.open("own", expected=referral.sent.manifest_digest) == everything
    assert referral.open("preview", expected=referral.sent.manifest_digest) == {"preview": referral.preview}
    assert referral.open("full", expected=referral.sent.manifest_digest) == referral.contents
    refused(lambda: referral.gather("full", parts=["preview"]))
    refused(lambda: referral.gather("preview", parts=["identity"]))


def test_a_colleague_opens_what_the_agency_got(referral):
    assert referral.open("full", keys=referral.world.member(referral.recipient)) == referral.contents


def test_a_third_agency_opens_nothing(referral):
    stranger = referral.world.agency()
    for kind in GrantKind:
        refused(lambda kind=kind: referral.gather(kind, stranger))
        refused(lambda kind=kind: referral.gather(kind, referral.recipient, keys=stranger.keys))


def test_sender_and_recipient_have_not_each_others_grants(referral):
    refused(lambda: referral.gather("full", referral.sender))
    refused(lambda: referral.gather("own", referral.recipient))
    refused(lambda: referral.gather("thread"))


def test_what_will_be_shown_is_named_before_it_is_opened(referral):
    sealed = referral.gather("full", parts=["needs"])
    assert (sealed.sections, sealed.revisions) == (("needs",), {"needs": 1})
    assert sealed.manifest_digest == referral.sent.manifest_digest
    assert repr(sealed) == "<sealed parts>"
    assert "object at" in repr(sealed.parts["needs"])
    assert unseal(referral.world.hub, referral.recipient.keys.member_key, sealed) == {"needs": referral.contents["needs"]}


def test_nothing_is_opened_without_a_member_key(referral):
    sealed = referral.gather("full")
    with pytest.raises(errors.NotAllowed):
        unseal(referral.world.hub, None, sealed)


def test_unsealing_needs_no_database(referral, asked):
    sealed = referral.gather("full")
    keys = referral.world.fresh(referral.recipient.keys)
    asked.clear()
    unseal(keys.hub, keys.member_key, sealed, expected_manifest_digest=referral.sent.manifest_digest)
    assert asked == []
    referral.gather("full")
    assert len(asked) == 1


def test_one_opening_opens_its_grant_and_share_once(referral, monkeypatch):
    opened = []
    original = opening.SealedGrant.open
    monkeypatch.setattr(opening.SealedGrant, "open", lambda self, *args: opened.append(self) or original(self, *args))
    referral.open("own")
    assert len(opened) == 1


# an agency's own file


@pytest.fixture
def case(world, now):
    place = {"agency_id": (home := world.agency()).id, "object_kind": ObjectKind.CASE, "object_id": uuid.uuid4(), "now": now}
    seal_parts(world.session, keys=home.keys, contents={"profile": Plain(b"first"), "identity": Plain(b"name")}, **place)
    return home, place


def opened_case(world, home, place, **options):
    sealed = gather(world.session, member_id=home.keys.member_id, kind=GrantKind.OWN, **place, **options)
    return unseal(world.hub, world.fresh(home.keys).member_key, sealed)


def test_a_new_revision_under_the_same_grant(world, case, now):
    home, place = case
    sealed = seal_parts(world.session, keys=world.fresh(home.keys), contents={"profile": Plain(b"second"), "safety": Plain(b"x" * 2000)}, **place)
    assert {name: (s.revision, s.size_bucket) for name, s in sealed.items()} == {"profile": (2, 1024), "safety": (1, 2048)}
    assert opened_case(world, home, place) == {"profile": Plain(b"second"), "identity": Plain(b"name"), "safety": Plain(b"x" * 2000)}
    assert opened_case(world, home, place, parts=["profile"]) == {"profile": Plain(b"second")}
    known = revisions(world.session, object_kind=ObjectKind.CASE, object_id=place["object_id"])
    assert {name: r.revision for name, r in known.items()} == {"profile": 2, "identity": 1, "safety": 1}
    assert (known["safety"].author, known["safety"].at) == (home.keys.member_id, now)
    (grant,) = grants.grants_of(world.session, object_kind=ObjectKind.CASE, object_id=place["object_id"])
    assert grant.sections == ("identity", "profile", "safety")
    assert (grant.kind, grant.standing, grant.opens(now)) == (GrantKind.OWN, Standing.LIVE, True)


@pytest.mark.parametrize("size", [0, 1, 1020, 1021, 2044, 5000, 9000, 40_000, 200_000])
def test_content_of_any_size_comes_back(world, case, size):
    home, place = case
    content = Plain(bytes(range(256)) * (size // 256) + bytes(size % 256))
    seal_parts(world.session, keys=home.keys, contents={"profile": content}, **place)
    assert opened_case(world, home, place, parts=["profile"]) == {"profile": content}


def test_a_case_and_a_draft_of_the_same_id_do_not_mix(world, case):
    home, place = case
    draft = place | {"object_kind": ObjectKind.DRAFT}
    seal_parts(world.session, keys=home.keys, contents={"profile": Plain(b"draft")}, **draft)
    assert opened_case(world, home, draft) == {"profile": Plain(b"draft")}
    assert opened_case(world, home, place)["profile"] == Plain(b"first")


def test_a_part_that_is_not_there_is_named_as_such(world, case):
    home, place = case
    refused(lambda: opened_case(world, home, place, parts=["profile", "safety"]))


def test_a_discarded_draft_does_not_open_and_a_new_one_may_begin(world, case, now):
    home, place = case
    count = grants.revoke_object(world.session, object_kind=ObjectKind.CASE, object_id=place["object_id"], now=now, hub=world.hub)
    assert count == 1
    refused(lambda: opened_case(world, home, place))
    seal_parts(world.session, keys=home.keys, contents={"profile": Plain(b"again")}, **place)
    assert opened_case(world, home, place) == {"profile": Plain(b"again")}


def test_without_share_nobody_adds_to_a_file(world, case):
    home, place = case
    stranger = world.agency()
    for keys in (stranger.keys, Keyring(world.hub, home.keys.member_id, stranger.keys.member_key)):
        with pytest.raises(errors.CannotOpen):
            seal_parts(world.session, keys=keys, contents={"profile": Plain(b"forged")}, **place)


# notes of both sides


def test_both_sides_read_the_thread_and_share_one_key(referral, now):
    world, a, b = referral.world, referral.sender, referral.recipient
    for number, (mine, other) in enumerate(((b, a), (a, b), (b, a)), start=1):
        seal_note(
            world.session, keys=world.fresh(mine.keys), agency_id=mine.id, other_agency_id=other.id, referral_id=referral.id, part=f"note.{number}",
            content=Plain(str(number).encode()), now=now,
        )  # fmt: skip
    everything = {f"note.{n}": Plain(str(n).encode()) for n in (1, 2, 3)}
    for side in (a, b):
        assert referral.open("thread", side, object_kind=ObjectKind.THREAD) == everything
    assert len(grants.grants_of(world.session, object_kind=ObjectKind.THREAD, object_id=referral.id)) == 2
    refused(lambda: referral.open("thread", world.agency(), object_kind=ObjectKind.THREAD))


def test_the_thread_goes_on_after_a_rotation_or_an_ended_grant(referral, now):
    world, a, b = referral.world, referral.sender, referral.recipient
    note = {"agency_id": a.id, "other_agency_id": b.id, "referral_id": referral.id, "now": now}
    seal_note(world.session, keys=a.keys, part="note.1", content=Plain(b"1"), **note)
    agency.rotate(world.session, keys=b.keys, agency_id=b.id, members={}, now=now)
    seal_note(world.session, keys=a.keys, part="note.2", content=Plain(b"2"), **note)
    assert referral.open("thread", object_kind=ObjectKind.THREAD) == {"note.1": Plain(b"1"), "note.2": Plain(b"2")}
    theirs = grants.grants_of(world.session, object_kind=ObjectKind.THREAD, object_id=referral.id, agency_id=b.id)
    assert {(g.revision, g.epoch) for g in theirs} == {(1, 1), (2, 2)}
    grants.revoke(world.session, grant_ids=[g.id for g in theirs], now=now)
    refused(lambda: referral.gather("thread", object_kind=ObjectKind.THREAD))
    assert len(referral.open("thread", a, object_kind=ObjectKind.THREAD)) == 2


# standing


@pytest.mark.parametrize(("standing", "opens"), [(Standing.LIVE, True), (Standing.READ_ONLY, True), (Standing.SUSPENDED, False)])
def test_standing_decides(referral, standing, opens):
    grants.set_standing(referral.world.session, grant_ids=[referral.sent.full], standing=standing)
    if opens:
        assert referral.open("full") == referral.contents
    else:
        refused(lambda: referral.gather("full"))
    assert referral.open("preview") == {"preview": referral.preview}


def test_a_grant_ends_at_its_time(referral, now):
    grants.set_standing(referral.world.session, grant_ids=[referral.sent.full], standing=Standing.READ_ONLY, until=now)
    refused(lambda: referral.gather("full"))
    assert referral.gather("full", now=now - timedelta(seconds=1)).sections == ("identity", "needs")
    (full,) = (g for g in grants.grants_of(referral.world.session, object_kind=ObjectKind.REFERRAL, object_id=referral.id) if g.kind == "full")
    assert (full.until, full.opens(now), full.opens(now - timedelta(seconds=1))) == (now, False, True)


def test_a_revoked_grant_is_destroyed_and_cannot_be_set_back(referral, now):
    session = referral.world.session
    assert grants.revoke(session, grant_ids=[referral.sent.full], now=now) == 1
    assert grants.revoke(session, grant_ids=[referral.sent.full], now=now) == 0
    assert grants.revoke(session, grant_ids=[], now=now) == 0
    grants.set_standing(session, grant_ids=[referral.sent.full], standing=Standing.LIVE)
    refused(lambda: referral.gather("full"))
    with pytest.raises(ValueError, match="revoked"):
        grants.set_standing(session, grant_ids=[referral.sent.full], standing=Standing.REVOKED)
    assert session.scalar(select(GrantRow.standing).where(GrantRow.id == referral.sent.full)) == "revoked"


def test_a_newer_sending_takes_the_place_of_the_older_one_even_when_it_ended(referral, now):
    second = referral.send_again(2, {"identity": Plain(b"corrected")})
    assert referral.open("full", expected=second.manifest_digest) == {"identity": Plain(b"corrected")}
    refused(lambda: referral.open("full", expected=referral.sent.manifest_digest))
    assert referral.open("full", revision=1, expected=referral.sent.manifest_digest) == referral.contents
    grants.revoke(referral.world.session, grant_ids=[second.full], now=now)
    refused(lambda: referral.gather("full"))


# what was changed in the database


def test_a_deleted_release_secret_closes_the_grant(referral, owner_engine):
    change(referral, owner_engine, delete(ReleaseRow).where(ReleaseRow.grant_id == referral.sent.full))
    refused(lambda: referral.gather("full"))


def test_a_deleted_share_of_the_member_closes_everything(referral):
    agency.drop_shares(referral.world.session, member_id=referral.recipient.keys.member_id)
    refused(lambda: referral.gather("full"))


@pytest.mark.parametrize("column", ["head", "body"])
@pytest.mark.parametrize("kind", ["own", "full"])
def test_changed_content_is_refused(referral, owner_engine, kind, column):
    big = Plain(b"x" * 5000)
    referral.send_again(2, {"identity": big})
    assert referral.open("full") == {"identity": big}
    row = referral.world.session.execute(select(PartRow.head, PartRow.body).where(PartRow.part == "identity", PartRow.revision == 2)).one()
    changed = draw.flipped(getattr(row, column), 77)
    change(referral, owner_engine, update(PartRow).where(PartRow.part == "identity", PartRow.revision == 2).values({column: changed}))
    refused(lambda: referral.open(kind))


def test_a_deleted_part_or_share_is_missed(referral, owner_engine):
    change(referral, owner_engine, delete(PartRow).where(PartRow.part == "needs"))
    refused(lambda: referral.open("full"))
    refused(lambda: referral.gather("full", parts=["needs"]))
    change(referral, owner_engine, delete(SHARES).where(SHARES.c.part == "preview"))
    refused(lambda: referral.open("own"))
    refused(lambda: referral.gather("preview"))


PART_CHANGES = {"part": "needs2", "revision": 2, "object_kind": "case", "agency_id": uuid.uuid4(), "epoch": 2, "object_id": uuid.uuid4()}


@pytest.mark.parametrize("column", sorted(PART_CHANGES))
def test_a_part_moved_elsewhere_is_refused(referral, owner_engine, column):
    change(referral, owner_engine, update(PartRow).where(PartRow.part == "needs").values({column: PART_CHANGES[column]}))
    refused(lambda: referral.open("full"))


GRANT_CHANGES = {"kind": "own", "revision": 2, "object_kind": "case", "agency_id": uuid.uuid4(), "epoch": 2, "object_id": uuid.uuid4()}


@pytest.mark.parametrize("column", sorted(GRANT_CHANGES))
def test_a_grant_moved_elsewhere_is_refused(referral, owner_engine, column):
    change(referral, owner_engine, update(GrantRow).where(GrantRow.id == referral.sent.full).values({column: GRANT_CHANGES[column]}))
    refused(lambda: referral.open("full"))
    refused(lambda: referral.open("full", revision=2))


def test_a_preview_grant_renamed_full_shows_no_more(referral, owner_engine):
    """Its key, release secret and share are bound to the kind; and the manifest says what a full grant covers."""
    change(
        referral, owner_engine, delete(GrantRow).where(GrantRow.id == referral.sent.full),
        update(GrantRow).where(GrantRow.id == referral.sent.preview).values(kind="full"),
    )  # fmt: skip
    refused(lambda: referral.open("full"))


def test_swapped_key_wraps_and_release_secrets_are_refused(referral, owner_engine):
    session = referral.world.session
    wraps = dict(session.execute(select(GrantRow.id, GrantRow.key_wrap)).all())
    locks = dict(session.execute(select(ReleaseRow.grant_id, ReleaseRow.locked)).all())
    sent = referral.sent
    change(referral, owner_engine, update(GrantRow).where(GrantRow.id == sent.full).values(key_wrap=wraps[sent.preview]))
    refused(lambda: referral.open("full"))
    change(
        referral, owner_engine, update(GrantRow).where(GrantRow.id == sent.full).values(key_wrap=wraps[sent.full]),
        update(ReleaseRow).where(ReleaseRow.grant_id == sent.full).values(locked=locks[sent.preview]),
    )  # fmt: skip
    refused(lambda: referral.open("full"))
    change(referral, owner_engine, update(ReleaseRow).where(ReleaseRow.grant_id == sent.full).values(locked=locks[sent.full]))
    assert referral.open("full") == referral.contents


def test_a_forged_package_sealed_to_the_recipient_is_refused(referral, owner_engine, now):
    """Anyone can seal to a public key; the operator, who has the hub key, forges a whole sending. He has no signing key of the sender."""
    world, forger = referral.world, referral.world.agency()
    genuine = world.session.execute(select(ManifestRow)).scalar_one()
    body, signature, facts = genuine.body, genuine.signature, {"agency_id": genuine.agency_id, "epoch": genuine.epoch}
    grants.revoke_object(world.session, object_kind=ObjectKind.REFERRAL, object_id=referral.id, now=now)
    change(referral, owner_engine, delete(PartRow), delete(ManifestRow), delete(GrantRow))
    forged = replace(referral, sender=forger)
    forged.send_again(1, {"identity": Plain(b"forged"), "needs": Plain(b"forged")})
    for values in ({"body": body, "signature": signature, **facts}, facts):
        change(referral, owner_engine, update(ManifestRow).values(values))
        refused(lambda: referral.open("full", expected=referral.sent.manifest_digest))
        refused(lambda: referral.open("full"))


def test_a_rollback_that_is_consistent_in_itself_is_caught_by_the_log(referral, owner_engine):
    second = referral.send_again(2, {"identity": Plain(b"corrected")})
    doomed = (second.own, second.preview, second.full)
    change(
        referral, owner_engine, delete(GrantRow).where(GrantRow.id.in_(doomed)), delete(PartRow).where(PartRow.revision == 2),
        delete(ManifestRow).where(ManifestRow.revision == 2),
    )  # fmt: skip
    assert referral.open("full") == referral.contents
    refused(lambda: referral.open("full", expected=second.manifest_digest))


@pytest.mark.parametrize("column", ["body", "signature", "epoch", "agency_id", "revision"])
def test_a_changed_manifest_is_refused(referral, owner_engine, column):
    row = referral.world.session.execute(select(ManifestRow)).scalar_one()
    value = {"epoch": 2, "agency_id": referral.recipient.id, "revision": 2}.get(column) or draw.flipped(getattr(row, column), 100)
    change(referral, owner_engine, update(ManifestRow).values({column: value}))
    refused(lambda: referral.open("full"))


NAMED = ["hub", "referral", "sending", "from_agency", "from_epoch", "from_keys", "to_agency", "to_epoch", "to_keys", "parts"]


@pytest.mark.parametrize("kind", ["own", "full"])
@pytest.mark.parametrize("name", NAMED)
def test_a_manifest_that_the_sender_signed_for_something_else_is_refused(referral, kind, name):
    sealed = referral.gather(kind)
    named = Manifest.parse(sealed.signed.body)
    value = {"sending": 2, "from_epoch": 2, "to_epoch": 2, "parts": {**named.parts, "identity": named.parts["needs"]}}.get(name, str(uuid.uuid4()))
    bundle = referral.sender.keys.bundle(referral.world.session, referral.sender.id)
    side = referral.sender if kind == "own" else referral.recipient
    keys = referral.world.fresh(side.keys)
    for other, opens in ((named, True), (replace(named, **{name: value}), kind == "own" and name.startswith("to_"))):
        body = other.body()
        signed = replace(sealed.signed, body=body, signature=bundle.sign(signed_bytes(body)))
        if opens:
            assert "identity" in unseal(keys.hub, keys.member_key, replace(sealed, signed=signed))
        else:
            refused(lambda signed=signed: unseal(keys.hub, keys.member_key, replace(sealed, signed=signed)))


def test_records_of_the_sender_made_anew_do_not_fit_her_own_grant(referral):
    """The operator founds the sending agency anew and signs another manifest: its keys are not those that the sender's members open."""
    sealed = referral.gather("own")
    forged = Bundle.generate(agency_id=referral.sender.id, epoch=1)
    record = EpochPublic(referral.sender.id, 1, forged.key.public, forged.signing_public, b"", b"")
    record = replace(record, signature=forged.sign(record.body(referral.world.hub.hub_id)))
    body = replace(Manifest.parse(sealed.signed.body), service="shelter", from_keys=text_of(forged.key_digest)).body()
    signed = SignedManifest(body, forged.sign(signed_bytes(body)), 1, (record,))
    keys = referral.world.fresh(referral.sender.keys)
    refused(lambda: unseal(keys.hub, keys.member_key, replace(sealed, signed=signed)))


def test_a_manifest_of_another_sending_is_refused(referral, owner_engine):
    other = replace(referral, id=uuid.uuid4())
    other.send_again(1, referral.contents)
    foreign = referral.world.session.execute(select(ManifestRow).where(ManifestRow.object_id == other.id)).scalar_one()
    values = {"body": foreign.body, "signature": foreign.signature}
    change(referral, owner_engine, update(ManifestRow).where(ManifestRow.object_id == referral.id).values(values))
    refused(lambda: referral.open("full"))


@pytest.mark.parametrize("column", ["signing_public", "public_key", "signature", "previous_digest"])
def test_a_changed_record_of_the_sender_is_refused(referral, owner_engine, column):
    other = referral.world.session.execute(select(EpochRow).where(EpochRow.agency_id == referral.recipient.id)).scalar_one()
    value = getattr(other, column) or b"another"
    change(referral, owner_engine, update(EpochRow).where(EpochRow.agency_id == referral.sender.id).values({column: value}))
    refused(lambda: referral.open("full"))


def test_a_sending_stays_readable_after_both_agencies_rotated(referral, now):
    world = referral.world
    for side in (referral.sender, referral.recipient):
        agency.rotate(world.session, keys=side.keys, agency_id=side.id, members={}, now=now)
    newcomer = world.member(referral.recipient)
    assert referral.open("full", keys=newcomer, expected=referral.sent.manifest_digest) == referral.contents
    second = referral.send_again(2, referral.contents)
    assert referral.open("full", keys=newcomer, expected=second.manifest_digest) == referral.contents


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["ciphertext", "wrapped", "key_wrap", "release_locked", "share", "body", "signature"]), st.integers(min_value=0), st.booleans())
def test_any_turned_or_cut_byte_in_what_was_gathered_is_refused(referral, field, position, cut):
    sealed = referral.gather("full")

    def spoil(data):
        return data[: position % len(data)] if cut else draw.flipped(data, position)

    part: SealedPart = sealed.parts["identity"]
    grant = sealed.grants[part.grant_id]
    changed = {
        "ciphertext": lambda: replace(sealed, parts={**sealed.parts, "identity": replace(part, ciphertext=spoil(part.ciphertext))}),
        "wrapped": lambda: replace(sealed, parts={**sealed.parts, "identity": replace(part, wrapped=spoil(part.wrapped))}),
        "key_wrap": lambda: replace(sealed, grants={part.grant_id: replace(grant, key_wrap=spoil(grant.key_wrap))}),
        "release_locked": lambda: replace(sealed, grants={part.grant_id: replace(grant, release_locked=spoil(grant.release_locked))}),
        "share": lambda: replace(sealed, chains={1: replace(sealed.chains[1], share=spoil(sealed.chains[1].share))}),
        "body": lambda: replace(sealed, signed=replace(sealed.signed, body=spoil(sealed.signed.body))),
        "signature": lambda: replace(sealed, signed=replace(sealed.signed, signature=spoil(sealed.signed.signature))),
    }[field]()
    keys = referral.world.fresh(referral.recipient.keys)
    with pytest.raises((errors.CannotOpen, errors.Unavailable)):
        unseal(keys.hub, keys.member_key, changed)


def test_parts_swapped_in_what_was_gathered_are_refused(referral):
    sealed = referral.gather("full")
    identity, needs = sealed.parts["identity"], sealed.parts["needs"]
    keys = referral.world.fresh(referral.recipient.keys)
    for changed in (
        {"identity": needs, "needs": identity},
        {"identity": replace(identity, wrapped=needs.wrapped), "needs": needs},
        {"identity": replace(identity, ciphertext=needs.ciphertext), "needs": needs},
        {"identity": identity},
    ):
        refused(lambda changed=changed: unseal(keys.hub, keys.member_key, replace(sealed, parts=changed)))
    refused(lambda: unseal(keys.hub, keys.member_key, replace(sealed, signed=None)))
    assert unseal(keys.hub, keys.member_key, sealed) == referral.contents


# stolen data


def test_with_every_member_key_but_no_hub_key_nothing_opens(referral, tmp_path):
    """A thief with the database and every passphrase makes a ring of his own; release secrets do not open with it."""
    (tmp_path / "thief").mkdir()
    thief = World.ring(tmp_path / "thief", referral.world.hub)
    for kind in ("own", "preview", "full"):
        sealed = referral.gather(kind)
        side = referral.sender if kind == "own" else referral.recipient
        refused(lambda sealed=sealed, side=side: unseal(thief, referral.world.fresh(side.keys).member_key, sealed))
        bundle = side.keys.bundle(referral.world.session, side.id)
        wrap = next(iter(sealed.grants.values()))
        with pytest.raises(errors.CannotOpen):
            wrap.open(thief, bundle)


def test_with_the_hub_key_but_no_member_key_only_the_hub_locks_open(referral):
    hub, sealed = referral.world.hub, referral.gather("full")
    grant = next(iter(sealed.grants.values()))
    assert len(hub.unlock("release", grant.release_locked, "grant", grant.grant.id)) == 32
    operator = referral.world.agency()
    refused(lambda: unseal(hub, operator.keys.member_key, sealed))
    refused(lambda: grant.open(hub, operator.keys.bundle(referral.world.session, operator.id)))


def test_nothing_of_the_content_stands_in_any_table(world, owner_engine, now):
    mark = "TANDA-9f3c"
    sender, recipient, about = world.agency(), world.agency(), uuid.uuid4()
    place = {"agency_id": sender.id, "object_kind": ObjectKind.CASE, "object_id": about, "now": now}
    seal_parts(world.session, keys=sender.keys, contents={"profile": Plain.of({"name": mark})}, **place)
    seal_note(
        world.session, keys=sender.keys, agency_id=sender.id, other_agency_id=recipient.id, referral_id=about, part="note.1",
        content=Plain(mark.encode()), now=now,
    )  # fmt: skip
    world.session.commit()
    with owner_engine.begin() as connection:
        tables = connection.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).all()
        dump = "".join(str(connection.execute(text(f'SELECT CAST("{t}" AS text) FROM "{t}"')).all()) for t in tables)
    assert str(about) in dump
    assert mark not in dump
    assert mark.encode().hex() not in dump
    assert sender.founded.recovery_code not in dump


def test_epoch_shares_of_others_are_not_gathered(referral):
    sealed = referral.gather("full", keys=referral.world.member(referral.recipient))
    shares = set(referral.world.session.scalars(select(EpochShareRow.sealed)))
    assert len(shares) == 3
    assert len({c.share for c in sealed.chains.values()} & shares) == 1
