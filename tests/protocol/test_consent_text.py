"""The exact words that a survivor agrees to, the same every time, in both languages."""

from __future__ import annotations

import hashlib
from datetime import date

import pytest

from referral_hub import errors, protocol
from referral_hub.protocol.consent_text import form_version, placeholders, render

BOOK = protocol.current()
VALUES = {
    "from_agency": "UPTD PPA Kota Bandung (simulasi)", "to_agency": "Klinik Psikologi Teduh (simulasi)", "sections": ["needs", "identity"],
    "purpose": "psychosocial_care", "excluded": ["identity.nik"], "blocked": "", "onward": False, "contact": True, "stats": False,
    "valid_until": date(2027, 5, 24), "guardian_relation": "mother", "child_view": "ingin didengar", "reason": "diperlukan", "options": "dua pilihan",
    "legal_basis": "legal_obligation", "law_article": "UU 12/2022 pasal 41", "told": True,
}  # fmt: skip


def test_the_adult_form_in_both_languages():
    shown = render("adult_release", "id", VALUES)
    assert shown.title == "Persetujuan berbagi informasi (dewasa)"
    assert shown.lines[1] == (
        "Saya mengizinkan UPTD PPA Kota Bandung (simulasi) memberi data pada bagian: Identitas; Kebutuhan & layanan kepada "
        "Klinik Psikologi Teduh (simulasi) untuk tujuan: Layanan psikososial."
    )
    assert shown.lines[2] == "Data berikut TIDAK boleh dibagikan: Identitas: NIK (16 digit; opsional). Orang/lembaga yang tidak boleh tahu: tidak ada."
    assert shown.lines[3].startswith("Klinik Psikologi Teduh (simulasi) tidak boleh meneruskan")
    assert shown.lines[4] == "Saya boleh dihubungi, hanya dengan cara aman yang saya tentukan."
    assert shown.lines[-1] == "Berlaku sampai 24 Mei 2027."
    english = render("adult_release", "en", VALUES)
    assert english.lines[4] == "I may be contacted, only in the safe way I chose."
    assert english.lines[3].startswith("Klinik Psikologi Teduh (simulasi) may not pass")
    assert english.lines[-1] == "Valid until 24 May 2027."


@pytest.mark.parametrize("form", sorted(BOOK.consent_forms))
@pytest.mark.parametrize("language", ["id", "en"])
def test_every_form_can_be_filled_and_leaves_no_gap(form, language):
    shown = render(form, language, VALUES)
    assert shown.lines
    assert not [line for line in shown.lines if "{" in line or "}" in line or not line.strip()]
    assert len(shown.version) == len(shown.shown) == 64
    assert render(form, language, dict(reversed(VALUES.items()))) == shown


def test_forms_carry_what_they_include():
    adult = render("adult_release", "id", VALUES).lines
    for form in ("guardian_consent", "case_transfer", "supplement"):
        assert render(form, "id", VALUES).lines[-len(adult) :] == adult
    assert render("guardian_consent", "id", VALUES).lines[0].startswith("Saya, Ibu dari anak")
    best = render("best_interest_record", "id", VALUES).lines
    assert best[-1] == "Berlaku sampai 24 Mei 2027."
    assert BOOK.consent_form("best_interest_record").min_signers == 2


def test_version_is_of_the_wording_and_shown_of_the_filled_text():
    one, other = render("adult_release", "id", VALUES), render("adult_release", "id", VALUES | {"blocked": "seorang"})
    assert one.version == other.version == form_version("adult_release", "id")
    assert one.shown != other.shown
    exact = "\n".join(("adult_release", "id", *one.lines)).encode()
    assert one.shown == hashlib.sha256(exact).hexdigest()
    versions = {form_version(form, language) for form in BOOK.consent_forms for language in ("id", "en")}
    assert len(versions) == 2 * len(BOOK.consent_forms)


def test_content_does_not_show_in_repr():
    shown = render("adult_release", "id", VALUES | {"blocked": "Nama Rahasia"})
    assert "Rahasia" in shown.lines[2]
    assert "Rahasia" not in repr(shown)
    assert shown.shown not in repr(shown)


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("to_agency", "", "required"), ("sections", [], "required"), ("onward", None, "required"), ("onward", "no", "bad_type"),
        ("sections", ["soul"], "not_a_code"), ("sections", "needs", "not_a_code"), ("purpose", "curiosity", "not_a_code"), ("purpose", ["x"], "not_a_code"),
        ("valid_until", "2027-05-24", "bad_type"), ("excluded", ["identity.soul"], "not_a_code"), ("blocked", 7, "bad_type"), ("from_agency", 7, "bad_type"),
    ],
)  # fmt: skip
def test_a_gap_is_named(name, value, code):
    with pytest.raises(errors.InputInvalid) as broken:
        render("adult_release", "id", VALUES | {name: value})
    assert broken.value.fields == {name: (code,)}


def test_what_a_form_asks_for():
    assert placeholders("withdrawal") == {"to_agency", "sections"}
    assert {"guardian_relation", "child_view", "purpose"} <= placeholders("guardian_consent")
    for ask in (lambda: placeholders("none"), lambda: render("none", "id", VALUES), lambda: form_version("none", "id")):
        with pytest.raises(errors.NotFound):
            ask()


def test_a_brace_in_a_name_stays_a_brace():
    assert render("refusal", "id", {"to_agency": "{from_agency}"}).lines[0].startswith("Saya tidak mengizinkan data saya diberikan kepada {from_agency}.")
