"""Made known_answers.json once. It is kept to show how; running it again would hide what the file is there to find."""

import hashlib
import json
import uuid
from pathlib import Path

from referral_hub.vault import codes, epochs, formats, hpke, kdf
from referral_hub.vault.formats import Context
from referral_hub.vault.grants import Grant, GrantKind, OpenGrant

FILE = Path(__file__).with_name("known_answers.json")
HUB = bytes(range(16))
CONTEXT = Context(
    purpose="bundle", hub_id=HUB, object_kind="member", object_id=uuid.UUID(int=7), part="p", revision=3, agency_id=uuid.UUID(int=9), epoch=2,
    kind="own", grant_id=uuid.UUID(int=11),
)  # fmt: skip
GRANT = Grant(
    id=uuid.UUID(int=11), object_kind="referral", object_id=uuid.UUID(int=7), agency_id=uuid.UUID(int=9), epoch=2, kind=GrantKind.FULL, revision=1
)


def fixed(label, length):
    """Return `length` bytes that look random and are always the same."""
    return hashlib.shake_256(label.encode()).digest(length)


def main():
    key = hpke.PrivateKey(fixed("private", hpke.PRIVATE))
    grant = OpenGrant(grant=GRANT, hub_id=HUB, key=fixed("grant", 32), release=fixed("release", 32))
    drawn = codes.ALPHABET[: codes.RECOVERY]
    typed = codes.grouped(drawn + codes._check(drawn))
    answers = {
        "private": key.raw().hex(),
        "public": key.public.hex(),
        "bound": CONTEXT.bound(formats.HYBRID).hex(),
        "plaintext": b"section key of thirty-two bytes!".hex(),
        "suite_1": hpke.seal(key.public, b"section key of thirty-two bytes!", CONTEXT).hex(),
        "suite_2": hpke.seal(key.public, b"section key of thirty-two bytes!", CONTEXT, suite=formats.CLASSIC).hex(),
        "share": grant.share(fixed("section", 32), part="identity", revision=4).hex(),
        "recovery_code": typed,
        "recovery_public_sha256": hashlib.sha256(epochs.recovery_key(typed, hub_id=HUB, agency_id=uuid.UUID(int=9)).public).hexdigest(),
        "unlock_wrap_key": kdf.unlock("kata sandi rahasia", salt=bytes(16), parameters=kdf.KdfParameters()).wrap_key.hex(),
    }
    FILE.write_text(json.dumps(answers, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
