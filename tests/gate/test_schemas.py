"""What becomes of typed texts before a view sees them."""

from __future__ import annotations

from referral_hub.gate.schemas import FormSchema, text


class Words(FormSchema):
    note = text()
    secret = text()

    def untrimmed(self):
        return ("secret",)


def test_blanks_and_signs_that_turn_the_direction_are_taken_off():
    found = Words().load({"note": " \u2068do \u202enot\u202c call\u2069 ", "secret": " a\u202eb "})
    assert found == {"note": "do not call", "secret": " a\u202eb "}
