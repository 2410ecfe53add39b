"""Attachments: their description, their bytes, and pictures shown inside of a body."""

import base64

import pytest

from providers.base.collection import Ref
from providers.base.errors import NotFound
from providers.base.ports import MessageView
from tests.conformance.backends import Subject
from tests.conformance.messages import only, read, source

pytestmark = pytest.mark.anyio
PORT = "messages"

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 3
LARGE = bytes(range(251)) * 4000  # a megabyte: several chunks

INNER = "From: in@example.org\nSubject: The inner one\nContent-Type: text/plain\n\ninside"


def folded(data: bytes) -> str:
    return base64.encodebytes(data).decode()


MIXED = f"""--m
Content-Type: multipart/related; boundary="r"

--r
Content-Type: text/html; charset=utf-8

<p>See <img src="CID:Logo%40here"> this.</p>
--r
Content-Type: image/png; name="logo.png"
Content-ID: <Logo@here>
Content-Transfer-Encoding: base64

{folded(PICTURE)}
--r
Content-Type: image/png; name="unused.png"
Content-ID: <unused@here>
Content-Disposition: inline
Content-Transfer-Encoding: base64

{folded(PICTURE)}
--r--

--m
Content-Type: application/pdf
Content-Disposition: attachment; filename*=utf-8''%C3%9Cbersicht%202026.pdf
Content-Transfer-Encoding: base64

{folded(LARGE)}
--m
Content-Type: text/plain; charset=utf-8; name="notes.txt"
Content-Disposition: attachment
Content-Transfer-Encoding: quoted-printable

caf=C3=A9
--m
Content-Type: message/rfc822

{INNER}
--m--"""

MESSAGE = source("Files", MIXED, content_type='multipart/mixed; boundary="m"')


async def files(box: Subject, view: MessageView = MessageView()):
    await box.inject(MESSAGE)
    message = await box.session.messages.get(Ref((await only(box.session)).id), view)
    return message, {attachment.name: attachment for attachment in message.attachments}


async def test_descriptions(box: Subject) -> None:
    message, found = await files(box)
    assert message.has_attachments is True
    assert set(found) == {"logo.png", "unused.png", "Übersicht 2026.pdf", "notes.txt", "The inner one.eml"}
    assert found["logo.png"].inline is True
    assert found["logo.png"].content_id == "Logo@here"
    assert not found["unused.png"].inline  # no text shows it
    assert found["Übersicht 2026.pdf"].mime_type == "application/pdf"
    assert abs(found["Übersicht 2026.pdf"].size - len(LARGE)) < len(LARGE) * 0.05
    assert len({attachment.id for attachment in message.attachments}) == 5
    assert all(attachment.content is None for attachment in message.attachments)
    assert "café" not in message.body


async def test_contents(box: Subject) -> None:
    message, found = await files(box)
    expected = {
        "logo.png": PICTURE,
        "Übersicht 2026.pdf": LARGE,
        "notes.txt": "café".encode(),
        "The inner one.eml": INNER.replace("\n", "\r\n").encode(),
    }
    for name, data in expected.items():
        content = await box.session.messages.attachment(Ref(message.id), found[name].id)
        assert (await read(content)).rstrip(b"\r\n") == data
        assert content.mime_type == found[name].mime_type
        assert content.name == name


async def test_pictures_shown_in_the_text_come_along_on_request(box: Subject) -> None:
    _, found = await files(box, MessageView(load_inlines=True))
    assert base64.b64decode(found["logo.png"].content) == PICTURE
    assert found["unused.png"].content is None
    assert found["Übersicht 2026.pdf"].content is None


@pytest.mark.parametrize("garbage", ["", "x", "99", "1.1.1.1", "0", "-1", "é", "TEXT", "HEADER", "1]"])
async def test_an_attachment_that_is_none(box: Subject, garbage: str) -> None:
    message, _ = await files(box)
    with pytest.raises(NotFound):
        await box.session.messages.attachment(Ref(message.id), garbage)


async def test_a_message_without_attachments(box: Subject) -> None:
    await box.inject(source())
    message = await box.session.messages.get(Ref((await only(box.session)).id))
    assert (message.has_attachments, message.attachments) == (False, [])
    with pytest.raises(NotFound):
        await box.session.messages.attachment(Ref(message.id), "1")
