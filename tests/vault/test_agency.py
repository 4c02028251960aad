"""An agency's key: founding, admission, recovery, rotation, leaving."""

import uuid
from dataclasses import replace

import pytest
from sqlalchemy import select, update

from referral_hub import errors
from referral_hub.vault import agency, epochs, member
from referral_hub.vault.grants import GrantKind, ObjectKind
from referral_hub.vault.keyring import Keyring
from referral_hub.vault.member import MemberKey
from referral_hub.vault.opening import gather, unseal
from referral_hub.vault.parts import seal_parts
from referral_hub.vault.plain import Plain
from referral_hub.vault.records import EpochRow, EpochShareRow


@pytest.fixture
def home(world):
    return world.agency()


def tamper(world, owner_engine, statement):
    world.session.commit()
    with owner_engine.begin() as connection:
        connection.execute(statement)


def test_founding_shows_the_code_once_and_gives_the_founder_a_share(world, home):
    assert home.founded.epoch == 1
    assert len(home.founded.recovery_code.replace("-", "")) == 28
    assert home.founded.recovery_code not in repr(home.founded)
    assert agency.founding_fingerprint(world.session, hub=world.hub, agency_id=home.id) == home.founded.fingerprint
    assert agency.holders(world.session, agency_id=home.id) == {home.keys.member_id}
    assert agency.holds_share(world.session, agency_id=home.id, member_id=home.keys.member_id)
    agency.check_keys(world.session, keys=world.fresh(home.keys), agency_id=home.id)
    bundle = home.keys.bundle(world.session, home.id)
    assert (bundle.epoch, len(bundle.raw())) == (1, 160)
    assert repr(bundle) == "<bundle of epoch 1>"


def test_an_agency_is_founded_once(world, home, now):
    with pytest.raises(errors.RuleBroken) as refused:
        agency.found(world.session, keys=Keyring(world.hub, uuid.uuid4(), MemberKey.generate()), agency_id=home.id, now=now)
    assert refused.value.code == "already_founded"
    assert agency.holders(world.session, agency_id=home.id) == {home.keys.member_id}


def test_without_a_key_nobody_founds_or_opens(world, home, now):
    keyless = Keyring(world.hub, home.keys.member_id, None)
    assert not keyless.holds_key
    for attempt in (
        lambda: agency.found(world.session, keys=keyless, agency_id=uuid.uuid4(), now=now),
        lambda: keyless.bundle(world.session, home.id),
        lambda: agency.rotate(world.session, keys=keyless, agency_id=home.id, members={}, now=now),
    ):
        with pytest.raises(errors.NotAllowed) as refused:
            attempt()
        assert refused.value.code == "key_not_held"


def test_an_agency_without_key_is_named(world):
    for attempt in (
        lambda: agency.current_epoch(world.session, hub=world.hub, agency_id=uuid.uuid4()),
        lambda: Keyring(world.hub, uuid.uuid4(), MemberKey.generate()).bundle(world.session, uuid.uuid4()),
    ):
        with pytest.raises(errors.RuleBroken) as refused:
            attempt()
        assert refused.value.code == "no_agency_key"
    assert agency.holders(world.session, agency_id=uuid.uuid4()) == frozenset()


def test_an_admitted_member_opens_the_same_bundle(world, home):
    newcomer = world.member(home)
    assert newcomer.bundle(world.session, home.id).raw() == home.keys.bundle(world.session, home.id).raw()
    assert agency.holders(world.session, agency_id=home.id) == {home.keys.member_id, newcomer.member_id}


def test_a_share_is_opened_once_in_a_request_and_again_in_the_next(world, home):
    keys = world.fresh(home.keys)
    assert keys.bundle(world.session, home.id) is keys.bundle(world.session, home.id)
    assert world.fresh(home.keys).bundle(world.session, home.id) is not keys.bundle(world.session, home.id)


def test_wrong_digits_admit_nobody(world, home, now):
    newcomer, public = uuid.uuid4(), MemberKey.generate().public
    heard = member.fingerprint(hub_id=world.hub.hub_id, member_id=newcomer, public=MemberKey.generate().public)
    for typed in (heard, "", "1234"):
        with pytest.raises(errors.RuleBroken) as refused:
            agency.admit(world.session, keys=home.keys, agency_id=home.id, member_id=newcomer, public=public, typed_fingerprint=typed, now=now)
        assert refused.value.code == "fingerprint_mismatch"
    assert newcomer not in agency.holders(world.session, agency_id=home.id)


