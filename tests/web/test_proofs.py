"""The log's public paths, read as a witness, a monitor and a holder of a receipt would; and what they do not give."""

import dataclasses
import threading
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session
from werkzeug.serving import WSGIRequestHandler, make_server

from referral_hub import audit
from referral_hub.audit import checkpoint, entry, merkle, note, proof_text, queries, signer, tiles
from referral_hub.audit.append import name_log
from referral_hub.audit.submission import hash_of
from referral_hub.db import transact
from referral_hub.db.engine import make_engine
from referral_hub.witness import keys
from referral_hub.witness import main as witness_program
from referral_hub.witness.memory import Memory
from referral_hub.witness.pull import nodes_of

SIZE = 300


@pytest.fixture
def witness(tmp_path):
    return keys.make("witness.test/w1", tmp_path / "witness.key")


@pytest.fixture
def settings(settings, tmp_path, witness):
    """The tests' settings with a policy of one witness."""
    (tmp_path / "policy").write_text(f"witness w1 {witness.vkeys[0]}\nquorum w1\n", encoding="utf-8")
    return dataclasses.replace(settings, witness_policy=str(tmp_path / "policy"))


@pytest.fixture
def log(afresh, client, session, settings, hub_keys, clock, worker_url):
    """A log of 300 entries, signed at 260 and at 300; the verifier keys. Ask for it before `network`."""
    made = signer.load(settings.key_folder, origin=settings.log_origin)
    transact(session, lambda s: name_log(s, origin=settings.log_origin))
    engine = make_engine(worker_url, pool_size=1)
    with Session(engine, expire_on_commit=False) as worker:
        for start, until in ((0, 260), (260, SIZE)):
            transact(session, lambda s, count=until - start: [audit.record(s, said(clock)) for _ in range(count)])
            clock.move(minutes=1)
            signer.tend(worker, signer=made, now=clock.now())
    engine.dispose()
    yield signer.vkeys(made)
    session.rollback()
    transact(session, lambda s: s.execute(text("UPDATE audit_head SET origin = '', size = 0, frontier = ''")))


def said(clock):
    return audit.Entry(occurred_at=clock.now(), action="audit.verify", actor_kind="operator")


def get(client, path, status=200):
    answer = client.get(path)
    assert answer.status_code == status, answer.data
    return answer


def opened(client, vkeys, path="/log/checkpoint"):
    return checkpoint.parse(note.open_note(get(client, path).text, vkeys).text)


def test_a_checkpoint_that_the_log_signed(client, log, settings):
    answer = get(client, "/log/checkpoint")
    assert answer.content_type == "text/plain; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"
    tree = opened(client, log)
    assert (tree.origin, tree.size) == (settings.log_origin, SIZE)
    assert opened(client, log, "/log/checkpoint/steady").size in {260, SIZE}


def test_tiles_give_back_the_signed_root(client, log):
    tree = opened(client, log)
    leaves = tiles.split(get(client, "/log/tile/0/000").data + get(client, "/log/tile/0/001.p/44").data)
    assert merkle.root(leaves) == tree.root
    assert get(client, "/log/tile/1/000.p/1").data == merkle.root(leaves[:256])
    assert get(client, "/log/tile/0/000.p/7").data == b"".join(leaves[:7])
    answer = get(client, "/log/tile/0/000")
    assert answer.content_type == "application/octet-stream"
    assert "immutable" in answer.headers["Cache-Control"]


@pytest.mark.parametrize(
    "path",
    ["tile/0/001", "tile/0/001.p/45", "tile/0/002.p/1", "tile/1/000", "tile/1/000.p/2", "tile/2/000.p/1", "tile/64/000", "tile/0/1", "tile/0/000.p/256", "tile/-1/000", "tile/x/000", "tile/0/../000",
     "tile/0/x000/000", "tile/data/000", "proof/300", "proof/-1", "proof/x", "consistency/0/300", "consistency/300/260", "consistency/1/301", "checkpoint/other", ""],
)  # fmt: skip
def test_what_is_not_there(client, log, path):
    get(client, f"/log/{path}", 404)


def test_nothing_is_public_before_the_first_checkpoint(client, session, hub_keys):
    for path in ("checkpoint", "checkpoint/steady", "tile/0/000.p/1", "proof/0", "consistency/1/1"):
        get(client, f"/log/{path}", 404)


def test_a_receipt_is_proven_by_itself(client, log, session):
    logged = queries.peek(session, 17)
    session.rollback()
    proof = proof_text.read(get(client, "/log/proof/17").text)
    tree = checkpoint.parse(note.open_note(proof.checkpoint, log).text)
    assert proof.index == 17
    merkle.verify_inclusion(index=17, size=tree.size, leaf=logged.leaf_hash, proof=proof.path, root=tree.root)


