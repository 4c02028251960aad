"""Policy files (C2SP tlog-policy): the example of the specification, every rule of its text, and quorums."""

import pytest

from referral_hub.audit import note, policy
from referral_hub.audit.note import Signer

LOG = Signer("hub.rujukan.test/log", bytes([9]) * 32)


def seed(number):
    return Signer(f"witness.test/{number}", bytes([number]) * 32)


def vkey(number, kind=note.COSIGNATURE_V1):
    return seed(number).vkey(kind)


X = "".join(f"witness X{i} {vkey(i)} http://x{i}.test\n" for i in (1, 2, 3))
Y = "".join(f"witness Y{i} {vkey(10 + i)}\n" for i in (1, 2, 3))
GROUPS = "group X-witnesses 2 X1 X2 X3\ngroup Y-witnesses any Y1 Y2 Y3\n\ngroup X-and-Y all X-witnesses Y-witnesses\n"
EXAMPLE = f"log {LOG.vkey()} https://hub.test/log\n\n# a comment\n \t # another\n{X}{Y}{GROUPS}quorum X-and-Y\n"


def read(text):
    return policy.parse(text.encode() if isinstance(text, str) else text)


def identities(*numbers):
    return {note.parse_vkey(vkey(n)).identity for n in numbers}


def test_the_example_of_the_specification():
    found = read(EXAMPLE)
    assert [log.url for log in found.logs] == ["https://hub.test/log"]
    assert found.log_vkeys(LOG.name) == [LOG.vkey()]
    assert found.log_vkeys("another.test/log") == []
    assert [(w.name, w.url) for w in found.witnesses[:4]] == [("X1", "http://x1.test"), ("X2", "http://x2.test"), ("X3", "http://x3.test"), ("Y1", "")]
    assert found.quorum == "X-and-Y"


@pytest.mark.parametrize(
    ("signed", "met"),
    [((1, 2, 11), True), ((1, 3, 13), True), ((1, 2, 3), False), ((1, 11, 12, 13), False), ((), False), ((1, 2, 3, 11, 12, 13), True)],
)
def test_a_quorum_of_groups(signed, met):
    assert read(EXAMPLE).is_met(identities(*signed)) is met


def test_a_quorum_of_one_witness_and_of_none():
    assert read(f"witness A {vkey(1)}\nquorum A\n").is_met(identities(1))
    assert not read(f"witness A {vkey(1)}\nquorum A\n").is_met(set())
    assert read("quorum none\n").is_met(set())


def test_a_witness_counts_once_whatever_else_signed():
    found = read(f"witness A {vkey(1)}\nwitness B {vkey(2, note.ML_DSA_44)}\ngroup both 2 A B\nquorum both")
    assert not found.is_met(identities(1, 2, 3))
    assert found.is_met(identities(1) | {note.parse_vkey(vkey(2, note.ML_DSA_44)).identity})


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [
        ("", 0, "quorum"),
        (f"witness A {vkey(1)}\n", 0, "quorum"),
        ("quorum none\nquorum none\n", 2, "quorum"),
        ("quorum A\n", 1, "undefined_name"),
        (f"quorum A\nwitness A {vkey(1)}\n", 1, "undefined_name"),
        (f"witness A {vkey(1)}\nwitness A {vkey(2)}\nquorum A\n", 2, "duplicate_name"),
        (f"witness none {vkey(1)}\nquorum none\n", 1, "duplicate_name"),
        (f"witness A {vkey(1)}\nwitness B {vkey(1)}\nquorum A\n", 2, "duplicate_key"),
        (f"log {LOG.vkey()}\nlog {LOG.vkey()}\nquorum none\n", 2, "duplicate_key"),
        (f"log {vkey(1)}\nquorum none\n", 1, "key_type"),
        (f"witness A {vkey(1, note.ED25519)}\nquorum A\n", 1, "key_type"),
        ("witness A not-a-key\nquorum A\n", 1, "key"),
        (f"witness A {vkey(1)}\ngroup g 2 A\nquorum g\n", 2, "threshold"),
        (f"witness A {vkey(1)}\ngroup g 0 A\nquorum g\n", 2, "threshold"),
        (f"witness A {vkey(1)}\ngroup g most A\nquorum g\n", 2, "threshold"),
        (f"witness A {vkey(1)}\ngroup g any A A\nquorum g\n", 2, "duplicate_member"),
        (f"witness A {vkey(1)}\ngroup g any A\ngroup h any A\nquorum g\n", 3, "duplicate_member"),
        (f"witness A {vkey(1)}\ngroup g any none\nquorum g\n", 2, "undefined_name"),
        (f"witness A {vkey(1)}\ngroup g any\nquorum g\n", 2, "group"),
        ("trust me\nquorum none\n", 1, "keyword"),
        ("quorum none extra\n", 1, "quorum"),
        ("quorum\u0001 none\n", 0, "characters"),
        ("quorum none\r\n", 0, "characters"),
    ],
)  # fmt: skip
def test_what_is_no_policy_is_named_by_line_and_part(text, line, part):
    with pytest.raises(policy.BadPolicy) as failure:
        read(text)
    assert failure.value.facts == {"line": line, "part": part}


def test_names_are_bytes_without_meaning():
    """A Kelvin sign is no K, and bytes that are no UTF-8 are names too."""
    assert read(f"witness K {vkey(1)}\nwitness \u212a {vkey(2)}\nquorum \u212a\n").is_met(identities(2))
    assert read(b"witness \xff " + vkey(1).encode() + b"\nquorum \xff\n").is_met(identities(1))
