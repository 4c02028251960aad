"""Grants and shares in memory: both locks, and the place, are needed."""

import uuid
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from referral_hub import errors
from referral_hub.vault import grants, hpke, parts
from referral_hub.vault.epochs import Bundle, EpochPublic
from referral_hub.vault.formats import CLASSIC, OWN
from referral_hub.vault.grants import Grant, GrantKind, ObjectKind, OpenGrant, SealedGrant
from referral_hub.vault.parts import Place
from referral_hub.vault.plain import Plain
from tests.vault import strategies as draw

HUB = bytes(range(16))
AGENCY, OBJECT = uuid.uuid4(), uuid.uuid4()
GRANT = Grant(id=uuid.uuid4(), object_kind="referral", object_id=OBJECT, agency_id=AGENCY, epoch=1, kind=GrantKind.FULL, revision=1)
OPEN = OpenGrant(grant=GRANT, hub_id=HUB, key=b"k" * 32, release=b"r" * 32)
SECTION_KEY = b"s" * 32
PLACE = Place("referral", OBJECT, "identity", 1, AGENCY, 1)
BUNDLE = Bundle.generate(agency_id=AGENCY, epoch=1)
PUBLIC = EpochPublic(AGENCY, 1, BUNDLE.key.public, BUNDLE.signing_public, b"", b"")


@given(st.binary(min_size=32, max_size=32), draw.words, draw.numbers)
def test_a_share_is_sixty_bytes_and_opens_at_its_part_and_revision(key, part, revision):
    wrapped = OPEN.share(key, part=part, revision=revision)
    assert len(wrapped) == 60
    assert OPEN.open_share(wrapped, part=part, revision=revision) == key
    for other in ((part + "x", revision), (part, revision + 1)):
        with pytest.raises(errors.CannotOpen):
            OPEN.open_share(wrapped, part=other[0], revision=other[1])


@given(st.integers(min_value=0))
def test_a_share_with_any_turned_bit_is_refused(position):
    wrapped = draw.flipped(OPEN.share(SECTION_KEY, part="identity", revision=1), position)
    with pytest.raises(errors.CannotOpen):
        OPEN.open_share(wrapped, part="identity", revision=1)


@pytest.mark.parametrize("length", [0, 1, 2, 12, 44, 59])
def test_a_share_cut_off_is_refused(length):
    with pytest.raises(errors.CannotOpen):
        OPEN.open_share(OPEN.share(SECTION_KEY, part="identity", revision=1)[:length], part="identity", revision=1)


OTHER_GRANTS = {
    "id": uuid.uuid4(), "object_kind": "case", "object_id": uuid.uuid4(), "agency_id": uuid.uuid4(), "epoch": 2, "kind": GrantKind.PREVIEW,
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(OTHER_GRANTS))
def test_a_share_is_of_one_grant(name):
    other = replace(OPEN, grant=replace(GRANT, **{name: OTHER_GRANTS[name]}))
    with pytest.raises(errors.CannotOpen):
        other.open_share(OPEN.share(SECTION_KEY, part="identity", revision=1), part="identity", revision=1)


@pytest.mark.parametrize("other", [{"key": b"x" * 32}, {"release": b"x" * 32}, {"hub_id": b"another hub's id"}], ids=["agency lock", "release lock", "hub"])
def test_neither_lock_opens_a_share_alone(other):
    wrapped = OPEN.share(SECTION_KEY, part="identity", revision=1)
    with pytest.raises(errors.CannotOpen):
        replace(OPEN, **other).open_share(wrapped, part="identity", revision=1)


def test_two_shares_of_one_key_look_different():
    assert OPEN.share(SECTION_KEY, part="a", revision=1) != OPEN.share(SECTION_KEY, part="a", revision=1)


@given(st.binary(max_size=3000))
def test_content_opens_at_its_place_and_shows_its_bucket_alone(content):
    sealed = parts.seal_content(SECTION_KEY, Plain(content), hub_id=HUB, place=PLACE)
    assert parts.open_content(SECTION_KEY, sealed, hub_id=HUB, place=PLACE) == Plain(content)
    assert (len(sealed) - 30) % 1024 == 0


OTHER_PLACES = {"object_kind": "case", "object_id": uuid.uuid4(), "part": "needs", "revision": 2, "agency_id": uuid.uuid4(), "epoch": 2}


@pytest.mark.parametrize("name", sorted(OTHER_PLACES))
def test_content_is_of_one_place(name):
    sealed = parts.seal_content(SECTION_KEY, Plain(b"content"), hub_id=HUB, place=PLACE)
    with pytest.raises(errors.CannotOpen):
        parts.open_content(SECTION_KEY, sealed, hub_id=HUB, place=replace(PLACE, **{name: OTHER_PLACES[name]}))


@settings(max_examples=50)
@given(st.integers(min_value=0))
def test_content_with_any_turned_bit_is_refused(position):
    sealed = parts.seal_content(SECTION_KEY, Plain(b"content"), hub_id=HUB, place=PLACE)
    with pytest.raises(errors.CannotOpen):
        parts.open_content(SECTION_KEY, draw.flipped(sealed, position), hub_id=HUB, place=PLACE)


@pytest.fixture(params=["own", "full"])
def made(request, world, now):
    """A grant of the sealing agency itself, and one for another agency."""
    holder = BUNDLE if request.param == "own" else PUBLIC
    return grants.make(
        hub=world.hub, holder=holder, object_kind=ObjectKind.REFERRAL, object_id=OBJECT, kind=GrantKind(request.param), revision=1, now=now
    )


def closed(made):
    return SealedGrant(grant=made.opened.grant, key_wrap=made.key_wrap, release_locked=made.release_locked)


def test_a_grant_opens_with_the_agencys_key_and_the_hubs(world, made):
    opened = closed(made).open(world.hub, BUNDLE)
    assert (opened.key, opened.release) == (made.opened.key, made.opened.release)
    assert made.key_wrap[1] == (OWN if made.opened.grant.kind == GrantKind.OWN else 1)


@pytest.mark.parametrize("name", [*sorted(OTHER_GRANTS), "revision"])
def test_a_grant_is_of_its_object_agency_epoch_kind_and_sending(world, made, name):
    value = {**OTHER_GRANTS, "revision": 2}[name]
    with pytest.raises(errors.CannotOpen):
        replace(closed(made), grant=replace(made.opened.grant, **{name: value})).open(world.hub, BUNDLE)


@pytest.mark.parametrize("field", ["key_wrap", "release_locked"])
@pytest.mark.parametrize("position", [0, 9, 17, 40, 99, 200, 300, 400, -1])
def test_a_grant_with_a_turned_bit_is_refused(world, made, field, position):
    with pytest.raises((errors.CannotOpen, errors.Unavailable)):
        replace(closed(made), **{field: draw.flipped(getattr(made, field), position)}).open(world.hub, BUNDLE)


def test_another_epochs_bundle_does_not_open_it(world, made):
    with pytest.raises(errors.CannotOpen):
        closed(made).open(world.hub, Bundle.generate(agency_id=AGENCY, epoch=1))


def test_a_grant_wrapped_with_the_standby_suite_opens_too(world, made):
    wrap = hpke.seal(BUNDLE.key.public, b"k" * 32, made.opened.grant.context(world.hub.hub_id, "grant"), suite=CLASSIC)
    assert replace(closed(made), key_wrap=wrap).open(world.hub, BUNDLE).key == b"k" * 32


def test_no_repr_shows_keys():
    assert repr(OPEN) == "<open grant full>"
    assert repr(BUNDLE.key) == "<private key>"
