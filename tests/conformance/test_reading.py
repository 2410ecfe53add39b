"""One message: its fields, its body in either rendering, its source, and what lists leave out."""

import asyncio

import pytest

from providers.base.collection import PageRequest, Ref
from providers.base.errors import NotFound
from providers.base.ports import MessageQuery, MessageView
from schemas.mail import BodyType, Omitted, Sensitivity, SysLabel
from tests.conformance.backends import ANSWERED, FLAGGED, SEEN, Subject
from tests.conformance.messages import at, folder_id, listed, only, read, source

pytestmark = pytest.mark.anyio
PORT = "messages"

HTML = MessageView(body_type=BodyType.HTML)
TEXT = MessageView(body_type=BodyType.TEXT)

ALTERNATIVE = """--b
Content-Type: text/plain; charset=utf-8

Plain wörds
--b
Content-Type: text/html; charset=utf-8

<p>Rich <b>wörds</b></p>
--b--"""

QUOTING = """My answer.

On Mon, Jan 5, 2026 at 10:00 AM Bob <bob@example.org> wrote:
> the question
> in two lines"""


async def get(box: Subject, message: bytes, view: MessageView = MessageView(), **where):
    await box.inject(message, **where)
    listed_one = await only(box.session)
    return await box.session.messages.get(Ref(listed_one.id), view)


async def test_fields(box: Subject) -> None:
    message = await get(
        box,
        source(
            "=?utf-8?B?w5xiZXI=?= uns",
            sender='"Doe, Jane" <jane@example.org>',
            to="Sam <sam@example.net>, =?iso-8859-1?Q?J=FCrgen?= <j@example.de>",
            message_id="<fields@suite.example>",
            headers={
                "Cc": "Team: a@example.org, b@example.org;",
                "Bcc": "hidden@example.org",
                "Reply-To": "answers@example.org",
                "In-Reply-To": "<parent@suite.example>",
                "References": "<root@suite.example> <parent@suite.example>",
                "Sensitivity": "Private",
                "Importance": "high",
            },
        ),
        flags=[SEEN, FLAGGED],
        received=at(5),
    )
    assert message.subject == "Über uns"
    assert (message.from_.name, message.from_.address) == ("Doe, Jane", "jane@example.org")
    assert [(a.name, a.address) for a in message.to] == [("Sam", "sam@example.net"), ("Jürgen", "j@example.de")]
    assert [a.address for a in message.cc] == ["a@example.org", "b@example.org"]
    assert [a.address for a in message.bcc] == ["hidden@example.org"]
    assert [a.address for a in message.reply_to] == ["answers@example.org"]
    assert message.internet_message_id == "<fields@suite.example>"
    assert message.in_reply_to == "<parent@suite.example>"
    assert message.references == "<root@suite.example> <parent@suite.example>"
    assert message.sent_at.isoformat() == "2026-01-05T10:00:00+01:00" or message.sent_at == at(0)
    assert message.received_at == message.created_time == at(5)
    assert message.sensitivity == Sensitivity.PRIVATE
    assert set(message.sys_labels) == {SysLabel.INBOX, SysLabel.FLAGGED, SysLabel.IMPORTANT}
    assert message.folder_id == await folder_id(box.session, "inbox")
    assert message.has_attachments is False
    names = [header.name.lower() for header in message.internet_headers]
    assert {"from", "subject", "references"} <= set(names)


async def test_a_new_message_is_unread_and_an_answered_one_stays_so(box: Subject) -> None:
    message = await get(box, source(), flags=[ANSWERED])
    assert SysLabel.UNREAD in message.sys_labels


@pytest.mark.parametrize(
    ("folder", "label"), [("sent", "sent"), ("draft", "draft"), ("trash", "trash"), ("junk", "junk")]
)
async def test_folders_give_their_label(box: Subject, folder: str, label: str) -> None:
    await box.inject(source(), folder, flags=[SEEN])
    message = await only(box.session, MessageQuery(include_trash_and_junk=True))
    assert message.sys_labels == [label]


async def test_the_body_of_a_single_message_is_html_unless_asked_otherwise(box: Subject) -> None:
    message = await get(box, source(text=ALTERNATIVE, content_type='multipart/alternative; boundary="b"'))
    assert "<b>wörds</b>" in message.body
    plain = await box.session.messages.get(Ref(message.id), TEXT)
    assert plain.body.strip() == "Plain wörds"
    assert not plain.omitted


