"""Signed notes and their keys (C2SP signed-note), with the timestamped cosignatures of C2SP tlog-cosignature: Ed25519 and ML-DSA-44.

A note's text must be ignored unless a known key's signature over it has been verified; so the only way to a `Note` is
`open_note`. Signatures are those of `vault.signing`; nothing else of the vault is touched.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass, field
from functools import lru_cache

from referral_hub import errors
from referral_hub.audit import checkpoint
from referral_hub.vault import signing

ED25519 = 0x01
COSIGNATURE_V1 = 0x04
ML_DSA_44 = 0x06
_PUBLIC_BYTES = {ED25519: 32, COSIGNATURE_V1: 32, ML_DSA_44: 1312}
_ID_BYTES = 4
_TIME_BYTES = 8
_MAX_TIME = 2**63 - 1
_MAX_CHARACTERS = 1_000_000
_MAX_SIGNATURES = 100


@dataclass(frozen=True)
class Verifier:
    """A parsed verifier key: name, 4-byte key id, signature type, public key (32 bytes of Ed25519, 1,312 of ML-DSA-44)."""

    name: str
    key_id: bytes
    kind: int
    public: bytes

    @property
    def identity(self) -> str:
        """The name and the key id in hex: what tells this key from every other."""
        return f"{self.name}+{self.key_id.hex()}"


@dataclass(frozen=True)
class Signer:
    """A private key with its name; the seed is never shown."""

    name: str
    seed: bytes = field(repr=False)

    def vkey(self, kind: int = ED25519) -> str:
        """Return the verifier key that checks this signer's signatures of type `kind`."""
        return make_vkey(self.name, _public_of(self.seed, kind), kind)


@dataclass(frozen=True)
class Signature:
    """A verified signature of a note: by whom, of which type, and when (POSIX seconds) where the type tells.

    `identity` is the verifier key's; `line` the signature line as it stood in the note, with its newline.
    """

    name: str
    kind: int
    timestamp: int | None
    identity: str = field(default="", compare=False)
    line: str = field(default="", compare=False, repr=False)


@dataclass(frozen=True)
class Note:
    """A text and the signatures that were verified over it; at least one."""

    text: str
    signatures: tuple[Signature, ...]


def key_id(name: str, kind: int, public: bytes) -> bytes:
    """Return the 4-byte key id: SHA-256 of name, newline, signature type and public key, cut off."""
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:_ID_BYTES]


def make_vkey(name: str, public: bytes, kind: int = ED25519) -> str:
    """Return the verifier key `<name>+<key id in hex>+<base64 of type and public key>`."""
    _require(_is_name(name), "name")
    return f"{name}+{key_id(name, kind, public).hex()}+{_encode(bytes([kind]) + public)}"


def parse_vkey(vkey: str) -> Verifier:
    """Return the parts of a verifier key.

    Raises:
        errors.BadNote: it is malformed, its key id does not fit, or its type is none of ours.
    """
    parts = vkey.split("+", 2)
    _require(len(parts) == 3, "vkey")  # noqa: PLR2004 - three parts by the specification
    name, hexed, encoded = parts
    key = _decode(encoded)
    _require(_is_name(name) and key[:1] != b"" and len(key) - 1 == _PUBLIC_BYTES.get(key[0]), "vkey")
    kind, public = key[0], key[1:]
    _require(hexed == key_id(name, kind, public).hex(), "key_id")
    return Verifier(name=name, key_id=bytes.fromhex(hexed), kind=kind, public=public)


def signature_line(text: str, signer: Signer, *, timestamp: int | None = None, kind: int | None = None) -> str:
    """Return the signature line over note text `text`: plain, or a cosignature of `timestamp` (POSIX seconds).

    A cosignature is a cosignature/v1 of Ed25519 unless `kind` is ML_DSA_44; that one is made over checkpoints only.

    Raises:
        errors.BadNote: an ML-DSA-44 cosignature without a timestamp, or over a text that is no checkpoint.
    """
    kind = kind or (ED25519 if timestamp is None else COSIGNATURE_V1)
    stamp = b"" if timestamp is None else timestamp.to_bytes(_TIME_BYTES)
    make = signing.ml_dsa_sign if kind == ML_DSA_44 else signing.sign
    signature = make(signer.seed, _message(text, signer.name, kind, timestamp))
    return f"— {signer.name} {_encode(_own_id(signer, kind) + stamp + signature)}\n"