def test_growth_is_proven(client, log):
    tree = opened(client, log)
    old = merkle.root_at(260, nodes_of("/log", SIZE, lambda url: get(client, url).data))
    path = [hash_of(line) for line in get(client, f"/log/consistency/260/{SIZE}").text.splitlines()]
    merkle.verify_consistency(old_size=260, new_size=SIZE, old_root=old, new_root=tree.root, proof=path)
    assert get(client, f"/log/consistency/{SIZE}/{SIZE}").text == ""


def test_nothing_public_leaves_an_entry_or_holds_one(client, log, session):
    for path in ("checkpoint", "tile/0/000", "proof/3", "consistency/1/300"):
        get(client, f"/log/{path}")
    assert queries.size(session) == SIZE
    session.rollback()


def test_entries_are_not_public(client, log):
    assert get(client, "/log/tile/entries/000", 303).location == "/masuk?ke=/log/tile/entries/000"


def test_a_network_auditor_reads_bundles_and_each_is_logged(log, network, entries, clock):
    auditor = network.auditor()
    clock.move(minutes=14)
    assert auditor.get("/log/tile/entries/000").status == 403
    assert entries(1)[0].reason == "reauth_needed"
    auditor.sign_in_again()
    answer = auditor.get("/log/tile/entries/000").response
    found = tiles.unpack(answer.data)
    assert [entry.parse(payload)[1].idx for payload in found] == list(range(256))
    left = entries(1)[0]
    assert (left.action, left.count, left.object_kind, left.outcome) == ("audit.export", 256, "log", "allow")
    assert auditor.get("/log/tile/entries/002.p/1").status == 404
    network.admin.sign_in()
    assert network.admin.get("/log/tile/entries/000").status == 403


def bring(client, body, **headers):
    return client.post("/log/cosignature", data=body, headers={"Origin": "http://hub.test", "Content-Type": "text/plain; charset=utf-8"} | headers)


def test_a_witness_brings_its_cosignature(client, log, witness, clock, session):
    shown = get(client, "/log/checkpoint").text
    text = shown.rpartition("\n\n")[0] + "\n"
    line = witness.cosign(text, int((clock.now() + timedelta(seconds=1)).timestamp()))
    for _ in range(2):
        assert bring(client, shown + line).status_code == 200
    assert len(note.open_note(get(client, "/log/checkpoint").text, [*log, *witness.vkeys]).signatures) == 3
    assert queries.size(session) == SIZE
    session.rollback()


def test_what_is_brought_must_be_signed_by_a_witness_and_be_ours(client, log, witness):
    shown = get(client, "/log/checkpoint").text
    foreign = "other.test/log\n3\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    assert bring(client, shown).status_code == 400
    assert bring(client, b"\xff").status_code == 400
    assert bring(client, b"x" * 70_000).status_code == 413
    assert bring(client, f"{foreign}\n{witness.cosign(foreign, 1)}").status_code == 404
    assert bring(client, shown, Origin="http://elsewhere.test").status_code == 403


def test_a_witness_behind_a_firewall_comes_by_itself(log, app, settings, tmp_path, session, worker_url, clock):
    """Over real HTTP, with the witness's own program: it fetches, proves, signs, and brings its line back."""
    with serving(app) as url:
        app.extensions["referral_hub"].settings = dataclasses.replace(settings, public_url=url)
        words = ["pull", "--key", tmp_path / "witness.key", "--state", tmp_path / "state", "--log", log[0], "--from", f"{url}/log"]
        for cosigned in (1, 1):
            assert witness_program.main([str(word) for word in words]) == 0
            found = session.scalars(text("SELECT count(*) FROM audit_cosignature")).one()
            session.rollback()
            assert found == cosigned
        clock.move(minutes=6)
        transact(session, lambda s: [audit.record(s, said(clock)) for _ in range(40)])
        engine = make_engine(worker_url, pool_size=1)
        with Session(engine) as worker:
            signer.tend(worker, signer=signer.load(settings.key_folder, origin=settings.log_origin), now=clock.now())
        engine.dispose()
        clock.move(minutes=6)
        assert witness_program.main([str(word) for word in words]) == 0
    assert Memory(tmp_path / "state").seen(settings.log_origin).size == SIZE + 40


@contextmanager
def serving(app):
    """The application on a free port of this machine."""
    server = make_server("127.0.0.1", 0, app, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


class Quiet(WSGIRequestHandler):
    def log_request(self, *_):
        pass
