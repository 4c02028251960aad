"""The commands in processes of their own, and that nothing of the hub is loaded for them."""

import json
import os
import re
import signal
import stat
import subprocess
import sys
from contextlib import contextmanager

import pytest

from referral_hub import errors
from referral_hub.audit import note, wire
from referral_hub.witness import keys, main
from tests.witness.logs import KEY, GrownLog

PROGRAM = [sys.executable, "-m", "referral_hub", "witness"]
LOG = GrownLog(20)


def run(*words):
    return subprocess.run([*PROGRAM, *map(str, words)], capture_output=True, text=True, timeout=60, check=False)


@contextmanager
def served(folder, *more):
    words = ["serve", "--key", folder / "key", "--state", folder / "state", "--log", KEY.vkey(), "--listen", "127.0.0.1:0", *more]
    with subprocess.Popen([*PROGRAM, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        line = process.stdout.readline()
        yield "http://" + re.search(r"127\.0\.0\.1:\d+", line)[0], process
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0


def test_a_witness_from_its_key_to_its_first_cosignature(tmp_path):
    made = run("keygen", "witness.test/w1", "--key", tmp_path / "key", "--ml-dsa")
    assert made.returncode == 0
    ed25519, ml_dsa = made.stdout.split()
    assert [note.parse_vkey(v).kind for v in (ed25519, ml_dsa)] == [note.COSIGNATURE_V1, note.ML_DSA_44]
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o400
    assert run("keygen", "witness.test/w1", "--key", tmp_path / "key").returncode == 2
    with served(tmp_path) as (url, _):
        answer = wire.exchange(f"{url}/add-checkpoint", body=LOG.body(0, 5))
        assert answer.status == 200
        assert len(note.open_note(LOG.note(5) + answer.body.decode(), [ed25519, ml_dsa]).signatures) == 2
        assert wire.exchange(f"{url}/add-checkpoint", body=GrownLog(9, fork=2).body(5)).status == 422
    shown = run("refusals", "--state", tmp_path / "state")
    assert shown.returncode == 1
    assert json.loads(shown.stdout)["status"] == 422


def test_what_was_cosigned_outlives_a_killed_process(tmp_path):
    keys.make("witness.test/w1", tmp_path / "key")
    with served(tmp_path) as (url, process):
        assert wire.exchange(f"{url}/add-checkpoint", body=LOG.body(0, 12)).status == 200
        os.kill(process.pid, signal.SIGKILL)
        process.wait(timeout=20)
        process.returncode = 0  # it was told to die
    with served(tmp_path) as (url, _):
        assert wire.exchange(f"{url}/add-checkpoint", body=LOG.body(0, 5)).body == b"12\n"


@pytest.mark.parametrize(
    "words",
    [("serve", "--key", "{}/none", "--state", "{}/s", "--log", KEY.vkey()), ("serve", "--key", "{}/key", "--state", "{}/s", "--log", "no-key"),
     ("serve", "--key", "{}/key", "--state", "{}/s", "--log", KEY.vkey(), "--listen", "nowhere"),
     ("serve", "--key", "{}/key", "--state", "{}/key/s", "--log", KEY.vkey()), ("keygen", "no name", "--key", "{}/other")],
)  # fmt: skip
def test_wrong_use_is_told_in_a_line(tmp_path, capsys, words):
    keys.make("witness.test/w1", tmp_path / "key")
    assert main.main([word.format(tmp_path) for word in words]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "Traceback" not in said


def test_a_log_that_is_not_reached(tmp_path, capsys):
    keys.make("witness.test/w1", tmp_path / "key")
    words = ["pull", "--key", tmp_path / "key", "--state", tmp_path / "s", "--log", KEY.vkey(), "--from", "http://127.0.0.1:9/log"]
    assert main.main([str(word) for word in words]) == 4
    assert "unreachable" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "witness w\n", "key w\ned25519 AA==\n", "witness w\ned25519 AA==\n", "witness w\nrsa AA==\n", "witness w\ned25519\n", "witness w\ned25519 %%\n"])
def test_what_is_no_key_file(tmp_path, text):
    (tmp_path / "key").write_text(text, encoding="utf-8")
    with pytest.raises(errors.BadSettings):
        keys.load(tmp_path / "key")


def test_keys_are_never_shown(tmp_path):
    made = keys.make("witness.test/w1", tmp_path / "key")
    assert "seed" not in repr(made)


BLOCKED = """
import sys
class Blocker:
    def find_spec(self, name, *_):
        if name.split(".")[0] in {"sqlalchemy", "flask", "psycopg", "yaml", "click", "werkzeug", "cedarpy"}:
            raise ImportError(f"{name} is not here")
sys.meta_path.insert(0, Blocker())
from referral_hub.witness.main import main
sys.exit(main(sys.argv[1:]))
"""


def test_a_witness_needs_nothing_of_the_hub(tmp_path):
    words = [sys.executable, "-c", BLOCKED, "keygen", "witness.test/w1", "--key", str(tmp_path / "key")]
    made = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert (made.returncode, made.stderr) == (0, "")
