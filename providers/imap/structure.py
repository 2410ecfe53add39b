"""BODYSTRUCTURE (RFC 3501 7.4.2) as a tree of MIME parts.

Some servers send structures that follow no grammar; those raise `Malformed`, and the caller reads the message itself.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from providers.formats import parameters
from providers.formats.part import Part, build
from providers.formats.words import decode_words
from providers.imap.tokens import parse
from providers.imap.wire import Line

_DEPTH = 50
_LEAF = 7  # type, subtype, parameters, id, description, encoding, size


class Malformed(ValueError):
    """A structure that cannot be understood."""


def structure(values: Any) -> Part:
    """The BODYSTRUCTURE of a whole message, parsed or as it was written. Raises `Malformed`."""
    try:
        return _part(parse(Line(values))[0] if isinstance(values, bytes) else values, "", 0)
    except (IndexError, TypeError, ValueError, AttributeError) as error:
        raise Malformed(str(error)) from error


def _part(values: list[Any], section: str, depth: int) -> Part:
    if depth > _DEPTH or not isinstance(values, list) or not values:
        raise Malformed("not a list of fields")
    if isinstance(values[0], list):
        return _multipart(values, section, depth)
    return _leaf(values, section or "1")


def _multipart(values: list[Any], section: str, depth: int) -> Part:
    count = next((place for place, value in enumerate(values) if not isinstance(value, list)), len(values))
    prefix = f"{section}." if section else ""
    children = tuple(_part(child, f"{prefix}{number}", depth + 1) for number, child in enumerate(values[:count], 1))
    subtype = _text(values[count]) if count < len(values) else "mixed"
    return Part(section, f"multipart/{subtype.lower()}", children=children)


def _leaf(values: list[Any], section: str) -> Part:
    if len(values) < _LEAF or not isinstance(values[1], bytes) or not values[6].isdigit():
        raise Malformed("a part without type or size")
    kind = _kind(_text(values[0]), _text(values[1]))
    embedded = kind == "message/rfc822" and len(values) > _LEAF + 2 and isinstance(values[_LEAF], list)
    rest = values[_LEAF + (3 if embedded else 1 if kind.startswith("text/") else 0) :]
    # What follows: MD5, disposition, language, location; each may be missing.
    disposition, disposition_parameters = _disposition(rest[1] if len(rest) > 1 else None)
    return build(
        section,
        kind,
        _parameters(values[2]),
        encoding=_text(values[5]),
        size=int(values[6]),
        disposition=disposition,
        disposition_parameters=disposition_parameters,
        content_id=_text(values[3]),
        location=_text(rest[3]) if len(rest) > 3 and isinstance(rest[3], bytes) else None,
        subject=_subject(values[_LEAF]) if embedded else None,
    )


def _disposition(value: Any) -> tuple[str | None, Mapping[str, str]]:
    if isinstance(value, bytes):
        return _text(value), {}
    if not isinstance(value, list) or not value:
        return None, {}
    return _text(value[0]), _parameters(value[1] if len(value) > 1 else None)


@lru_cache(maxsize=256)
def _kind(main: str, sub: str) -> str:
    return f"{main}/{sub}".lower()


def _parameters(values: Any) -> Mapping[str, str]:
    return _decoded(tuple(map(_text, values))) if isinstance(values, list) else {}


@lru_cache(maxsize=1024)
def _decoded(words: tuple[str, ...]) -> Mapping[str, str]:
    """Most messages have one of a few character sets."""
    return parameters.decode(zip(words[::2], words[1::2], strict=False))


def _subject(envelope: list[Any]) -> str | None:
    """The subject of an attached message, decoded: the second field of its ENVELOPE."""
    encoded = _text(envelope[1]) if len(envelope) > 1 else ""
    return decode_words(encoded) or None


def _text(value: Any) -> str:
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else ""
