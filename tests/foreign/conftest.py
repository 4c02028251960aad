"""Checks of our papers by somebody else's code: `make foreign`. No part of `make test`, which needs no other language."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from referral_hub.audit import note
from tests.audit.conftest import *  # noqa: F403 - the log in the database, its signer
from tests.audit.test_witnesses import clock, hub, standing  # noqa: F401 - witnesses at work

collect_ignore_glob = [] if os.environ.get("HUB_FOREIGN") else ["test_*.py"]
DEBIAN = Path("/usr/share/gocode")


@pytest.fixture(scope="session")
def program(tmp_path_factory):
    """The Go program, built from Debian's sources of golang.org/x/mod."""
    go = shutil.which("go")
    assert go, "Go is needed: apt install golang-go golang-golang-x-mod-dev"
    assert (DEBIAN / "src/golang.org/x/mod/sumdb/tlog").is_dir(), "apt install golang-golang-x-mod-dev"
    built = tmp_path_factory.mktemp("foreign") / "verify"
    environment = os.environ | {"GO111MODULE": "off", "GOPATH": str(DEBIAN), "GOCACHE": str(built.parent / "cache")}
    subprocess.run([go, "build", "-o", built, Path(__file__).with_name("main.go")], env=environment, check=True, timeout=300)
    return built


@pytest.fixture
def verify(program):
    """Let the program check a bundle or a server; return its exit code and what it said."""

    def run(place, *, key, witnesses=(), quorum=None):
        vkeys = [w if isinstance(w, str) else w.vkey(note.COSIGNATURE_V1) for w in witnesses]
        quorum = len(vkeys) if quorum is None else quorum
        call = [program, "-key", key, "-quorum", str(quorum), *(part for vkey in vkeys for part in ("-witness", vkey)), str(place)]
        done = subprocess.run(call, capture_output=True, text=True, check=False, timeout=300)
        print(done.stdout + done.stderr, end="")
        return done.returncode, done.stdout + done.stderr

    return run
