"""Marked words for every field of a form: random, so that finding one anywhere is proof of a leak and not chance."""

from __future__ import annotations

import base64
import secrets

from referral_hub import protocol

YES = "yes"
SMALLEST = 6  # shorter words would be found by chance
LETTERS = "bcdfghjklmnpqrstvwxyz"  # no digit: a run of them may look like a phone number, and is then warned about


class Marks:
    """What was typed, and where. `known` are values given on purpose that nobody else types."""

    def __init__(self):
        self.typed = {}

    def word(self, where, *, longest=60):
        """A new marked word for the field `where`."""
        return self.keep(where, f"zq{''.join(secrets.choice(LETTERS) for _ in range(22))}q"[:longest])

    def keep(self, where, value, *, as_found=None):
        """Remember that `value` was typed at `where`; return it. `as_found`: the part of it that any form of storing would show."""
        self.typed[where] = as_found or value
        return value

    def digits(self, where, count, *, before="", after=""):
        value = before + "".join(str(secrets.choice(range(1, 10))) for _ in range(count - len(before) - len(after))) + after
        return self.keep(where, value, as_found=value.removeprefix(before))

    def day(self, where):
        """A day of its own, long ago."""
        return self.keep(where, f"{secrets.choice(range(1955, 1995))}-0{secrets.choice(range(1, 10))}-{secrets.choice(range(10, 28))}")


def forms_of(mark):
    """Every form in which a stored or sent value would still be this mark."""
    raw = mark.encode()
    yield from (raw, raw.hex().encode(), raw.hex().upper().encode(), mark.upper().encode(), mark.encode("utf-16-le"), mark.encode("utf-16-be"))
    for before in range(3):  # in a base64 text the first and last characters depend on the neighbours
        whole = base64.b64encode(bytes(before) + raw)
        inner = whole[4 if before else 0 : len(whole) - (4 if (before + len(raw)) % 3 else 0)]
        if len(inner) >= 2 * SMALLEST:
            yield from (inner, inner.replace(b"+", b"-").replace(b"/", b"_"))


def leaks(marks, haystack):
    """Where each mark is found in these bytes: name → the form found."""
    found = {}
    for where, mark in marks.items():
        for form in set(forms_of(mark)):
            if form in haystack:
                found[where] = form
    return found


# Answers that decide which other fields are asked: a grown woman, trafficked, with a child beside her, pregnant.
CHOSEN = {
    "incident.violence_types": "trafficking", "safety.risk_level": "high", "profile.age_band": "25_44", "profile.sex": "P", "profile.with_children": True, "medical.pregnant": "yes", "safe_contact.contact_allowed": True,
    "safe_contact.phone_shared": True,
}  # fmt: skip


def typed_section(section, marks, *, prefix=None, leave=(), clear_text=""):
    """Fill every field of a section as a person would type it: HTML name → value. Words, numbers, days and rare codes are marked."""
    prefix = f"{section}." if prefix is None else prefix
    form = {}
    for field in protocol.current().section(section).fields.values():
        place = f"{section}.{field.code}"
        if field.auto or field.clear or field.code in leave:
            continue
        form |= {prefix + field.code + end: value for end, value in _answers(field, place, marks, clear_text).items()}
    return form


def _answers(field, place, marks, clear_text):
    """Return end of the HTML name → what is typed there. Members and agencies are chosen on the page."""
    if place in CHOSEN:
        chosen = CHOSEN[place]
        return {"": {True: YES, False: "no"}.get(chosen, chosen)}
    if field.type in {"code", "multi"}:
        return {"": _code(field, place, marks, clear_text)}
    typed = {
        "text": lambda: {"": marks.word(place, longest=min(field.max or 60, 60))},
        "nik": lambda: {"": marks.digits(place, 16, after="0000")},
        "phone": lambda: {"": marks.digits(place, 12, before="08")},
        "person": lambda: {
            "-name": marks.word(f"{place}-name"), "-relation": marks.word(f"{place}-relation"), "-phone": marks.digits(f"{place}-phone", 12, before="08"),
        },
        "address": lambda: {"-region": "32.73", "-lines": marks.word(f"{place}-lines")},
        "bool": lambda: {"": YES},
        "date": lambda: {"": marks.day(place)},
        "datetime": lambda: {"": marks.day(place) + "T04:31"},
        "number": lambda: {"": "20"} if field.max else {"": marks.digits(place, 13)},
        "region": lambda: {"": "32.73"},
    }  # fmt: skip
    kind = "text" if field.type in {"longtext", "secret"} else field.type
    return typed.get(kind, dict)()


def _code(field, place, marks, clear_text):
    """Choose an answer that is told from every word that may stand in clear, where the list has one; then it is marked as well."""
    items = [item for item in protocol.current().codelist(field.codelist) if not item.alone]
    rare = [item.code for item in items if len(item.code) >= SMALLEST and item.code not in clear_text]
    if not rare:
        return items[0].code
    return marks.keep(place, rare[-1])
