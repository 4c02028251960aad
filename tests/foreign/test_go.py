"""golang.org/x/mod/sumdb (note, tlog) reads what we publish, and refuses what somebody changed."""

import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from sqlalchemy import select

from referral_hub import errors
from referral_hub.audit import bundle_form as form
from referral_hub.audit import note, public, queries, signer
from referral_hub.audit.records import AuditCheckpoint
from referral_hub.db import transact
from tests.audit.conftest import SURVIVOR
from tests.audit.test_bundle import PARTS, grow, written
from tests.verifier.making import KEY, WITNESSES, MadeLog, zipped

pytestmark = pytest.mark.timeout(600)
SIZE = 600


@pytest.fixture
def kept(log, hub, standing, clock, checkpoint_signer):
    """A log in the database, signed at 300 and at 600, both cosigned by two witnesses that run as servers; returns the keys to trust."""
    for name in ("dinas", "kampus"):
        standing.witness(name, clock=clock)
    policy = standing.policy("group both all dinas kampus", "quorum both")
    for until in (300, SIZE):
        grow(log, until)
        clock.move(signer.SILENCE)
        hub.sign()
        hub.collect(policy)
    assert queries.witnesses(log).quorum.size == SIZE
    log.rollback()
    return {"key": signer.vkeys(checkpoint_signer)[0], "witnesses": [w.vkey for w in policy.witnesses]}


@pytest.mark.parametrize("wanted", PARTS, ids=lambda wanted: wanted.kind)
def test_bundles_out_of_the_database(log, kept, verify, tmp_path, wanted):
    earlier = _checkpoint_of(log, 300)
    (tmp_path / "bundle.zip").write_bytes(written(log, wanted, since=earlier))
    code, said = verify(tmp_path / "bundle.zip", **kept)
    assert code == 0
    assert f"{SIZE} entries, 2 witnesses" in said
    assert "continues the checkpoint of 300" in said


def test_the_public_paths_over_http(log, kept, verify):
    with _Served(log) as address:
        code, said = verify(address, **kept)
    assert code == 0
    assert f"{SIZE} leaf hashes, all tiles, 3 proofs, 3 continuations" in said


def test_three_levels_of_tiles(verify, tmp_path):
    made = MadeLog(66_000)
    whole = zipped(tmp_path / "whole.zip", made.whole(earlier=65_536))
    code, said = verify(whole, key=KEY.vkey(), witnesses=WITNESSES)
    assert (code, "66000 entries and all tiles; continues the checkpoint of 65536" in said) == (0, True)


CHANGES = {
    "one byte of an entry": lambda files: files | {"tile/entries/000": _changed(files["tile/entries/000"], 40)},
    "one byte of a tile": lambda files: files | {"tile/0/001": _changed(files["tile/0/001"], 40)},
    "one byte of the upper tile": lambda files: files | {"tile/1/000.p/2": _changed(files["tile/1/000.p/2"], 40)},
    "a root that was not signed": lambda files: files | {"checkpoint": files["checkpoint"].replace(b"\n600\n", b"\n599\n", 1)},
    "one byte of a witness's line": lambda files: files | {"checkpoint": _changed(files["checkpoint"], len(files["checkpoint"]) - 40)},
    "another earlier log": lambda files: files | {"since": MadeLog(300, facts=lambda i: {"purpose": "x"} if i == 7 else {}).note(300).encode()},
    "one byte of the bridge": lambda files: files | {"consistency": _another_hash(files["consistency"])},
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_what_somebody_changed_is_refused(verify, tmp_path, change):
    files = MadeLog(SIZE).whole(earlier=300)
    assert verify(zipped(tmp_path / "good.zip", files), key=KEY.vkey(), witnesses=WITNESSES)[0] == 0
    assert verify(zipped(tmp_path / "bad.zip", CHANGES[change](files)), key=KEY.vkey(), witnesses=WITNESSES)[0] == 1


def test_a_part_with_one_changed_entry_is_refused(verify, tmp_path):
    files = MadeLog(SIZE).of_subject(SURVIVOR)
    files[form.ENTRIES] = files[form.ENTRIES].replace(b"case_worker", b"case_warden", 1)
    assert verify(zipped(tmp_path / "bad.zip", files), key=KEY.vkey(), witnesses=WITNESSES)[0] == 1


def test_another_key_and_a_missing_witness_are_refused(verify, tmp_path):
    made = zipped(tmp_path / "good.zip", MadeLog(SIZE).whole(witnesses=WITNESSES[:2]))
    assert verify(made, key=note.Signer(KEY.name, os.urandom(32)).vkey(), witnesses=WITNESSES[:2])[0] == 1
    assert verify(made, key=KEY.vkey(), witnesses=WITNESSES)[0] == 1
    assert verify(made, key=KEY.vkey(), witnesses=WITNESSES, quorum=2)[0] == 0


def _changed(content, at):
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def _another_hash(lines):
    first, rest = lines.split(b"\n", 1)
    return first[:5] + (b"A" if first[5:6] != b"A" else b"B") + first[6:] + b"\n" + rest


def _checkpoint_of(log, size):
    made = transact(log, lambda s: s.scalar(select(AuditCheckpoint).where(AuditCheckpoint.size == size)))
    return made.note + "".join(queries.cosignatures(log, made.id))


class _Served:
    """Serves the log's public paths as `web/proofs.py` does, one request after the other, for as long as the `with` lasts."""

    def __init__(self, log):
        self.log, lock = log, threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                with lock:
                    found = _answer(log, self.path.removeprefix("/log/"))
                self.send_response(404 if found is None else 200)
                self.end_headers()
                self.wfile.write(found or b"")

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def __enter__(self):
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()
        return f"http://127.0.0.1:{self.server.server_address[1]}/log"

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def _answer(log, path):
    kind, _, rest = path.partition("/")
    asks = {
        "checkpoint": lambda s: public.checkpoint(s).encode(),
        "proof": lambda s: public.inclusion(s, index=int(rest)).encode(),
        "consistency": lambda s: public.consistency(s, old_size=int(rest.split("/")[0]), new_size=int(rest.split("/")[1])).encode(),
        "tile": lambda s: public.tile(s, level=int(rest.split("/")[0]), place=rest.partition("/")[2]),
    }
    try:
        return transact(log, asks[kind])
    except errors.NotFound:
        return None
