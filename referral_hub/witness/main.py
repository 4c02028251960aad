"""The witness's commands: `keygen`, `serve`, `pull`, `refusals`. They need this package, `cryptography` and a file; no hub."""

from __future__ import annotations

import argparse
import contextlib
import json
import signal
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from referral_hub import errors
from referral_hub.audit import wire
from referral_hub.witness import keys, pull
from referral_hub.witness.cosigning import Witness
from referral_hub.witness.memory import Memory
from referral_hub.witness.server import WitnessServer

if TYPE_CHECKING:
    from collections.abc import Sequence

GOOD, EVIDENCE, USAGE, UNREACHED = 0, 1, 2, 4


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code: 0 done, 1 the log showed a fork, 2 usage, 4 the log was not reached."""
    given = _parser().parse_args(argv)
    try:
        code: int = given.run(given)
    except errors.HubError as failure:
        facts = ", ".join(f"{name} {value}" for name, value in failure.facts.items())
        _say(f"{failure.code}{': ' if facts else ''}{facts}", error=True)
        return UNREACHED if isinstance(failure, wire.Unanswered | errors.Unavailable) else USAGE
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="referral-hub witness", description="A witness of an access log: signs that it only grew.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    new = commands.add_parser("keygen", help="make a key file and print the verifier key")
    new.add_argument("name", metavar="NAME", help="name of the key: an address without scheme, e.g. witness.lbh.example/hub")
    new.add_argument("--key", type=Path, required=True, metavar="FILE")
    new.add_argument("--ml-dsa", action="store_true", help="a second, quantum-safe key of type ML-DSA-44 beside the Ed25519 key")
    new.set_defaults(run=_keygen)
    serve = _at_work(commands, "serve", "answer add-checkpoint over HTTP")
    serve.add_argument("--listen", default="127.0.0.1:8731", metavar="HOST:PORT")
    serve.set_defaults(run=_serve)
    fetch = _at_work(commands, "pull", "fetch the log's checkpoint, cosign it, bring the cosignature back")
    fetch.add_argument("--from", dest="log_url", required=True, metavar="URL", help="the log's public address, e.g. https://hub.example/log")
    fetch.add_argument("--every", type=int, metavar="SECONDS", help="go on, once in so many seconds; else once")
    fetch.set_defaults(run=_pull)
    shown = commands.add_parser("refusals", help="print what was refused, one JSON line each")
    shown.add_argument("--state", type=Path, required=True, metavar="FILE")
    shown.set_defaults(run=_refusals)
    return parser


def _at_work(commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, what: str) -> argparse.ArgumentParser:
    made = commands.add_parser(name, help=what)
    made.add_argument("--key", type=Path, required=True, metavar="FILE")
    made.add_argument("--state", type=Path, required=True, metavar="FILE")
    made.add_argument("--log", action="append", required=True, metavar="VKEY", help="verifier key of a log; may be given again")
    return made


def _keygen(given: argparse.Namespace) -> int:
    for vkey in keys.make(given.name, given.key, ml_dsa=given.ml_dsa).vkeys:
        _say(vkey)
    return GOOD


def _witness(given: argparse.Namespace) -> Witness:
    return Witness(keys.load(given.key), Memory(given.state), given.log)


def _serve(given: argparse.Namespace) -> int:
    host, _, port = given.listen.rpartition(":")
    try:
        server = WitnessServer((host.strip("[]") or "127.0.0.1", int(port)), _witness(given))
    except (OSError, ValueError, OverflowError) as wrong:
        raise errors.BadSettings(name="listen") from wrong
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    with server:
        _say(f"listening on {server.server_address[0]!s}:{server.server_address[1]}")
        with contextlib.suppress(KeyboardInterrupt):
            server.serve_forever()
    return GOOD


def _pull(given: argparse.Namespace) -> int:
    witness = _witness(given)
    while True:
        code = _visit(witness, given.log_url, go_on=bool(given.every))
        if not given.every:
            return code
        time.sleep(given.every)


def _visit(witness: Witness, log_url: str, *, go_on: bool) -> int:
    try:
        pulled = pull.visit(witness, log_url=log_url, now=int(time.time()))
    except wire.Unanswered as failure:
        if not go_on:
            raise
        _say(f"{failure.code}: {failure.reason}", error=True)
        return UNREACHED
    _say(json.dumps(asdict(pulled)), error=pulled.outcome != "cosigned")
    return GOOD if pulled.outcome == "cosigned" else EVIDENCE


def _refusals(given: argparse.Namespace) -> int:
    found = Memory(given.state).refusals()
    for refusal in found:
        _say(json.dumps(asdict(refusal), ensure_ascii=False))
    return EVIDENCE if found else GOOD


def _say(text: str, *, error: bool = False) -> None:
    print(text, file=sys.stderr if error else sys.stdout, flush=True)


