"""Sending: what leaves, what is kept, who learns of whom."""

import base64

import pytest

from providers.base.collection import Ref
from providers.base.errors import Invalid, TooLate
from providers.base.ports import MessageView
from schemas.mail import BodyType, EmailAddress, SysLabel
from tests.conformance.backends import ANSWERED, Subject
from tests.conformance.messages import listed, only, source
from tests.conformance.outgoing import Leaving, arrived, filed, outgoing, parsed

pytestmark = pytest.mark.anyio
PORT = "messages"


async def test_it_arrives_and_is_filed_once(box: Subject, other: Subject) -> None:
    message = outgoing(other.address, subject="A first letter")
    sent = await box.session.messages.send(message)
    [received] = await arrived(other)
    copy = await filed(box)
    for letter in (received, copy):
        assert letter["Message-ID"] == message.message_id == sent.message_id
        assert letter["Subject"] == "A first letter"
        assert letter["From"].addresses[0].addr_spec == box.address
        assert letter["From"].addresses[0].display_name == "Sam Sender"
        assert letter["Date"].datetime == message.date
        assert letter.get_content().strip() == "Words to send."
    assert not sent.refused
    assert await box.truth("inbox") == []


async def test_a_sent_message_is_found_by_its_message_id(box: Subject, other: Subject) -> None:
    message = outgoing(other.address)
    assert await box.session.messages.sent(message.message_id) is None
    await box.session.messages.send(message)
    found = await box.session.messages.sent(message.message_id)
    assert found.message_id == message.message_id
    assert found.id == (await only(box.session)).id
    whole = await box.session.messages.get(Ref(found.id))
    assert whole.internet_message_id == message.message_id
    assert SysLabel.SENT in whole.sys_labels


@pytest.mark.parametrize("message_id", ["<none@suite.example>", "", "<>", '<"quo\\"ted"@x>', "<é@x>", "nonsense"])
async def test_a_message_that_was_never_sent_is_not_found(box: Subject, message_id: str) -> None:
    await box.inject(source(), "sent")
    assert await box.session.messages.sent(message_id) is None


async def test_received_mail_is_not_taken_for_sent(box: Subject) -> None:
    await box.inject(source(message_id="<came@suite.example>"), "inbox")
    assert await box.session.messages.sent("<came@suite.example>") is None


async def test_bcc_is_kept_and_not_told(box: Subject, other: Subject) -> None:
    message = outgoing(other.address, bcc=[EmailAddress(name="Hidden", address=box.address)])
    await box.session.messages.send(message)
    for receiver in (other, box):
        [truth] = [letter for letter in await arrived(receiver) if letter["Message-ID"] == message.message_id]
        assert truth["Bcc"] is None
        assert "Hidden" not in truth.as_string()
    assert (await filed(box))["Bcc"].addresses[0].addr_spec == box.address


async def test_a_reply_continues_the_conversation_and_marks_what_it_answers(box: Subject, other: Subject) -> None:
    await box.inject(source("Question", message_id="<question@suite.example>"))
    question = await only(box.session)
    message = outgoing(
        other.address,
        subject="Re: Question",
        answers=Ref(question.id),
        inReplyTo="<question@suite.example>",
        references="<root@suite.example> <question@suite.example>",
    )
    await box.session.messages.send(message)
    [received] = await arrived(other)
    assert received["In-Reply-To"] == "<question@suite.example>"
    assert received["References"].split() == ["<root@suite.example>", "<question@suite.example>"]
    [truth] = await box.truth("inbox")
    assert box.lacks("answered") or ANSWERED in truth.flags
    both = [
        await box.session.messages.get(Ref(m.id), MessageView(require_thread_id=True))
        for m in await listed(box.session)
    ]
    assert len({message.thread_id for message in both}) == 1


async def test_attachments_and_pictures_in_the_text(box: Subject, other: Subject) -> None:
    data, picture = bytes(range(256)) * 100, b"\x89PNG" + bytes(range(256))
    message = outgoing(
        other.address,
        body_type=BodyType.HTML,
        body='<p>See <img src="cid:pic"> ä</p>',
        attachments=[
            {
                "name": "Übersicht.bin",
                "mimeType": "application/octet-stream",
                "content": base64.b64encode(data).decode(),
            },
            {
                "name": "pic.png",
                "mimeType": "image/png",
                "inline": True,
                "contentId": "pic",
                "content": base64.b64encode(picture).decode(),
            },
        ],
    )
    await box.session.messages.send(message)
    await arrived(other)
    received = await only(other.session)
    whole = await other.session.messages.get(Ref(received.id), MessageView(load_inlines=True))
    found = {attachment.name: attachment for attachment in whole.attachments}
    assert found["pic.png"].inline is True
    assert base64.b64decode(found["pic.png"].content) == picture
    content = await other.session.messages.attachment(Ref(received.id), found["Übersicht.bin"].id)
    assert b"".join([chunk async for chunk in content.chunks]) == data
    assert "See" in whole.body
    assert "ä" in whole.body


