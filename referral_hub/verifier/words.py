"""What a finding means, in Indonesian and in English: what was found, which entry, and what follows from it.

Two sentences for each code in each language. Places in braces are the finding's facts; `{entry}` is the index of the entry.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from referral_hub.verifier.findings import Finding, Report

LANGUAGES = ("id", "en")

WORDS: dict[str, tuple[str, str]] = {
    "file_missing": (
        "Berkas {file} tidak ada atau tidak dapat dibaca. Pemeriksaan tidak dilakukan.",
        "The file {file} is not there or cannot be read. Nothing was checked.",
    ),
    "bundle_unreadable": (
        "Berkas ini bukan paket bukti. Pemeriksaan tidak dilakukan.",
        "This file is no bundle. Nothing was checked.",
    ),
    "bundle_oversized": (
        "Paket berisi berkas terkompresi atau lebih besar daripada paketnya sendiri{where}. Itu bukan buatan hub; paket tidak dibuka.",
        "The bundle holds compressed files, or more than its own size{where}. The hub makes none such; it was not opened.",
    ),
    "bundle_foreign_file": (
        "Paket berisi berkas asing atau berkas ganda{where}. Itu bukan buatan hub; paket tidak dibuka.",
        "The bundle holds a file that is none of a bundle's, or one twice{where}. The hub makes none such; it was not opened.",
    ),
    "bundle_truncated": (
        "Paket terpotong{where}. Sisanya tidak diperiksa; minta paket itu sekali lagi.",
        "The bundle is cut off{where}. The rest was not checked; ask for it once more.",
    ),
    "file_left_out": (
        "Berkas {file} tidak ada dalam paket. Bagian log itu tidak diperiksa; minta paket yang lengkap.",
        "The file {file} is not in the bundle. That part of the log was not checked; ask for a complete bundle.",
    ),
    "policy_malformed": (
        "Berkas kebijakan tidak dapat dibaca, baris {line} ({part}). Tanpa kunci tepercaya tidak ada yang dapat diperiksa.",
        "The policy file cannot be read, line {line} ({part}). Without keys to trust nothing can be checked.",
    ),
    "policy_unknown_log": (
        "Kebijakan tidak memuat kunci untuk log {log}. Tanpa kunci log itu tidak ada yang dapat diperiksa.",
        "The policy names no key for the log {log}. Without a key of that log nothing can be checked.",
    ),
    "receipts_unreadable": (
        "Tanda terima di {file} tidak dapat dibaca. Tanda terima tidak dicocokkan.",
        "The receipts in {file} cannot be read. Receipts were not compared.",
    ),
    "receipts_no_key": (
        "Kunci tanda terima tidak diberikan (receipt.vkey di {file} atau --receipt-key). Tanda terima tidak dicocokkan.",
        "No receipt key was given (receipt.vkey in {file}, or --receipt-key). Receipts were not compared.",
    ),
    "since_unreadable": (
        "Titik periksa kunjungan terakhir {file} bukan milik log ini atau tidak dapat dibaca. Sambungan tidak diperiksa.",
        "The checkpoint of the last visit {file} is not one of this log, or cannot be read. The extension was not checked.",
    ),
    "checkpoint_malformed": (
        "Titik periksa atau daftar isi paket rusak. Paket ini tidak membuktikan apa pun.",
        "The bundle's checkpoint or manifest is malformed. This bundle proves nothing.",
    ),
    "checkpoint_foreign": (
        "Titik periksa ini milik log {log} atau ukuran lain, bukan milik isi paket ({wanted}). Isi paket tidak terbukti.",
        "The checkpoint is one of the log {log} or of another size, not that of the bundle's contents ({wanted}). The contents are unproven.",
    ),
    "checkpoint_unsigned": (
        "Titik periksa tidak ditandatangani kunci log yang Anda percayai. Isi paket tidak terbukti.",
        "The checkpoint is not signed by a key of the log that you trust. The contents are unproven.",
    ),
    "checkpoint_forged": (
        "Tanda tangan log pada titik periksa tidak sah. Titik periksa ini dipalsukan atau diubah.",
        "The log's signature on the checkpoint does not hold. The checkpoint was forged or changed.",
    ),
    "cosignature_forged": (
        "Tanda tangan saksi {witness} tidak sah. Tanda tangan itu dipalsukan atau titik periksa diubah sesudahnya.",
        "The cosignature of the witness {witness} does not hold. It was forged, or the checkpoint was changed after it.",
    ),
    "entry_changed": (
        "Entri {entry} bukan lagi entri yang dicatat. Apa yang dikatakannya tentang akses itu tidak dapat dipercaya.",
        "Entry {entry} is no longer what was logged. What it says about that access cannot be relied on.",
    ),
    "entry_removed": (
        "Entri {entry} dikeluarkan. Ada akses yang tercatat dan tidak ditunjukkan.",
        "Entry {entry} was taken out. An access was logged and is not shown.",
    ),
    "entry_added": (
        "Entri {entry} disisipkan. Akses itu tidak pernah tercatat di sini.",
        "Entry {entry} was put in. That access was never logged here.",
    ),
    "entry_swapped": (
        "Entri {entry} tidak berada di tempatnya. Urutan kejadian tidak dapat dipercaya.",
        "Entry {entry} is not in its place. The order of events cannot be relied on.",
    ),
    "entry_malformed": (
        "Entri {entry} tidak dapat dibaca (baris {line}). Isinya tidak terbukti.",
        "Entry {entry} cannot be read (line {line}). What it says is unproven.",
    ),
    "entry_misplaced": (
        "Entri {entry} menyatakan dirinya entri {stated}. Hub mencatatnya di tempat yang salah.",
        "Entry {entry} says that it is entry {stated}. The hub logged it in a wrong place.",
    ),
    "entry_foreign_log": (
        "Entri {entry} berasal dari log lain ({log}) tanpa entri yang memulai log baru. Isinya bukan bagian log ini.",
        "Entry {entry} is of another log ({log}), and no entry begins a new one. It is no part of this log.",
    ),
    "entry_foreign_question": (
        "Entri {entry} tidak termasuk yang ditanyakan. Paket berisi lebih daripada yang dinyatakannya.",
        "Entry {entry} does not belong to what was asked. The bundle holds more than it states.",
    ),
    "entry_unproven": (
        "Entri {entry} tidak terdapat dalam log yang ditandatangani. Entri itu diubah atau tidak pernah tercatat.",
        "Entry {entry} does not stand in the signed log. It was changed, or never logged.",
    ),
    "counter_broken": (
        "Penghitung {kind} pada entri {entry} tidak menyambung. Ada entri tentang orang atau lembaga itu yang dilewatkan saat mencatat.",
        "The {kind} counter of entry {entry} does not count on. An entry about that person or agency was passed over when it was logged.",
    ),
    "tile_changed": (
        "Simpul pohon untuk entri {entry} sampai {last} tidak cocok ({file}). Salah satu entri itu atau pohonnya diubah.",
        "The tree's hash over entries {entry} to {last} does not fit ({file}). One of these entries, or the tree, was changed.",
    ),
    "root_contradicted": (
        "Isi paket tidak menghasilkan akar yang ditandatangani untuk {size} entri. Log yang ditunjukkan bukan log yang ditandatangani.",
        "The contents do not give the root that was signed for {size} entries. The log that is shown is not the one that was signed.",
    ),
    "history_rewritten": (
        "Log hari ini tidak memuat log kunjungan terakhir ({size} entri). Riwayat ditulis ulang; hubungi para saksi.",
        "Today's log does not contain that of the last visit ({size} entries). History was rewritten; contact the witnesses.",
    ),
    "history_shorter": (
        "Entri {entry} sampai {last}, yang ada pada kunjungan terakhir, tidak ada lagi. Akses yang tercatat dihapus.",
        "Entries {entry} to {last}, which were there at the last visit, are gone. Logged accesses were deleted.",
    ),
    "history_lost": (
        "Entri {entry} sampai {last} dari log {log} hilang, dan log baru dimulai. Akses itu tidak dapat dibuktikan lagi kecuali dengan tanda terima.",
        "Entries {entry} to {last} of the log {log} were lost, and a new log was begun. Those accesses are no longer provable but by receipts.",
    ),
    "entry_rewritten": (
        "Entri {entry} lain daripada pada kunjungan terakhir. Entri itu ditulis ulang.",
        "Entry {entry} is another than at the last visit. It was rewritten.",
    ),
    "since_forged": (
        "Titik periksa kunjungan terakhir {file} tidak ditandatangani log ini. Sambungan tidak dapat diperiksa dengannya.",
        "The checkpoint of the last visit {file} is not signed by this log. The extension cannot be checked by it.",
    ),
    "since_not_bridged": (
        "Paket tidak membawa bukti sambungan dari {size} entri. Minta paket dengan --since titik periksa Anda.",
        "The bundle brings no proof of extension from {size} entries. Ask for one with --since your checkpoint.",
    ),
    "receipt_contradicted": (
        "Tanda terima untuk entri {entry} ({act}, {time}; {file}) tidak cocok: di tempat itu kini ada entri lain. Akses yang diakui hub dihapus.",
        "The receipt for entry {entry} ({act}, {time}; {file}) does not fit: another entry stands there now. An access that the hub acknowledged was dropped.",
    ),
    "receipt_missing": (
        "Tanda terima untuk entri {entry} ({act}, {time}; {file}) tidak mempunyai entri. Akses yang diakui hub dihapus.",
        "The receipt for entry {entry} ({act}, {time}; {file}) has no entry. An access that the hub acknowledged was dropped.",
    ),
    "receipt_lost": (
        "Entri {entry} ({act}, {time}; {file}) termasuk yang dinyatakan hilang ketika log baru dimulai. Tanda terima ini satu-satunya bukti akses itu.",
        "Entry {entry} ({act}, {time}; {file}) is among those named lost when a new log was begun. This receipt is the only proof of that access.",
    ),
    "entry_left_out": (
        "Entri {entry} (sampai {last}; {missing} entri) tidak ada dalam paket sebelum entri {after}. Minta paket yang lengkap.",
        "Entry {entry} (to {last}; {missing} entries) is not in the bundle before entry {after}. Ask for a complete bundle.",
    ),
    "count_differs": (
        "Paket menyatakan {be_count} entri dan berisi {is_count}. Minta paket yang lengkap.",
        "The bundle states {be_count} entries and holds {is_count}. Ask for a complete bundle.",
    ),
    "quorum_not_met": (
        "Hanya {count} dari {of} saksi menandatangani ({names}). Log ini utuh menurut hub saja; operator masih dapat menulis ulang.",
        "Only {count} of {of} witnesses signed ({names}). The log is intact by the hub's word alone; its operator could still rewrite it.",
    ),
    "clock_backwards": (
        "Pada entri {entry} jam mundur {seconds} detik. Waktu entri di sekitarnya tidak pasti; urutannya tetap.",
        "At entry {entry} the clock went back by {seconds} seconds. Times around it are uncertain; the order stands.",
    ),
    "shard_begins": (
        "Entri {entry} memulai log baru {log} setelah {former}; entri {lost_from} sampai sebelum {lost_until} dinyatakan hilang.",
        "Entry {entry} begins the new log {log} after {former}; entries {lost_from} up to {lost_until} are named as lost.",
    ),
    "member_damaged": (
        "Jumlah periksa berkas {file} tidak cocok. Mungkin rusak dalam perjalanan: ambil paket sekali lagi sebelum menyimpulkan.",
        "The checksum of the file {file} does not hold. It may have been damaged on the way: fetch the bundle once more before you conclude.",
    ),
    "no_witnesses_asked": (
        "Kebijakan Anda tidak meminta saksi. Operator dapat menulis ulang log ini tanpa terlihat di sini.",
        "Your policy asks for no witness. The operator could rewrite this log without it showing here.",
    ),
    "receipt_later": (
        "Tanda terima untuk entri {entry} ({file}) lebih baru daripada titik periksa. Cocokkan dengan paket berikutnya.",
        "The receipt for entry {entry} ({file}) is younger than the checkpoint. Compare it with the next bundle.",
    ),
    "receipt_uncovered": (
        "Entri {entry} dari tanda terima {file} tidak termasuk bagian ini. Cocokkan dengan paket seluruh log.",
        "Entry {entry} of the receipt {file} is not in this part. Compare it with a bundle of the whole log.",
    ),
    "receipt_foreign": (
        "Tanda terima {file} ({number}) dari log atau kunci lain. Tidak dicocokkan.",
        "The receipt {file} ({number}) is of another log or key. It was not compared.",
    ),
    "receipt_invalid": (
        "Tanda terima {file} ({number}) tidak sah. Tidak dicocokkan.",
        "The receipt {file} ({number}) is not valid. It was not compared.",
    ),
    "more_findings": (
        "Masih ada lagi temuan {of}; hanya seratus yang pertama ditunjukkan.",
        "There are more findings {of}; only the first hundred are shown.",
    ),
}

VERDICT_WORDS: dict[str, tuple[str, str]] = {
    "good": ("Utuh: {count} entri dari {origin}, terbukti sampai {size}.", "Intact: {count} entries of {origin}, proven up to {size}."),
    "tampered": ("Bukti perubahan. Simpan paket ini dan hubungi para saksi.", "Evidence of tampering. Keep this bundle and contact the witnesses."),
    "unusable": ("Tidak dapat diperiksa.", "It could not be checked."),
    "no_quorum": ("Belum cukup saksi.", "Not enough witnesses."),
    "incomplete": ("Tidak lengkap.", "Incomplete."),
}


class _Facts(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return "–"


def sentence(finding: Finding, language: str) -> str:
    """Return what a finding means, in `language` ("id" or "en")."""
    known = {"entry": finding.entry} if finding.entry is not None else {}
    where = {"where": f" ({_plain(finding.facts['file'])})" if finding.facts.get("file") else ""}
    facts = _Facts({name: _plain(value) for name, value in {**finding.facts, **known}.items()} | where)
    return WORDS[finding.code][LANGUAGES.index(language)].format_map(facts)


def verdict(report: Report, language: str) -> str:
    """Return what the whole check came to, in a sentence."""
    return VERDICT_WORDS[report.verdict][LANGUAGES.index(language)].format_map(_Facts({k: _plain(v) for k, v in report.facts.items()}))


def _plain(value: object) -> str:
    """Return a fact as text for a terminal: what a bundle says cannot move the cursor or colour the screen."""
    return "".join(c if c.isprintable() else "?" for c in str(value))[:200]
