"""The witness over real HTTP: statuses, headers, limits, and many at once."""

import hashlib
import http.client
import socket
import threading
import time
from urllib.parse import urlsplit

import pytest

from referral_hub.audit import submission, wire
from referral_hub.witness import server as serving
from tests.witness.logs import NOW, ORIGIN, GrownLog

LOG = GrownLog(60)


def post(url, body):
    return wire.exchange(f"{url}/add-checkpoint", body=body)


def test_a_checkpoint_is_added_and_shown(server):
    answer = post(server, LOG.body(0, 5))
    assert (answer.status, answer.content_type) == (200, "text/plain")
    assert answer.body.decode().startswith("— witness.test/w1 ")
    shown = wire.exchange(f"{server}/{hashlib.sha256(ORIGIN.encode()).hexdigest()}/checkpoint")
    assert shown.body.decode().endswith(answer.body.decode())


def test_the_size_has_a_type_of_its_own(server):
    post(server, LOG.body(0, 5))
    answer = post(server, LOG.body(0, 9))
    assert (answer.status, answer.content_type, answer.body) == (409, "text/x.tlog.size", b"5\n")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/add-checkpoint", 405), ("GET", "/", 404), ("POST", "/", 404), ("POST", "/add-checkpoint/", 404), ("PUT", "/add-checkpoint", 501),
     ("GET", f"/{'0' * 64}/checkpoint", 404), ("GET", "/../../etc/passwd", 404)],
)  # fmt: skip
def test_other_addresses_and_methods(server, method, path, status):
    connection = http.client.HTTPConnection(urlsplit(server).netloc, timeout=5)
    connection.request(method, path, body=b"x" if method != "GET" else None)
    answer = connection.getresponse()
    assert answer.status == status
    assert b"<" not in answer.read()
    connection.close()


def raw(server, sent, *, wait=5):
    host, port = urlsplit(server).netloc.split(":")
    with socket.create_connection((host, int(port)), timeout=wait) as connection:
        connection.sendall(sent)
        answer = b""
        while part := connection.recv(65536):
            answer += part
        return answer


@pytest.mark.parametrize(
    ("head", "status"),
    [(b"", b"411"), (b"Content-Length: x\r\n", b"411"), (b"Content-Length: -1\r\n", b"411"), (b"Transfer-Encoding: chunked\r\n", b"411"),
     (f"Content-Length: {submission.MAX_BYTES + 1}\r\n".encode(), b"413")],
)  # fmt: skip
def test_a_body_has_a_length_and_a_limit(server, head, status):
    assert raw(server, b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\n" + head + b"\r\n").split()[1] == status


def test_nonsense_is_answered_in_plain_text(server):
    assert raw(server, b"\x00\x01\x02\r\n\r\n").startswith(b"HTTP/1.1 400") or raw(server, b"\x00\r\n\r\n")


def test_a_connection_serves_several_requests(server):
    connection = http.client.HTTPConnection(urlsplit(server).netloc, timeout=5)
    for old, size in ((0, 5), (5, 9)):
        connection.request("POST", "/add-checkpoint", body=LOG.body(old, size))
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200
    connection.close()


def test_of_many_at_the_same_moment_one_wins_and_nothing_rolls_back(server, memory):
    post(server, LOG.body(0, 5))
    statuses, gate = [], threading.Barrier(12)

    def submit(size):
        gate.wait()
        statuses.append((size, post(server, LOG.body(5, size)).status))

    threads = [threading.Thread(target=submit, args=(10 + i,)) for i in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winners = [size for size, status in statuses if status == 200]
    assert len(winners) == 1
    assert {status for _, status in statuses} == {200, 409}
    assert memory.seen(ORIGIN).size == winners[0]


def test_a_restart_remembers(server, witness_keys, tmp_path):
    from referral_hub.witness.cosigning import Witness
    from referral_hub.witness.memory import Memory
    from tests.witness.logs import KEY

    post(server, LOG.body(0, 40))
    again = Witness(witness_keys, Memory(tmp_path / "state"), [KEY.vkey()])
    assert again.add_checkpoint(LOG.body(0, 5), now=NOW).body == "40\n"


def test_idle_connections_keep_nobody_out_for_long(server, monkeypatch):
    monkeypatch.setattr(serving, "LIFETIME", 0.3)
    monkeypatch.setattr(serving, "MOST_CONNECTIONS", 4)
    host, port = urlsplit(server).netloc.split(":")
    idle = [socket.create_connection((host, int(port))) for _ in range(4)]
    until = time.monotonic() + 30
    status = None
    while status != 200 and time.monotonic() < until:
        try:
            status = post(server, LOG.body(0, 5)).status
        except wire.Unanswered:
            time.sleep(0.1)
    assert status == 200
    for connection in idle:
        connection.close()
