"""What a person does on the pages, step by step, in the words of either language."""

from __future__ import annotations

from tests.browser.colleague import number_of

WORDS = {
    "id": {
        "save": "Simpan", "new_file": "Berkas baru", "new_referral": "Rujukan baru", "find": "Cari penerima", "choose": "Pilih", "go_on": "Simpan dan lanjut",
        "to_consent": "Simpan, lanjut ke persetujuan", "answer": "Simpan jawaban", "send": "Kirim rujukan", "open": "Buka pratinjau", "accept": "Terima rujukan",
        "start": "Mulai layanan", "progress": "Catat perkembangan", "complete": "Selesaikan", "decline": "Tolak rujukan", "withdraw": "Batalkan",
    },
    "en": {
        "save": "Save", "new_file": "New file", "new_referral": "New referral", "find": "Find a recipient", "choose": "Choose", "go_on": "Save and go on",
        "to_consent": "Save, go on to consent", "answer": "Save the answer", "send": "Send referral", "open": "Open preview", "accept": "Accept referral",
        "start": "Start service", "progress": "Record progress", "complete": "Complete", "decline": "Decline referral", "withdraw": "Withdraw",
    },
}  # fmt: skip


def save_section(worker, code, section, fill, *, words):
    """Fill one section of the own file: texts by field, ticks as field: [values]."""
    worker.go(f"/kasus/{code}/bagian/{section}/ubah")
    for field, value in fill.items():
        for one in value if isinstance(value, list) else ():
            worker.page.check(f"input[name='{section}.{field}'][value='{one}']")
        if not isinstance(value, list):
            worker.page.fill(f"[name='{section}.{field}']", value)
    worker.press(words["save"])
    assert worker.page.locator(".errors").count() == 0, worker.text


def file_of(worker, mark, *, words):
    """Open a file and fill profile, safe contact and identity; return its code."""
    worker.go("/kasus").press(words["new_file"])
    code = worker.page.url.rsplit("/", 1)[-1]
    save_section(worker, code, "profile", {"age_band": ["25_44"], "sex": ["P"], "languages": ["id", "su"]}, words=words)
    contact = {"method": ["companion"], "contact_allowed": ["yes"], "phone_shared": ["yes"], "must_not_know": f"keluarga {mark}", "code_word_ok": f"melati {mark}"}
    save_section(worker, code, "safe_contact", contact, words=words)
    save_section(worker, code, "identity", {"full_name": f"Penyintas {mark}", "nik": number_of(mark)}, words=words)
    return code


def prepare(worker, code, *, agency, service, urgency="normal", words):
    """Prepare a referral from a file up to the last page; return its number."""
    worker.go(f"/kasus/{code}").follow(words["new_referral"])
    worker.page.select_option("select[name=layanan]", label=service)
    worker.page.check(f"input[name=urgensi][value={urgency}]")
    worker.press(words["find"])
    worker.page.click(f"li.card:has(h2:has-text('{agency}')) button")
    worker.page.wait_for_load_state()
    number = worker.page.url.split("/")[-2]
    worker.go(f"/rujukan/{number}/draf/kebutuhan")
    worker.page.fill("[name='meta.purpose']", "Pemeriksaan dan perawatan.")
    worker.page.fill("[name='needs.wishes']", "Ditemani petugas perempuan.")
    worker.press(words["go_on"])
    worker.go(f"/rujukan/{number}/draf/isi").press(words["to_consent"])
    worker.page.check("input[name=answer][value=yes]")
    worker.page.check("input[name=method][value=written]")
    worker.page.check("input[name=copy_given] >> nth=0")
    worker.press(words["answer"])
    worker.go(f"/rujukan/{number}/draf/periksa")
    if worker.page.query_selector("[name='safety.blocked_people']"):
        worker.page.fill("[name='safety.blocked_people']", "tidak ada")
        worker.press(words["save"])
    return number


def send(worker, code_of_recipient, *, words):
    """Tick, type the recipient's code where it is asked, and send."""
    worker.page.check("input[name=read_block]")
    if worker.page.query_selector("[name=confirm_recipient]"):
        worker.page.fill("[name=confirm_recipient]", code_of_recipient)
    worker.press(words["send"])
