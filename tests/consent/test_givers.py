"""Who may say yes for a child, with which form; without a database."""

import dataclasses
from pathlib import Path

import pytest
import yaml

from referral_hub import errors, protocol
from referral_hub.consent import givers, rules
from referral_hub.consent.facts import BEST_INTEREST, REVIEW, Child, Consent, Standing

from .giving import CLINIC, NOW, SHOWN, TODAY, WITNESS, WORKER, giving

SAFE = {"guardian_is_suspect": False, "guardian_informed": "yes"}


def child(age=9, *, band="6_12", **changes):
    return Child(age, band, **(SAFE | changes))


def answer(form="guardian_consent", *, given_by="guardian", view="Ingin aman.", assent="yes", **changes):
    shown = dataclasses.replace(SHOWN, form=form, guardian_relation="mother", child_view=view, reason="terduga", options=view)
    return giving(shown=shown, given_by=given_by, assent=assent, **changes)


def validate(given, of):
    known = {"user": [str(WITNESS), str(WORKER)]}
    return rules.validate(given, now=NOW, timezone="Asia/Jakarta", worker=WORKER, minor=True, known=known, child=of)


def problems(given, of):
    with pytest.raises(errors.InputInvalid) as refused:
        validate(given, of)
    return refused.value.fields


def test_the_givers_are_those_of_the_agreed_list():
    agreed = {one["code"]: one for one in yaml.safe_load(Path("config/protocol/consent_rules.yaml").read_text())["givers"]}
    for code, of in (("child_0_11", child(11)), ("child_12_17", child(12)), ("child_no_guardian", child(guardian_is_suspect=True))):
        fits = givers.fitting(of)
        assert (fits.forms, fits.givers) == (set(agreed[code]["form"]), {agreed[code]["given_by"]})
    assert agreed["child_no_guardian"]["review"] == f"P{REVIEW[BEST_INTEREST].days}D"
    informed = {one.code for one in protocol.current().codelist("guardian_informed_states")}
    assert informed - givers.NOT_ASKED == {"yes"}


@pytest.mark.parametrize(("age", "giver"), [(0, "guardian"), (11, "guardian"), (12, "child_with_guardian"), (17, "child_with_guardian")])
def test_guardian_or_both_by_age(age, giver):
    assent = "yes" if age >= 6 else "comforted"
    assert validate(answer(given_by=giver, assent=assent), child(age)).clear["given_by"] == giver
    other = ({"guardian", "child_with_guardian"} - {giver}).pop()
    assert problems(answer(given_by=other, assent=assent), child(age)) == {"consent.given_by": ("giver_does_not_fit",)}


def test_without_a_birth_date_the_age_band_decides_and_twelve_may_fall_in_two():
    for giver in ("guardian", "child_with_guardian"):
        assert validate(answer(given_by=giver), child(None))
    assert "consent.given_by" in problems(answer(given_by="guardian"), child(None, band="13_17"))


def test_what_the_child_said_is_sealed_and_never_clear():
    checked = validate(answer(), child())
    assert (checked.sealed["child_view"], checked.sealed["assent"]) == ("Ingin aman.", "yes")
    assert "Ingin aman." not in str(checked.clear)


def test_a_child_who_says_no_is_not_overruled():
    assert problems(answer(assent="no"), child()) == {"consent.assent": ("child_refuses",)}


def test_a_child_is_asked_from_six_and_comforted_before():
    assert problems(answer(assent=""), child()) == {"consent.assent": ("required",)}
    assert problems(answer(assent="comforted"), child(6)) == {"consent.assent": ("required",)}
    assert validate(answer(assent="comforted", view="Ditenangkan."), child(5))


def test_a_suspect_guardian_never_consents():
    for form, giver in (("guardian_consent", "guardian"), ("guardian_consent", "institution"), (BEST_INTEREST, "guardian")):
        with pytest.raises(errors.RuleBroken, match="guardian_is_suspect"):
            validate(answer(form, given_by=giver), child(guardian_is_suspect=True))


@pytest.mark.parametrize("informed", sorted(givers.NOT_ASKED))
def test_where_no_guardian_can_be_asked_two_workers_decide(informed):
    of = child(guardian_informed=informed)
    assert problems(answer(), of) == {"consent.given_by": ("giver_does_not_fit",), "consent.form": ("giver_does_not_fit",)}
    assert validate(answer(BEST_INTEREST, given_by="institution"), of).clear["form"] == BEST_INTEREST


def test_with_a_guardian_who_can_be_asked_nobody_decides_instead():
    assert "consent.form" in problems(answer(BEST_INTEREST, given_by="institution"), child())


def test_a_best_interest_record_stands_with_its_second_signer():
    clear = validate(answer(BEST_INTEREST, given_by="institution"), child(guardian_is_suspect=True)).clear
    clear |= {"sections": frozenset(clear["sections"]), "use_limits": frozenset(), "withdrawn_at": None, "id": WORKER, "case_id": WORKER}
    asked = {"agency_id": CLINIC, "purpose": SHOWN.purpose, "sections": ("identity",), "on": TODAY}
    for signers, standing in (((WORKER,), Standing.LACKS), ((WORKER, WORKER), Standing.LACKS), ((WORKER, WITNESS), Standing.COVERS)):
        assert rules.covers(Consent(**clear, signers=signers), **asked) is standing
