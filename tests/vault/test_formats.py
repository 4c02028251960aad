"""Layout of sealed bytes: context, header, padding."""

from dataclasses import fields as fields_of
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from referral_hub import errors
from referral_hub.vault import formats
from referral_hub.vault.formats import Context
from tests.vault import strategies as draw


@given(st.lists(draw.fields, max_size=5), st.lists(draw.fields, max_size=5))
def test_no_two_lists_of_fields_pack_alike(one, other):
    same = [(type(f), f) for f in one] == [(type(f), f) for f in other]
    assert (formats.pack(*one) == formats.pack(*other)) == same


@given(draw.blobs, draw.blobs)
def test_a_byte_cannot_move_from_one_field_to_the_next(left, right):
    assert formats.pack(left, right) != formats.pack(left + right[:1], right[1:]) or not right


@given(draw.contexts)
def test_every_field_of_the_context_is_bound(context):
    assert {f.name for f in fields_of(Context)} == set(draw.OTHER)
    for name, value in draw.OTHER.items():
        assert replace(context, **{name: value}).bound(1) != context.bound(1), name


@given(draw.contexts)
def test_the_suite_is_bound_and_comes_first(context):
    assert context.bound(1) != context.bound(2)
    assert context.bound(1).startswith(formats.pack(formats.FORMAT, 1))


@pytest.mark.parametrize(
    ("length", "bucket"),
    [(0, 1), (1020, 1), (1021, 2), (2044, 2), (2045, 4), (4092, 4), (4093, 8), (8189, 16), (16381, 32), (32764, 32), (32765, 64), (65532, 64), (65533, 96)],
)
def test_buckets(length, bucket):
    assert formats.bucket_of(length) == bucket * 1024


@given(st.binary(max_size=5000))
def test_padding_gives_the_content_back_and_its_bucket_alone(content):
    padded = formats.pad(content)
    assert len(padded) == formats.bucket_of(len(content))
    assert formats.unpad(padded) == content


@given(st.binary(max_size=3000), st.integers(min_value=0))
def test_changed_padding_is_refused_or_is_another_content_of_the_same_length(content, position):
    changed = draw.flipped(formats.pad(content), position)
    try:
        assert formats.unpad(changed) != content
    except errors.CannotOpen:
        pass
    else:
        assert len(formats.unpad(changed)) == len(content) or changed[:4] != len(content).to_bytes(4)


@pytest.mark.parametrize("padded", [b"", b"\0\0\0", b"\0" * 1023, b"\0" * 2048, b"\0\0\4\1" + b"\0" * 1020, b"\xff" * 1024, b"\0\0\0\0" + b"\1" * 1020])
def test_padding_that_does_not_fit_is_refused(padded):
    with pytest.raises(errors.CannotOpen):
        formats.unpad(padded)


@pytest.mark.parametrize("sealed", [b"", b"\1", b"\2\1abc", b"\0\1abc", b"\1\4abc"])
def test_another_format_or_suite_is_refused(sealed):
    with pytest.raises(errors.CannotOpen):
        formats.body_of(sealed, formats.HYBRID, formats.CLASSIC)


def test_the_header_is_taken_off():
    assert formats.body_of(formats.header(formats.CLASSIC) + b"abc", formats.HYBRID, formats.CLASSIC) == b"abc"
    with pytest.raises(errors.CannotOpen):
        formats.body_of(formats.header(formats.CLASSIC) + b"abc", formats.CLASSIC, at_least=4)
