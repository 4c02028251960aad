"""The sentence for each code of what is amiss with a field. Errors say what is missing and how to go on; they never blame."""

from __future__ import annotations

from typing import TYPE_CHECKING

from referral_hub import protocol
from referral_hub.gate.speech import _
from referral_hub.web.frame import reader

if TYPE_CHECKING:
    from flask import Flask

    from referral_hub.protocol.forms import Hint


def problem_text(code: str) -> str:
    """Return the sentence for a problem of a field; a code without one asks to look again."""
    return _sentences().get(code) or refusal_text(code)


def refusal_text(code: str) -> str:
    """Return the sentence of a refusal in this reader's language."""
    if code in protocol.current().codelist("refusals"):
        return protocol.current().label("refusals", code, reader().language)
    return _sentences().get(code) or _("Please look at this once more.")


def hint_text(hint: Hint) -> str:
    """Return the gentle hint for something that was noticed in a text; it never blocks."""
    sentences = {
        "looks_like_nik": _("There seems to be a NIK here. It belongs in Identity, so that it is not shared along."),
        "looks_like_phone": _("There seems to be a phone number here. It belongs in Safe contact, so that it is not shared along."),
        "holds_name": _("There seems to be a name here. It belongs in Identity, so that it is not shared along."),
        "blaming_word": _("A word may suggest that the survivor is at fault: “%(word)s”. You may replace it.", word=hint.word),
        "nik_format": _("A NIK has 16 digits. It can be saved as it is."),
        "nik_region": _("The first digits of this NIK are no known region. It can be saved as it is."),
        "nik_birth_date": _("The digits of this NIK hold no date. It can be saved as it is."),
        "nik_serial": _("The last digits of this NIK are unusual. It can be saved as it is."),
        "nik_sex_differs": _("This NIK and the sex above differ. Both can be saved."),
        "nik_birth_date_differs": _("This NIK and the date of birth differ. Both can be saved."),
        "age_band_differs": _("The date of birth and the age band differ. Both can be saved."),
    }
    return sentences.get(hint.code, "")


def _sentences() -> dict[str, str]:
    return _of_sections() | {
        "required": _("Not filled in yet."),
        "child_refuses": _("The child's answer is no, and it stands. The referral waits."),
        "giver_does_not_fit": _("This form is not for this survivor's age or guardian. Please choose who speaks for the child once more."),
        "does_not_apply": _("What stands in the survivor's file does not fit this ground."),
        "not_of_the_service": _("This does not fit the service that is asked for."),
        "text_changed": _("The text has changed with what you wrote. Please read it out once more, then save."),
        "not_ticked": _("Not ticked yet."),
        "too_long": _("Longer than fits here. Please shorten it."),
        "too_short": _("A little longer: five words, or at least 12 characters."),
        "too_common": _("This is among the first that others try. Please choose other words."),
        "too_small": _("The number is smaller than fits here."),
        "too_large": _("The number is larger than fits here."),
        "too_few": _("Please choose one more."),
        "too_many": _("Please choose fewer."),
        "not_a_code": _("Please choose one from the list."),
        "alone": _("This choice stands alone. Please take off the others, or this one."),
        "not_a_date": _("Please write a date, such as 2026-11-24."),
        "not_a_datetime": _("Please write date and time, such as 2026-11-24T04:30."),
        "in_future": _("This lies in the future. Please look at the date once more."),
        "in_past": _("This has passed already. Please look at the date once more."),
        "not_a_number": _("Please write a whole number."),
        "not_a_phone": _("Please write the number with digits only, such as 0812…"),
        "not_a_region": _("Please choose a region from the list."),
        "not_an_id": _("Please choose one from the list."),
        "not_known": _("Please choose one from the list."),
        "not_known_code": _("No file of your agency has this code. Please look at it once more."),
        "keeps_file_open": _("While this goes on, the file stays open."),
        "one_line": _("One line is enough here."),
        "bad_characters": _("Some characters cannot be kept. Please write it anew."),
        "bad_type": _("Please look at this once more."),
        "not_for_recipient_kind": _("This is not for this kind of recipient."),
        "pair_mismatch": _("E-mail and passphrase do not match yet. Check them, or open “Cannot sign in?”."),
        "code_mismatch": _("The code does not match yet. Wait for the next one, then try again."),
        "not_the_same": _("The two do not match yet. Please type both once more."),
        "missing": _("Please choose at least one."),
        "malformed": _("Please look at how this is written."),
        "not_for_kind": _("This role is not for this kind of agency."),
        "mismatch": _("It does not match yet. Please compare once more."),
        "last_four_mismatch": _("Those characters do not match yet. Look at your copy once more."),
        "not_an_address": _("Please write an e-mail address, such as name@agency.test."),
        "taken": _("This is already in use. Please choose another."),
        "names_somebody": _("A number or an address here may lead to a person. Please leave it out."),
        "not_an_age": _("Please write ages in whole years up to 120, the lower one first."),
        "looks_like_address": _("There seems to be an address here. A shelter's place is told by voice and never kept."),
        "look_again": _("Please look at the texts named below: correct them, or tick that they go as they are."),
        "does_not_fit": _("The steps before say otherwise. Please choose another."),
        "out_of_range": _("Please choose an end after the beginning, at most 400 days later."),
    }


def _of_sections() -> dict[str, str]:
    """Return what is said where sections of what is shared are chosen."""
    return {
        "all_of_them": _("That is everything. Then the whole consent can be withdrawn above."),
        "nothing_filled": _("One of these holds nothing in the file that goes along here. Fill it in first, or leave it out."),
        "unchanged": _("The file says what was sent already. Change it there first."),
        "some_unchanged": _("One of these says what was sent already. Please leave it out."),
    }


def install(app: Flask) -> None:
    """Give the templates of `app` the sentences."""
    app.jinja_env.globals.update(problem_text=problem_text, refusal_text=refusal_text, label=label)


def label(list_name: str, code: str) -> str:
    """Return the label of a code of the protocol's lists, in this reader's language."""
    return protocol.current().label(list_name, code, reader().language)
