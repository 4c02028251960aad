"""The one HTTP exchange, against servers that answer late, much, badly or not at all."""

import socket
import threading
import time
from contextlib import contextmanager, suppress

import pytest

from referral_hub.audit import wire

GOOD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nyes"


@contextmanager
def serving(answer):
    """A server that hands each connection, after its request was read, to `answer(connection)`."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def run():
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65536)
                    with suppress(OSError):
                        answer(connection)

        threading.Thread(target=run, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/log/checkpoint"
        listening.shutdown(socket.SHUT_RDWR)


def failure_of(answer, **options):
    with serving(answer) as url:
        started = time.monotonic()
        with pytest.raises(wire.Unanswered) as failure:
            wire.exchange(url, **options)
        return failure.value.reason, time.monotonic() - started


def drip(head):
    def answer(connection):
        for byte in head + b"a" * 1000:
            connection.sendall(bytes([byte]))
            time.sleep(0.05)

    return answer


def test_an_answer():
    with serving(lambda c: c.sendall(GOOD)) as url:
        assert wire.exchange(url) == wire.Answer(200, "text/plain", b"yes")
        assert wire.exchange(url, body=b"x", headers={"Origin": "http://here"}).status == 200


def test_a_redirect_is_an_answer_like_any_other():
    with serving(lambda c: c.sendall(GOOD.replace(b"200 OK", b"302 Found\r\nLocation: http://elsewhere.test/"))) as url:
        assert wire.exchange(url).status == 302


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\nX-Long: ", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b"HTTP/1.0 200 OK\r\n\r\n"])
def test_a_dripping_answer_ends_in_time(head):
    reason, took = failure_of(drip(head), seconds=0.4)
    assert reason == "slow"
    assert took < 20


def test_silence_ends_in_time():
    reason, took = failure_of(lambda _: time.sleep(20), seconds=0.3)
    assert reason == "slow"
    assert took < 10


def test_too_much_is_not_taken():
    big = b"HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n" + b"a" * 5_000_000
    assert failure_of(lambda c: c.sendall(big), most=1000)[0] == "too_large"
    assert failure_of(lambda c: c.sendall(big.replace(b"Content-Length: 5000000", b"X: y")), most=1000)[0] == "too_large"


@pytest.mark.parametrize(
    ("raw", "reason"),
    [(b"no http\r\n\r\n", "malformed"), (GOOD[:-1], "malformed"), (b"", "unreachable"), (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "malformed")],
)  # fmt: skip
def test_what_is_no_answer(raw, reason):
    assert failure_of(lambda c: c.sendall(raw))[0] == reason


@pytest.mark.parametrize("url", ["ftp://here.test/", "here.test", "http://", "http://[::", "http://here.test:99999/", "file:///etc/passwd"])
def test_what_is_no_address(url):
    with pytest.raises(wire.Unanswered) as failure:
        wire.exchange(url)
    assert failure.value.reason == "address"


def test_nobody_there():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    with pytest.raises(wire.Unanswered) as failure:
        wire.exchange(f"http://127.0.0.1:{port}/")
    assert failure.value.reason == "unreachable"
