"""Finding what a reply quotes, in plain text and in HTML."""

import re

from lxml.html import HtmlElement
from mailparser_reply.parser import EmailMessage

from providers.formats.markup import parse_html, write_html

# Where the beginning of a quote is looked for; the library's patterns are quadratic in the length of a line.
MAX_TEXT, MAX_LINE = 24_000, 300  # characters

_LANGUAGES = ["en", "de", "fr", "es", "it", "nl", "da", "sv", "no", "fi", "pl", "cs", "pt", "ja", "ko", "zh"]
_INTRODUCTION = EmailMessage(text="", languages=_LANGUAGES).HEADER_REGEX
_QUOTE_LINE = re.compile(r"\s*>(?!From )")  # ">From" is no quote but mbox's escape

# Elements that are a quote as a whole, by the program that writes them.
_CONTAINERS = (
    "//div[contains(concat(' ', @class, ' '), ' gmail_quote ')]",  # Gmail
    "//blockquote[@type='cite']",  # Apple Mail, Thunderbird
    "//*[contains(concat(' ', @class, ' '), ' moz-cite-prefix ')]",
    "//*[contains(concat(' ', @class, ' '), ' yahoo_quoted ') or starts-with(@id, 'yahoo_quoted')]",
    "//*[contains(concat(' ', @class, ' '), ' protonmail_quote ')]",
    "//*[contains(concat(' ', @class, ' '), ' tutanota_quote ')]",
    "//*[contains(concat(' ', @class, ' '), ' zmail_extra ')]",  # Zoho
    "//*[@id='OLK_SRC_BODY_SECTION']",  # Outlook for Mac
    "//*[@id='mail-editor-reference-message-container']",  # Outlook for phones
    "//*[contains(concat(' ', @class, ' '), ' ms-outlook-mobile-reference-message ')]",
    "//*[@id='isForwardContent' or @id='isReplyContent']",  # NetEase
    "//includetail",  # QQ Mail
)
# Within a Gmail quote that was answered line by line.
_GMAIL_PIECES = (
    "//*[contains(concat(' ', @class, ' '), ' gmail_attr ')][following-sibling::blockquote]",
    "//blockquote[contains(concat(' ', @class, ' '), ' gmail_quote ')]",
)
# Elements that begin a quote which runs to the end of the message (Outlook).
_BEGINNINGS = (
    "//*[@id='appendonsend']",
    "//*[@id='divRplyFwdMsg']",
    "//*[@id='x_divRplyFwdMsg']",
    "//div[contains(@style, 'border-top:solid #E1E1E1')][contains(@style, 'padding:3')]",
    "//div[contains(@style, 'border-top:solid #B5C4DF')][contains(@style, 'padding:3')]",
)


def strip_text(body: str) -> str:
    """Plain text without its quotes: lines marked as quoted, the line that introduces them, and, where a quote is not
    marked line by line, all from its introduction on. Answers between marked lines stay."""
    lines = body.replace("\r\n", "\n").split("\n")
    first, last = _introduction(lines) or (len(lines), len(lines))
    following = next((line for line in lines[last:] if line.strip()), "")
    rest = lines[last:] if _QUOTE_LINE.match(following) else []
    text = "\n".join(line for line in lines[:first] + rest if not _QUOTE_LINE.match(line)).strip("\n")
    return text if text.strip() else body


def _introduction(lines: list[str]) -> tuple[int, int] | None:
    """The lines, first and behind the last, that introduce a quote: "On ..., NN wrote:" in any of many languages."""
    text = "\n".join(line.strip() if len(line) < MAX_LINE else "" for line in lines)[:MAX_TEXT]
    match = _INTRODUCTION.search(text)
    if not match or _QUOTE_LINE.match(match[0].strip()):
        return None
    first = text.count("\n", 0, match.start()) + len(match[0]) - len(match[0].lstrip("\n"))
    return first, first + match[0].strip("\n").count("\n") + 1


def strip_html(body: str) -> str:
    """HTML without its quotes, the rest of the markup as libxml2 writes it; untouched when there is no quote."""
    for containers in (_CONTAINERS, (*_GMAIL_PIECES, *_CONTAINERS[1:])):
        root = parse_html(body)
        if root is None or not _remove_quotes(root, containers):
            return body
        if _has_content(root):
            return write_html(root, body)
    return body


def _remove_quotes(root: HtmlElement, containers: tuple[str, ...]) -> bool:
    beginnings = [element for path in _BEGINNINGS for element in root.xpath(path)]
    quotes = [element for path in containers for element in root.xpath(path)]
    for element in beginnings:
        _remove_from(element)
    for element in quotes:
        if element.getparent() is not None:
            element.drop_tree()
    return bool(beginnings or quotes)


def _remove_from(element: HtmlElement) -> None:
    """Remove the element, the rule above it, and everything that follows it in the document."""
    ancestor, rule = element, element.getprevious()
    while ancestor.tag != "body" and (parent := ancestor.getparent()) is not None:
        for following in list(ancestor.itersiblings()):
            parent.remove(following)
        ancestor.tail = None
        ancestor = parent
    for gone in (element, rule if rule is not None and rule.tag == "hr" else None):
        if gone is not None and gone.getparent() is not None:
            gone.drop_tree()


def _has_content(root: HtmlElement) -> bool:
    body = root.find("body")
    return body is not None and bool(str(body.text_content()).strip() or body.find(".//img") is not None)
