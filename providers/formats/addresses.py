"""Address lists of header fields (RFC 5322 section 3.4, obsolete forms 4.4), and what is sent in their place."""

import re
from dataclasses import dataclass, replace

from providers.formats.address_tokens import Kind, Token, segments
from providers.formats.words import decode_words
from schemas.mail import EmailAddress

MAX_UNUSUAL = 200_000  # characters of a field that are read where its form is not the usual one

# The two forms that nearly all mail has: `Name <local@domain>` and `local@domain`, up to the next comma.
_USUAL = re.compile(
    r"\s*+(?:"
    r'(?:"([^"\\]*+)"\s*+|([^"(),:;<>\\@\[\]]*+))<([^\s"(),:;<>@\\\[\]]++@[^\s"(),:;<>@\\\[\]]++)>'
    r'|([^\s"(),:;<>@\\\[\]=]++@[^\s"(),:;<>@\\\[\]]++)'
    r")\s*+(?:,|\Z)"
)
_ATOM = r"[^\s\"'<>(),:;@]"
_ADDRESS = re.compile(rf"(?<!{_ATOM}){_ATOM}++@{_ATOM}++")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_SPACE = re.compile(r"\s+")
_AROUND = re.compile(r"(?<!\s)\s*+([@.])\s*+")
_BROKEN = frozenset('"(<>')  # what should have come in pairs


def parse_addresses(value: str) -> list[EmailAddress]:
    """The mailboxes of an unfolded field, groups flattened.

    `raw` is set to the text of the mailbox where the reading was doubtful, or where the display name shows an address
    that is not the mailbox's own. A doubtful one may lack its address. Never raises.
    """
    found: list[EmailAddress] = []
    position = 0
    while position < len(value):
        match = _USUAL.match(value, position)
        if not match:
            return _parse_unusual(value[:MAX_UNUSUAL])
        quoted, phrase, bracketed, bare = match.groups()
        name = _name(quoted if quoted is not None else phrase or "")
        found.append(_mailbox(name, bracketed or bare, match[0]))
        position = match.end()
    return found


@dataclass(frozen=True, slots=True)
class _Reading:
    name: str
    address: str | None
    raw: str
    doubtful: bool = False
    bracketed: bool = False  # the address stood in angle brackets
    plain: bool = False  # the name has neither quotes nor an at sign


def _mailbox(name: str, address: str | None, raw: str, doubtful: bool = False) -> EmailAddress:
    if "@" in name:
        claimed = {found.lower() for found in _ADDRESS.findall(name)}
        doubtful = doubtful or bool(claimed - {(address or "").lower()})
    shown = _SPACE.sub(" ", raw).strip().rstrip(",").rstrip() if doubtful else None
    return EmailAddress(name=name or None, address=address or None, raw=shown)


def _parse_unusual(value: str) -> list[EmailAddress]:
    readings: list[_Reading] = []
    for tokens in segments(value):
        for reading in _read(tokens, value):
            before = readings[-1] if readings else None
            if before and before.plain and not before.address and reading.plain and reading.bracketed and reading.name:
                readings[-1] = _joined(before, reading)
            else:
                readings.append(reading)
    settled = map(_settled, readings)
    return [_mailbox(reading.name, reading.address, reading.raw, reading.doubtful) for reading in settled]


def _joined(before: _Reading, reading: _Reading) -> _Reading:
    """`Doe, John <john@example.com>`, whose comma should have been quoted."""
    name, raw = f"{before.name}, {reading.name}", f"{before.raw.strip()}, {reading.raw.strip()}"
    return replace(reading, name=name, raw=raw, doubtful=True)


def _settled(reading: _Reading) -> _Reading:
    """A single word without an address is a local mailbox, such as `root`."""
    if reading.address or reading.bracketed or not reading.plain or not reading.name or " " in reading.name:
        return reading
    return replace(reading, name="", address=reading.name)


