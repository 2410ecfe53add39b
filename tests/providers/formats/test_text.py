"""HTML and text, snippets, and bodies without what they quote."""

import pytest

from providers.formats.text import html_to_text, snippet, strip_quoted, text_to_html
from schemas.mail import BodyType

_OLD = "old message"


def test_html_keeps_its_layout_as_text() -> None:
    html = (
        "<html><head><title>no</title><style>no{}</style></head><body><h1>Hi</h1><p>A <b>b</b> "
        '<a href="https://x.org/y">click</a> <a href="https://x.org">https://x.org</a></p><ul><li>one<li>two</ul>'
        "<table><tr><td>c<td>d</tr></table>x &amp; y&nbsp;z<script>no</script></body></html><p>behind</p>"
    )
    text = html_to_text(html)
    assert text.split() == ("Hi A b click <https://x.org/y> https://x.org * one * two c d x & y z behind".split())
    assert text.splitlines()[0] == "Hi"


@pytest.mark.parametrize("html", ["", "\x00", "<", "<!-- only -->", "<html></html>"])
def test_html_without_text(html: str) -> None:
    assert html_to_text(html).strip() in ("", "<")


def test_deep_html_is_read() -> None:
    assert html_to_text("<div>" * 500 + "deep").strip() == "deep"


def test_text_becomes_html_that_looks_the_same() -> None:
    html = text_to_html('a < b & "c"\n  two  spaces\r\nhttps://x.org/?a=1&b=2. <script>')
    assert "<script>" not in html
    assert '<a href="https://x.org/?a=1&amp;b=2">https://x.org/?a=1&amp;b=2</a>. &lt;script&gt;' in html
    assert html_to_text(html).replace("\xa0", " ").splitlines()[0] == 'a < b & "c"'
    assert html.count("<br>") == 2


def test_snippets() -> None:
    assert snippet("  a\n\n b\u200b\u034f\xad  c ") == "a b c"
    assert snippet("word " * 100, 12) == "word word"
    assert snippet("x" * 100, 10) == "x" * 10


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (f"Yes.\n\nOn Mon, 3 Feb 2025 at 10:00, Bob <b@x.org> wrote:\n> {_OLD}\n", "Yes."),
        (f"Yes.\n\nOn Mon, 3 Feb 2025 at 10:00, Bob\n<b@x.org> wrote:\n\n> {_OLD}", "Yes."),
        (f"Ja.\n\nAm 03.02.2025 um 10:00 schrieb Bob Müller:\n> {_OLD}", "Ja."),
        (f"Oui.\n\nLe lun. 3 févr. 2025 à 10:00, Bob <b@x> a écrit :\n> {_OLD}", "Oui."),
        (f"ok\n\n-----Original Message-----\nFrom: A\nSent: B\nTo: C\nSubject: D\n\n{_OLD}", "ok"),
        (f"ok\n\nFrom: A <a@b>\nSent: Monday\nTo: C\nSubject: D\n\n{_OLD}", "ok"),
        (f"Am 3.2.2025 um 10:00 schrieb Bob:\n> {_OLD}\nanswer 1\n> {_OLD}\nanswer 2", "answer 1\nanswer 2"),
        (f"> {_OLD}\n\nbelow", "below"),
        ("no quote\n  indented\n>From here", "no quote\n  indented\n>From here"),
        (f"> {_OLD}", f"> {_OLD}"),
        ("", ""),
    ],
)
def test_quotes_in_text(text: str, kept: str) -> None:
    assert strip_quoted(text, BodyType.TEXT) == kept


@pytest.mark.parametrize(
    "quote",
    [
        '<div class="gmail_quote"><p class="gmail_attr">On</p><blockquote class="gmail_quote">{}</blockquote></div>',
        '<div class="gmail_quote"><div class="gmail_attr">- Forwarded message -</div>{}</div>',
        '<blockquote type="cite">{}</blockquote>',
        '<div class="moz-cite-prefix">On</div><blockquote type="cite" cite="mid:1">{}</blockquote>',
        '<div id="ydp1yahoo_quoted_2" class="yahoo_quoted">{}</div>',
        '<blockquote class="protonmail_quote" type="cite">{}</blockquote>',
        '<div id="appendonsend"></div><hr><div id="divRplyFwdMsg">From</div><div>{}</div>',
        '<hr><div id="divRplyFwdMsg">From</div><div>{}</div>more ' + _OLD,
        '<div style="border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0in 0in 0in"><p>From</p></div>{}',
        '<div id="mail-editor-reference-message-container">{}</div>',
        '<div class="zmail_extra">{}</div>',
    ],
)
def test_quotes_in_html(quote: str) -> None:
    page = f"<html><body><p>My <b>reply</b></p>{quote.format(_OLD)}</body></html>"
    assert strip_quoted(page, BodyType.HTML) == "<html><body><p>My <b>reply</b></p></body></html>"
    alone = quote.format(_OLD)
    assert strip_quoted(alone, BodyType.HTML) == alone, "never empty"


def test_answers_within_a_gmail_quote_stay() -> None:
    html = (
        '<div class="gmail_quote"><div class="gmail_attr">On</div><blockquote class="gmail_quote">old</blockquote>'
        '<p>answer</p><blockquote class="gmail_quote">old</blockquote></div>'
    )
    assert strip_quoted(html, BodyType.HTML) == '<div class="gmail_quote"><p>answer</p></div>'


@pytest.mark.parametrize("html", ["<P>Odd <b>but mine", "plain", "<!DOCTYPE html><html><body>x</body></html>"])
def test_html_without_a_quote_is_untouched(html: str) -> None:
    assert strip_quoted(html, BodyType.HTML) == html
