"""Signed notes, dated cosignatures and checkpoints: what opens and what must not."""

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from referral_hub import errors
from referral_hub.audit import checkpoint, note
from referral_hub.vault import signing

SIGNER = note.Signer(name="hub.rujukan.test/log", seed=bytes(range(32)))
STRANGER = note.Signer(name="stranger.test", seed=bytes(32))
TEXT = "hub.rujukan.test/log\n3\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
PLAIN, DATED = SIGNER.vkey(note.ED25519), SIGNER.vkey(note.COSIGNATURE_V1)


def test_a_signed_note_opens_with_the_key_of_its_signer():
    opened = note.open_note(note.sign(TEXT, SIGNER), [PLAIN])
    assert opened.text == TEXT
    assert opened.signatures == (note.Signature(name=SIGNER.name, kind=note.ED25519, timestamp=None),)


def test_a_dated_signature_tells_when():
    opened = note.open_note(note.sign(TEXT, SIGNER, timestamp=1679315147), [PLAIN, DATED])
    assert [s.timestamp for s in opened.signatures] == [None, 1679315147]


def test_the_message_of_a_cosignature_is_that_of_c2sp():
    line = note.signature_line(TEXT, SIGNER, timestamp=1679315147)
    raw = base64.b64decode(line.split(" ")[2])
    assert raw[:4] == note.parse_vkey(DATED).key_id
    assert int.from_bytes(raw[4:12]) == 1679315147
    assert signing.verify(signing.public_of(SIGNER.seed), raw[12:], b"cosignature/v1\ntime 1679315147\n" + TEXT.encode())


def test_signatures_of_strangers_are_passed_over_but_do_not_suffice():
    signed = note.sign(TEXT, SIGNER) + note.signature_line(TEXT, STRANGER)
    assert len(note.open_note(signed, [PLAIN]).signatures) == 1
    with pytest.raises(errors.BadNote):
        note.open_note(note.sign(TEXT, STRANGER), [PLAIN])


def test_every_signature_of_a_known_key_must_hold():
    foreign = note.signature_line("another text\n", SIGNER)
    with pytest.raises(errors.BadNote):
        note.open_note(note.sign(TEXT, SIGNER) + foreign, [PLAIN])


def test_a_plain_signature_does_not_pass_as_a_dated_one():
    """Type and key id keep the two uses of one key apart."""
    signed = note.sign(TEXT, SIGNER)
    with pytest.raises(errors.BadNote):
        note.open_note(signed, [DATED])


@settings(deadline=None)
@given(position=st.integers(0, 10_000), replacement=st.characters())
def test_no_changed_character_passes(position, replacement):
    signed = note.sign(TEXT, SIGNER)
    at = position % len(signed)
    changed = signed[:at] + replacement + signed[at + 1 :]
    if changed != signed:
        try:
            opened = note.open_note(changed, [PLAIN])
        except errors.BadNote:
            return
        assert opened.text == TEXT


@pytest.mark.parametrize(
    "broken",
    ["", "\n", TEXT, TEXT + "\n", note.sign(TEXT, SIGNER)[:-1], note.sign(TEXT, SIGNER) + "\n", note.sign(TEXT, SIGNER).replace("— ", "- "),
     note.sign(TEXT, SIGNER).replace("log\n3", "log\r\n3"), note.sign(TEXT, SIGNER) + "— \n", note.sign(TEXT, SIGNER) + "— a+b Zm9vYmFy\n",
     note.sign(TEXT, SIGNER) + "— a Zm9v\n", note.sign(TEXT, SIGNER) + "— a Zm9vYmE\n", note.sign(TEXT, SIGNER) + "\ud800",
     note.sign(TEXT, SIGNER) + note.signature_line(TEXT, STRANGER) * 100, TEXT + "\n" + "a" * 1_000_001],
)  # fmt: skip
def test_malformed_notes_are_refused(broken):
    with pytest.raises(errors.BadNote):
        note.open_note(broken, [PLAIN])


def test_sixteen_signatures_are_accepted():
    signed = note.sign(TEXT, SIGNER) + "".join(
        note.signature_line(TEXT, note.Signer(name=f"w{i}", seed=bytes([i] * 32))) for i in range(15)
    )
    assert note.open_note(signed, [PLAIN]).text == TEXT


