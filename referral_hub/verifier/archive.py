"""A bundle's zip, read with distrust: nothing compressed, nothing twice, nothing larger than the file it came in.

Bundles are written without compression, so that a zip bomb is none of ours by its first member. Checksums of the zip are not asked
while reading, since hashes and signatures are; they serve to tell damage on the way from a change.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn

from referral_hub.audit import bundle_form as form
from referral_hub.verifier.findings import Stop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from referral_hub.verifier.findings import Report

MOST_FILES = 1_000_000
MOST_BYTES = {form.MANIFEST: 64 * 1024, form.CHECKPOINT: 1024 * 1024, form.SINCE: 1024 * 1024, form.CONSISTENCY: 64 * 1024}
MOST_IN_A_TILE = 256 * (65535 + 2)
MOST_IN_A_LINE = 2 * 1024 * 1024
_LOCAL = struct.Struct("<4s22xHH")
_ENCRYPTED = 0x1
_STARTS = b"PK\x03\x04"
_UNREADABLE = (zipfile.BadZipFile, NotImplementedError, struct.error, EOFError, ValueError, OverflowError)


class Archive:
    """The files of a bundle by name."""

    def __init__(self, path: Path, report: Report) -> None:
        """Open the bundle at `path`; what is amiss goes to `report` and ends the check (Stop)."""
        self.path = path
        self._report = report
        try:
            self._file: BinaryIO = path.open("rb")
        except OSError:
            report.add("file_missing", file=str(path))
            raise Stop from None
        self._size = path.stat().st_size
        self._infos = self._directory()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __contains__(self, name: str) -> bool:
        return name in self._infos

    def names(self) -> list[str]:
        """Return the names of all files."""
        return list(self._infos)

    def read(self, name: str) -> bytes:
        """Return a file's bytes; a file that is not there, or is cut off, ends the check."""
        info = self._infos.get(name)
        if info is None:
            self._report.add("file_left_out", file=name)
            raise Stop
        content = self._content(info)
        if len(content) != info.file_size:
            self._report.add("bundle_truncated", file=name)
            raise Stop
        return content

    def lines(self, name: str) -> Iterator[bytes]:
        """Give a file's lines one by one; a file that is not there, or is cut off, ends the check."""
        info = self._infos.get(name)
        if info is None:
            self._report.add("file_left_out", file=name)
            raise Stop
        left = info.file_size
        at = self._start(info)
        while left > 0:
            self._file.seek(at)
            line = self._file.readline(min(left, MOST_IN_A_LINE))
            if not line.endswith(b"\n"):
                self._report.add("bundle_truncated", file=name)
                raise Stop
            at, left = at + len(line), left - len(line)
            yield line

    def tell_damage(self, name: str) -> None:
        """Note it when the zip's own checksum of a file does not hold: then it was damaged on the way, or changed without care."""
        info = self._infos.get(name)
        if info is not None and zlib.crc32(self._content(info)) != info.CRC:
            self._report.add("member_damaged", file=name)

    def _content(self, info: zipfile.ZipInfo) -> bytes:
        self._file.seek(self._start(info))
        return self._file.read(info.file_size)

    def _start(self, info: zipfile.ZipInfo) -> int:
        """Return where a file's bytes begin; the end of the archive where its own head is not there."""
        self._file.seek(info.header_offset)
        head = self._file.read(_LOCAL.size)
        if len(head) != _LOCAL.size or not head.startswith(_STARTS):
            return self._size
        _, name, extra = _LOCAL.unpack(head)
        return info.header_offset + _LOCAL.size + int(name) + int(extra)

    def _directory(self) -> dict[str, zipfile.ZipInfo]:
        try:
            with zipfile.ZipFile(self._file) as opened:
                infos = opened.infolist()
        except _UNREADABLE:
            self._file.seek(0)
            self._stop("bundle_truncated" if self._file.read(len(_STARTS)) == _STARTS else "bundle_unreadable")
        if len(infos) > MOST_FILES or sum(info.file_size for info in infos) > self._size:
            self._stop("bundle_oversized")
        for info in infos:
            if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & _ENCRYPTED or info.file_size > _limit(info.filename):
                self._stop("bundle_oversized", file=info.filename)
            if not _is_ours(info.filename):
                self._stop("bundle_foreign_file", file=info.filename)
        found = {info.filename: info for info in infos}
        if len(found) != len(infos):
            self._stop("bundle_foreign_file", file="")
        return found

    def _stop(self, code: str, **facts: Any) -> NoReturn:
        self._file.close()
        self._report.add(code, **facts)
        raise Stop


def _is_ours(name: str) -> bool:
    return name in {*MOST_BYTES, form.ENTRIES} or form.TILE.fullmatch(name) is not None


def _limit(name: str) -> int:
    if name == form.ENTRIES:
        return 1 << 40  # read by the line; bounded by the file's own size above
    return MOST_BYTES.get(name, MOST_IN_A_TILE)
