"""Which logs and witnesses somebody trusts, and how many witnesses are enough: the text format of C2SP tlog-policy. Pure.

A policy says when a checkpoint is valid: signed by one of its logs, and cosigned by witnesses as its quorum asks. Names of
witnesses and groups have no meaning outside the file; a key is known by its verifier key.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from referral_hub import errors
from referral_hub.audit import note

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

NONE = "none"
_MAX_BYTES = 1 << 20
_LINES = {"log": (2, 3), "witness": (3, 4), "group": (4, 1 << 10), "quorum": (2, 2)}


@dataclass(frozen=True)
class LogKey:
    """A log: its verifier key and, where the file gives one, its address."""

    vkey: str
    verifier: note.Verifier
    url: str = ""


@dataclass(frozen=True)
class WitnessKey:
    """A witness: its name in the file, its verifier key and, where the file gives one, its submission prefix."""

    name: str
    vkey: str
    verifier: note.Verifier
    url: str = ""

    @property
    def identity(self) -> str:
        """The name and id of the key, as they stand in its signature lines."""
        return self.verifier.identity


@dataclass(frozen=True)
class Policy:
    """Logs, witnesses in the order of the file, groups (threshold and members), and the name that must hold."""

    logs: tuple[LogKey, ...]
    witnesses: tuple[WitnessKey, ...]
    groups: Mapping[str, tuple[int, tuple[str, ...]]]
    quorum: str

    def log_vkeys(self, origin: str) -> list[str]:
        """Return the verifier keys of the logs with this origin; empty when the policy knows none."""
        return [log.vkey for log in self.logs if log.verifier.name == origin]

    def witness_vkeys(self) -> list[str]:
        """Return the verifier keys of all witnesses."""
        return [witness.vkey for witness in self.witnesses]

    def is_met(self, identities: Collection[str]) -> bool:
        """Say whether cosignatures by the keys with these identities are a quorum."""
        signed = {witness.name for witness in self.witnesses if witness.identity in identities}
        return self._holds(self.quorum, signed)

    def _holds(self, name: str, signed: set[str]) -> bool:
        if name == NONE:
            return True
        if name not in self.groups:
            return name in signed
        threshold, members = self.groups[name]
        return sum(self._holds(member, signed) for member in members) >= threshold


class BadPolicy(errors.HubError):
    """A policy file that cannot be read. Facts: `line` (from 1; 0 for the whole file) and `part`."""

    code = "bad_policy"


@dataclass
class _Reading:
    logs: list[LogKey] = field(default_factory=list)
    witnesses: list[WitnessKey] = field(default_factory=list)
    groups: dict[str, tuple[int, tuple[str, ...]]] = field(default_factory=dict)
    quorum: str = ""
    members: set[str] = field(default_factory=set)

    def is_defined(self, name: str) -> bool:
        return name in self.groups or any(witness.name == name for witness in self.witnesses)


def parse(raw: bytes) -> Policy:
    """Return the policy that the file's bytes say.

    Raises:
        BadPolicy: a line that is none of the format's, a key that is none, a name twice or never defined, or not one quorum.
    """
    if len(raw) > _MAX_BYTES or any((byte < 0x20 and byte not in b"\t\n") or byte == 0x7F for byte in raw):  # noqa: PLR2004 - ASCII
        raise BadPolicy(line=0, part="characters")
    reading = _Reading()
    for number, line in enumerate(raw.decode("utf-8", "surrogateescape").split("\n"), start=1):
        words = line.replace("\t", " ").split(" ")
        words = [word for word in words if word]
        if not words or words[0].startswith("#"):
            continue
        _require(words[0] in _LINES, number, "keyword")
        least, most = _LINES[words[0]]
        _require(least <= len(words) <= most, number, words[0])
        _READERS[words[0]](reading, words[1:], number)
    _require(bool(reading.quorum), 0, "quorum")
    return Policy(tuple(reading.logs), tuple(reading.witnesses), reading.groups, reading.quorum)


def _log(reading: _Reading, words: list[str], number: int) -> None:
    verifier = _verifier(words[0], {note.ED25519}, number)
    _require(all(log.verifier.public != verifier.public for log in reading.logs), number, "duplicate_key")
    reading.logs.append(LogKey(words[0], verifier, *words[1:]))


def _witness(reading: _Reading, words: list[str], number: int) -> None:
    _new_name(reading, words[0], number)
    verifier = _verifier(words[1], {note.COSIGNATURE_V1, note.ML_DSA_44}, number)
    _require(all(witness.verifier.public != verifier.public for witness in reading.witnesses), number, "duplicate_key")
    reading.witnesses.append(WitnessKey(words[0], words[1], verifier, *words[2:]))


def _group(reading: _Reading, words: list[str], number: int) -> None:
    name, wanted, members = words[0], words[1], tuple(words[2:])
    _new_name(reading, name, number)
    known = {"any": 1, "all": len(members)}
    _require(wanted in known or (wanted.isascii() and wanted.isdecimal() and not wanted.startswith("0")), number, "threshold")
    threshold = known.get(wanted) or int(wanted)
    _require(threshold <= len(members), number, "threshold")
    for member in members:
        _require(reading.is_defined(member), number, "undefined_name")
        _require(member not in reading.members, number, "duplicate_member")
        reading.members.add(member)
    reading.groups[name] = (threshold, members)


def _quorum(reading: _Reading, words: list[str], number: int) -> None:
    _require(not reading.quorum, number, "quorum")
    _require(words[0] == NONE or reading.is_defined(words[0]), number, "undefined_name")
    reading.quorum = words[0]


def _new_name(reading: _Reading, name: str, number: int) -> None:
    _require(name != NONE and not reading.is_defined(name), number, "duplicate_name")


def _verifier(vkey: str, kinds: set[int], number: int) -> note.Verifier:
    try:
        verifier = note.parse_vkey(vkey)
    except errors.BadNote as wrong:
        raise BadPolicy(line=number, part="key") from wrong
    _require(verifier.kind in kinds, number, "key_type")
    return verifier


def _require(holds: bool, line: int, part: str) -> None:  # noqa: FBT001 - a condition
    if not holds:
        raise BadPolicy(line=line, part=part)


_READERS: Mapping[str, Callable[[_Reading, list[str], int], None]] = {"log": _log, "witness": _witness, "group": _group, "quorum": _quorum}
