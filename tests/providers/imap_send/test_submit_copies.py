"""Sending through Postfix and Dovecot: what arrives, and that the sent folder has it exactly once."""

from typing import Any

import pytest

from providers.base import errors
from providers.base.collection import PageRequest, Ref
from providers.base.ports import MessageQuery
from providers.imap.ids import folder_id
from schemas.mail import EmailAddress
from tests.providers.imap_send.conftest import MakeDesk, scripted
from tests.providers.imap_send.desk import Desk, to
from tests.servers.dovecot import Dovecot, User
from tests.servers.scripted_smtp import DROP, ScriptedSmtp


def test_message_arrives_and_is_filed_once(desk: Desk, dovecot: Dovecot) -> None:
    ann, bob, cat = (dovecot.new_user() for _ in range(3))
    email = to(ann.address, cc=[EmailAddress(address=bob.address)], bcc=[EmailAddress(address=cat.address)])
    sent = desk.send(email, message_id="<fixed@example.test>")
    assert (sent.message_id, sent.refused, sent.notes) == ("<fixed@example.test>", {}, ())
    [copy] = desk.folder("Sent")
    assert copy.flags >= {"\\Seen"}
    assert copy.parsed["bcc"] == cat.address
    assert copy.parsed["message-id"] == "<fixed@example.test>"
    assert copy.parsed["from"] == f"Zoë Tester <{desk.user.address}>"
    for user in (ann, bob, cat):
        [arrived] = desk.arrived(user)
        assert arrived.parsed["bcc"] is None
        assert cat.address.encode() not in arrived.source.partition(b"\r\n\r\n")[0].partition(b"From:")[2]
        assert arrived.parsed["message-id"] == "<fixed@example.test>"
        assert arrived.parsed["subject"] == "Grüße"
        assert arrived.parsed.get_content().splitlines() == ["Hello", ".", "..dots"]
    assert sent.id is not None
    assert desk.run(desk.session.messages.get(Ref(sent.id))).internet_message_id == "<fixed@example.test>"


def test_sent_finds_it_by_its_message_id(desk: Desk) -> None:
    sent = desk.send(to(desk.user.address))
    found = desk.run(desk.session.messages.sent(sent.message_id))
    assert found is not None
    assert found.id == sent.id
    assert desk.run(desk.session.messages.sent("<never@example.test>")) is None


@pytest.mark.parametrize("copy_to_sent", [None, True])
def test_copy_that_is_there_already_is_not_made_again(
    copy_to_sent: bool | None, make_desk: MakeDesk, user: User
) -> None:
    with ScriptedSmtp(password=user.password) as smtp:
        desk = make_desk(scripted(smtp), copy_to_sent=copy_to_sent)
        desk.put("Sent", b"Message-ID: <there@example.test>\r\nSubject: x\r\n\r\nfiled by the server\r\n")
        sent = desk.send(to("ann@example.test"), message_id="<there@example.test>")
        assert len(smtp.messages) == 1
    assert len(desk.folder("Sent")) == 1
    assert sent.id is not None


@pytest.mark.parametrize("fields", [{"copy_to_sent": False}, {"brand": "Google"}])
def test_server_that_files_copies_itself_is_left_to_it(fields: dict[str, Any], make_desk: MakeDesk, user: User) -> None:
    with ScriptedSmtp(password=user.password) as smtp:
        desk = make_desk(scripted(smtp), **fields)
        sent = desk.send(to("ann@example.test"))
        assert len(smtp.messages) == 1
    assert (desk.folder("Sent"), sent.id, sent.notes) == ([], None, ())


def test_copy_by_the_server_is_found(make_desk: MakeDesk, user: User) -> None:
    with ScriptedSmtp(password=user.password) as smtp:
        desk = make_desk(scripted(smtp), copy_to_sent=False)
        desk.put("Sent", b"Message-ID: <itself@example.test>\r\nSubject: x\r\n\r\nbody\r\n")
        assert desk.send(to("ann@example.test"), message_id="<itself@example.test>").id is not None


def test_marked_sent_folder_is_used(make_desk: MakeDesk, user: User) -> None:
    with ScriptedSmtp(password=user.password) as smtp:
        desk = make_desk(scripted(smtp), marks={"sent": folder_id("Archive"), "archive": None})
        desk.send(to("ann@example.test"))
    assert (len(desk.folder("Archive")), desk.folder("Sent")) == (1, [])


def test_account_without_sent_folder_gets_one(make_desk: MakeDesk, user: User, dovecot: Dovecot) -> None:
    with ScriptedSmtp(password=user.password) as smtp:
        desk = make_desk(scripted(smtp))
        client = dovecot.client(user)
        client.delete_folder("Sent")
        client.logout()
        assert desk.send(to("ann@example.test")).notes == ()
    assert len(desk.folder("Sent")) == 1


