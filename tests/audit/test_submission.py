"""Request bodies for witnesses, entry bundles and tile names: what the specifications show, and what is none."""

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from referral_hub import errors
from referral_hub.audit import submission, tiles
from referral_hub.audit.submission import Submission

# The example of C2SP tlog-witness; its signatures are not made to be checked here.
CHECKPOINT = """example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
"""
EXAMPLE = f"""old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

{CHECKPOINT}"""


def test_the_example_of_the_specification():
    read = submission.read(EXAMPLE.encode())
    assert (read.old_size, len(read.proof), read.checkpoint) == (20852014, 4, CHECKPOINT)
    assert read.proof[0] == base64.b64decode("PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=")
    assert submission.write(read) == EXAMPLE.encode()


@settings(deadline=None)
@given(st.integers(0, 2**62), st.lists(st.binary(min_size=32, max_size=32), max_size=63))
def test_what_is_written_is_read(old, proof):
    made = Submission(old, tuple(proof), CHECKPOINT)
    assert submission.read(submission.write(made)) == made


HASH = base64.b64encode(bytes(32)).decode()


@pytest.mark.parametrize(
    "raw",
    [b"", b"old 0\n", b"old 0\n\n", b"old 00\n\nx\n", b"old 01\n\nx\n", b"old -1\n\nx\n", b"old  1\n\nx\n", b"old 1 \n\nx\n", b"new 1\n\nx\n", b"\xff\n\nx\n",
     f"old 1\n{HASH[:-4]}\n\nx\n".encode(), f"old 1\n{HASH} \n\nx\n".encode(), ("old 1\n" + f"{HASH}\n" * 64 + "\nx\n").encode(), b"old 1\r\n\nx\n"],
)  # fmt: skip
def test_what_is_no_submission(raw):
    with pytest.raises(errors.BadNote):
        submission.read(raw)


@settings(deadline=None)
@given(st.lists(st.binary(max_size=300), max_size=256))
def test_a_bundle_gives_back_its_entries(entries):
    assert tiles.unpack(tiles.pack(entries)) == entries


@pytest.mark.parametrize("cut", [1, 2, 3, 4])
def test_a_bundle_that_ends_early_is_none(cut):
    with pytest.raises(errors.BadProof):
        tiles.unpack(tiles.pack([b"one", b"two"])[:-cut])


def test_names_of_tiles_and_bundles():
    assert tiles.entries_path(1234067) == "tile/entries/x001/x234/067"
    assert tiles.entries_path(3, 17) == "tile/entries/003.p/17"
    for number, width in ((0, 256), (999, 1), (1000, 255), (1234067, 256), (10**12 - 1, 9)):
        assert tiles.parse_path(tiles.path(0, number, width).removeprefix("tile/0/")) == (number, width)


@pytest.mark.parametrize("place", ["", "1", "0001", "x000/001", "001/002", "x1/001", "001.p/0", "001.p/256", "001.p/01", "001.p/", "../001", "001/", "x001/x234"])
def test_what_is_no_name_of_a_tile(place):
    assert tiles.parse_path(place) is None
