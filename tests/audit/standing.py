"""Witnesses at work beside a test's log: real servers of the witness's own program, and bad ones."""

import socket
import threading
import time
from contextlib import ExitStack, suppress

from referral_hub.audit import policy as policies
from referral_hub.audit.note import Signer
from referral_hub.witness import keys
from referral_hub.witness.cosigning import Witness
from referral_hub.witness.memory import Memory
from referral_hub.witness.server import WitnessServer


class Standing:
    """Starts witnesses, and writes the policy that names them."""

    def __init__(self, folder, log_vkey):
        self.folder, self.log_vkey = folder, log_vkey
        self.lines, self.servers = [], ExitStack()
        self.witnesses = {}

    def witness(self, name, *, clock, ml_dsa=False, listed_seed=None, url=True):
        """Start a witness; `listed_seed` puts another key than its own into the policy."""
        made = keys.make(f"{name}.witness.test", self.folder / f"{name}.key", ml_dsa=ml_dsa)
        witness = self.witnesses[name] = Witness(made, Memory(self.folder / f"{name}.state"), [self.log_vkey])
        server = WitnessServer(("127.0.0.1", 0), witness, clock=lambda: clock().timestamp())
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        self.servers.callback(lambda: (server.shutdown(), server.server_close(), thread.join()))
        self._list(name, made if listed_seed is None else _another(name, listed_seed), f"http://127.0.0.1:{server.server_address[1]}" if url else "")
        return witness

    def bad(self, name, answer):
        """Start a server that hands each connection, after its request was read, to `answer(connection)`."""
        listening = socket.create_server(("127.0.0.1", 0))

        def serve(connection):
            with connection, suppress(OSError):
                connection.recv(65536)
                answer(connection)

        def run():
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

        threading.Thread(target=run, daemon=True).start()
        self.servers.callback(lambda: (listening.shutdown(socket.SHUT_RDWR), listening.close()))
        self._list(name, _another(name, 77 + len(self.lines)), f"http://127.0.0.1:{listening.getsockname()[1]}")

    def _list(self, name, made, url):
        for suffix, vkey in zip(("", "-pq"), made.vkeys, strict=False):
            self.lines.append(f"witness {name}{suffix} {vkey} {url}")

    def text(self, *rest):
        return "\n".join([f"log {self.log_vkey}", *self.lines, *rest, ""])

    def policy(self, *rest):
        return policies.parse(self.text(*rest).encode())


def _another(name, seed):
    return keys.WitnessKeys(((4, Signer(f"{name}.witness.test", bytes([seed]) * 32)),))


def sending(status, body, kind=b"text/plain"):
    """An answer of so many bytes, all at once."""
    head = b"HTTP/1.1 %d X\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n" % (status, kind, len(body))
    return lambda connection: connection.sendall(head + body)


def waiting(seconds):
    return lambda _: time.sleep(seconds)
