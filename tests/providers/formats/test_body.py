"""Which parts are the body, which are attached, and which of those are shown within it."""

import base64

import pytest

from providers.formats import body
from providers.formats.source import Source
from schemas.mail import BodyType, MeetingMessageMethod

_FILE = "Content-Type: application/pdf; name=a.pdf\nContent-Disposition: attachment\n\nx"
_PICTURE = "Content-Type: image/png\nContent-ID: <Pic%201@x>\nContent-Disposition: {}; filename=p.png\n\nx"


def _text(content: str, more: str = "") -> str:
    return f"Content-Type: text/plain; charset=utf-8\n{more}\n{content}"


def _html(content: str) -> str:
    return f"Content-Type: text/html; charset=utf-8\n\n{content}"


def _multipart(kind: str, *parts: str) -> str:
    boundary = f"{kind}-{len(''.join(parts))}"
    inside = "".join(f"--{boundary}\n{part}\n" for part in parts)
    return f"Content-Type: multipart/{kind}; boundary={boundary}\n\n{inside}--{boundary}--\n"


def _plan(message: str) -> tuple[Source, body.Plan]:
    source = Source(message.encode())
    return source, body.plan(source.root)


def _bodies(message: str) -> tuple[str, str]:
    source, plan = _plan(message)
    html, text = (
        body.render(plan, {part.section: source.text(part) for part in plan.needed(kind)}, kind)
        for kind in (BodyType.HTML, BodyType.TEXT)
    )
    return html, text


def _sections(message: str) -> tuple[list[str], list[str], list[str]]:
    _, plan = _plan(message)
    html, text, attached = ([part.section for part in parts] for parts in (plan.html, plan.text, plan.attachments))
    return html, text, attached


@pytest.mark.parametrize(
    ("message", "html", "text", "attached"),
    [
        (_text("a"), ["1"], ["1"], []),
        (_multipart("alternative", _text("a"), _html("b")), ["2"], ["1"], []),
        (_multipart("alternative", _html("b"), _text("a")), ["1"], ["2"], []),
        (_multipart("alternative", _html("old"), _html("new")), ["2"], ["2"], []),
        (_multipart("alternative", _text("a"), "Content-Type: text/x-amp-html\n\nx", _html("b")), ["3"], ["1"], []),
        (_multipart("mixed", _text("a"), _FILE), ["1"], ["1"], ["2"]),
        (_multipart("mixed", _text("a"), _text("b")), ["1", "2"], ["1", "2"], []),
        (
            _multipart("mixed", _text("a"), _text("b", "Content-Disposition: attachment; filename=b.txt\n")),
            ["1"], ["1"], ["2"],
        ),
        (
            _multipart("mixed", _multipart("alternative", _text("a"), _html("b")), _text("footer")),
            ["1.2", "2"], ["1.1", "2"], [],
        ),
        (
            _multipart("alternative", _text("a"), _multipart("mixed", _html("b"), _FILE, _html("c"))),
            ["2.1", "2.3"], ["1"], ["2.2"],
        ),
        (_multipart("related", _html("b"), _text("c")), ["1"], ["1"], ["2"]),
        (_multipart("signed", _text("a"), "Content-Type: application/pkcs7-signature\n\nx"), ["1"], ["1"], ["2"]),
        (_multipart("mixed", _text("a"), "Content-Type: message/rfc822\n\n" + _text("b")), ["1"], ["1"], ["2"]),
        (_multipart("digest", "\nSubject: in\n\nx"), [], [], ["1"]),
        (_text("a", "Content-Disposition: attachment\n"), [], [], ["1"]),
        ("Content-Type: application/pkcs7-mime\n\nx", [], [], ["1"]),
        (_multipart("unheard-of", _text("a"), _FILE), ["1"], ["1"], ["2"]),
    ],
)  # fmt: skip
def test_choice(message: str, html: list[str], text: list[str], attached: list[str]) -> None:
    assert _sections(message) == (html, text, attached)


