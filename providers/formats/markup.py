"""HTML of mail as a tree, and back to text."""

import re

from lxml import etree
from lxml.html import HtmlElement, HTMLParser, document_fromstring, tostring

_CLOSING = re.compile(r"</(?:body|html)\s*>", re.IGNORECASE)  # footers are added behind it, and belong to the body
_DOCUMENT = re.compile(r"<(?:!doctype|html|body)\b", re.IGNORECASE)


def parse_html(source: str) -> HtmlElement | None:
    """The `html` element, built as tolerantly as libxml2 can; None when there is nothing in it. Never raises."""
    octets = _CLOSING.sub("", source.replace("\x00", "")).encode("utf-8", "replace")
    try:
        root = document_fromstring(octets, parser=HTMLParser(encoding="utf-8", no_network=True, huge_tree=True))
    except (etree.LxmlError, ValueError, AssertionError):
        return None
    return root if isinstance(root, HtmlElement) else None


def write_html(root: HtmlElement, like: str) -> str:
    """The tree as text: a document where `like`, the text it was parsed from, was one, else its body's content."""
    if _DOCUMENT.search(like[:4096]):
        whole = root.getroottree() if "<!doctype" in like[:4096].lower() else root
        return str(tostring(whole, encoding="unicode", method="html"))
    body = root.find("body")
    if body is None:
        return ""
    return (body.text or "") + "".join(str(tostring(child, encoding="unicode", method="html")) for child in body)
