"""Files that were made to hurt, or were hurt: each its own message, none a traceback, none takes memory or time."""

import random
import struct
import time
import zipfile
import zlib

import pytest

from referral_hub.audit import bundle_form as form
from referral_hub.audit import note
from tests.verifier.making import WITNESSES, MadeLog, zipped


@pytest.fixture(scope="module")
def small():
    return MadeLog(40)


@pytest.fixture
def bundle(small, tmp_path):
    return zipped(tmp_path / "good.zip", small.whole())


def written(tmp_path, content):
    path = tmp_path / "bad.zip"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("content", [b"", b"nonsense", b"{}", b"PK", b"%PDF-1.4", b"\x00" * 1000])
def test_what_is_no_bundle(verify, tmp_path, content):
    assert verify(written(tmp_path, content)) == (2, [("bundle_unreadable", None)])


def test_what_is_not_there(verify, tmp_path):
    assert verify(tmp_path / "nowhere") == (2, [("file_missing", None)])
    assert verify(tmp_path) == (2, [("file_missing", None)])


def test_cut_off_anywhere(verify, bundle, tmp_path):
    whole = bundle.read_bytes()
    for length in (*range(4, 200, 7), *range(200, len(whole), 997), len(whole) - 1):
        code, found = verify(written(tmp_path, whole[:length]))
        assert (code, found) == (4, [("bundle_truncated", None)]), length


def test_a_zip_bomb_is_not_opened(verify, small, tmp_path):
    bomb = zipped(tmp_path / "bomb.zip", small.whole() | {form.ENTRIES: b"\x00" * 300_000_000}, zipfile.ZIP_DEFLATED)
    assert bomb.stat().st_size < 1_000_000
    started = time.monotonic()
    assert verify(bomb) == (2, [("bundle_oversized", None)])
    assert time.monotonic() - started < 30


def test_a_bomb_whose_files_lie_over_each_other(verify, tmp_path):
    """A thousand names of the same bytes, none compressed."""
    kernel = b"x" * 100_000
    name = b"tile/entries/000"
    local = struct.pack("<4sHHHHHIIIHH", b"PK\x03\x04", 20, 0, 0, 0, 33, zlib.crc32(kernel), len(kernel), len(kernel), len(name), 0) + name + kernel
    central = b""
    for i in range(999):
        own = f"tile/entries/{i:03d}".encode()
        central += struct.pack(
            "<4s6H3I5H2I", b"PK\x01\x02", 20, 20, 0, 0, 0, 33, zlib.crc32(kernel), len(kernel), len(kernel), len(own), 0, 0, 0, 0, 0, 0
        ) + own  # fmt: skip
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 999, 999, len(central), len(local), 0)
    assert verify(written(tmp_path, local + central + end)) == (2, [("bundle_oversized", None)])


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "readme.txt", "tile/0/1", "tile/entries/000/", "MANIFEST.JSON", "tile/0/000.p/999", "\u202egnp", "a" * 60_000])
def test_foreign_names(verify, small, tmp_path, name):
    code, found = verify(small.whole() | {name: b"x"})
    assert (code, found) == (2, [("bundle_foreign_file", None)])


def test_a_name_twice(verify, small, tmp_path):
    path = zipped(tmp_path / "twice.zip", small.whole())
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(path, "a") as archive:
        archive.writestr(form.CHECKPOINT, b"another")
    assert verify(path) == (2, [("bundle_foreign_file", None)])


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compressed_bundles_are_none_of_ours(verify, small, tmp_path, compression):
    assert verify(zipped(tmp_path / "packed.zip", small.whole(), compression)) == (2, [("bundle_oversized", None)])


def test_files_larger_than_theirs(verify, small):
    assert verify(small.whole() | {form.CHECKPOINT: b"x" * 2_000_000}) == (2, [("bundle_oversized", None)])
    assert verify(small.whole() | {"tile/0/001": b"x" * 20_000_000}) == (2, [("bundle_oversized", None)])


def test_an_encrypted_file(verify, bundle, tmp_path):
    raw = bytearray(bundle.read_bytes())
    at = raw.index(b"PK\x01\x02")
    raw[at + 8] |= 1
    assert verify(written(tmp_path, bytes(raw))) == (2, [("bundle_oversized", None)])


def test_one_byte_changed_anywhere_is_never_good_and_never_a_crash(verify, bundle, tmp_path, small):
    """Wherever the content is touched the check fails; only dates and marks of the zip itself may change without a word."""
    whole = bundle.read_bytes()
    chance = random.Random(4)  # noqa: S311 - which byte is no secret
    good = set(small.whole())
    for _ in range(400):
        at = chance.randrange(len(whole))
        changed = bytearray(whole)
        changed[at] ^= 1 << chance.randrange(8)
        path = written(tmp_path, bytes(changed))
        code, found = verify(path)
        assert code in {0, 1, 2, 3, 4}
        if code == 0:
            with path.open("rb") as file, zipfile.ZipFile(file) as archive:
                assert {info.filename for info in archive.infolist()} == good
            assert found == []


def test_damage_on_the_way_is_told_apart_from_a_careful_change(verify, bundle, small, tmp_path):
    whole = bundle.read_bytes()
    damaged = whole.replace(b"case_worker", b"case_workeR", 1)
    code, found = verify(written(tmp_path, damaged))
    assert (code, found) == (1, [("entry_changed", 0), ("member_damaged", None)])


def test_a_deep_or_endless_text_in_a_manifest(verify, small):
    for content in (b"[" * 50_000, b'{"a":' * 10_000, b"1" * 60_000, b'{"size":1e999}', b'{"format":"referral-hub-bundle/1","size":NaN}'):
        assert verify(small.whole() | {form.MANIFEST: content}) == (1, [("checkpoint_malformed", None)])


def test_numbers_that_are_too_large(verify, small):
    manifest = small.whole()[form.MANIFEST].replace(b'"size":40', b'"size":9007199254740991')
    checkpoint = small.whole()[form.CHECKPOINT].replace(b"\n40\n", b"\n9007199254740991\n")
    started = time.monotonic()
    assert verify(small.whole() | {form.MANIFEST: manifest, form.CHECKPOINT: checkpoint}) == (1, [("checkpoint_forged", None)])
    assert time.monotonic() - started < 30


def test_a_log_that_signs_a_size_it_does_not_have(verify, small):
    signed = small.note(40).partition("\n\n")[0].replace("\n40\n", "\n9007199254740991\n") + "\n"
    note_of_it = note.sign(signed, small.key) + "".join(note.signature_line(signed, one, timestamp=1) for one in WITNESSES)
    manifest = small.whole()[form.MANIFEST].replace(b'"size":40', b'"size":9007199254740991')
    started = time.monotonic()
    assert verify(small.whole() | {form.MANIFEST: manifest, form.CHECKPOINT: note_of_it.encode()})[0] in {2, 4}
    assert time.monotonic() - started < 30


def test_what_a_bundle_says_does_not_reach_the_terminal(verify, small, capsys, tmp_path):
    from referral_hub.verifier.main import main
    from tests.verifier.making import policy

    path = zipped(tmp_path / "loud.zip", small.whole() | {"\x1b[2J\x1b[31mowned": b"x"})
    main([str(path), "--policy", str(policy(tmp_path))])
    assert "\x1b" not in capsys.readouterr().out
