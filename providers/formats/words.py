"""RFC 2047 encoded words, read as they are sent rather than as they should be."""

import binascii
import re

from providers.formats.charset import decode_text
from providers.formats.transfer import decode_transfer

# A payload may hold spaces and question marks (both illegal, both common); it ends where the next word starts.
_WORD = re.compile(r"=\?([^?\s]{1,80})\?([bBqQ])\?((?:(?!\?=|=\?(?!=)).)*)\?=", re.DOTALL)
_CONTROL = re.compile("[\x00-\x1f\x7f]+")
_FOREIGN = re.compile("[\udc80-\udcff]")  # octets that are not UTF-8, as surrogateescape keeps them


def decode_words(value: str) -> str:
    """Decode every encoded word, wherever it stands; control characters become spaces. Never raises."""
    if "=?" not in value:
        return clean(value)
    done: list[str] = []
    charset, octets, position = "", b"", 0
    for match in _WORD.finditer(value):
        gap = value[position : match.start()]
        word_charset = match[1].lower().partition("*")[0]  # RFC 2231 section 5: charset*language
        if octets and (gap.strip() or word_charset != charset):
            done.append(decode_text(octets, charset))
            octets = b""
        if gap.strip() or not position:
            done.append(gap)
        # Octets of neighbours are joined before decoding: senders split words in the middle of a character.
        charset, octets, position = word_charset, octets + _octets(match[2], match[3]), match.end()
    done += [decode_text(octets, charset), value[position:]]
    return clean("".join(done))


def clean(value: str) -> str:
    """The text of one line: runs of control characters (folds, tabs, NUL) become one space, octets that are not UTF-8
    what they most likely are."""
    if value.isprintable():
        return value
    if _FOREIGN.search(value):
        value = decode_text(value.encode("utf-8", "surrogateescape"), None)
    return _CONTROL.sub(" ", value)


def _octets(encoding: str, payload: str) -> bytes:
    raw = payload.encode("utf-8", "surrogateescape")
    if encoding in "qQ":
        return binascii.a2b_qp(raw, header=True)
    try:
        return binascii.a2b_base64(raw, strict_mode=True)
    except binascii.Error:
        return decode_transfer(raw, "base64")
