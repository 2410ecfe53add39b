"""Every message of the corpus reads the same here and in CPython's `email.policy.default`, but for what is listed."""

from email.message import EmailMessage

from providers.formats.source import Source
from tests.providers.formats.agreement import differences, ours
from tests.providers.formats.corpus import GENERATED, cpython_messages, generated_messages, generated_sources

_COMMENT = "the other parser drops the name in `address (Name)`"
_NO_BOUNDARY = "multipart without usable delimiters: text for us, opaque for the other parser"
_AS_SERVERS = "structure as IMAP servers give it (test_dovecot_sections)"
_MESSAGE_PARTS = "delivery-status and external-body: content for us, nested messages for the other parser"
_AGREED = {
    ("msg_01.txt", "from"): _COMMENT,
    ("msg_03.txt", "from"): _COMMENT,
    ("msg_04.txt", "from"): _COMMENT,
    ("msg_06.txt", "from"): _COMMENT,
    ("msg_14.txt", "from"): _COMMENT,
    ("msg_20.txt", "from"): _COMMENT,
    ("msg_27.txt", "from"): _COMMENT,
    ("msg_27.txt", "to"): _COMMENT,
    ("msg_29.txt", "from"): _COMMENT,
    ("msg_44.txt", "from"): _COMMENT,
    ("msg_43.txt", "from"): "`<>` is no address",
    ("msg_20.txt", "cc"): "all Cc fields count, not the first alone",
    ("msg_25.txt", "to"): "all To fields count, not the first alone",
    ("msg_17.txt", "leaves"): _NO_BOUNDARY,
    ("msg_25.txt", "leaves"): _NO_BOUNDARY,
    ("msg_31.txt", "leaves"): _NO_BOUNDARY,
    ("msg_41.txt", "leaves"): _NO_BOUNDARY,
    ("msg_15.txt", "leaves"): _AS_SERVERS,
    ("msg_35.txt", "leaves"): _AS_SERVERS,
    ("msg_37.txt", "leaves"): _AS_SERVERS,
    ("msg_39.txt", "leaves"): _AS_SERVERS,
    ("msg_47.txt", "leaves"): _AS_SERVERS,
    ("msg_16.txt", "leaves"): _MESSAGE_PARTS,
    ("msg_36.txt", "leaves"): _MESSAGE_PARTS,
    ("msg_43.txt", "leaves"): _MESSAGE_PARTS,
    ("msg_42.txt", "leaves"): "the attached message as it is, not as the other parser writes it again",
}


def test_cpython_messages_read_the_same() -> None:
    found = {
        (name, field): both for name, data in cpython_messages().items() for field, both in differences(data).items()
    }
    unexpected = {key: both for key, both in found.items() if key not in _AGREED}
    assert unexpected == {}
    assert set(_AGREED) <= set(found), "a deviation is gone: take it off the list"


def test_generated_messages_read_the_same() -> None:
    compared = 0
    for data in generated_sources():
        found = differences(data)
        for field in _broken_by_the_generator(data):
            found.pop(field, None)
        assert found == {}, data
        compared += 1
    assert compared == GENERATED


def test_line_ends_do_not_matter() -> None:
    for data in generated_sources():
        assert ours(data.replace(b"\r\n", b"\n")) == ours(data)


def _broken_by_the_generator(data: bytes) -> set[str]:
    """CPython 3.11 encodes the comma between two addresses into the next name; its own parser loses addresses then."""
    return {"to", "cc"} if b"=?utf-8?q?=2C?=" in data else set()


def test_addresses_whose_comma_was_encoded_are_all_found() -> None:
    checked = 0
    for message, data in zip(generated_messages(), generated_sources(), strict=True):
        if b"=?utf-8?q?=2C?=" in data:
            found = [(item.name or "", item.address) for item in Source(data).headers.addresses("to")]
            assert found == [(item.display_name, item.addr_spec) for item in message["to"].addresses]
            checked += 1
    assert checked


def test_generated_messages_give_back_what_was_put_in() -> None:
    for message, data in zip(generated_messages(), generated_sources(), strict=True):
        found = ours(data)
        # CPython 3.11 loses spaces between the encoded words that it writes.
        assert _without_spaces(found["subject"]) == _without_spaces(message["subject"])
        assert found["date"] == message["date"].datetime
        assert [content for kind, _, content in found["leaves"] if kind == "application/pdf"] == _attached(message)


def _without_spaces(text: str) -> str:
    return "".join(text.split())


def _attached(message: EmailMessage) -> list[bytes]:
    return [part.get_content() for part in message.walk() if part.get_content_type() == "application/pdf"]
