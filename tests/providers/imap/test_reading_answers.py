"""What servers send, taken apart: tokens, sets, FETCH, dates, names, ids."""

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.base.errors import Invalid, NotFound
from providers.imap import convert, cursor, fetch, ids, names
from providers.imap.roles import Role
from providers.imap.sets import expand, ranges, read_search
from providers.imap.snapshot import Position
from providers.imap.tokens import parse
from providers.imap.wire import Line, Literal, astring
from schemas.mail import SysLabel


def test_lists_literals_quotes_and_nil() -> None:
    line = Line(rb'1 FETCH (A "x \"y\\" B NIL C {3} D ("NIL" ()) BODY[HEADER.FIELDS (TO CC)]<0> {2})', [b")(\r", b"ab"])
    assert parse(line) == [
        b"1",
        b"FETCH",
        [b"A", b'x "y\\', b"B", None, b"C", b")(\r", b"D", [b"NIL", []], b"BODY[HEADER.FIELDS (TO CC)]<0>", b"ab"],
    ]


@given(st.binary(max_size=200))
def test_no_line_is_too_strange(data: bytes) -> None:
    assert isinstance(parse(Line(data)), list)


def test_items_come_in_any_order_and_in_pieces() -> None:
    found = fetch.read(
        [
            Line(b"7 FETCH (FLAGS (\\Seen) UID 3)"),
            Line(b'7 FETCH (UID 3 BODY[1]<0> "x" body[HEADER.FIELDS ("TO")] {1})', [b"h"]),
            Line(b"8 FETCH (FLAGS (\\Deleted))"),  # unsolicited, without UID
            Line(b"9 FETCH (UID 99 FLAGS (\\Seen))"),  # unsolicited, of another message
            Line(b"3 EXISTS"),
        ],
        {3},
    )
    assert found.keys() == {3}
    assert found[3][b"BODY[1]"] == b"x"
    assert found[3][b"BODY[HEADER.FIELDS]"] == b"h"
    assert fetch.flags(found[3]) == {"\\Seen"}


def test_flags_left_out_are_unknown_not_empty() -> None:
    [items] = fetch.read([Line(b"1 FETCH (UID 1)")]).values()
    assert fetch.flags(items) is None
    [items] = fetch.read([Line(b"1 FETCH (UID 1 FLAGS ())")]).values()
    assert fetch.flags(items) == frozenset()


def test_gmail_labels_are_flags_folders_and_keywords() -> None:
    line = Line(b'1 FETCH (UID 1 FLAGS (\\Seen) X-GM-LABELS (\\Inbox "\\\\Important" "Caf&AOk- list" Work))')
    flags = fetch.flags(fetch.read([line])[1])
    assert flags is not None
    assert convert.labels(Role.ALL, flags, False) == (SysLabel.INBOX, SysLabel.IMPORTANT)
    assert convert.keywords(flags) == ["Café list", "Work"]


@given(st.datetimes(datetime(1970, 1, 2), datetime(2105, 1, 1)), st.integers(-720, 840))
def test_internal_dates(moment: datetime, zone: int) -> None:
    moment = moment.replace(microsecond=0, tzinfo=UTC)
    month = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()[moment.month - 1]
    offset = f"{'-' if zone < 0 else '+'}{abs(zone) // 60:02}{abs(zone) % 60:02}"
    text = f"{moment.day:2}-{month}-{moment:%Y %H:%M:%S} {offset}"
    expected = min(max(int(moment.timestamp()) - zone * 60, 0), 2**32 - 1)
    assert fetch.seconds(text.encode()) == expected


@pytest.mark.parametrize("text", [b"", b"x", b"1-Foo-2020 00:00:00 +0000", b"1-Jan-2020 00:00 +0000"])
def test_no_date_is_the_epoch(text: bytes) -> None:
    assert fetch.seconds(text) == 0


def test_dates_do_not_depend_on_the_zone_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The trap of imapclient: naive times in the local zone."""
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    time.tzset()
    try:
        assert fetch.seconds(b"01-Jan-2020 00:00:00 +0000") == 1577836800
    finally:
        monkeypatch.undo()
        time.tzset()


@given(st.lists(st.integers(1, 3000), max_size=500))
def test_sets_are_compact_and_complete(uids: list[int]) -> None:
    written = list(ranges(uids))
    assert [uid for part in written for uid in expand(part)] == sorted(set(uids))
    assert all(part.count(b",") < 200 for part in written)


def test_a_hostile_set_is_not_expanded_for_ever() -> None:
    assert expand(b"1:4294967295", limit=3) == [1, 2, 3]


def test_search_answers_of_both_kinds() -> None:
    found = [Line(b"SEARCH 4 2"), Line(b'ESEARCH (TAG "P7") UID ALL 5:6'), Line(b'ESEARCH (TAG "P8") UID')]
    assert read_search(found) == [4, 2, 5, 6]
    assert read_search(found[1:], b"P8") == []


@pytest.mark.parametrize(
    ("wire", "name"),
    [(b"inbox", "INBOX"), (b"Entw&APw-rfe", "Entwürfe"), (b"R&-D", "R&D"), (b"&ZeVnLIqe-", "日本語"), (b"a/b", "a/b")],
)
def test_folder_names(wire: bytes, name: str) -> None:
    assert names.decode(wire) == name


@given(st.binary(min_size=1, max_size=40), st.booleans())
def test_every_name_can_be_sent_back(wire: bytes, utf8: bool) -> None:
    name = names.decode(wire, utf8=utf8)
    assert names.encode(name, utf8=utf8) == wire or wire.upper() == b"INBOX"


def test_names_are_not_decoded_twice_with_utf8() -> None:
    """The trap of imapclient: modified UTF-7 although UTF8=ACCEPT is on."""
    assert names.decode("Entwürfe &APw-".encode(), utf8=True) == "Entwürfe &APw-"


@given(st.text(min_size=1, max_size=30).filter(lambda name: name.isprintable()), st.integers(1, 2**32 - 1))
def test_message_ids_round_trip(folder: str, number: int) -> None:
    place = ids.MessageId(folder, number, 2**32 - number)
    assert ids.message_id(str(place)) == place
    assert ids.folder_name(ids.folder_id(folder)) == folder


@given(st.text(max_size=40) | st.sampled_from(["AAAA", "AAAAAAAAAAA", "AAAAAQAAAAH_", "=", "\u00e9"]))
def test_what_was_never_an_id_names_nothing(text: str) -> None:
    for read in (ids.message_id, ids.folder_name):
        try:
            found = read(text)
        except NotFound:
            continue
        assert str(found) == text or ids.folder_id(str(found)) == text


@given(st.integers(0, 2**32 - 1), st.text(max_size=20), st.integers(0, 2**32))
def test_cursors_round_trip(moment: int, folder: str, uid: int) -> None:
    position = Position(moment, folder, uid)
    assert cursor.decode(cursor.encode(position)) == position


@pytest.mark.parametrize("text", ["", "garbage", "W10", "WzEsMiwzXQ", "Wy0xLCJhIiwzXQ", "é"])
def test_a_strange_cursor_is_the_callers_mistake(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        cursor.decode(text)
    assert caught.value.path == "pageToken"


def test_strings_that_need_a_literal() -> None:
    assert astring(b'a "b" \\') == b'"a \\"b\\" \\\\"'
    assert astring("é".encode()) == Literal("é".encode())
    assert astring(b"a\r\nA1 LOGOUT") == Literal(b"a\r\nA1 LOGOUT")
