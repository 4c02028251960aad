"""What people type: mail, passphrase, member code, fingerprint."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from referral_hub import errors, protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

SHORTEST, LONGEST = 12, 256
FEWEST_DIFFERENT = 4
# fmt: off
COMMON = frozenset({
    "passwordpassword", "password1234", "passwordsaya", "katasandisaya", "katasandi1234", "rahasia12345", "rahasiarahasia",
    "sangatrahasia123", "bismillah123", "bismillahirrahmanirrahim", "alhamdulillah", "alhamdulillah1", "indonesia123",
    "indonesiaraya", "indonesiamerdeka", "sayangsayang", "sayangkamu12", "akusayangkamu", "cintakamuselamanya", "terserahsaya",
    "lupalupalupa", "123456789012", "1234567890123", "qwertyuiop12", "qwertyuiopas", "qwertyqwerty", "abcdefghijkl",
    "administrator", "admin1234567", "iloveyou1234", "iloveyouforever", "letmeinletmein", "welcomewelcome",
    "correcthorsebatterystaple", "referralhub1", "referralhub123", "rujukanrujukan", "pendampingppa",
})
# fmt: on
CODE = re.compile(r"[A-Z]{2,3}-[0-9]{2,3}")
DIGITS = re.compile(r"[0-9]{24}")


def clean(text: str) -> str:
    """Return `text` with every character that cannot be encoded (lone surrogates) replaced."""
    return text.encode("utf-8", "replace").decode()


def normal_mail(mail: str) -> str:
    """Return `mail` as it is compared: NFKC, case-folded, trimmed. Nothing is guessed about plus signs or points."""
    folded = unicodedata.normalize("NFKC", clean(mail)).casefold()
    return unicodedata.normalize("NFKC", folded).strip()


def check_mail(mail: str) -> str:
    """Return the normal form of a new mail address.

    Raises:
        errors.InputInvalid: not one name at one domain (field `mail`, code malformed).
    """
    normal = normal_mail(mail)
    name, _, domain = normal.partition("@")
    if not name or "." not in domain.strip(".") or "@" in domain or len(normal) > LONGEST or any(c.isspace() for c in normal):
        raise errors.InputInvalid({"mail": ("malformed",)})
    return normal


def check_passphrase(passphrase: str, *, not_like: Collection[str] = ()) -> None:
    """Refuse a passphrase that is short, endless, repetitive, common, or one of `not_like`; ask for no composition.

    Source: NIST SP 800-63B-4, section 3.1.1.2.

    Raises:
        errors.InputInvalid: field `passphrase`, code too_short, too_long or too_common.
    """
    length = len(unicodedata.normalize("NFKC", passphrase))
    if length < SHORTEST:
        raise errors.InputInvalid({"passphrase": ("too_short",)})
    if length > LONGEST:
        raise errors.InputInvalid({"passphrase": ("too_long",)})
    squeezed = _squeezed(passphrase)
    if len(set(squeezed)) < FEWEST_DIFFERENT or squeezed in COMMON | {_squeezed(like) for like in not_like}:
        raise errors.InputInvalid({"passphrase": ("too_common",)})


def _squeezed(text: str) -> str:
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text).casefold())


def is_zone(name: str) -> bool:
    """Whether `name` is the IANA name of one of the agreed time zones (timezones.yaml)."""
    zones = protocol.current().codelist("timezones")
    return any(name in (item.facts["iana"], *item.facts.get("also", ())) for item in zones)


def propose_code(label: str, taken: Iterable[str]) -> str:
    """Return the next free member code for a role: initials of its Indonesian label, two digits ("Pekerja sosial" gives PS-03)."""
    words = [word for word in re.split(r"[^A-Za-z]+", label) if word]
    initials = (words[0][0] + words[1][0] if len(words) > 1 else words[0][:2]).upper()
    used = {int(code.partition("-")[2]) for code in taken if code.startswith(f"{initials}-")}
    return f"{initials}-{next(n for n in range(1, 1000) if n not in used):02d}"


def check_code(code: str) -> str:
    """Return a typed member code in its normal form: two or three letters, hyphen, two or three digits.

    Raises:
        errors.InputInvalid: field `code`, code malformed.
    """
    normal = code.strip().upper()
    if CODE.fullmatch(normal) is None:
        raise errors.InputInvalid({"code": ("malformed",)})
    return normal


def typed_digits(typed: str) -> str:
    """Return the 24 digits of a typed fingerprint, without blanks, points and hyphens.

    Raises:
        errors.InputInvalid: not 24 digits (field `fingerprint`, code mismatch).
    """
    digits = re.sub(r"[\s\-.]+", "", typed)
    if DIGITS.fullmatch(digits) is None:
        raise errors.InputInvalid({"fingerprint": ("mismatch",)})
    return digits
