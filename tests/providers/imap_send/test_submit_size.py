"""A message of 25 MB leaves and is filed without being held twice."""

import base64
import tracemalloc

import pytest

from providers.base import errors
from providers.imap.grant import Endpoint
from schemas.outgoing import OutgoingEmailAttachment
from tests.providers.imap_send.conftest import MakeDesk
from tests.providers.imap_send.desk import Desk, to
from tests.servers.postfix import SIZE_LIMIT, Postfix

SIZE = 18_000_000  # octets of the attachment: about 25 MB as Base64


def attachment(size: int) -> OutgoingEmailAttachment:
    content = base64.b64encode(bytes(size)).decode()
    return OutgoingEmailAttachment(name="big.bin", mime_type="application/octet-stream", content=content)


def test_25_mb_stream_through(desk: Desk) -> None:
    email = to(desk.user.address, attachments=[attachment(SIZE)])
    desk.run(desk.session.ping())  # so that what is loaded once does not count
    tracemalloc.start()
    try:
        sent = desk.send(email)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert sent.notes == ()
    assert peak < 4_000_000  # octets, besides the content that the caller holds
    [copy] = desk.folder("Sent")
    [part] = copy.parsed.iter_attachments()
    assert part.get_content() == bytes(SIZE)


def test_more_than_the_server_takes(make_desk: MakeDesk, postfix: Postfix) -> None:
    desk = make_desk(Endpoint(host="localhost", port=postfix.submissions))
    with pytest.raises(errors.TooLarge, match="octets"):
        desk.send(to(desk.user.address, attachments=[attachment(SIZE_LIMIT)]))
    assert desk.folder("Sent") == []
