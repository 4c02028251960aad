"""Starting and stopping what is measured: granian with two workers, in processes of its own."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from referral_hub.settings import ROOT

if TYPE_CHECKING:
    from benchmarks.place import Place

WORKERS = 2
PATIENCE = 60.0


@dataclass
class Server:
    """One running web server."""

    process: subprocess.Popen[bytes]
    port: int

    def stop(self) -> None:
        """Stop it and wait for its end."""
        self.process.terminate()
        self.process.wait(timeout=20)

    def worker_memory(self) -> list[float]:
        """Return what each worker process takes: its proportional set size (PSS) in MB, with private and a share of common pages."""
        return [_pss(pid) for pid in self.workers()]

    def workers(self) -> list[int]:
        """Return the process ids of the workers."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text(encoding="ascii").split()
        serving = [int(pid) for pid in children if b"resource_tracker" not in Path(f"/proc/{pid}/cmdline").read_bytes()]
        if len(serving) != WORKERS:
            msg = f"{len(serving)} workers"
            raise RuntimeError(msg)
        return serving


def _pss(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def start(place: Place, target: str, *, database: str) -> Server:
    """Serve the factory `target` (of benchmarks.served) on a free port of the loopback; return when it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "benchmarks.served", target, str(port)]
    log = (place.folder / f"{target}-{database}.log").open("wb")
    server = Server(subprocess.Popen(command, cwd=ROOT, env=place.environment(database), stdout=log, stderr=log), port)
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and server.process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2):
                return server
        except OSError:
            time.sleep(0.1)
    server.process.kill()
    written = (place.folder / f"{target}-{database}.log").read_text(encoding="utf-8", errors="replace")
    msg = f"{target} on {database} does not answer: {written[-2000:]}"
    raise SystemExit(msg)
