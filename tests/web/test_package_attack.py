"""Random forms against step 4: whatever they name, the draft keeps nothing that may not be shared, and each is one entry."""

import re
from uuid import uuid4

from hypothesis import given, settings
from hypothesis import strategies as st

from referral_hub.cases import actions as cases
from tests.referrals.test_whole_package import form, is_tickable, is_usual

SERVICE = "legal_consult"
MARKED = "Alasan yang hanya untuk lembaga sendiri."
NAMES = sorted(form())
ODD = ["", ".", "identity", "identity.", ".nik", "soul.body", "identity.nik.x", "IDENTITY.NIK", "identity.nik ", "choice.reason", "preview.sex", "consent", "further.medical", "\x00", "%00", "../identity.nik", "identity.nik'--"]
names = st.sampled_from(NAMES) | st.sampled_from([n for n in NAMES if is_usual("legal", SERVICE, n)]) | st.sampled_from(ODD)
bodies = st.fixed_dictionaries(
    {"fields": st.lists(names, max_size=6).flatmap(lambda some: st.just(some) | st.just(some * 2))},
    optional={
        "reason": st.sampled_from(["", " ", "–", MARKED, "x" * 2001]),
        "further": st.lists(names, max_size=2), "choice": st.sampled_from(["{}", "identity.nik"]), "consent_id": st.just(str(uuid4())),
        "version": st.sampled_from(["0", "-1", "1e3", "", "999999999999"]), "act_id": st.sampled_from(["", "x"]),
    },
)  # fmt: skip
usual_bodies = st.fixed_dictionaries({  # what a worker sends, so that some of it is kept
    "fields": st.lists(st.sampled_from([n for n in NAMES if is_tickable("legal", SERVICE, n) and not n.startswith("consent.")]), max_size=8),
    "reason": st.sampled_from(["", MARKED, MARKED]),
})  # fmt: skip


def may_be_kept(name, reason):
    said = any(map(str.isalnum, reason))
    return name in form() and (is_usual("legal", SERVICE, name) or (said and not name.startswith("consent.") and is_tickable("legal", SERVICE, name)))


def test_no_form_keeps_what_may_not_be_shared(stage, entries):
    story = stage.story()
    case = story.open_file()
    story.at(story.sari).do(cases.edit_section, case_id=case.id, section="medical", values={"injuries": "Memar."}, version=0)
    story.draft(case=case)
    path = f"/rujukan/{stage.number(story)}/draf/isi"
    reached = {"kept": 0, "refused": 0, "more": 0}

    def saved():
        if "choice" not in story.at(story.sari).ask("draft", referral_id=story.id).parts:
            return None
        return dict(story.at(story.sari).read("draft", parts=("choice",)).sections[0].fields)

    @settings(max_examples=30)
    @given(body=bodies | usual_bodies)
    def holds(body):
        before, version = saved(), story.row().version
        data = {"act_id": str(uuid4()), "version": str(version)} | body
        page = stage.sari.browser.post(path, data, follow=False)
        entry = entries(1)[0]
        named, reason = set(body["fields"]), body.get("reason", "")
        allowed = all(may_be_kept(name, reason) for name in named) and {"act_id", "version"}.isdisjoint(body) and len(reason.strip()) <= 2000
        assert page.status == 303 if allowed else page.status in {400, 404, 409, 422}, (page.status, body)
        assert (entry.action, entry.outcome) in {("referral.edit", "allow" if allowed else "deny"), ("section.read", "allow")}
        after = saved()
        if not allowed:
            assert (after, story.row().version) == (before, version)
            reached["refused"] += 1
            return
        kept = {f"{section}.{code}" for part in ("fields", "further") for section, codes in after.get(part, {}).items() for code in codes}
        assert kept == named
        assert set(after) <= {"agency", "service", "fields", "further", "reason"}
        assert not re.search("alasan", str(entry), re.IGNORECASE)
        reached["kept"] += 1
        reached["more"] += bool(after.get("further"))

    holds()
    assert min(reached.values()) >= 3, reached
