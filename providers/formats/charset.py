"""Octets to text, whatever charset the sender claims; with the transfer decoding that comes before it."""

import codecs
import re
from functools import lru_cache

from charset_normalizer import from_bytes

from providers.formats.transfer import TransferDecoder, decode_transfer

__all__ = ["TransferDecoder", "decode_text", "decode_transfer"]

# What mail says and what it means: supersets (as in the WHATWG Encoding Standard, section 4.2) and vendor names.
_ALIASES = {
    "iso-8859-1": "cp1252", "iso8859-1": "cp1252", "iso_8859-1": "cp1252", "latin1": "cp1252", "latin-1": "cp1252",
    "iso-8859-9": "cp1254", "iso-8859-8-i": "iso-8859-8", "iso-8859-8-e": "iso-8859-8",
    "gb2312": "gb18030", "gbk": "gb18030", "x-gbk": "gb18030", "gb_2312-80": "gb18030", "chinese": "gb18030",
    "euc-cn": "gb18030", "hz": "hz", "big5": "big5hkscs", "x-x-big5": "big5hkscs", "cn-big5": "big5hkscs",
    "ks_c_5601-1987": "cp949", "ks_c_5601": "cp949", "ksc5601": "cp949", "euc-kr": "cp949", "x-windows-949": "cp949",
    "shift_jis": "cp932", "shift-jis": "cp932", "sjis": "cp932", "x-sjis": "cp932", "x-euc-jp": "euc_jp",
    "iso-2022-jp": "iso2022_jp_ext", "x-mac-roman": "mac_roman", "x-mac-cyrillic": "mac_cyrillic",
    "tis-620": "cp874", "windows-874": "cp874", "iso-8859-11": "cp874", "koi8": "koi8_r", "koi": "koi8_r",
    "unicode-1-1-utf-7": "utf_7", "utf8mb4": "utf_8", "utf": "utf_8", "unicode": "utf_16", "cp-850": "cp850",
}  # fmt: skip
# Codecs of Python that are no charsets.
_NO_CHARSETS = frozenset(("unicode_escape", "raw_unicode_escape", "idna", "punycode", "undefined", "mbcs", "oem"))
_META = re.compile(rb"<meta[^>]{1,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
_XML = re.compile(rb"\s*<\?xml[^>]{1,100}?encoding\s*=\s*[\"']([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
_MARKS = ((codecs.BOM_UTF8, "utf_8"), (codecs.BOM_UTF16_LE, "utf_16_le"), (codecs.BOM_UTF16_BE, "utf_16_be"))
_MARKED = (b"\xef", b"\xff", b"\xfe")
_SAMPLE = 8192  # octets that are looked at for a guess
_ASCII = bytes(range(128))
_WESTERN = 0.25  # share of octets beyond ASCII below which a text is taken as Western European
# The charsets that unlabelled mail is written in; the guesser's full list has IBM mainframes in it.
_LIKELY = [
    "cp1252",
    "cp1251",
    "koi8_r",
    "gb18030",
    "cp949",
    "cp932",
    "euc_jp",
    "big5hkscs",
    "cp1253",
    "cp1255",
    "cp1256",
]
_TOLERATED = 0.02  # share of damaged characters up to which the declared charset is believed


def decode_text(data: bytes, charset: str | None, *, html: bool = False) -> str:
    """`data` as text; damaged octets become U+FFFD. Never raises, for any charset name.

    In order: byte order mark, UTF-8 where the HTML says so itself and it fits, the declared charset, the one of the
    HTML, UTF-8, the declared one with a little damage, and last a guess.
    """
    if data[:1] in _MARKED:
        for mark, name in _MARKS:
            if data.startswith(mark):
                return data[len(mark) :].decode(name, "replace")
    declared, own = _codec(charset or ""), _html_codec(data) if html else None
    for codec in (own if own == "utf-8" else None, declared, own, "utf-8"):
        if codec and (text := _strict(data, codec)) is not None:
            return text
    return _damaged(data, declared or own) or _guessed(data)


@lru_cache(maxsize=256)
def _codec(charset: str) -> str | None:
    """The name of Python's codec, None when there is no such charset."""
    label = charset.strip().strip("\"'").lower()[:60]
    try:
        info = codecs.lookup(_ALIASES.get(label, label))
    except (LookupError, ValueError):
        return None
    usable = getattr(info, "_is_text_encoding", True) and info.name.replace("-", "_") not in _NO_CHARSETS
    return info.name if usable else None


def _html_codec(data: bytes) -> str | None:
    """What the document says of itself within its first 1024 octets (HTML Living Standard 13.2.3.2)."""
    head = data[:1024]
    match = _META.search(head) or _XML.match(head)
    name = _codec(match[1].decode("ascii")) if match else None
    return None if name and name.startswith("utf-16") else name  # it was read octet by octet: it is not UTF-16


def _strict(data: bytes, name: str) -> str | None:
    try:
        text = data.decode(name)
    except (UnicodeError, ValueError):
        return None
    return text if name != "utf-7" else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _damaged(data: bytes, name: str | None) -> str | None:
    """The text where the damage is slight and the charset shows elsewhere that it is the right one."""
    if not name or name == "ascii":
        return None
    text = data.decode(name, "replace")
    damaged = text.count("\ufffd")
    sound = sum(not char.isascii() for char in text) - damaged
    return text if damaged <= max(1, len(text) * _TOLERATED) and sound >= damaged else None


def _guessed(data: bytes) -> str:
    sample = data[:_SAMPLE]
    foreign = len(sample.translate(None, _ASCII))
    western = foreign < len(sample) * _WESTERN  # a few accents tell a statistical guesser nothing
    guess = None if western else from_bytes(sample, cp_isolation=_LIKELY).best()
    return data.decode(guess.encoding if guess else "cp1252", "replace")
