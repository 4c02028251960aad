"""The server as it is started: bodies that do not come hold threads, and there are enough of them."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from contextlib import ExitStack, closing

import pytest

from tests.conftest import ROOT

SERVE = "from referral_hub.cli.serving import serve; serve('tests.cli.tiny:tiny', host='127.0.0.1', port={port}, workers=1)"
BEGUN = b"POST / HTTP/1.1\r\nHost: hub.test\r\nContent-Length: 7\r\n\r\na"
PATIENCE = 30
HANDFUL = 10


def connect(port):
    return closing(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE))


def answer(connection):
    received = b""
    while not received.endswith((b"00", b"07")):
        arrived = connection.recv(4096)
        assert arrived, received
        received += arrived
    return received[-2:]


@pytest.fixture
def port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = probe.getsockname()[1]
    server = subprocess.Popen([sys.executable, "-c", SERVE.format(port=free)], cwd=ROOT)
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", free)) == 0:
                break
    yield free
    server.terminate()
    server.wait(timeout=PATIENCE)


def test_a_handful_of_trickled_bodies_stall_nobody(port):
    with ExitStack() as held:
        slow = [held.enter_context(connect(port)) for _ in range(HANDFUL)]
        for connection in slow:
            connection.sendall(BEGUN)
        for _ in range(3):
            other = held.enter_context(connect(port))
            other.sendall(b"GET / HTTP/1.1\r\nHost: hub.test\r\n\r\n")
            assert answer(other) == b"00"
        for connection in slow:
            connection.sendall(b"=12345")
            assert answer(connection) == b"07"
