import pytest

from referral_hub.verifier.check import Question, check
from referral_hub.verifier.words import LANGUAGES, sentence, verdict
from tests.verifier.making import MadeLog, policy, zipped


@pytest.fixture(scope="session")
def log():
    """A log of 600 entries: two full tiles and a partial one."""
    return MadeLog(600)


@pytest.fixture
def verify(tmp_path):
    """Check the files of a bundle; return exit code and findings as (code, entry). Every finding has its two sentences."""

    def run(files, **options):
        path = files if not isinstance(files, dict) else zipped(tmp_path / "bundle.zip", files)
        report = check(Question(path, options.pop("policy", None) or policy(tmp_path), **options))
        for language in LANGUAGES:
            assert verdict(report, language)
            for finding in report.findings:
                text = sentence(finding, language)
                assert "{" not in text
                if finding.entry is not None:
                    assert str(finding.entry) in text
        run.report = report
        return report.exit_code, [(finding.code, finding.entry) for finding in report.findings]

    return run