def test_who_holds_no_share_admits_nobody(world, home, now):
    stranger = world.agency()
    newcomer, public = uuid.uuid4(), MemberKey.generate().public
    typed = member.fingerprint(hub_id=world.hub.hub_id, member_id=newcomer, public=public)
    with pytest.raises(errors.CannotOpen):
        agency.admit(world.session, keys=stranger.keys, agency_id=home.id, member_id=newcomer, public=public, typed_fingerprint=typed, now=now)


def test_a_share_of_one_is_not_anothers(world, home, owner_engine):
    """Another member's row, another agency's row, and a share moved into one's own row: none opens."""
    other, thief = world.member(home), world.agency()
    mine = world.session.scalar(select(EpochShareRow.sealed).where(EpochShareRow.member_id == other.member_id))
    tamper(world, owner_engine, update(EpochShareRow).where(EpochShareRow.member_id == thief.keys.member_id).values(sealed=mine))
    with pytest.raises(errors.CannotOpen):
        world.fresh(thief.keys).bundle(world.session, thief.id)
    with pytest.raises(errors.CannotOpen):
        Keyring(world.hub, other.member_id, thief.keys.member_key).bundle(world.session, home.id)
    with pytest.raises(errors.CannotOpen):
        world.fresh(thief.keys).bundle(world.session, home.id)


def test_a_dropped_share_acts_in_the_next_request(world, home):
    leaver = world.member(home)
    leaver.bundle(world.session, home.id)
    assert agency.drop_shares(world.session, member_id=leaver.member_id) == 1
    with pytest.raises(errors.CannotOpen):
        world.fresh(leaver).bundle(world.session, home.id)
    assert agency.drop_shares(world.session, member_id=leaver.member_id, agency_id=home.id) == 0
    assert leaver.member_id not in agency.holders(world.session, agency_id=home.id)


def test_a_recovery_code_gives_a_share_to_a_member_with_a_new_key(world, home, now):
    before = home.keys.bundle(world.session, home.id).raw()
    agency.drop_shares(world.session, member_id=home.keys.member_id)
    key = MemberKey.generate()
    typed = home.founded.recovery_code.lower().replace("-", " ")
    agency.recover(world.session, hub=world.hub, agency_id=home.id, code=typed, member_id=home.keys.member_id, public=key.public, now=now)
    assert Keyring(world.hub, home.keys.member_id, key).bundle(world.session, home.id).raw() == before


def test_another_code_recovers_nothing(world, home, now):
    other = world.agency().founded.recovery_code
    mistyped = ("1" if home.founded.recovery_code[0] != "1" else "2") + home.founded.recovery_code[1:]
    for code in (other, mistyped, ""):
        with pytest.raises(errors.RuleBroken) as refused:
            agency.recover(
                world.session, hub=world.hub, agency_id=home.id, code=code, member_id=uuid.uuid4(), public=MemberKey.generate().public, now=now
            )
        assert refused.value.code == "recovery_code_wrong"


def test_after_a_rotation_the_old_code_is_spent_and_the_new_one_works(world, home, now):
    made = agency.rotate(world.session, keys=home.keys, agency_id=home.id, members={}, now=now)
    assert made.epoch == 2
    key = MemberKey.generate()
    place = {"hub": world.hub, "agency_id": home.id, "member_id": uuid.uuid4(), "public": key.public, "now": now}
    with pytest.raises(errors.RuleBroken):
        agency.recover(world.session, code=home.founded.recovery_code, **place)
    agency.recover(world.session, code=made.recovery_code, **place)
    assert Keyring(world.hub, place["member_id"], key).bundle(world.session, home.id, 1).epoch == 1
    left = select(EpochRow.epoch).where(EpochRow.agency_id == home.id, EpochRow.recovery_share.is_not(None))
    assert world.session.scalars(left).all() == [2]


def sealed_case(world, home, now, content):
    case = uuid.uuid4()
    seal_parts(world.session, keys=home.keys, agency_id=home.id, object_kind=ObjectKind.CASE, object_id=case, contents={"profile": content}, now=now)
    return case


