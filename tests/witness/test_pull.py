"""A witness that asks: it builds the proof itself, signs growth only, and keeps what does not fit."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from referral_hub import errors
from referral_hub.audit import note, tiles, wire
from referral_hub.audit.note import Signer
from referral_hub.witness import pull
from tests.witness.logs import KEY, NOW, ORIGIN, GrownLog


class Hub:
    """The public paths of a log over HTTP. `steady` and `newest` are notes; tiles come from `log`."""

    def __init__(self):
        self.log = self.steady = self.newest = None
        self.brought, self.asked = [], []
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                hub.asked.append(self.path)
                body = hub.read(self.path)
                self.send_response(404 if body is None else 200)
                self.end_headers()
                self.wfile.write(body or b"")

            def do_POST(self):
                hub.brought.append((self.path, self.headers["Origin"], self.rfile.read(int(self.headers["Content-Length"])).decode()))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.url = f"{self.address}/log"

    def show(self, log, size=None):
        self.log = log
        self.steady = self.newest = log.note(size)

    def read(self, path):
        if path in {"/log/checkpoint/steady", "/log/checkpoint"}:
            return (self.steady if path.endswith("steady") else self.newest).encode()
        level, _, place = path.removeprefix("/log/tile/").partition("/")
        n, width = tiles.parse_path(place)
        return b"".join(self.log.nodes(8 * int(level), n * 256 + i) for i in range(width))


@pytest.fixture
def hub():
    made = Hub()
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()


BIG = GrownLog(700)


def visit(witness, hub):
    return pull.visit(witness, log_url=hub.url, now=NOW)


def test_a_first_visit_and_growth(witness, hub):
    for size, seen in ((300, 0), (300, 300), (700, 300)):
        hub.show(BIG, size)
        assert visit(witness, hub) == pull.Pulled("cosigned", ORIGIN, size, seen)
    path, origin, brought = hub.brought[-1]
    assert (path, origin) == ("/log/cosignature", hub.address)
    assert len(note.open_note(brought, [KEY.vkey(), *witness.vkeys]).signatures) == 3
    assert "/log/tile/0/001.p/44" not in hub.asked  # the proof needs tiles of the new tree only
    assert witness.seen(ORIGIN).size == 700


def test_a_fork_is_refused_and_kept(witness, hub, memory):
    hub.show(BIG, 300)
    visit(witness, hub)
    hub.show(GrownLog(700, fork=17))
    assert visit(witness, hub) == pull.Pulled("fork", ORIGIN, 700, 300)
    assert [r.status for r in memory.refusals()] == [422]
    assert witness.seen(ORIGIN).size == 300
    assert len(hub.brought) == 1


def test_the_same_size_with_another_root_is_a_fork(witness, hub):
    hub.show(BIG, 300)
    visit(witness, hub)
    hub.show(GrownLog(300, fork=17))
    assert visit(witness, hub).outcome == "fork"


def test_a_log_that_shows_less_than_before_is_refused(witness, hub, memory):
    hub.show(BIG)
    visit(witness, hub)
    hub.show(BIG, 300)
    assert visit(witness, hub).outcome == "behind"
    assert len(memory.refusals()) == 1


def test_a_steady_checkpoint_that_is_older_than_a_pushed_one_is_no_fork(witness, hub):
    assert witness.add_checkpoint(BIG.body(0, 650), now=NOW).status == 200
    hub.show(BIG)
    hub.steady = BIG.note(600)
    assert visit(witness, hub) == pull.Pulled("cosigned", ORIGIN, 700, 650)


def test_tiles_that_do_not_fit_the_checkpoint_are_evidence(witness, hub):
    hub.show(BIG, 300)
    visit(witness, hub)
    hub.show(BIG)
    hub.log = GrownLog(700, fork=690)
    assert visit(witness, hub).outcome == "fork"


def test_checkpoints_of_strangers_are_not_looked_into(witness, hub):
    hub.show(GrownLog(5, origin="other.test/log", key=Signer("other.test/log", bytes(32))))
    with pytest.raises(errors.NotFound):
        visit(witness, hub)
    hub.show(GrownLog(5, key=Signer(ORIGIN, bytes(32))))
    with pytest.raises(errors.BadNote):
        visit(witness, hub)
    assert hub.brought == []


def test_a_hub_that_answers_nonsense(witness, hub, monkeypatch):
    hub.show(BIG, 300)
    visit(witness, hub)
    hub.show(BIG)
    monkeypatch.setattr(hub, "read", lambda path: BIG.note().encode() if "checkpoint" in path else b"x" * 31)
    with pytest.raises(wire.Unanswered):
        visit(witness, hub)
    monkeypatch.setattr(hub, "read", lambda _: None)
    with pytest.raises(wire.Unanswered, match="unanswered"):
        visit(witness, hub)
