"""The check of a bundle, step by step.

1. The policy: which log keys and witnesses you trust; it comes from you and not from the bundle.
2. The zip: nothing but what a bundle has.
3. The checkpoint: signed by the log's key, for the log that the manifest names; cosigned by a quorum of your witnesses.
4. The entries: each is the one that was signed, in its place, and none is left out (`whole`, `extract`).
5. The last visit: today's log begins with that of then (`since`).
6. Receipts: the log still holds what it gave them for.

What none of this can show: that everything was logged. See docs/threat-model.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from referral_hub import errors
from referral_hub.audit import bundle_form as form
from referral_hub.audit import checkpoint, note, reconcile
from referral_hub.audit import policy as policies
from referral_hub.verifier import since as visits
from referral_hub.verifier import whole
from referral_hub.verifier.archive import Archive
from referral_hub.verifier.extract import Extract
from referral_hub.verifier.findings import Report, Stop

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from referral_hub.audit.bundle_form import Manifest
    from referral_hub.audit.checkpoint import Tree
    from referral_hub.audit.policy import Policy
    from referral_hub.audit.reconcile import Log


@dataclass(frozen=True)
class Question:
    """What is to be checked, and against what: files of the auditor's own beside the bundle."""

    bundle: Path
    policy: Path
    since: Path | None = None
    receipts: Path | None = None
    receipt_keys: Sequence[str] = ()


def check(question: Question) -> Report:
    """Return what the check of a bundle comes to. It raises nothing for whatever the files hold."""
    report = Report()
    try:
        policy = _policy(question.policy, report)
        archive = Archive(question.bundle, report)
        try:
            _check(question, policy, archive, report)
        finally:
            archive.close()
    except Stop:
        pass
    return report


def _check(question: Question, policy: Policy, archive: Archive, report: Report) -> None:
    manifest, tree, signed = _checkpoint(archive, policy, report)
    for name in archive.names():
        if not form.belongs(name, manifest):
            report.add("bundle_foreign_file", file=name)
    earlier = visits.load(question.since, policy, report) if question.since else None
    if manifest.kind == form.WHOLE:
        hashes, former = whole.check(archive, tree, report)
        if manifest.count != tree.size:
            report.add("count_differs", is_count=tree.size, be_count=manifest.count)
        if earlier:
            visits.compare_whole(earlier, tree, hashes, former, report)
        log = reconcile.Log(tree.origin, hashes.size, hashes.leaf, former, is_whole=True, is_live=False)
    else:
        extract = Extract(manifest, tree, signed, report)
        extract.read(archive)
        if earlier:
            visits.compare_extract(earlier, tree, archive, extract.leaves, report)
        log = reconcile.Log(tree.origin, tree.size, extract.leaves.get, {}, is_whole=False, is_live=False)
    if question.receipts:
        _receipts(question.receipts, question.receipt_keys, log, report)


def _policy(path: Path, report: Report) -> Policy:
    try:
        return policies.parse(path.read_bytes())
    except OSError:
        report.add("file_missing", file=str(path))
    except policies.BadPolicy as wrong:
        report.add("policy_malformed", line=wrong.facts["line"], part=wrong.facts["part"])
    raise Stop


def _checkpoint(archive: Archive, policy: Policy, report: Report) -> tuple[Manifest, Tree, str]:
    """Return manifest, signed tree and the checkpoint's text as it stands; signatures are verified against the policy."""
    try:
        manifest = form.read_manifest(archive.read(form.MANIFEST))
        signed = archive.read(form.CHECKPOINT).decode()
        tree = checkpoint.parse(signed.rpartition("\n\n")[0] + "\n")
    except (errors.BadNote, UnicodeDecodeError):
        report.add("checkpoint_malformed")
        for name in (form.MANIFEST, form.CHECKPOINT):
            archive.tell_damage(name)
        raise Stop from None
    report.facts |= {"origin": tree.origin, "size": tree.size, "kind": manifest.kind, "count": manifest.count}
    if (tree.origin, tree.size, tree.root) != (manifest.origin, manifest.size, manifest.root):
        report.add("checkpoint_foreign", log=tree.origin, wanted=manifest.origin)
        archive.tell_damage(form.MANIFEST)
        raise Stop
    vkeys = policy.log_vkeys(tree.origin)
    if not vkeys:
        report.add("policy_unknown_log", log=tree.origin)
        raise Stop
    try:
        note.open_note(signed, vkeys)
    except errors.BadNote as wrong:
        report.add({"unknown_key": "checkpoint_unsigned", "signature": "checkpoint_forged"}.get(str(wrong.facts["part"]), "checkpoint_malformed"))
        archive.tell_damage(form.CHECKPOINT)
        raise Stop from None
    _quorum(signed, policy, report)
    return manifest, tree, signed


def _quorum(signed: str, policy: Policy, report: Report) -> None:
    """Note who cosigned, each by itself: a signature that does not hold is named, and does not hide the others."""
    seen = {}
    for witness in policy.witnesses:
        try:
            opened = note.open_note(signed, [witness.vkey])
            seen[witness.identity] = (witness.name, max(signature.timestamp or 0 for signature in opened.signatures))
        except errors.BadNote as wrong:
            if wrong.facts["part"] != "unknown_key":
                report.add("cosignature_forged", witness=witness.name)
    report.facts["witnesses"] = [{"name": name, "time": moment} for name, moment in seen.values()]
    report.facts["asked"] = [witness.name for witness in policy.witnesses]
    report.facts["quorum"] = policy.is_met(seen)
    if policy.quorum == policies.NONE:
        report.add("no_witnesses_asked")
    elif not policy.is_met(seen):
        report.add("quorum_not_met", count=len(seen), of=len(policy.witnesses), names=", ".join(name for name, _ in seen.values()))


def _receipts(folder: Path, keys: Sequence[str], log: Log, report: Report) -> None:
    try:
        held = reconcile.read_folder(folder)
        vkeys = [*keys, *reconcile.key_in(folder)]
        for vkey in vkeys:
            note.parse_vkey(vkey)
        compared = reconcile.compare(held, log, vkeys) if vkeys else []
    except (errors.BadSettings, errors.BadNote, OSError):
        report.add("receipts_unreadable", file=str(folder))
        return
    if not vkeys:
        report.add("receipts_no_key", file=str(folder))
        return
    report.facts["receipts"] = {"count": len(held), "held": sum(not one.code for one in compared)}
    for one in compared:
        if one.code:
            facts = {"file": one.held.file, "number": one.held.number}
            told = {"act": one.receipt.action, "time": one.receipt.occurred_at.isoformat()} if one.receipt else {}
            report.add(one.code, one.receipt.index if one.receipt else None, **facts, **told)
