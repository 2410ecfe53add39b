"""Text to HTML and back, the first words of a body, and the body without what it quotes."""

import html
import re

from inscriptis.css_profiles import CSS_PROFILES
from inscriptis.html_engine import Inscriptis
from inscriptis.model.config import ParserConfig
from lxml.html import HtmlElement

from providers.formats.markup import parse_html
from providers.formats.quotes import strip_html, strip_text
from schemas.mail import BodyType

MAX_HTML = 2 << 20  # characters that are converted; what follows is left out

_CONFIG = ParserConfig(css=CSS_PROFILES["strict"])
_URL = re.compile(r"\b(?:https?://|mailto:)[^\s<>\"]*[^\s<>\".,;:!?)'\]]", re.IGNORECASE)
_BLANK_LINES = re.compile(r"\n{3,}")
# Invisible characters that newsletters pad their preview with.
_PADDING = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]+"
)
_DROPPED = ("script", "style", "head", "title", "template", "noscript")


def html_to_text(source: str) -> str:
    """Plain text with the layout of the HTML: paragraphs, lists and tables; a link's target follows it in brackets.

    By inscriptis, on lxml: under a licence that suits ours (html2text is GPL), and text rather than Markdown.
    Never raises; markup nested too deep for it loses its layout.
    """
    root = parse_html(source[:MAX_HTML])
    if root is None:
        return ""
    for element in list(root.iter(*_DROPPED)):
        element.drop_tree()
    for link in root.iter("a"):
        _spell_out(link)
    try:
        text = Inscriptis(root, _CONFIG).get_text()
    except (RecursionError, ValueError, ArithmeticError, LookupError, TypeError, AttributeError):
        text = str(root.text_content())
    lines = [line.rstrip() for line in text.replace("\xa0", " ").split("\n")]
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip("\n")


def _spell_out(link: HtmlElement) -> None:
    target, label = (link.get("href") or "").strip(), str(link.text_content()).strip()
    if target.lower().startswith(("http://", "https://")) and label and label.rstrip("/") not in target:
        link.tail = f" <{target}>" + (link.tail or "")


def text_to_html(text: str) -> str:
    """The text as a fragment of HTML, escaped, with its line ends, its runs of spaces, and its addresses as links."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "<div>" + "<br>\n".join(map(_line_to_html, lines)) + "</div>"


def _line_to_html(line: str) -> str:
    done, position = [], 0
    for match in _URL.finditer(line):
        url = html.escape(match[0])
        done += [html.escape(line[position : match.start()]), f'<a href="{url}">{url}</a>']
        position = match.end()
    done.append(html.escape(line[position:]))
    return "".join(done).replace("\t", "    ").replace("  ", " \xa0")


def snippet(text: str, limit: int = 200) -> str:
    """The first words of a plain text on one line, at most `limit` characters, cut between words where possible."""
    words = " ".join(_PADDING.sub("", text[: limit * 20]).split())
    if len(words) <= limit:
        return words
    cut = words[: limit + 1].rpartition(" ")[0]
    return cut if len(cut) > limit // 2 else words[:limit]


def strip_quoted(body: str, body_type: BodyType) -> str:
    """The body without the messages it answers; the body as it is when there is nothing else in it. Never raises."""
    return strip_html(body) if body_type is BodyType.HTML else strip_text(body)
