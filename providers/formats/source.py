"""A message from its source: headers, structure, content. One pass; nothing is copied until it is asked for."""

from dataclasses import dataclass

from providers.formats.charset import decode_text
from providers.formats.headers import MAX_HEADER, Headers, body_offset
from providers.formats.parameters import parse as parse_parameters
from providers.formats.part import Part, build
from providers.formats.transfer import decode_transfer, decoded_size

MAX_DEPTH, MAX_PARTS = 50, 1000

_OPAQUE = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class _Span:
    start: int
    end: int


class Source:
    """Parses any octets; sections are numbered as IMAP's BODY[] does (RFC 3501 6.4.5).

    An attached message is one leaf. A multipart whose boundary is missing is a text; what lies deeper than
    `MAX_DEPTH` is one opaque part, what comes after `MAX_PARTS` parts is left out.
    """

    headers: Headers
    root: Part

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._bodies: dict[str, tuple[_Span, str]] = {}  # section -> where its content stands, its encoding
        self._count = 0
        self.headers, body = self._open(_Span(0, len(data)))
        self.root = self._read(self.headers, body, "", MAX_DEPTH, "text/plain")

    def content(self, section: str) -> bytes:
        """The decoded content of a leaf; of an attached message its source. Raises KeyError for an unknown section."""
        span, encoding = self._bodies[section]
        return decode_transfer(self._data[span.start : span.end], encoding)

    def text(self, part: Part) -> str:
        """The content of a leaf as text. Raises KeyError for a part of another message."""
        return decode_text(self.content(part.section), part.charset, html=part.mime_type == "text/html")

    def _open(self, span: _Span) -> tuple[Headers, _Span]:
        """The headers at the start of a span, and the span of the body below them."""
        body = body_offset(self._data, span.start, span.end)
        headers = Headers.parse(self._data[span.start : min(body, span.start + MAX_HEADER)])
        garbage = not len(headers) and self._data[span.start : body].strip()  # no header section at all
        return headers, _Span(span.start if garbage else body, span.end)

    def _read(self, headers: Headers, body: _Span, section: str, depth: int, default: str) -> Part:
        """`section` is that of a multipart; a leaf at the root is number 1."""
        kind, parameters = parse_parameters(headers.raw("content-type") or default)
        if kind.count("/") != 1:
            kind = default  # RFC 2045 5.2
        if kind.startswith("multipart/"):
            spans = self._split(body, parameters.get("boundary", "")) if depth else []
            if spans:
                return self._multipart(kind, spans, section, depth)
            kind = "text/plain" if depth else _OPAQUE
        return self._leaf(headers, kind, parameters, body, section or "1")

    def _multipart(self, kind: str, spans: list[_Span], section: str, depth: int) -> Part:
        default = "message/rfc822" if kind == "multipart/digest" else "text/plain"
        children = []
        for number, span in enumerate(spans, 1):
            if self._count >= MAX_PARTS:
                break
            self._count += 1
            headers, body = self._open(span)
            children.append(self._read(headers, body, f"{section}.{number}".lstrip("."), depth - 1, default))
        size = spans[-1].end - spans[0].start
        return build(section, kind, {}, size=size, children=tuple(children))

    def _leaf(self, headers: Headers, kind: str, parameters: dict[str, str], body: _Span, section: str) -> Part:
        encoding = (headers.raw("content-transfer-encoding") or "").partition("(")[0].strip(" ;\t").lower()
        disposition, disposition_parameters = parse_parameters(headers.raw("content-disposition") or "")
        self._bodies[section] = body, encoding
        return build(
            section,
            kind,
            parameters,
            encoding=encoding,
            size=body.end - body.start,
            disposition=disposition,
            disposition_parameters=disposition_parameters,
            content_id=headers.raw("content-id"),
            location=headers.raw("content-location"),
            subject=self._subject(section) if kind == "message/rfc822" else None,
            decoded_size=decoded_size(self._data[body.start : body.end], encoding),
        )

    def _subject(self, section: str) -> str | None:
        return Headers.parse(self.content(section)[:MAX_HEADER]).text("subject")

    def _split(self, body: _Span, boundary: str) -> list[_Span]:
        """The spans between the delimiter lines (RFC 2046 5.1.1); the last one may lack its closing delimiter."""
        delimiter = b"--" + boundary.rstrip().encode("utf-8", "surrogateescape")
        if len(delimiter) == 2:
            return []
        spans: list[_Span] = []
        begun: int | None = None
        nested = 0
        position = self._data.find(delimiter, body.start, body.end)
        while position >= 0 and len(spans) < MAX_PARTS:
            end, closing = self._delimiter_end(position, delimiter, body)
            if nested and closing:
                nested -= 1
            elif end is not None and not nested:
                if begun is not None:
                    spans.append(_Span(begun, max(begun, self._line_end_before(position, body))))
                begun = None if closing else end
                if closing:
                    break
                nested = self._reuses(boundary, _Span(end, body.end))
            position = self._data.find(delimiter, position + len(delimiter), body.end)
        return [*spans, _Span(begun, body.end)] if begun is not None else spans

    def _reuses(self, boundary: str, part: _Span) -> int:
        """1 when a part is a multipart with the boundary of its parent (old Outlook Express): the inner one owns the
        delimiters up to its closing one, as for IMAP servers."""
        header = self._data[part.start : min(body_offset(self._data, part.start, part.end), part.start + MAX_HEADER)]
        if b"boundary" not in header.lower():
            return 0
        kind, parameters = parse_parameters(Headers.parse(header).raw("content-type") or "")
        return int(kind.startswith("multipart/") and parameters.get("boundary", "").rstrip() == boundary.rstrip())

    def _delimiter_end(self, position: int, delimiter: bytes, body: _Span) -> tuple[int | None, bool]:
        """Where the line after a delimiter begins, None when this is none; and whether it is the closing one."""
        if position > body.start and self._data[position - 1] not in b"\r\n":
            return None, False
        after = position + len(delimiter)
        closing = self._data.startswith(b"--", after, body.end)
        after += 2 if closing else 0
        while after < body.end and self._data[after] in b" \t":
            after += 1
        for line_end in (b"\r\n", b"\n", b"\r"):
            if self._data.startswith(line_end, after, body.end):
                return after + len(line_end), closing
        return (after, closing) if after >= body.end or closing else (None, False)

    def _line_end_before(self, position: int, body: _Span) -> int:
        """The line end in front of a delimiter belongs to it."""
        if self._data.endswith(b"\r\n", body.start, position):
            return position - 2
        return position - 1 if position > body.start else position
