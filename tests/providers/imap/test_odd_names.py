"""Names that servers write without quotes and that readers trip over: one of them must not take the mailbox along."""

from typing import Any

import pytest

from providers.base.collection import PageRequest
from providers.base.errors import Exists, Invalid
from providers.base.ports import MessageQuery
from providers.imap.provider import ImapSession
from providers.imap.tokens import parse
from providers.imap.wire import Line
from schemas.outgoing import EmailFolderCreate

NAMES = (
    "[x]",
    "a[b",
    "[a]b[c]",
    "NIL",
    "a{5}",
    "{5}",
    "a b",
    'a"b',
    "a\\b",
    "%",
    "*",
    "&",
    "&-",
    "~",
    "-",
    "😀",
    "é" * 60,
    "ſ",
)


@pytest.mark.anyio
async def test_folders_of_any_name_are_made_listed_and_read(session: ImapSession) -> None:
    made: dict[str, str] = {}
    for name in NAMES:
        try:
            made[name] = (await session.folders.create(None, EmailFolderCreate(name=name))).id
        except (Invalid, Exists):  # the server does not take it
            continue
    listed = await session.folders.find(None, None, PageRequest(None, 1000))
    assert set(made.values()) <= {folder.id for folder in listed.records}
    assert {"[x]", "a b", "😀", "NIL", "&"} <= made.keys()
    for folder in made.values():
        assert (await session.messages.find(folder, MessageQuery(), PageRequest())).records == []
    assert (await session.messages.find(None, MessageQuery(), PageRequest())).records == []


@pytest.mark.parametrize(
    ("text", "literals", "values"),
    [
        (b"STATUS [x] (MESSAGES 0)", [], [b"STATUS", b"[x]", [b"MESSAGES", b"0"]]),
        (b'LIST (\\Noselect) "/" a[b', [], [b"LIST", [b"\\Noselect"], b"/", b"a[b"]),
        (b"STATUS a{b (MESSAGES 1)", [], [b"STATUS", b"a{b", [b"MESSAGES", b"1"]]),
        (b"STATUS {3} (MESSAGES 1)", [b"a b"], [b"STATUS", b"a b", [b"MESSAGES", b"1"]]),
        (
            b"1 FETCH (BODY[HEADER.FIELDS (DATE TO)] {3} BODY[1]<0> ~{2} BODYSTRUCTURE NIL)",
            [b"abc", b"de"],
            [b"1", b"FETCH", [b"BODY[HEADER.FIELDS (DATE TO)]", b"abc", b"BODY[1]<0>", b"de", b"BODYSTRUCTURE", None]],
        ),
    ],
)
def test_atoms_with_brackets(text: bytes, literals: list[bytes], values: list[Any]) -> None:
    assert parse(Line(text, literals)) == values