def test_each_body_type_is_derived_from_the_other() -> None:
    assert _bodies(_text("a < b")) == ("<div>a &lt; b</div>", "a < b")
    assert _bodies(_html("<p>a &lt; <b>b</b></p>")) == ("<p>a &lt; <b>b</b></p>", "a < b")


def test_a_footer_goes_inside_the_document() -> None:
    message = _multipart("mixed", _html("<html><body>a</body></html>"), _text("footer"))
    assert _bodies(message) == ("<html><body>a<div>footer</div></body></html>", "a\nfooter")


def test_quotes_are_left_out_on_request() -> None:
    source, plan = _plan(_text("Yes.\n\nOn Mon, 3 Feb 2025 at 10:00, Bob <b@x.org> wrote:\n> Hi\n"))
    assert body.render(plan, {"1": source.text(plan.text[0])}, BodyType.TEXT, strip_quoted=True) == "Yes."


@pytest.mark.parametrize("disposition", ["inline", "attachment"])
def test_what_the_html_refers_to_is_inline_whatever_its_disposition(disposition: str) -> None:
    html = "<img src='CID:pic 1@X'>".replace(" ", "%20")
    _, plan = _plan(_multipart("related", _html(html), _PICTURE.format(disposition)))
    (found,) = body.attachments(plan, html)
    assert (found.id, found.name, found.inline, found.content_id) == ("2", "p.png", True, "Pic%201@x")
    assert body.attachments(plan, None)[0].inline
    assert not body.attachments(plan, "<p>no picture</p>")[0].inline
    assert not plan.has_attachments


def test_an_inline_picture_without_reference_is_an_attachment() -> None:
    _, plan = _plan(_multipart("mixed", _text("a"), "Content-Type: image/png\nContent-Disposition: inline\n\nx"))
    assert not body.attachments(plan, None)[0].inline
    assert plan.has_attachments


@pytest.mark.parametrize(
    ("part", "name"),
    [
        ("Content-Type: application/ms-tnef\n\nx", "winmail.dat"),
        ("Content-Type: application/pkcs7-mime\n\nx", "smime.p7m"),
        ("Content-Type: message/rfc822\n\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\n\nx", "Grüße.eml"),
        ("Content-Type: message/rfc822\n\n\nx", "message.eml"),
        ("Content-Type: application/pdf\n\nx", None),
    ],
)
def test_names_of_nameless_attachments(part: str, name: str | None) -> None:
    _, plan = _plan(_multipart("mixed", _text("a"), part))
    assert [item.name for item in body.attachments(plan, None)] == [name]


def test_sizes_are_decoded() -> None:
    encoded = base64.encodebytes(b"x" * 1000).decode()
    part = f"Content-Type: application/pdf\nContent-Transfer-Encoding: base64\n\n{encoded}"
    _, plan = _plan(_multipart("mixed", _text("a"), part))
    assert body.attachments(plan, None)[0].size == 1000


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("; method=REQUEST", MeetingMessageMethod.REQUEST),
        ("; method=reply", MeetingMessageMethod.REPLY),
        ("; method=publish", MeetingMessageMethod.OTHER),
        ("", None),
    ],
)
def test_meetings(method: str, expected: MeetingMessageMethod | None) -> None:
    invitation = f"Content-Type: text/calendar{method}\n\nBEGIN:VCALENDAR"
    _, plan = _plan(_multipart("alternative", _text("a"), invitation))
    assert plan.method is expected
    assert [(item.id, item.name) for item in body.attachments(plan, None)] == [("2", "invite.ics")]
    copy = "Content-Type: application/ics; name=invite.ics\nContent-Disposition: attachment\n\nBEGIN:VCALENDAR"
    _, plan = _plan(_multipart("mixed", _multipart("alternative", _text("a"), invitation), copy))
    assert [item.id for item in body.attachments(plan, None)] == ["2"], "not twice"


def test_an_unknown_section_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        Source(_text("a").encode()).content("2")


def test_an_attached_message_is_given_as_its_source() -> None:
    source, plan = _plan(_multipart("mixed", _text("a"), "Content-Type: message/rfc822\n\nSubject: in\n\nx"))
    assert source.content(plan.attachments[0].section) == b"Subject: in\n\nx"
