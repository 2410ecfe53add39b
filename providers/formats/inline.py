"""Which attachments are shown within the HTML (RFC 2392)."""

import html as entities
import re
from urllib.parse import unquote

from providers.formats.part import Part

_CID = re.compile(r"\bcid:([^\"'\s<>)]{1,1000})", re.IGNORECASE)


def content_key(content_id: str) -> str:
    """The form in which Content-IDs are compared: no brackets, no percent signs, no case."""
    return unquote(content_id.strip().strip("<>")).lower()


def referenced(html: str) -> frozenset[str]:
    """The keys of all Content-IDs that the HTML refers to."""
    return frozenset(content_key(entities.unescape(found)) for found in _CID.findall(html))


def is_inline(part: Part, related: frozenset[str], shown: frozenset[str] | None) -> bool:
    """Whether the part is shown within the HTML; `shown` are the keys referred to, None when the HTML is not known.

    Then a Content-ID tells, of a part that belongs to the HTML or that says it is inline.
    """
    if not part.content_id:
        return False
    if shown is None:
        return part.section in related or part.disposition == "inline"
    return content_key(part.content_id) in shown