def sign(text: str, signer: Signer, *, timestamp: int | None = None) -> str:
    """Return the signed note of `text` (ending in a newline) by `signer`; with `timestamp` a second, dated signature follows."""
    _require(text.endswith("\n") and _is_clean(text), "text")
    dated = "" if timestamp is None else signature_line(text, signer, timestamp=timestamp)
    return f"{text}\n{signature_line(text, signer)}{dated}"


def open_note(text: str, vkeys: list[str] | tuple[str, ...]) -> Note:
    """Return the note in `text`, verified against the verifier keys `vkeys`.

    Signatures by unknown keys are ignored; every signature by a known key must hold, and there must be one.

    Raises:
        errors.BadNote: malformed, a signature does not hold, or none is by a known key.
    """
    known = {(v.name, v.key_id): v for v in map(parse_vkey, vkeys)}
    _require(len(text) <= _MAX_CHARACTERS and _is_clean(text) and text.endswith("\n"), "text")
    body, separator, tail = text.rpartition("\n\n")
    _require(bool(separator and tail), "signatures")
    body += "\n"
    lines = tail.removesuffix("\n").split("\n")
    _require(len(lines) <= _MAX_SIGNATURES, "signatures")
    verified = [_verified(body, name, raw, known) for name, raw in map(_parse_line, lines)]
    held = tuple(dict.fromkeys(s for s in verified if s is not None))
    _require(bool(held), "unknown_key")
    return Note(text=body, signatures=held)


def _verified(body: str, name: str, raw: bytes, known: dict[tuple[str, bytes], Verifier]) -> Signature | None:
    verifier = known.get((name, raw[:_ID_BYTES]))
    if verifier is None:
        return None
    signature, timestamp = raw[_ID_BYTES:], None
    if verifier.kind != ED25519:
        timestamp, signature = int.from_bytes(signature[:_TIME_BYTES]), signature[_TIME_BYTES:]
        _require(timestamp <= _MAX_TIME, "timestamp")
    check = signing.ml_dsa_verify if verifier.kind == ML_DSA_44 else signing.verify
    _require(check(verifier.public, signature, _message(body, name, verifier.kind, timestamp)), "signature")
    line = f"— {name} {_encode(raw)}\n"
    return Signature(name=name, kind=verifier.kind, timestamp=timestamp, identity=verifier.identity, line=line)


@lru_cache(maxsize=16)
def _own_id(signer: Signer, kind: int) -> bytes:
    return key_id(signer.name, kind, _public_of(signer.seed, kind))


def _public_of(seed: bytes, kind: int) -> bytes:
    return signing.ml_dsa_public_of(seed) if kind == ML_DSA_44 else signing.public_of(seed)


def _message(text: str, name: str, kind: int, timestamp: int | None) -> bytes:
    """Return what is signed: the text, the text under a dated head, or for ML-DSA-44 the `cosigned_message` of the tree."""
    if kind == ED25519:
        return text.encode()
    _require(timestamp is not None, "timestamp")
    if kind == COSIGNATURE_V1:
        return f"cosignature/v1\ntime {timestamp}\n{text}".encode()
    tree = checkpoint.parse(text)
    names = [n.encode() for n in (name, tree.origin)]
    _require(all(len(n) < 1 << 8 for n in names), "name")
    cosigner, origin = (bytes([len(n)]) + n for n in names)
    numbers = (timestamp or 0, 0, tree.size)
    at, start, end = (number.to_bytes(_TIME_BYTES) for number in numbers)
    return b"subtree/v1\n\x00" + cosigner + at + origin + start + end + tree.root


def _parse_line(line: str) -> tuple[str, bytes]:
    mark, _, rest = line.partition(" ")
    name, _, encoded = rest.partition(" ")
    raw = _decode(encoded)
    _require(mark == "—" and _is_name(name) and len(raw) > _ID_BYTES, "signature_line")
    return name, raw


def _is_name(name: str) -> bool:
    return bool(name) and "+" not in name and not any(c.isspace() for c in name) and _is_clean(name)


def _is_clean(text: str) -> bool:
    """Say whether `text` is valid UTF-8 and has no ASCII control character but newlines."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return all(c >= " " or c == "\n" for c in text)


def _encode(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _decode(encoded: str) -> bytes:
    try:
        raw = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as wrong:
        raise errors.BadNote(part="base64") from wrong
    _require(_encode(raw) == encoded, "base64")
    return raw


def _require(holds: bool, part: str) -> None:  # noqa: FBT001 - a condition
    if not holds:
        raise errors.BadNote(part=part)
