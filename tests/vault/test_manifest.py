"""The manifest: canonical, signed, complete."""

import json
import uuid
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from referral_hub import errors
from referral_hub.vault import manifest, signing
from referral_hub.vault.manifest import Manifest
from tests.vault import strategies as draw

SEED = signing.new_seed()
PUBLIC = signing.public_of(SEED)
MANIFEST = Manifest(
    hub="h", referral=str(uuid.UUID(int=1)), sending=1, member=str(uuid.UUID(int=2)), from_agency=str(uuid.UUID(int=3)), from_epoch=1, from_keys="f",
    to_agency=str(uuid.UUID(int=4)), to_epoch=2, to_keys="t", consent="c", service="medical", urgency="urgent", purpose="referral",
    parts={"identity": "d1", "preview": "d2"},
)  # fmt: skip


def signed(body):
    return signing.sign(SEED, manifest.signed_bytes(body))


def test_it_names_everything_that_decides():
    assert {f.name for f in fields(Manifest)} == {
        "hub", "referral", "sending", "member", "from_agency", "from_epoch", "from_keys", "to_agency", "to_epoch", "to_keys", "consent", "service",
        "urgency", "purpose", "parts", "version",
    }  # fmt: skip


def test_it_is_written_in_one_way():
    body = MANIFEST.body()
    assert body == json.dumps(json.loads(body), sort_keys=True, separators=(",", ":")).encode()
    assert Manifest.parse(body) == MANIFEST
    assert replace(MANIFEST, parts={"preview": "d2", "identity": "d1"}).body() == body
    assert manifest.verified(body, signed(body), signing_public=PUBLIC) == MANIFEST
    assert len(manifest.digest(body)) == 32


@given(st.integers(min_value=0))
def test_any_turned_bit_breaks_the_signature(position):
    body = MANIFEST.body()
    with pytest.raises(errors.CannotOpen):
        manifest.verified(draw.flipped(body, position), signed(body), signing_public=PUBLIC)
    with pytest.raises(errors.CannotOpen):
        manifest.verified(body, draw.flipped(signed(body), position), signing_public=PUBLIC)


def test_a_signature_over_the_bare_bytes_or_by_another_key_is_none():
    body = MANIFEST.body()
    for signature in (signing.sign(SEED, body), signing.sign(signing.new_seed(), manifest.signed_bytes(body)), b"", bytes(64)):
        with pytest.raises(errors.CannotOpen):
            manifest.verified(body, signature, signing_public=PUBLIC)


@pytest.mark.parametrize("name", [f.name for f in fields(Manifest)])
def test_every_field_changes_the_signed_bytes_and_is_compared(name):
    value = {"parts": {"identity": "dx"}}.get(name, 404 if isinstance(getattr(MANIFEST, name), int) else "another")
    other = replace(MANIFEST, **{name: value})
    with pytest.raises(errors.CannotOpen):
        manifest.verified(other.body(), signed(MANIFEST.body()), signing_public=PUBLIC)
    with pytest.raises(errors.CannotOpen) as differs:
        manifest.expect(other, **{name: getattr(MANIFEST, name)})
    assert differs.value.facts["what"] == f"manifest.{name}"
    manifest.expect(other, **{name: value})


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b"\xff", MANIFEST.body() + b" ", MANIFEST.body().replace(b'"version":1', b'"version":2'), MANIFEST.body()[:-1],
     MANIFEST.body().replace(b'"consent":"c",', b""), MANIFEST.body().replace(b'"consent"', b'"CONSENT"'),
     MANIFEST.body().replace(b'"consent":"c"', b'"consent":"c","consent":"c"'), MANIFEST.body().replace(b"urgent", b"\\u0075rgent"),
     MANIFEST.body().replace(b'{"identity":"d1","preview":"d2"}', b"[]")],
)  # fmt: skip
def test_what_is_not_canonical_is_refused_even_when_it_is_signed(body):
    with pytest.raises(errors.CannotOpen):
        manifest.verified(body, signed(body), signing_public=PUBLIC)


def test_ids_are_compared_as_text():
    manifest.expect(MANIFEST, referral=uuid.UUID(int=1), sending=1)
    with pytest.raises(errors.CannotOpen):
        manifest.expect(MANIFEST, referral=uuid.UUID(int=2))