def test_reply_marks_the_message_answered(desk: Desk) -> None:
    desk.put("INBOX", b"Message-ID: <question@example.test>\r\nSubject: ?\r\n\r\nbody\r\n")
    page = desk.run(desk.session.messages.find(None, MessageQuery(), PageRequest()))
    sent = desk.send(to("ann@example.test", in_reply_to="<question@example.test>"), answers=Ref(page.records[0].id))
    assert sent.notes == ()
    assert "\\Answered" in desk.folder("INBOX")[0].flags


def test_answered_message_that_is_gone_is_a_note(desk: Desk) -> None:
    desk.put("INBOX", b"Subject: ?\r\n\r\nbody\r\n")
    page = desk.run(desk.session.messages.find(None, MessageQuery(), PageRequest()))
    client = desk.dovecot.client(desk.user)
    client.select_folder("INBOX")
    client.delete_messages(client.search())
    client.expunge()
    client.logout()
    sent = desk.send(to("ann@example.test"), answers=Ref(page.records[0].id))
    assert len(sent.notes) == 1
    assert "answers" in sent.notes[0]
    assert len(desk.folder("Sent")) == 1


def test_missing_copy_is_a_note_and_no_failure(make_desk: MakeDesk, user: User, dovecot: Dovecot) -> None:
    """Here the password stops to work for IMAP once the message is out."""
    with ScriptedSmtp(password="secret") as smtp:
        stranger = User(user.address, "secret")
        desk = Desk(stranger, dovecot, scripted(smtp), make_desk(scripted(smtp)).session.account.settings)
        sent = desk.send(to("ann@example.test"))
        desk.close()
        assert len(smtp.messages) == 1
    assert sent.id is None
    assert "sent folder" in sent.notes[0]


def test_lost_answer_is_uncertain_and_files_nothing(make_desk: MakeDesk, user: User) -> None:
    with ScriptedSmtp(password=user.password) as smtp:
        smtp.on(".", DROP)
        desk = make_desk(scripted(smtp))
        with pytest.raises(errors.Uncertain):
            desk.send(to("ann@example.test"))
        assert len(smtp.messages) == 1
    assert desk.folder("Sent") == []


def test_refused_recipients_are_reported(desk: Desk, dovecot: Dovecot) -> None:
    ann = dovecot.new_user()
    sent = desk.send(to(ann.address, "refused@example.test"))
    assert list(sent.refused) == ["refused@example.test"]
    assert "No such mailbox here" in sent.refused["refused@example.test"]
    assert len(desk.arrived(ann)) == 1


def test_all_refused_sends_and_files_nothing(desk: Desk) -> None:
    with pytest.raises(errors.Invalid) as caught:
        desk.send(to("refused1@example.test", "refused2@example.test"))
    assert caught.value.path == "to"
    assert desk.folder("Sent") == []


def test_another_from_keeps_the_account_as_envelope_sender(make_desk: MakeDesk, user: User) -> None:
    with ScriptedSmtp(password=user.password) as smtp:
        desk = make_desk(scripted(smtp))
        desk.send(to("ann@example.test", from_=EmailAddress(name="Sales", address="sales@example.test")))
        [message] = smtp.messages
    assert message.sender == user.address
    assert b"From: Sales <sales@example.test>\r\n" in message.data


def test_keywords_are_set_on_the_copy(desk: Desk) -> None:
    desk.send(to("ann@example.test", keywords=["Blue"]))
    assert desk.folder("Sent")[0].flags >= {"\\Seen", "Blue"}


def test_bad_keyword_sends_nothing(make_desk: MakeDesk, user: User) -> None:
    with ScriptedSmtp(password=user.password) as smtp:
        with pytest.raises(errors.Invalid) as caught:
            make_desk(scripted(smtp)).send(to("ann@example.test", keywords=["Blue", "two words"]))
        assert smtp.messages == []
    assert caught.value.path == "keywords.1"


def test_no_recipients(desk: Desk) -> None:
    with pytest.raises(errors.Invalid, match="no recipients") as caught:
        desk.send(to())
    assert caught.value.path == "to"


def test_two_hundred_recipients(make_desk: MakeDesk, user: User) -> None:
    everybody = [f"r{number}@example.test" for number in range(200)]
    with ScriptedSmtp(password=user.password) as smtp:
        make_desk(scripted(smtp)).send(to(*everybody))
        assert smtp.messages[0].recipients == everybody


def test_account_without_smtp_cannot_send(make_desk: MakeDesk) -> None:
    with pytest.raises(errors.Unsupported):
        make_desk(None).send(to("ann@example.test"))