async def test_html_becomes_text(box: Subject) -> None:
    html = "<h1>Title</h1><p>First &amp; second<br>line</p><script>evil()</script>"
    message = await get(box, source(text=html, content_type="text/html; charset=utf-8"), TEXT)
    assert "Title" in message.body
    assert "First & second" in message.body
    assert "<" not in message.body
    assert "evil" not in message.body


async def test_text_becomes_html(box: Subject) -> None:
    message = await get(box, source(text="a < b & c\nsecond line"), HTML)
    assert "a &lt; b &amp; c" in message.body
    assert "second line" in message.body


@pytest.mark.parametrize(
    ("charset", "encoding", "raw"),
    [
        ("iso-8859-1", "8bit", "Müßiggang".encode("latin-1")),
        ("windows-1252", "quoted-printable", b"M=FC=DFiggang"),
        ("utf-8", "base64", b"TcO8w59pZ2dhbmc="),
        ("utf-8", "7bit", "Müßiggang".encode()),
        ("UTF8", "8bit", "Müßiggang".encode()),
        ('"ISO-8859-1"', "8bit", "Müßiggang".encode("latin-1")),
    ],
)
async def test_charsets_and_transfer_encodings(box: Subject, charset: str, encoding: str, raw: bytes) -> None:
    head = source(content_type=f"text/plain; charset={charset}", headers={"Content-Transfer-Encoding": encoding})
    message = await get(box, head.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" + raw + b"\r\n", TEXT)
    assert message.body.strip() == "Müßiggang"


async def test_a_charset_that_does_not_exist(box: Subject) -> None:
    message = await get(box, source(text="plain words", content_type="text/plain; charset=x-nonsense-42"), TEXT)
    assert message.body.strip() == "plain words"


async def test_quoted_history_is_cut_on_request(box: Subject) -> None:
    message = await get(box, source(text=QUOTING), MessageView(body_type=BodyType.TEXT, strip_quoted=True))
    assert "My answer." in message.body
    assert "the question" not in message.body
    whole = await box.session.messages.get(Ref(message.id), TEXT)
    assert "the question" in whole.body


async def test_native_properties_are_headers(box: Subject) -> None:
    view = MessageView(native_properties=("X-Tracker", "x-absent"))
    message = await get(box, source(headers={"X-Tracker": "42"}), view)
    assert message.native_properties == {"X-Tracker": "42"}
    [record] = await listed(box.session, MessageQuery(view=view))
    assert record.native_properties == {"X-Tracker": "42"}


async def test_lists_say_what_they_leave_out(box: Subject) -> None:
    await box.inject(source(text="some words"))
    record = await only(box.session)
    assert record.body is None
    assert record.body_snippet is None
    assert Omitted.BODY in record.omitted
    assert record.attachments is None
    assert Omitted.ATTACHMENTS in record.omitted
    assert record.internet_headers is None
    assert Omitted.INTERNET_HEADERS in record.omitted


async def test_lists_with_a_body_type(box: Subject) -> None:
    await box.inject(source(text="some " + "words " * 500))
    record = await only(box.session, MessageQuery(view=TEXT))
    assert record.body_snippet.startswith("some words words")
    assert len(record.body_snippet) <= 300
    if box.backend.full_bodies_in_lists:
        assert record.body.count("words") == 500
        assert Omitted.BODY not in record.omitted
    else:
        assert record.body is None
        assert Omitted.BODY in record.omitted


async def test_what_is_not_omitted_is_the_same_in_a_list_and_alone(box: Subject) -> None:
    await box.inject(source("Same", headers={"Cc": "c@example.org"}), flags=[FLAGGED, "work"], received=at(1))
    record = await only(box.session)
    alone = await box.session.messages.get(Ref(record.id))
    names = {name for name in type(record).model_fields if getattr(record, name) is not None} - {"omitted"}
    assert {name: getattr(record, name) for name in names} == {name: getattr(alone, name) for name in names}
    assert {"subject", "from_", "to", "cc", "sys_labels", "keywords", "received_at", "has_attachments"} <= names


@pytest.mark.parametrize(
    "message",
    [
        source(text="x\n\n--\ntrailing  \n\n\n"),
        b"Subject: no body\r\n\r\n",
        b"Subject: 8 bit \xff\xfe\r\n\r\nraw \x80\x81 bytes\r\n",
        source(text="line " * 60_000),  # several chunks
    ],
    ids=["text", "empty", "8bit", "large"],
)
async def test_the_source_is_what_the_server_has(box: Subject, message: bytes) -> None:
    await box.inject(message)
    record = await only(box.session)
    content = await box.session.messages.source(Ref(record.id))
    got = await read(content)
    [truth] = await box.truth("inbox")
    assert got == truth.source == message
    assert content.size in (None, len(message))


async def test_reading_does_not_mark_as_read(box: Subject) -> None:
    message = await get(box, source())
    await read(await box.session.messages.source(Ref(message.id)))
    await listed(box.session, MessageQuery(view=HTML))
    [truth] = await box.truth("inbox")
    assert SEEN not in truth.flags


@pytest.mark.parametrize("garbage", ["", "x", "0", "é", "../../etc/passwd", "A" * 5000, "\x00", "SU5CT1gAMQAx"])
@pytest.mark.parametrize("verb", ["get", "source", "delete"])
async def test_garbage_ids_are_not_found(box: Subject, verb: str, garbage: str) -> None:
    await box.inject(source())
    with pytest.raises(NotFound):
        await getattr(box.session.messages, verb)(Ref(garbage))
    assert len(await box.truth("inbox")) == 1


async def test_another_accounts_message_is_not_found(box: Subject, other: Subject) -> None:
    for number in range(3):
        await other.inject(source(f"theirs {number}"))
    foreign = await listed(other.session)
    for message in foreign:
        with pytest.raises(NotFound):
            await box.session.messages.get(Ref(message.id))


async def test_get_many_leaves_out_what_is_gone_and_keeps_the_order(box: Subject) -> None:
    for number in range(3):
        await box.inject(source(f"n{number}"), received=at(number))
    newest, _, oldest = await listed(box.session)
    found = await box.session.messages.get_many(None, [oldest.id, "gone", newest.id])
    assert [message.subject for message in found] == ["n0", "n2"]


async def test_get_many_gives_what_a_list_gives(box: Subject) -> None:
    await box.inject(source("one", text="the body"))
    for view in (MessageView(), MessageView(BodyType.TEXT, ("X-Mailer",))):
        page = await box.session.messages.find(None, MessageQuery(view=view), PageRequest())
        found = await box.session.messages.get_many(None, [record.id for record in page.records], view)
        assert found == list(page.records)
        assert found


async def test_twenty_at_once(box: Subject) -> None:
    for number in range(5):
        await box.inject(source(f"n{number}", text=f"body {number}"), received=at(number))
    records = await listed(box.session)
    found = await asyncio.gather(*(box.session.messages.get(Ref(record.id), TEXT) for record in records * 4))
    assert [(m.id, m.subject, m.body.strip()) for m in found] == [
        (record.id, record.subject, f"body {record.subject[1:]}") for record in records * 4
    ]


MALFORMED = {
    "no header at all": b"\r\njust words\r\n",
    "no body, no blank line": b"Subject: cut",
    "unknown charset in the subject": b"Subject: =?x-unknown?B?Q2Fm6Q==?=\r\n\r\nx\r\n",
    "broken encoded word": b"Subject: =?utf-8?Q?broken\r\nFrom: =?=\r\n\r\nx\r\n",
    "date that is none": b"Date: Someday, 99 Foo 2026 25:61:00 +9999\r\nSubject: s\r\n\r\nx\r\n",
    "boundary that never comes": b'Content-Type: multipart/mixed; boundary="never"\r\nSubject: s\r\n\r\nwords\r\n',
    "multipart without boundary": b"Content-Type: multipart/mixed\r\nSubject: s\r\n\r\nwords\r\n",
    "garbage line in the header": b"Subject: s\r\nthis is no field\r\nTo: a@example.org\r\n\r\nx\r\n",
    "base64 that is none": b"Content-Transfer-Encoding: base64\r\nSubject: s\r\n\r\n!!! not base64 ***\r\n",
    "from with nothing": b"From: <>\r\nTo: ,,;\r\nSubject: s\r\n\r\nx\r\n",
    "raw 8-bit header": b"Subject: caf\xe9\r\nFrom: M\xfcller <m@example.org>\r\n\r\nx\r\n",
}


@pytest.mark.parametrize("name", MALFORMED)
async def test_a_malformed_message_is_listed_and_served(box: Subject, name: str) -> None:
    await box.inject(MALFORMED[name])
    await box.inject(source("sound"))
    assert len(await listed(box.session)) == 2
    for record in await listed(box.session, MessageQuery(view=TEXT)):
        message = await box.session.messages.get(Ref(record.id))
        assert message.body is not None
        message.to_json()


async def test_a_page_may_be_longer_than_the_mailbox(box: Subject) -> None:
    await box.inject(source())
    page = await box.session.messages.find(None, MessageQuery(), PageRequest(limit=1000))
    assert (len(page.records), page.cursor) == (1, None)
