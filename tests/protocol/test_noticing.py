"""What a text may give away before it is sent: her names, her NIK and phones however they are written, and any number of that shape."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from referral_hub.protocol import scan

IDENTITY = {"full_name": "Melati Ani Contohwati", "alias": "Wawa", "nik": "3273015503900000", "phone": "+6281200000000"}
CONTACT = {"phone": "+6281300000000"}
KNOWN = scan.known_of(IDENTITY, CONTACT)
NAME, NIK, PHONE = "holds_name", "looks_like_nik", "looks_like_phone"


def noticed(text, name="needs.wishes"):
    section, code = name.split(".")
    return scan.noticed({section: {code: text}}, KNOWN).get(name, ())


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("Ingin didampingi saat sidang.", ()),
        ("Menurut contohwati sendiri", (NAME,)),
        ("MELATI ingin pulang", (NAME,)),
        ("melatih diri", ()),
        ("Ani ingin pulang", (NAME,)),
        ("berani bicara", ()),
        ("ani ani padi", ()),  # three letters count with a capital only
        ("biasa dipanggil wawa", (NAME,)),
        ("NIK 3273015503900000", (NIK,)),
        ("nomor 3273 0155 0390 0000", (NIK,)),
        ("nomor 3273/0155/0390/0000", (NIK,)),  # no shape of a NIK, but hers
        ("hubungi 0812-0000-0000", (PHONE,)),
        ("(0812) 0000 0000", (PHONE,)),
        ("+62 812 0000 0000", (PHONE,)),
        ("8120 0000 000", (PHONE,)),  # without what stands before it: hers all the same
        ("813_0000_0000", (PHONE,)),
        ("Melati, 0812.0000.0000, NIK 3273015503900000", (NAME, NIK, PHONE)),
        ("lahir 1990, umur 36, sidang 12 Maret 2026 pukul 09.00", ()),
    ],
)
def test_what_a_text_may_give_away(text, codes):
    assert noticed(text) == codes


def test_every_free_text_of_every_section_is_looked_at_but_where_it_belongs():
    from referral_hub import protocol

    book, own = protocol.current(), protocol.current().own_place
    typed = {
        s.code: {f.code: {"lines": "Melati"} if f.type == "address" else {"relation": "Melati"} if f.type == "person" else "Melati" for f in s.fields.values()}
        for s in book.sections.values()
    }
    asked = {f.name for s in book.sections.values() for f in s.fields.values() if f.free_text and not {s.code, f.name} & own}
    assert len(asked) > 30
    assert set(scan.noticed(typed, KNOWN)) == asked
    assert not [name for name in asked if name.startswith(("identity.", "safe_contact."))]


def test_an_empty_identity_notices_shapes_only_and_nothing_fails():
    nobody = scan.known_of({})
    assert scan.noticed({"needs": {"wishes": "Melati, 0812 0000 0000"}}, nobody) == {"needs.wishes": (PHONE,)}
    assert "Melati" not in repr(KNOWN)


@given(before=st.text(max_size=20), after=st.text(max_size=20))
def test_her_nik_is_noticed_in_any_surrounding_without_digits(before, after):
    ends = not any(c.isdigit() for c in before[-1:] + after[:1])
    text = f"{before} NIK: 3273015503900000 ! {after}"
    assert NIK in noticed(text) or not ends
