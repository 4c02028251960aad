"""Messages that both agencies read, and notes that only the own agency can open."""

import pytest

from referral_hub import errors
from referral_hub.referrals import actions
from referral_hub.referrals.threads import note_object
from referral_hub.vault import opening
from referral_hub.vault.grants import GrantKind, ObjectKind
from tests.referrals.story import DAY, HOUR


def write(story, person, message, after=DAY):
    return story.at(person, after).do(actions.send_message, referral_id=story.id, message=message)


def note(story, person, text, after=DAY):
    return story.at(person, after).do(actions.write_note, referral_id=story.id, note=text)


def own(story, person, after=DAY):
    return [n.text for n in story.at(person, after).read("own_notes").notes]


def open_as(story, house, reader):
    """What the vault would do for somebody of another agency, with no policy in front."""
    sealed = opening.gather(
        story.session, member_id=reader.id, agency_id=house.id, object_kind=ObjectKind.NOTE, object_id=note_object(story.id, house.id),
        kind=GrantKind.OWN, now=story.clock,
    )  # fmt: skip
    return opening.unseal(reader.keys.hub, reader.keys.member_key, sealed)


def test_both_agencies_read_the_thread_in_order(story):
    story.started()
    size, version = len(story.entries()), story.version()
    write(story, story.sari, "Ia sudah tenang.", 2 * DAY)
    write(story, story.santi, "Terima kasih.", 3 * DAY)
    story.at(story.santi, 4 * DAY).on("progress", milestone="session_held", note="Sesi pertama.")
    assert [e.action for e in story.entries()[size:]] == ["message.send", "message.send", "referral.progress"]
    assert story.version() == version + 1  # a message changes nothing of the referral
    for person in (story.sari, story.santi):
        read = story.at(person, 5 * DAY).read("notes").notes
        assert [(n.text, n.actor_code) for n in read] == [("Ia sudah tenang.", "PS-01"), ("Terima kasih.", "PS-01"), ("Sesi pertama.", "PS-01")]
        assert [n.event for n in read] == ["", "", "progress"]
        assert story.at(person, 5 * DAY).detail().messages == 2


@pytest.mark.parametrize("message", ["", "  ", "x" * 2001])
def test_a_message_has_words(story, message):
    story.opened()
    failure = story.refused(story.santi, "message.send", lambda: write(story, story.santi, message))
    assert set(failure.fields) == {"message"}


def test_who_may_write(network, story):
    story.opened()
    stranger = network.member(network.agency("klinik", "psychosocial"), "psychologist")
    assert isinstance(story.refused(stranger, "message.send", lambda: write(story, stranger, "Halo.")), errors.NotFound)
    write(story, story.santi, "Boleh saya telepon?")
    story.at(story.santi, DAY).on("decline", reason="duplicate")
    assert story.refused(story.santi, "message.send", lambda: write(story, story.santi, "Halo.", 2 * DAY)).code == "access_ended"
    assert story.refused(story.santi, "message.read", lambda: story.at(story.santi, 2 * DAY).read("notes")).code == "access_ended"


def test_the_other_agency_has_no_key_to_a_note(story):
    story.started()
    note(story, story.sari, "Keluarganya gelisah.")
    note(story, story.santi, "Berkas ada di lemari.")
    note(story, story.santi, "Hubungi pengadilan.", 2 * DAY)
    assert own(story, story.sari) == ["Keluarganya gelisah."]
    assert own(story, story.santi, 3 * DAY) == ["Berkas ada di lemari.", "Hubungi pengadilan."]
    assert story.at(story.santi, 3 * DAY).detail().own_notes == 2
    for house, reader in ((story.uptd, story.santi), (story.lbh, story.sari)):
        with pytest.raises(errors.CannotOpen):
            open_as(story, house, reader)
        story.session.rollback()


def test_own_notes_outlive_the_access(story):
    story.accepted()
    note(story, story.santi, "Berkas ada di lemari.", 3 * HOUR)
    story.at(story.sari, DAY).on("withdraw", reason="need_gone")
    assert own(story, story.santi, 2 * DAY) == ["Berkas ada di lemari."]


def test_where_there_is_no_note_nothing_opens(story):
    story.accepted()
    failure = story.refused(story.santi, "note.read", lambda: own(story, story.santi))
    assert isinstance(failure, errors.NotFound)