@pytest.mark.parametrize(
    "subject",
    ["s" * 200, "ü" * 200, "emoji 😀👩‍👩‍👧", "  spaces  kept inside ", "=?utf-8?q?not_encoded?=", "会議 " * 40, ""],
)
async def test_subjects(box: Subject, other: Subject, subject: str) -> None:
    await box.session.messages.send(outgoing(other.address, subject=subject))
    await arrived(other)
    assert ((await only(other.session)).subject or "").strip() == subject.strip()
    assert ((await only(box.session)).subject or "").strip() == subject.strip()


async def test_text_bodies_come_back_as_they_were(box: Subject, other: Subject) -> None:
    text = "Über 😀\n\n.a line with a dot\n..\nFrom here on\n" + "long " * 300 + "\n-- \nSam"
    await box.session.messages.send(outgoing(other.address, body=text))
    await arrived(other)
    received = await only(other.session)
    whole = await other.session.messages.get(Ref(received.id), MessageView(body_type=BodyType.TEXT))
    assert whole.body.replace("\r\n", "\n").strip() == text.strip()


async def test_names_of_people(box: Subject, other: Subject) -> None:
    name = 'Müller, "Zoë" (田中)'
    await box.session.messages.send(outgoing(EmailAddress(name=name, address=other.address)))
    await arrived(other)
    [person] = (await only(other.session)).to
    assert (person.name, person.address) == (name, other.address)


async def test_extra_headers_and_reply_to(box: Subject, other: Subject) -> None:
    message = outgoing(
        other.address,
        xHeaders=[{"name": "X-Campaign", "value": "spring"}],
        replyTo=[{"name": "Desk", "address": "desk@example.org"}],
    )
    await box.session.messages.send(message)
    [received] = await arrived(other)
    assert received["X-Campaign"] == "spring"
    assert received["Reply-To"].addresses[0].addr_spec == "desk@example.org"


async def test_a_refused_recipient_is_named_and_the_others_get_it(box: Subject, other: Subject) -> None:
    if box.lacks("partial refusal"):
        pytest.skip("a recipient who cannot be reached bounces")
    refused = box.backend.refused_address
    sent = await box.session.messages.send(outgoing(other.address, refused))
    assert list(sent.refused) == [refused]
    assert sent.refused[refused]
    assert len(await arrived(other)) == 1
    assert (await filed(box))["Message-ID"] == sent.message_id


async def test_nobody_takes_it(box: Subject) -> None:
    with pytest.raises(Invalid) as failed:
        await box.session.messages.send(outgoing(box.backend.refused_address))
    assert failed.value.path == "to"
    assert await box.truth("sent") == []


async def test_nothing_leaves_when_the_caller_stops_it(box: Subject, other: Subject) -> None:
    message, stopped, went = outgoing(other.address), Leaving(stop=True), Leaving()
    with pytest.raises(TooLate):
        await box.session.messages.send(message, stopped)
    assert await box.session.messages.sent(message.message_id) is None
    await box.session.messages.send(message, went)
    assert (stopped.calls, went.calls) == (1, 1)
    await arrived(other)
    assert len(await other.truth("inbox")) == len(await box.truth("sent")) == 1


async def test_keywords_go_to_the_sent_copy_only(box: Subject, other: Subject) -> None:
    await box.session.messages.send(outgoing(other.address, keywords=["billing"]))
    await arrived(other)
    assert "billing" in (await box.truth("sent"))[0].flags
    assert "billing" not in (await other.truth("inbox"))[0].flags


async def test_the_owners_mark_decides_where_sent_mail_goes(box: Subject, other: Subject) -> None:
    if box.lacks("sent mark"):
        pytest.skip("sent mail has one place")
    await box.inject(source("older"), "My Sent")
    [folder] = {message.folder_id for message in await listed(box.session)}
    session = await box.reopened(sent=folder)
    message = outgoing(other.address)
    await session.messages.send(message)
    assert await box.truth("sent") == []
    assert [parsed(truth)["Message-ID"] for truth in await box.truth("My Sent")][1:] == [message.message_id]
    assert (await session.messages.sent(message.message_id)).message_id == message.message_id


async def test_to_oneself(box: Subject) -> None:
    message = outgoing(box.address)
    await box.session.messages.send(message)
    [received] = await arrived(box)
    assert received["Message-ID"] == (await filed(box))["Message-ID"] == message.message_id
