"""Drafts on Dovecot and Postfix: stored, replaced, removed, sent; also those that other programs stored."""

import base64
from collections.abc import Sequence

import pytest

from providers.base import errors
from providers.base.collection import PageRequest, Ref
from providers.base.ports import MessageQuery, MessageView
from providers.imap.ids import folder_id
from schemas.mail import BodyType, EmailAddress, EmailDraft
from schemas.outgoing import OutgoingEmail, OutgoingEmailAttachment
from tests.providers.imap_send.conftest import MakeDesk, scripted
from tests.providers.imap_send.desk import Desk, outgoing, to
from tests.servers.dovecot import Dovecot, User
from tests.servers.scripted_smtp import DROP, ScriptedSmtp

ANN = "ann@example.test"


def create(desk: Desk, email: OutgoingEmail, message_id: str | None = None) -> EmailDraft:
    return desk.run(desk.session.drafts.create(None, outgoing(email, message_id=message_id)))


def stored(desk: Desk, source: bytes, folder: str = "Drafts", flags: Sequence[str] = ("\\Draft",)) -> Ref:
    """A draft by another program."""
    desk.put(folder, source, flags)
    page = desk.run(desk.session.messages.find(folder_id(folder), MessageQuery(), PageRequest()))
    return Ref(page.records[0].id)


def test_created_draft_is_kept_whole(desk: Desk) -> None:
    email = to(ANN, bcc=[EmailAddress(address="cat@example.test")], keywords=["Blue"], subject="Plän")
    draft = create(desk, email, "<draft@example.test>")
    [found] = desk.folder("Drafts")
    assert found.flags >= {"\\Draft", "\\Seen", "Blue"}
    assert found.parsed["bcc"] == "cat@example.test"
    assert draft.message.subject == "Plän"
    read = desk.run(desk.session.drafts.get(Ref(draft.id), MessageView(body_type=BodyType.TEXT)))
    assert read.id == draft.id == read.message.id
    assert (read.message.body or "").splitlines() == ["Hello", ".", "..dots"]
    assert read.message.internet_message_id == "<draft@example.test>"


def test_draft_without_anything(desk: Desk) -> None:
    draft = create(desk, OutgoingEmail())
    assert draft.message.to in (None, [])
    with pytest.raises(errors.Invalid) as caught:
        desk.run(desk.session.drafts.send(Ref(draft.id), "<given@example.test>"))
    assert caught.value.path == "to"
    assert len(desk.folder("Drafts")) == 1


def test_message_that_is_no_draft(desk: Desk) -> None:
    ref = stored(desk, b"Subject: x\r\nTo: a@b.example\r\n\r\nbody\r\n", "INBOX", ())
    drafts = desk.session.drafts
    for verb in (drafts.get(ref), drafts.delete(ref), drafts.send(ref, "<a@b>"), drafts.update(ref, outgoing(to(ANN)))):
        with pytest.raises(errors.NotFound):
            desk.run(verb)
    assert len(desk.folder("INBOX")) == 1


@pytest.mark.parametrize("ref", ["", "garbage", "AAAA", "ÄÖ"])
def test_ids_that_are_none(ref: str, desk: Desk) -> None:
    drafts = desk.session.drafts
    for verb in (drafts.get(Ref(ref)), drafts.delete(Ref(ref)), drafts.send(Ref(ref), "<a@b>")):
        with pytest.raises(errors.NotFound):
            desk.run(verb)


def test_flagged_draft_in_another_folder_is_one(desk: Desk) -> None:
    ref = stored(desk, b"Subject: x\r\nTo: a@b.example\r\n\r\nbody\r\n", "Archive")
    assert desk.run(desk.session.drafts.get(ref)).message.subject == "x"


def test_replaced_draft_has_another_id(desk: Desk) -> None:
    first = create(desk, to(ANN, subject="one"))
    second = desk.run(desk.session.drafts.update(Ref(first.id), outgoing(to(ANN, subject="two"))))
    assert second.id != first.id
    assert [found.parsed["subject"] for found in desk.folder("Drafts")] == ["two"]
    with pytest.raises(errors.NotFound):
        desk.run(desk.session.drafts.update(Ref(first.id), outgoing(to(ANN))))
    assert len(desk.folder("Drafts")) == 1


def test_deleted_draft_is_gone_for_good(desk: Desk) -> None:
    draft = create(desk, to(ANN))
    other = create(desk, to(ANN))
    desk.run(desk.session.drafts.delete(Ref(draft.id)))
    assert (len(desk.folder("Drafts")), desk.folder("Trash")) == (1, [])
    with pytest.raises(errors.NotFound):
        desk.run(desk.session.drafts.delete(Ref(draft.id)))
    assert desk.run(desk.session.drafts.get(Ref(other.id))).id == other.id


