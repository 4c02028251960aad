"""What a bundle is made of: names of its files, its manifest, and the line of an entry. Pure; writer and verifier share it.

A bundle is a zip with nothing compressed and nothing that depends on the day: the same log and question give the same bytes. The
whole log comes as C2SP entry bundles and tiles; a part of it as `entries.jsonl`, each line an entry with a tlog-proof of its own.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from referral_hub import errors
from referral_hub.audit import tiles
from referral_hub.audit.entry import canonical

FORMAT = "referral-hub-bundle/1"
MANIFEST, CHECKPOINT, SINCE, CONSISTENCY, ENTRIES = "manifest.json", "checkpoint", "since", "consistency", "entries.jsonl"
WHOLE, SUBJECT, ACTOR, AGENCY, PERIOD = "whole", "subject", "actor", "agency", "period"
KINDS = (WHOLE, SUBJECT, ACTOR, AGENCY, PERIOD)
TILE = re.compile(r"tile/(?P<level>entries|0|[1-9][0-9]?)/(?P<place>(?:x[0-9]{3}/){0,5}[0-9]{3}(?:\.p/[1-9][0-9]{0,2})?)")
_KEYS = {"format", "kind", "origin", "size", "root", "count", "of", "since", "until"}
_MOMENT = "%Y-%m-%dT%H:%M:%S.%fZ"


@dataclass(frozen=True)
class Manifest:
    """Which log (name, size, root of the checkpoint), which part of it, and how many entries the bundle holds.

    `of` is the survivor's alias, the member or the agency; a period is from `since` on and before `until`.
    """

    kind: str
    origin: str
    size: int
    root: bytes
    count: int
    of: uuid.UUID | None = None
    since: datetime | None = None
    until: datetime | None = None

    def write(self) -> bytes:
        """Return the file's bytes: canonical JSON (RFC 8785) and a newline."""
        values: dict[str, Any] = {
            "format": FORMAT,
            "kind": self.kind,
            "origin": self.origin,
            "size": self.size,
            "root": self.root.hex(),
            "count": self.count,
        }
        if self.of is not None:
            values["of"] = str(self.of)
        for name, moment in (("since", self.since), ("until", self.until)):
            if moment is not None:
                values[name] = moment.astimezone(UTC).strftime(_MOMENT)
        return canonical(values) + b"\n"


def read_manifest(raw: bytes) -> Manifest:
    """Return what a manifest says.

    Raises:
        errors.BadNote: it is none of this format.
    """
    try:
        values = json.loads(raw)
        if values.pop("format") != FORMAT or values["kind"] not in KINDS or not values.keys() <= _KEYS:
            raise errors.BadNote(part="manifest")
        moments = {name: datetime.strptime(values[name], _MOMENT).replace(tzinfo=UTC) for name in ("since", "until") if name in values}
        of = uuid.UUID(values["of"]) if "of" in values else None
        found = Manifest(
            values["kind"], str(values["origin"]), _number(values["size"]), bytes.fromhex(values["root"]), _number(values["count"]), of, **moments
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as wrong:
        raise errors.BadNote(part="manifest") from wrong
    if found.write() != raw or (of is None) != (found.kind in {WHOLE, PERIOD}):
        raise errors.BadNote(part="manifest")
    return found


def belongs(name: str, manifest: Manifest) -> bool:
    """Say whether a bundle of this manifest has a file of this name."""
    if name in {MANIFEST, CHECKPOINT, SINCE, CONSISTENCY}:
        return True
    found = TILE.fullmatch(name)
    if manifest.kind != WHOLE or found is None:
        return manifest.kind != WHOLE and name == ENTRIES
    place = tiles.parse_path(found["place"])
    level = 0 if found["level"] == "entries" else int(found["level"])
    return place is not None and tiles.width_of(level, place[0], manifest.size) == place[1]


def entry_line(payload: bytes, proof: str) -> bytes:
    """Return the line of an entry: its hashed bytes as text (in base64 where they are none) and its proof."""
    try:
        said = {"entry": payload.decode()}
    except UnicodeDecodeError:
        said = {"entry_base64": base64.b64encode(payload).decode()}
    return json.dumps({**said, "proof": proof}, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def read_line(line: bytes) -> tuple[bytes, str]:
    """Return the hashed bytes and the proof of an entry's line.

    Raises:
        errors.BadNote: it is none.
    """
    try:
        said = json.loads(line)
        proof = said["proof"]
        payload = said["entry"].encode() if "entry" in said else base64.b64decode(said["entry_base64"], validate=True)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, binascii.Error) as wrong:
        raise errors.BadNote(part="line") from wrong
    if not isinstance(proof, str):
        raise errors.BadNote(part="line")
    return payload, proof


def _number(value: object) -> int:
    if type(value) is not int or value < 0:
        raise ValueError
    return value
