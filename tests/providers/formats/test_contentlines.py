"""The grammar of content lines: anything is read, in linear time, and written so that others read the same."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.base.errors import Invalid, ProviderError, TooLarge
from providers.formats import contentlines, values
from providers.formats.contentlines import MAX_DEPTH, MAX_LINES, MAX_OCTETS, Component, Line, parse, read_line, write
from providers.formats.ical import occurrences, read, tasks
from providers.formats.ical.resource import of, resources
from providers.formats.itip import method_of
from providers.formats.vcard.read import cards
from providers.formats.vcard.read import read as read_card
from schemas.mail import MeetingMessageMethod
from tests.providers.formats.ical.test_writing import _YEAR

_LIMIT = 3.0  # seconds of CPU for 300,000 octets; what is quadratic takes minutes

_names = st.from_regex(r"[A-Z][A-Z0-9-]{0,12}", fullmatch=True).filter(lambda name: name not in ("BEGIN", "END"))
_texts = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=120)
_lines = st.builds(
    lambda name, text, parameters: Line(name, values.escaped(text), parameters),
    _names,
    _texts,
    st.dictionaries(_names, st.tuples(_texts.map(str.strip)), max_size=3),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(_lines, max_size=6))
def test_what_is_written_is_read(lines: list[Line]) -> None:
    written = write(Component("VEVENT", lines))
    assert all(len(line) <= 75 for line in written.split(b"\r\n"))
    assert [line for line in parse(written)[0].lines] == lines  # noqa: C416


@settings(max_examples=200, deadline=None)
@given(st.text())
def test_texts_survive_escaping(text: str) -> None:
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    assert values.text(values.escaped(text)) == plain
    assert values.texts(",".join([values.escaped(text)] * 3)) == [plain] * 3


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("item1.EMAIL;type=HOME;type=pref:a@b", Line("EMAIL", "a@b", {"TYPE": ("HOME", "pref")}, "item1")),
        ("TEL;HOME;VOICE:1", Line("TEL", "1", {"TYPE": ("HOME", "VOICE")})),
        ('ATTENDEE;CN="A: B; C";X=1,"2":a@b', Line("ATTENDEE", "a@b", {"CN": ("A: B; C",), "X": ("1", "2")})),
        ("A;CN=x^'y^nz^^:v", Line("A", "v", {"CN": ('x"y\nz^',)})),
        ("dtstart ; tzid = Europe/Berlin:20260101", Line("DTSTART", "20260101", {"TZID": (" Europe/Berlin",)})),
        ("no colon", None),
        (":no name", None),
        ("", None),
    ],
)  # fmt: skip
def test_lines(line: str, expected: Line | None) -> None:
    assert read_line(line) == expected


def test_a_fold_within_a_character_and_odd_line_ends() -> None:
    data = "BEGIN:A\r\nX:Grüße\r\nEND:A".encode().replace(b"\xc3", b"\xc3\r\n ")
    assert parse(data)[0].value("X") == "Grüße"
    assert parse(b"\xef\xbb\xbfBEGIN:A\rX:1\n\n 2\rEND:A")[0].value("X") == "12"
    assert parse("BEGIN:A\nX:Grüße\nEND:A".encode("latin-1"))[0].value("X") == "Grüße"


def test_what_is_not_closed_ends_with_what_is_around_it() -> None:
    (found,) = parse(b"BEGIN:A\nBEGIN:B\nX:1\nEND:A\nY:2\n")
    assert [child.name for child in found.children] == ["B"] and found.lines == []
    (found,) = parse(b"END:Z\nBEGIN:A\nEND:B\nX:1")
    assert found.value("X") == "1"


def test_size_depth_and_number_are_limited() -> None:
    with pytest.raises(TooLarge):
        parse(b"BEGIN:VCALENDAR\nX:" + b"a" * MAX_OCTETS)
    with pytest.raises(TooLarge):
        parse(b"BEGIN:VCALENDAR\n" + b"X:1\n" * MAX_LINES)
    depth, part = 0, parse(b"BEGIN:A\n" * 10_000)[0]
    while part.children:
        depth, part = depth + 1, part.children[0]
    assert depth == MAX_DEPTH - 1
    with pytest.raises(Invalid, match="VCALENDAR"):
        resources(b"hello")


_PIECES = st.sampled_from(
    [
        b"BEGIN:VCALENDAR", b"BEGIN:VEVENT", b"BEGIN:VTODO", b"BEGIN:VTIMEZONE", b"BEGIN:STANDARD", b"BEGIN:VALARM",
        b"END:VEVENT", b"END:VCALENDAR", b"BEGIN:VCARD", b"UID:u", b"DTSTART:20260101T100000", b"DTSTART:20260101",
        b"DTSTART;TZID=X:99991231T235959", b"DTSTART:00010101T000000Z", b"DTEND:00010101", b"DURATION:-P99999W",
        b"DURATION:P1D", b"RRULE:FREQ=DAILY", b"RRULE:FREQ=SECONDLY;COUNT=5", b"RRULE:FREQ=YEARLY;BYWEEKNO=53",
        b"RDATE:20260102,x", b"EXDATE:20260101", b"RECURRENCE-ID:20260101T100000Z", b"TZID:X", b"TZOFFSETTO:+9959",
        b"TZOFFSETFROM:-0100", b"TRIGGER:P9999999W", b"TRIGGER;RELATED=END:-PT5M", b"ATTENDEE:mailto:", b"ATTENDEE:x",
        b"ORGANIZER:", b"ATTACH:", b"ATTACH;ENCODING=BASE64:%%%", b"SEQUENCE:-1", b"STATUS:COMPLETED",
        b"DUE:20260101", b"N:;;", b"BDAY:2026-13-45", b"PHOTO;ENCODING=b:AAA", b"PHOTO:data:image/png;base64,AAAA",
        b"TEL;TYPE=", b"item1.URL:x", b"item1.X-ABLabel:_$!<>!$_", b"X-GOOGLE-CONFERENCE:https://[",
        b"CREATED:00010101T000000+2359", b"COMPLETED:99991231T235959-2359",
    ]
)  # fmt: skip


def _serve(data: bytes) -> None:
    """Everything an adapter does with a text, down to the JSON."""
    try:
        for text in parse(data):
            for resource in of(text):
                read.master(resource, "1").to_json()
                for one in occurrences.between(resource, *_YEAR):
                    read.occurrence(resource, one, "1").to_json()
                read.series_info(resource, "1").to_json()
            for _, task in tasks.tasks(text):
                task.to_json()
        for card in cards(data):
            read_card(card, with_photo=True).to_json()
    except ProviderError:
        pass  # names what is wrong


@settings(max_examples=500, deadline=None)
@given(st.lists(st.tuples(_PIECES, st.binary(max_size=6)), max_size=25))
def test_made_up_texts_are_served_or_refused(pieces: list[tuple[bytes, bytes]]) -> None:
    _serve(b"BEGIN:VCALENDAR\nBEGIN:VEVENT\n" + b"\n".join(piece + more for piece, more in pieces))
    _serve(b"BEGIN:VCALENDAR\nBEGIN:VEVENT\n" + b"\n".join(piece for piece, _ in pieces))


@pytest.mark.parametrize(
    "pattern",
    [
        "\n", "\n\n ", " ", "BEGIN:A\n", "END:A\n", "X;", 'X;A="', "X;A=b,", "A:\\", ",", ";", "=", '"', "^", "\r",
        "\t",
        "BEGIN:VEVENT\nUID:1\nRECURRENCE-ID:20260101\nEND:VEVENT\n", "EXDATE:20260101T000000\n", "RRULE:FREQ=DAILY\n",
        "ATTENDEE:mailto:a@b.example\n", "item1.X-ABLabel:x\nitem1.TEL:1\n",
        "BEGIN:VALARM\nTRIGGER:-PT1M\nEND:VALARM\n",
    ],
)  # fmt: skip
def test_time_is_linear(pattern: str) -> None:
    data = b"BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nDTSTART:20260101T000000\nX:" + pattern.encode() * (
        300_000 // len(pattern)
    )
    start = time.process_time()
    _serve(data)
    contentlines.write(Component("A", parse(data[:150_000])[0].lines))
    assert time.process_time() - start < _LIMIT


@pytest.mark.parametrize(
    ("named", "data", "expected"),
    [
        ("REQUEST", None, MeetingMessageMethod.REQUEST),
        (" reply ", None, MeetingMessageMethod.REPLY),
        ("DECLINECOUNTER", None, MeetingMessageMethod.OTHER),
        (None, b"BEGIN:VCALENDAR\nMETHOD:CANCEL\nEND:VCALENDAR", MeetingMessageMethod.CANCEL),
        (None, b"BEGIN:VCALENDAR\nEND:VCALENDAR", None),
        (None, None, None),
    ],
)
def test_the_method_of_a_part(named: str | None, data: bytes | None, expected: MeetingMessageMethod | None) -> None:
    assert method_of(named, data) is expected
