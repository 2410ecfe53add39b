"""PHOTO: Base64 in the card (3.0), a `data:` URI (4.0), or a place where the picture is."""

import re

from providers.formats.contentlines import Component, Line
from schemas.contacts import ContactPhoto

_DATA = re.compile(r"data:([^;,]*)((?:;[^;,]*)*),(.*)", re.DOTALL | re.IGNORECASE)
_SPACE = re.compile(r"\s+")
_TYPES = {"JPG": "image/jpeg", "JPEG": "image/jpeg", "PNG": "image/png", "GIF": "image/gif"}
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")


def has_photo(card: Component) -> bool:
    """Whether there is a picture, here or elsewhere."""
    return any(line.value.strip() for line in card.all("PHOTO"))


def photo(card: Component) -> ContactPhoto | None:
    """The picture that is in the card; None where it is elsewhere or damaged."""
    line = card.get("PHOTO")
    if line is None:
        return None
    match = _DATA.fullmatch(line.value.strip())
    mime_type, content = (match[1], match[3]) if match else (_mime_type(line), line.value)
    content = _SPACE.sub("", content.replace("\\", ""))
    content += "=" * (-len(content) % 4)
    is_text = match is not None and "base64" not in match[2].lower()
    if is_text or ((line.parameter("VALUE") or "").lower() in ("uri", "url") and match is None):
        return None
    if len(content.rstrip("=")) % 4 == 1 or not _BASE64.fullmatch(content):
        return None
    return ContactPhoto(mime_type=mime_type or None, content=content)


def _mime_type(line: Line) -> str:
    named = line.parameter("MEDIATYPE")
    kind = (line.parameter("TYPE") or "").upper()
    return named or _TYPES.get(kind) or (kind.lower() if "/" in kind else "")


def put_photo(card: Component, wanted: ContactPhoto | None, version: str) -> None:
    """Replace the picture; none, or one without content, removes it."""
    if wanted is None or not wanted.content:
        card.put("PHOTO")
        return
    mime_type = wanted.mime_type or "image/jpeg"
    if version == "4.0":
        card.put("PHOTO", [Line("PHOTO", f"data:{mime_type};base64,{wanted.content}")])
        return
    kind = next((name for name, known in _TYPES.items() if known == mime_type and name != "JPG"), mime_type)
    card.put("PHOTO", [Line("PHOTO", wanted.content, {"ENCODING": ("b",), "TYPE": (kind,)})])
