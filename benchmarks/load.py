"""The load: requests over kept-alive connections of plain HTTP/1.1, loopback only, bounded in number and in time.

Runs in a process of its own (`python benchmarks/load.py`) so that the measured servers and the measuring program do not share an
interpreter. It reads one order a line on standard input and answers one line: latencies in milliseconds, in the order of their ends.

    order   {"port", "seconds", "lanes": [{"units": [unit, ...], "repeat": bool, "every": seconds or null, "counted": bool}, ...]}
    unit    [step, ...]: one after the other on the lane's connection; its latency is the sum of its steps
    step    {"text": the request, "expect": status, "refusal": status or null, "secret": hex of a TOTP secret or ""}; a refusal is an answer that
            the server may give for want of capacity: the unit ends, is counted apart, and has no latency; in the text %COOKIE% is the session cookie
            that was set last on this lane, %CODE% the six digits of now
"""

from __future__ import annotations

import hashlib
import hmac
import json
import selectors
import socket
import struct
import sys
import time
from dataclasses import dataclass, field
from typing import Any

HOST = "127.0.0.1"
SESSION_COOKIE = b"__Host-hub="
PATIENCE = 15.0


def six_digits(secret: str) -> str:
    """Return the code of an authenticator with `secret` (hex) now (RFC 6238, SHA-1, 30 seconds)."""
    digest = hmac.digest(bytes.fromhex(secret), struct.pack(">Q", int(time.time()) // 30), hashlib.sha1)
    at = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[at : at + 4])[0] & 0x7FFFFFFF) % 1_000_000:06}"


@dataclass(eq=False)
class Lane:
    """One connection and what goes over it."""

    units: list[list[dict[str, Any]]]
    repeat: bool
    every: float | None
    counted: bool
    port: int
    connection: socket.socket = field(init=False)
    received: bytearray = field(default_factory=bytearray)
    latencies: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    refused: int = 0
    cookie: str = ""
    unit: int = 0
    step: int = 0
    started: float = 0.0
    spent: float = 0.0
    due: float = 0.0
    busy: bool = False

    def __post_init__(self) -> None:
        self.connection = socket.create_connection((HOST, self.port), timeout=PATIENCE)
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    @property
    def left(self) -> bool:
        """Whether there is something to send."""
        return bool(self.units) and (self.repeat or self.unit < len(self.units))

    def send(self) -> None:
        """Send the next step."""
        step = self._step
        text = step["text"].replace("%COOKIE%", self.cookie)
        if step.get("secret"):
            text = text.replace("%CODE%", six_digits(step["secret"]))
        self.busy, self.started = True, time.perf_counter()
        self.connection.sendall(text.encode())

    @property
    def _step(self) -> dict[str, Any]:
        return self.units[self.unit % len(self.units)][self.step]

    def receive(self) -> bool:
        """Take what has come in; return whether a response is complete."""
        arrived = self.connection.recv(262_144)
        if not arrived:
            raise ConnectionError("the server closed a connection")
        self.received += arrived
        head, found, body = self.received.partition(b"\r\n\r\n")
        if not found:
            return False
        lines = bytes(head).split(b"\r\n")
        length = next(int(line.split(b":")[1]) for line in lines if line.lower().startswith(b"content-length:"))
        if len(body) < length:
            return False
        self._took(lines, bytes(body[:length]))
        return True

    def _took(self, lines: list[bytes], body: bytes) -> None:
        self.spent += time.perf_counter() - self.started
        self.busy = False
        self.received.clear()
        for line in lines:
            name, _, value = line.partition(b": ")
            if name.lower() == b"set-cookie" and value.startswith(SESSION_COOKIE):
                self.cookie = value.split(b";")[0].decode()
        status = int(lines[0].split(b" ")[1])
        if status == self._step.get("refusal"):
            self.refused += 1
            self.unit, self.step, self.spent = self.unit + 1, 0, 0.0
            return
        if status != self._step["expect"]:
            self.failures.append(f"{status} {body[:300]!r}")
        self.step += 1
        if self.step == len(self.units[self.unit % len(self.units)]):
            self.latencies.append(self.spent * 1000)
            self.unit, self.step, self.spent = self.unit + 1, 0, 0.0


def run(order: dict[str, Any]) -> dict[str, Any]:
    """Carry out one order and return its result. No unit begins after `seconds`; those that have begun are finished."""
    lanes = [Lane(port=order["port"], **lane) for lane in order["lanes"]]
    with selectors.DefaultSelector() as selector:
        for lane in lanes:
            selector.register(lane.connection, selectors.EVENT_READ, lane)
        began = time.perf_counter()
        _exchange(lanes, selector, began, began + order["seconds"])
        took = time.perf_counter() - began
    for lane in lanes:
        lane.connection.close()
    counted = [lane for lane in lanes if lane.counted]
    failures = [failure for lane in lanes for failure in lane.failures]
    return {"latencies": [ms for lane in counted for ms in lane.latencies], "seconds": took, "failures": failures[:3], "failed": len(failures), "refused": sum(lane.refused for lane in lanes)}


def _exchange(lanes: list[Lane], selector: selectors.BaseSelector, began: float, until: float) -> None:
    paced = [lane for lane in lanes if lane.every]
    for lane in lanes:
        lane.due = began + (lane.every * paced.index(lane) / len(paced) if lane.every else 0.0)
    while True:
        moment = time.perf_counter()
        for lane in lanes:
            if not lane.busy and lane.step:
                lane.send()
            elif not lane.busy and lane.left and moment < until and moment >= lane.due:
                lane.due = lane.due + lane.every if lane.every else 0.0
                lane.send()
        waiting = [lane.due - moment for lane in lanes if not lane.busy and lane.left and moment < until]
        if not any(lane.busy for lane in lanes) and not waiting:
            return
        if moment > until + PATIENCE:
            raise TimeoutError("no answer")
        for key, _ in selector.select(max(0.0, min([*waiting, 1.0]))):
            key.data.receive()


def main() -> None:
    """Carry out orders until the input ends."""
    for line in sys.stdin:
        print(json.dumps(run(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