def opened_case(world, keys, agency_id, case, now):
    sealed = gather(
        world.session, member_id=keys.member_id, agency_id=agency_id, object_kind=ObjectKind.CASE, object_id=case, kind=GrantKind.OWN, now=now
    )
    return unseal(world.hub, world.fresh(keys).member_key, sealed)


def test_a_newcomer_opens_old_epochs_by_the_links_and_a_leaver_no_new_one(world, home, now):
    leaver = world.member(home)
    first = sealed_case(world, home, now, Plain(b"epoch 1"))
    agency.drop_shares(world.session, member_id=leaver.member_id)
    for _ in range(2):
        agency.rotate(world.session, keys=world.fresh(home.keys), agency_id=home.id, members={}, now=now)
    third = sealed_case(world, home, now, Plain(b"epoch 3"))
    newcomer = world.member(home)
    assert newcomer.bundle(world.session, home.id).epoch == 3
    assert newcomer.bundle(world.session, home.id, 1).raw() == home.keys.bundle(world.session, home.id, 1).raw()
    assert opened_case(world, newcomer, home.id, first, now) == {"profile": Plain(b"epoch 1")}
    assert opened_case(world, newcomer, home.id, third, now) == {"profile": Plain(b"epoch 3")}
    for case in (first, third):
        with pytest.raises(errors.CannotOpen):
            opened_case(world, leaver, home.id, case, now)


def test_one_file_is_opened_over_several_epochs(world, home, now):
    case = sealed_case(world, home, now, Plain(b"old"))
    agency.rotate(world.session, keys=home.keys, agency_id=home.id, members={}, now=now)
    place = {"agency_id": home.id, "object_kind": ObjectKind.CASE, "object_id": case, "now": now}
    seal_parts(world.session, keys=world.fresh(home.keys), contents={"safety": Plain(b"new")}, **place)
    assert opened_case(world, world.member(home), home.id, case, now) == {"profile": Plain(b"old"), "safety": Plain(b"new")}


def test_search_tokens_stay_over_a_rotation_and_differ_between_agencies(world, home, now):
    token = home.keys.index_token(world.session, home.id, "name", "sari")
    agency.rotate(world.session, keys=home.keys, agency_id=home.id, members={}, now=now)
    assert world.member(home).index_token(world.session, home.id, "name", "sari") == token
    assert len(token) == 16
    other = world.agency()
    assert other.keys.index_token(world.session, other.id, "name", "sari") != token
    assert home.keys.index_token(world.session, home.id, "phone", "sari") != token


def test_rotating_twice_at_once_has_one_winner(world, home, now):
    other = world.member(home)
    stale = other.bundle(world.session, home.id)
    agency.rotate(world.session, keys=home.keys, agency_id=home.id, members={other.member_id: other.member_key.public}, now=now)
    before = agency.records_of(world.session, hub=world.hub, agency_id=home.id)[0]
    late = epochs.Bundle.generate(agency_id=home.id, epoch=2)
    assert agency._make_epoch(world.session, keys=other, bundle=late, signer=stale, before=before, now=now) is None


COLUMNS = ["public_key", "signing_public", "recovery_public", "previous_digest", "signature"]


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("epoch", [1, 2])
def test_a_changed_public_record_is_found_before_anything_is_sealed_to_it(world, home, now, owner_engine, column, epoch):
    agency.rotate(world.session, keys=home.keys, agency_id=home.id, members={}, now=now)
    foreign = world.session.execute(select(EpochRow).where(EpochRow.agency_id == world.agency().id)).scalar_one()
    value = getattr(foreign, column) or b"another digest"
    tamper(world, owner_engine, update(EpochRow).where(EpochRow.agency_id == home.id, EpochRow.epoch == epoch).values({column: value}))
    with pytest.raises(errors.CannotOpen):
        agency.current_epoch(world.session, hub=world.hub, agency_id=home.id)


def test_records_that_are_whole_but_not_ours_are_found_at_sign_in(world, home, now, owner_engine):
    """An operator who founds the agency anew publishes keys that no holder's share opens to."""
    other = world.agency()
    record = world.session.execute(select(EpochRow).where(EpochRow.agency_id == home.id)).scalar_one()
    forged = epochs.Bundle.generate(agency_id=home.id, epoch=1)
    public = epochs.EpochPublic(home.id, 1, forged.key.public, forged.signing_public, record.recovery_public, b"")
    values = {"public_key": public.public, "signing_public": public.signing_public, "signature": forged.sign(public.body(world.hub.hub_id))}
    tamper(world, owner_engine, update(EpochRow).where(EpochRow.agency_id == home.id).values(values))
    assert agency.current_epoch(world.session, hub=world.hub, agency_id=home.id).public == forged.key.public
    with pytest.raises(errors.CannotOpen):
        agency.check_keys(world.session, keys=home.keys, agency_id=home.id)
    assert agency.founding_fingerprint(world.session, hub=world.hub, agency_id=home.id) != home.founded.fingerprint
    agency.check_keys(world.session, keys=other.keys, agency_id=other.id)