@pytest.mark.parametrize(
    "broken", ["", "a", "a+b", "a b+530d903a+AQ==", "+530d903a+AQ==", PLAIN.replace("hub.", "bub."), PLAIN[:-4], PLAIN + "A", PLAIN + " "]
)
def test_malformed_keys_are_refused(broken):
    with pytest.raises(errors.BadNote):
        note.parse_vkey(broken)


@pytest.mark.parametrize("text", ["no newline", "a\tb\n", "a\x00\n"])
def test_only_clean_text_is_signed(text):
    with pytest.raises(errors.BadNote):
        note.sign(text, SIGNER)


def test_the_seed_is_not_shown():
    assert str(SIGNER.seed) not in repr(SIGNER)
    assert "seed" not in repr(SIGNER)


@settings(deadline=None)
@given(size=st.integers(0, 10**18), root=st.binary(min_size=32, max_size=32))
def test_a_checkpoint_reads_back(size, root):
    tree = checkpoint.Tree(origin="hub.rujukan.test/log", size=size, root=root)
    assert checkpoint.parse(checkpoint.text_of(tree)) == tree


def test_extension_lines_are_allowed():
    assert checkpoint.parse(TEXT + "anything\n").size == 3


@pytest.mark.parametrize("text", ["", "a\n1\n", TEXT[:-1], TEXT.replace("\n3\n", "\n03\n"), TEXT.replace("\n3\n", "\n-3\n"), TEXT.replace("\n3\n", "\n٣\n"),
                                  TEXT.replace("q2I=", "q2J="), TEXT.replace("CsUY", "****"), "a\n1\nZm9v\n", "\n" + TEXT, TEXT + "\n\n"])  # fmt: skip
def test_malformed_checkpoints_are_refused(text):
    with pytest.raises(errors.BadNote):
        checkpoint.parse(text)


POST_QUANTUM = SIGNER.vkey(note.ML_DSA_44)


def test_an_ml_dsa_cosignature_is_over_the_tree_and_the_name():
    line = note.signature_line(TEXT, SIGNER, timestamp=1679315147, kind=note.ML_DSA_44)
    raw = base64.b64decode(line.split(" ")[2])
    assert (len(raw), raw[:4]) == (4 + 8 + 2420, note.parse_vkey(POST_QUANTUM).key_id)
    name, root = SIGNER.name.encode(), base64.b64decode(TEXT.splitlines()[2])
    stamp = (1679315147).to_bytes(8)
    message = b"subtree/v1\n\0" + bytes([len(name)]) + name + stamp + bytes([len(name)]) + name + bytes(8) + (3).to_bytes(8) + root
    assert signing.ml_dsa_verify(signing.ml_dsa_public_of(SIGNER.seed), raw[12:], message)
    opened = note.open_note(note.sign(TEXT, SIGNER) + line, [PLAIN, POST_QUANTUM])
    assert [(s.kind, s.timestamp, s.identity) for s in opened.signatures] == [
        (note.ED25519, None, note.parse_vkey(PLAIN).identity),
        (note.ML_DSA_44, 1679315147, note.parse_vkey(POST_QUANTUM).identity),
    ]
    assert opened.signatures[1].line == line


def test_an_ml_dsa_key_signs_checkpoints_only_and_only_with_a_moment():
    for text, timestamp in (("no checkpoint\n", 1), (TEXT, None)):
        with pytest.raises(errors.BadNote):
            note.signature_line(text, SIGNER, timestamp=timestamp, kind=note.ML_DSA_44)
    changed = note.signature_line(TEXT.replace("\n3\n", "\n4\n"), SIGNER, timestamp=1, kind=note.ML_DSA_44)
    with pytest.raises(errors.BadNote):
        note.open_note(note.sign(TEXT, SIGNER) + changed, [PLAIN, POST_QUANTUM])


def test_a_moment_beyond_the_format_is_refused():
    line = note.signature_line(TEXT, SIGNER, timestamp=2**63)
    with pytest.raises(errors.BadNote):
        note.open_note(note.sign(TEXT, SIGNER) + line, [PLAIN, DATED])