def test_sent_draft_moves_to_sent(desk: Desk, dovecot: Dovecot) -> None:
    ann, cat = dovecot.new_user(), dovecot.new_user()
    picture = OutgoingEmailAttachment(name="a.bin", content=base64.b64encode(bytes(300_000)).decode())
    email = to(ann.address, bcc=[EmailAddress(address=cat.address)], attachments=[picture], keywords=["Blue"])
    draft = create(desk, email, "<kept@example.test>")
    sent = desk.run(desk.session.drafts.send(Ref(draft.id), "<other@example.test>"))
    assert (sent.message_id, sent.notes, sent.refused) == ("<kept@example.test>", (), {})
    assert desk.folder("Drafts") == []
    [copy] = desk.folder("Sent")
    assert copy.flags >= {"\\Seen", "Blue"}
    assert "\\Draft" not in copy.flags
    assert copy.parsed["bcc"] == cat.address
    for user in (ann, cat):
        [arrived] = desk.arrived(user)
        assert arrived.parsed["bcc"] is None
        assert arrived.parsed["message-id"] == "<kept@example.test>"
        [part] = arrived.parsed.iter_attachments()
        assert part.get_content() == bytes(300_000)
    found = desk.run(desk.session.messages.sent("<kept@example.test>"))
    assert found is not None
    assert found.id == sent.id


def test_draft_of_another_program(make_desk: MakeDesk, user: User) -> None:
    """No Message-ID, an old date, no From, a folded Bcc in the middle, a line that is no field."""
    source = (
        b"Date: Mon, 01 Jan 2001 00:00:00 +0000\r\nTo: Ann <ann@example.test>\r\nBCC: cat@example.test,\r\n"
        b"\tdog@example.test\r\nno field at all\r\nX-Kept: yes\r\nSubject: =?utf-8?q?old?=\r\n\r\nbody\r\n.\r\n"
    )
    with ScriptedSmtp(password=user.password) as smtp:
        sender = make_desk(scripted(smtp))
        sent = sender.run(sender.session.drafts.send(stored(sender, source), "<given@example.test>"))
        [message] = smtp.messages
    assert sent.message_id == "<given@example.test>"
    assert message.recipients == ["ann@example.test", "cat@example.test", "dog@example.test"]
    head, _, body = message.data.partition(b"\r\n\r\n")
    assert b"cat@" not in head
    assert b"dog@" not in head
    assert b"no field" not in head
    assert b"2001" not in head
    assert b"Message-ID: <given@example.test>\r\n" in head
    assert b"\r\nX-Kept: yes\r\n" in head
    assert user.address.encode() in head
    assert body == b"body\r\n.\r\n"
    [copy] = sender.folder("Sent")
    assert copy.parsed["bcc"] == "cat@example.test, dog@example.test"
    assert copy.parsed["x-kept"] == "yes"


def test_draft_with_an_address_that_is_none(desk: Desk) -> None:
    ref = stored(desk, b"To: ann@example.test\r\nCc: somebody\r\n\r\nbody\r\n")
    with pytest.raises(errors.Invalid) as caught:
        desk.run(desk.session.drafts.send(ref, "<given@example.test>"))
    assert caught.value.path == "cc"
    assert len(desk.folder("Drafts")) == 1


def test_refused_draft_stays(desk: Desk) -> None:
    draft = create(desk, to("refused@example.test"))
    with pytest.raises(errors.Invalid):
        desk.run(desk.session.drafts.send(Ref(draft.id), "<a@example.test>"))
    assert len(desk.folder("Drafts")) == 1
    assert desk.folder("Sent") == []


def test_lost_answer_keeps_the_draft(make_desk: MakeDesk, user: User) -> None:
    with ScriptedSmtp(password=user.password) as smtp:
        smtp.on(".", DROP)
        desk = make_desk(scripted(smtp))
        draft = create(desk, to(ANN))
        with pytest.raises(errors.Uncertain):
            desk.run(desk.session.drafts.send(Ref(draft.id), "<a@example.test>"))
    assert len(desk.folder("Drafts")) == 1
    assert desk.folder("Sent") == []


def test_account_without_drafts_folder_gets_one(desk: Desk, dovecot: Dovecot) -> None:
    client = dovecot.client(desk.user)
    client.delete_folder("Drafts")
    client.logout()
    create(desk, to(ANN))
    assert len(desk.folder("Drafts")) == 1


def test_keywords_that_cannot_be(desk: Desk) -> None:
    with pytest.raises(errors.Invalid) as caught:
        create(desk, to(ANN, keywords=["two words"]))
    assert caught.value.path == "keywords.0"
    assert desk.folder("Drafts") == []