@pytest.mark.parametrize("column", ["link", "recovery_share"])
def test_a_changed_link_or_recovery_share_does_not_open(world, home, now, owner_engine, column):
    made = agency.rotate(world.session, keys=home.keys, agency_id=home.id, members={}, now=now)
    newcomer = world.member(home)
    sealed = world.session.scalar(select(getattr(EpochRow, column)).where(EpochRow.agency_id == home.id, EpochRow.epoch == 2))
    changed = sealed[:-1] + bytes((sealed[-1] ^ 1,))
    tamper(world, owner_engine, update(EpochRow).where(EpochRow.agency_id == home.id, EpochRow.epoch == 2).values({column: changed}))
    place = {"hub": world.hub, "agency_id": home.id, "member_id": uuid.uuid4(), "public": MemberKey.generate().public, "now": now}
    attempts = {
        "link": lambda: newcomer.bundle(world.session, home.id, 1),
        "recovery_share": lambda: agency.recover(world.session, code=made.recovery_code, **place),
    }
    with pytest.raises(errors.CannotOpen):
        attempts[column]()


def test_a_lost_link_is_named(world, home, now, owner_engine):
    agency.rotate(world.session, keys=home.keys, agency_id=home.id, members={}, now=now)
    newcomer = world.member(home)
    tamper(world, owner_engine, update(EpochRow).where(EpochRow.agency_id == home.id).values(link=None))
    with pytest.raises(errors.CannotOpen):
        newcomer.bundle(world.session, home.id, 1)


def test_a_record_that_names_another_past_is_no_chain(world, home, now):
    """Even when the holder of epoch 1 signed it: she cannot continue two histories."""
    first = agency.records_of(world.session, hub=world.hub, agency_id=home.id)[0]
    old, new = home.keys.bundle(world.session, home.id), epochs.Bundle.generate(agency_id=home.id, epoch=2)
    for past, whole in ((first.digest(world.hub.hub_id), True), (bytes(32), False), (b"", False)):
        record = epochs.EpochPublic(home.id, 2, new.key.public, new.signing_public, first.recovery_public, past)
        record = replace(record, signature=old.sign(record.body(world.hub.hub_id)))
        if whole:
            epochs.verify_records(world.hub.hub_id, (first, record))
        else:
            with pytest.raises(errors.CannotOpen):
                epochs.verify_records(world.hub.hub_id, (first, record))


def test_a_member_with_a_new_key_is_admitted_again_and_opens_every_epoch(world, home, now):
    lost = world.member(home)
    agency.rotate(world.session, keys=home.keys, agency_id=home.id, members={lost.member_id: lost.member_key.public}, now=now)
    again = world.member(home, lost.member_id)
    for epoch in (1, 2):
        assert again.bundle(world.session, home.id, epoch).raw() == home.keys.bundle(world.session, home.id, epoch).raw()
    with pytest.raises(errors.CannotOpen):
        world.fresh(lost).bundle(world.session, home.id)


def test_records_in_another_order_or_cut_are_no_chain(world, home, now):
    agency.rotate(world.session, keys=home.keys, agency_id=home.id, members={}, now=now)
    records = agency.records_of(world.session, hub=world.hub, agency_id=home.id)
    epochs.verify_records(world.hub.hub_id, records)
    for wrong in (records[1:], records[::-1], (), records + records[1:]):
        with pytest.raises(errors.CannotOpen):
            epochs.verify_records(world.hub.hub_id, wrong)
    with pytest.raises(errors.CannotOpen):
        epochs.verify_records(b"another hub's id", records)


def test_a_share_is_no_larger_than_it_must_be(world, home):
    sealed = world.session.scalar(select(EpochShareRow.sealed).where(EpochShareRow.agency_id == home.id))
    assert len(sealed) == 2 + 1120 + 160 + 16
