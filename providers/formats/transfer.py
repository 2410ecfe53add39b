"""Content-Transfer-Encoding (RFC 2045 section 6), decoded tolerantly, at once or as it streams in."""

import binascii
import re

_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_NOT_BASE64 = bytes(set(range(256)) - set(_BASE64))
_PADDING = re.compile(rb"=+")
_TRAILING_SPACE = re.compile(rb"(?<![ \t])[ \t]++(?=\r?\n)")
_MAX_LINE = 65536  # octets of one line that are kept back while its end is not in sight
_UU_ENCODINGS = frozenset(("x-uuencode", "uuencode", "uue", "x-uue"))


class TransferDecoder:
    """Decodes one part piece by piece; damaged input loses the damaged octets, never raises.

    `encoding` is the field's value in any case; what is not known passes through unchanged (RFC 2045 6.2).
    """

    def __init__(self, encoding: str) -> None:
        kind = encoding.strip().lower()
        self._rest = b""
        self._begun = False
        if kind == "base64":
            self._decode = self._base64
        elif kind == "quoted-printable":
            self._decode = self._quoted_printable
        elif kind in _UU_ENCODINGS:
            self._decode = self._uuencode
        else:
            self._decode = self._as_is

    def feed(self, data: bytes) -> bytes:
        """What can be decoded with `data` added."""
        return self._decode(data, False)

    def close(self) -> bytes:
        """What was kept back for want of more."""
        return self._decode(b"", True)

    def _as_is(self, data: bytes, last: bool) -> bytes:
        return data  # also when it is the last: nothing is kept back

    def _base64(self, data: bytes, last: bool) -> bytes:
        data = self._rest + data.translate(None, _NOT_BASE64)
        # Padding in the middle ends a stretch that was encoded on its own; the stretch after it starts afresh.
        *ended, data = _PADDING.split(data) if b"=" in data else (data,)
        whole = len(data) if last else len(data) // 4 * 4
        self._rest = data[whole:]
        return b"".join(map(_base64_stretch, (*ended, data[:whole])))

    def _quoted_printable(self, data: bytes, last: bool) -> bytes:
        data = self._rest + data
        end = len(data) if last else data.rfind(b"\n") + 1
        if not end and len(data) > _MAX_LINE:
            end = len(data) - 3 + (data[-3:].find(b"=") if b"=" in data[-3:] else 3)
        self._rest = data[end:]
        # White space at the end of a line was added on the way (RFC 2045 6.7, rule 3).
        return binascii.a2b_qp(_TRAILING_SPACE.sub(b"", data[:end]))

    def _uuencode(self, data: bytes, last: bool) -> bytes:
        lines = (self._rest + data).split(b"\n")
        self._rest = b"" if last else lines.pop()
        return b"".join(map(self._uu_line, lines))

    def _uu_line(self, line: bytes) -> bytes:
        line = line.rstrip(b"\r")
        if not self._begun or not line or line == b"end":
            self._begun = line.startswith(b"begin ") or (self._begun and line != b"end")
            return b""
        try:
            return binascii.a2b_uu(line)
        except binascii.Error:  # longer than its length octet says, as some encoders write it
            octets = (((line[0] - 32) & 63) * 4 + 5) // 3
            try:
                return binascii.a2b_uu(line[:octets])
            except binascii.Error:
                return b""


def decode_transfer(data: bytes, encoding: str) -> bytes:
    """`data` decoded as a whole; see `TransferDecoder`."""
    decoder = TransferDecoder(encoding)
    return decoder.feed(data) + decoder.close()


def decoded_size(data: bytes, encoding: str) -> int | None:
    """How many octets `data` decodes to, where that can be told without decoding; else None."""
    kind = encoding.strip().lower()
    if kind == "base64":
        return len(data.translate(None, _NOT_BASE64 + b"=")) * 3 // 4
    return None if kind == "quoted-printable" or kind in _UU_ENCODINGS else len(data)


def estimated_size(size: int, encoding: str) -> int:
    """The decoded size of `size` encoded octets; for Base64 by lines of 76 characters (RFC 2045 6.8)."""
    return (size - 2 * -(-size // 78)) * 3 // 4 if encoding.strip().lower() == "base64" else size


def _base64_stretch(data: bytes) -> bytes:
    if len(data) % 4 == 1:
        data = data[:-1]
    return binascii.a2b_base64(data + b"=" * (-len(data) % 4))
