"""The command: exit codes, both languages, JSON, and that it needs nothing of the hub, installed or not."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from referral_hub.verifier.findings import EXITS
from referral_hub.verifier.main import main
from referral_hub.verifier.words import LANGUAGES, VERDICT_WORDS, WORDS
from tests.verifier.making import policy, zipped

ROOT = Path(__file__).resolve().parents[2]
BLOCKED = """
import sys
class Blocker:
    def find_spec(self, name, *_):
        if name.split(".")[0] in {"sqlalchemy", "flask", "psycopg", "yaml", "click", "werkzeug", "cedarpy", "jinja2", "marshmallow", "babel"}:
            raise ImportError(f"{name} is not here")
sys.meta_path.insert(0, Blocker())
from referral_hub.verifier.main import main
code = main(sys.argv[1:])
strange = sorted(name for name in sys.modules if name.startswith("referral_hub.") and name.split(".")[1] not in {"audit", "vault", "verifier", "errors"})
assert not strange, strange
sys.exit(code)
"""


@pytest.fixture
def bundle(log, tmp_path):
    return zipped(tmp_path / "bundle.zip", log.whole(300)), policy(tmp_path)


def run(capsys, *words):
    code = main([str(word) for word in words])
    return code, capsys.readouterr().out


def test_a_good_bundle_in_both_languages(bundle, capsys):
    code, out = run(capsys, bundle[0], "--policy", bundle[1])
    assert code == 0
    assert out.splitlines()[0] == "Utuh: 300 entri dari hub.rujukan.test/log, terbukti sampai 300."
    assert "Intact: 300 entries of hub.rujukan.test/log, proven up to 300." in out
    assert "  witness w1 2026-11-02T01:30:07Z" in out
    assert "Utuh" not in run(capsys, bundle[0], "--policy", bundle[1], "--language", "en")[1]


def test_findings_name_entry_and_consequence(log, tmp_path, capsys):
    files = log.whole(300)
    name = "tile/entries/001.p/44"
    path = zipped(tmp_path / "changed.zip", files | {name: files[name].replace(b'"r-299"', b'"r-298"')})
    code, out = run(capsys, path, "--policy", policy(tmp_path))
    assert code == 1
    assert "entry_changed: Entri 299 bukan lagi entri yang dicatat. Apa yang dikatakannya tentang akses itu tidak dapat dipercaya." in out
    assert "entry_changed: Entry 299 is no longer what was logged. What it says about that access cannot be relied on." in out


def test_json_for_programs(log, tmp_path, capsys):
    path = zipped(tmp_path / "lonely.zip", log.whole(300, witnesses=[]))
    code, out = run(capsys, path, "--policy", policy(tmp_path), "--json")
    told = json.loads(out)
    assert (code, told["exit"], told["verdict"]) == (3, 3, "no_quorum")
    (finding,) = told["findings"]
    assert finding["code"] == "quorum_not_met"
    assert finding["id"].startswith("Hanya 0 dari 3")
    assert told["facts"]["size"] == 300


def test_wrong_use(capsys):
    for words in ([], ["bundle"], ["bundle", "--policy"], ["bundle", "--unknown"]):
        with pytest.raises(SystemExit) as stopped:
            main(words)
        assert stopped.value.code == 2
    capsys.readouterr()


def test_every_code_has_its_words_and_every_word_its_code():
    assert set(WORDS) == set(EXITS)
    assert all(len(texts) == len(LANGUAGES) and all(texts) for texts in (*WORDS.values(), *VERDICT_WORDS.values()))
    assert all(text[0].lower() != text[0] and text.endswith(".") for texts in WORDS.values() for text in texts)


def test_it_loads_nothing_of_the_hub(bundle):
    words = [sys.executable, "-c", BLOCKED, str(bundle[0]), "--policy", str(bundle[1]), "--json"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False, cwd=ROOT)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_hubs_own_command_is_the_same(bundle):
    words = [sys.executable, "-m", "referral_hub", "audit", "verify", str(bundle[0]), "--policy", str(bundle[1]), "--language", "en"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False, cwd=ROOT)
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "Intact: 300 entries of hub.rujukan.test/log, proven up to 300.")


@pytest.mark.slow
def test_it_installs_alone(bundle, tmp_path):
    """Verifier and witness from their own pyproject, into an empty folder; then with nothing else of the hub in reach."""
    shutil.copytree(ROOT / "referral_hub", tmp_path / "src" / "referral_hub", ignore=shutil.ignore_patterns("__pycache__", "web", "build"))
    target = tmp_path / "alone"
    words = ["pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check", "--target", target]
    built = subprocess.run([sys.executable, "-m", *words, tmp_path / "src/referral_hub/verifier"], capture_output=True, text=True, timeout=110, check=False)
    assert built.returncode == 0, built.stderr
    there = {path.parent.name if path.name == "__init__.py" else path.stem for path in (target / "referral_hub" / "audit").glob("*.py")}
    assert "append" not in there
    assert "records" not in there
    for module, more in (("verifier", [bundle[0], "--policy", bundle[1]]), ("witness", ["keygen", "w.test/1", "--key", tmp_path / "key"])):
        words = [sys.executable, "-m", f"referral_hub.{module}", *more]
        done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(target)})
        assert done.returncode == 0, done.stderr