def _read(tokens: list[Token], value: str) -> list[_Reading]:
    """The mailboxes of one segment: none, one, or several whose commas are missing."""
    content = [token for token in tokens if token.kind is not Kind.SPACE]
    if not content:
        return []
    raw = value[content[0].start : content[-1].start + len(content[-1].text)]
    comment = " ".join(token.text[1:-1].strip() for token in content if token.kind is Kind.COMMENT)
    tokens = [token for token in tokens if token.kind is not Kind.COMMENT]
    angle = next((token for token in tokens if token.kind is Kind.ANGLE), None)
    if angle:
        return [_read_angle(tokens, angle, comment, raw)]
    at_signs = [index for index, token in enumerate(tokens) if token.is_special("@")]
    if len(at_signs) == 1:
        return [_read_bare(tokens, at_signs[0], comment, raw)]
    if at_signs:
        return [_Reading("", found, found, doubtful=True) for found in _ADDRESS.findall(raw)]
    return _read_without_address(tokens, comment, raw)


def _read_angle(tokens: list[Token], angle: Token, comment: str, raw: str) -> _Reading:
    address = _addr_spec(angle.inner)
    after = tokens[tokens.index(angle) + 1 :]
    strange = any(token.kind is not Kind.SPACE for token in after) or any(token.text in _BROKEN for token in tokens)
    doubtful = strange or "@" not in (address or "")
    name = _phrase([token for token in tokens if token is not angle]).lstrip(", ")
    return _Reading(name or _name(comment), address, raw, doubtful, bracketed=True, plain=_is_plain(tokens))


def _read_bare(tokens: list[Token], at_sign: int, comment: str, raw: str) -> _Reading:
    compact = _addr_spec(tuple(tokens))
    if compact and all(token.kind in (Kind.ATOM, Kind.SPACE) for index, token in enumerate(tokens) if index != at_sign):
        return _Reading(_name(comment), compact, raw)
    first, last = _run(tokens, at_sign, -1), _run(tokens, at_sign, 1)
    address = "".join(token.text for token in tokens[first : last + 1] if token.kind is not Kind.SPACE)
    if address.startswith("@") or address.endswith("@"):
        return _Reading(_phrase(tokens), None, raw, doubtful=True)
    rest = [token for token in tokens[:first] + tokens[last + 1 :] if token.kind is not Kind.SPACE]
    name = _phrase([token for token in tokens[:first] + tokens[last + 1 :] if token.text not in _BROKEN])
    return _Reading(name or _name(comment), address, raw, doubtful=bool(rest))


def _read_without_address(tokens: list[Token], comment: str, raw: str) -> list[_Reading]:
    name = _phrase(tokens)
    if _ADDRESS.fullmatch(name) and all(token.kind in (Kind.QUOTED, Kind.SPACE) for token in tokens):
        return [_Reading("", name, raw, doubtful=True)]  # "john@example.com", quotes and all
    if name and comment and " " not in name and _is_plain(tokens):
        return [_Reading(_name(comment), name, raw, doubtful=True)]  # root (Cron Daemon)
    if not name:
        return []
    return [_Reading(name, None, raw, doubtful=True, plain=_is_plain(tokens))]


def _run(tokens: list[Token], at_sign: int, step: int) -> int:
    """The outermost token of the address on one side of its at sign, which may stand between spaces (4.4)."""
    index = at_sign + step
    while 0 <= index < len(tokens) and tokens[index].kind is Kind.SPACE:
        index += step
    end = at_sign
    while 0 <= index < len(tokens) and tokens[index].kind not in (Kind.SPACE, Kind.SPECIAL):
        end = index
        index += step
    return end


def _addr_spec(inner: tuple[Token, ...]) -> str | None:
    """What stands between angle brackets, without comments, spaces, obsolete route (4.4) and `mailto:`.

    None where white space leaves open what belongs together.
    """
    tokens = [token for token in inner if token.kind is not Kind.COMMENT]
    colon = max((index for index, token in enumerate(tokens) if token.is_special(":")), default=-1)
    text = "".join(token.text for token in tokens[colon + 1 :]).strip()
    if any(token.kind is Kind.QUOTED for token in tokens):
        return "".join(token.text for token in tokens[colon + 1 :] if token.kind is not Kind.SPACE)
    text = _AROUND.sub(r"\1", text)
    return None if not text or _SPACE.search(text) else text


def _phrase(tokens: list[Token]) -> str:
    return _name("".join(_ESCAPED.sub(r"\1", t.text[1:-1]) if t.kind is Kind.QUOTED else t.text for t in tokens))


def _name(text: str) -> str:
    return " ".join(decode_words(text).split()) if text else text


def _is_plain(tokens: list[Token]) -> bool:
    return all(token.kind in (Kind.ATOM, Kind.WORD, Kind.SPACE, Kind.ANGLE) for token in tokens)
