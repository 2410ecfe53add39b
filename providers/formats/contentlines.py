"""Content lines: the one grammar of iCalendar (RFC 5545 3.1) and vCard (RFC 6350 3.3). Read leniently, write strictly.

Values are kept as they were written, still escaped, so that what nobody touched leaves as it came. Nothing raises but
`TooLarge`; a line that is no content line is left out, a component that is not closed ends with the one around it.
"""

import quopri
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from providers.base.errors import TooLarge
from providers.formats.charset import decode_text

MAX_OCTETS = 16 * 1024 * 1024
MAX_LINES = 200_000
MAX_DEPTH = 20  # deeper components are left out

_FOLD = re.compile(rb"(?<!\n)\n+[ \t]")  # blank lines within a folded one occur
_NAME = re.compile(r"(?:([A-Za-z0-9_-]+)\.)?([A-Za-z0-9_/-]+)[ \t]*(?=[;:])")
_PLAIN = re.compile(r"([A-Za-z0-9_/-]+):")  # a property without parameters: most are
_PARAMETER = re.compile(r'[ \t]*([^=;:,"]*)(=)?')
_PARAMETER_VALUE = re.compile(r'"([^"]*)"[^,;:]*|([^",;:]*(?:"[^,;:]*)?)')
_CARET = re.compile(r"\^([n^'])")
_CARETS = {"n": "\n", "^": "^", "'": '"'}
_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f]")
_UNREADABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f]")  # neither JSON nor databases want them
_PRINTABLE = "QUOTED-PRINTABLE"
_SOFT = re.compile(rb"^(?=[^:\n]*QUOTED-PRINTABLE)[^\n]*=\n(?:[^\n]*=\n)*", re.IGNORECASE | re.MULTILINE)
_LINE_END = re.compile(r"\r\n?|\n")
_MOMENTS = frozenset(("DTSTART", "DTEND", "DUE", "RECURRENCE-ID", "EXDATE", "RDATE"))
_LIMIT = 75  # octets of a line, without its end


@dataclass(frozen=True, slots=True)
class Line:
    """One property: upper-case `name`, `value` as written, `parameters` by upper-case name in their order."""

    name: str
    value: str
    parameters: dict[str, tuple[str, ...]] = field(default_factory=dict)
    group: str = ""  # of vCard: what ties a property to its label

    def parameter(self, name: str) -> str | None:
        """The first value of a parameter."""
        values = self.parameters.get(name)
        return values[0] if values else None


@dataclass(slots=True)
class Component:
    """What stands between a BEGIN and its END. Properties keep their order; children follow them."""

    name: str
    lines: list[Line] = field(default_factory=list)
    children: list["Component"] = field(default_factory=list)

    def get(self, name: str) -> Line | None:
        """The first property of that name."""
        for line in self.lines:  # asked for most of all: without a generator
            if line.name == name:
                return line
        return None

    def all(self, name: str) -> list[Line]:
        """Every property of that name."""
        return [line for line in self.lines if line.name == name]

    def value(self, name: str) -> str | None:
        """The raw value of the first property of that name."""
        for line in self.lines:
            if line.name == name:
                return line.value
        return None

    def put(self, name: str, lines: Iterable[Line] = ()) -> None:
        """Replace the properties of that name, where the first of them stood; no `lines` removes them."""
        place = next((index for index, line in enumerate(self.lines) if line.name == name), len(self.lines))
        kept = [line for line in self.lines if line.name != name]
        self.lines = [*kept[:place], *lines, *kept[place:]]

    def of(self, name: str) -> list["Component"]:
        """The children of that name."""
        return [child for child in self.children if child.name == name]

    def copy(self) -> "Component":
        """One whose lists can be changed without changing this one; lines never change."""
        return Component(self.name, list(self.lines), [child.copy() for child in self.children])


def parse(data: bytes) -> list[Component]:
    """The outermost components of a text. Raises `TooLarge`."""
    if len(data) > MAX_OCTETS:
        raise TooLarge(f"calendar and contact data of more than {MAX_OCTETS} octets is not read")
    found: list[Component] = []
    stack: list[Component] = []
    for line in _lines(data):
        if line.name == "BEGIN":
            component = Component(line.value.strip().upper())
            if len(stack) < MAX_DEPTH:
                (stack[-1].children if stack else found).append(component)
            stack.append(component)
        elif line.name == "END":
            _close(stack, line.value.strip().upper())
        elif stack:
            stack[-1].lines.append(line)
    return found


def _close(stack: list[Component], name: str) -> None:
    """Close the innermost component of that name and what was left open in it."""
    for depth in range(len(stack) - 1, max(-1, len(stack) - 1 - MAX_DEPTH), -1):
        if stack[depth].name == name:
            del stack[depth:]
            return


def _lines(data: bytes) -> Iterator[Line]:
    data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if b"=\n" in data:
        data = _SOFT.sub(lambda found: found[0].replace(b"=\n", b""), data)
    data = _FOLD.sub(b"", data)  # before decoding: a fold may part the octets of a character
    if data.count(b"\n") > MAX_LINES:
        raise TooLarge(f"calendar and contact data of more than {MAX_LINES} lines is not read")
    for text in _UNREADABLE.sub("", _decoded(data)).split("\n"):
        if line := read_line(text):
            yield line


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return decode_text(data, "utf-8", html=False)


def read_line(text: str) -> Line | None:
    """A property from its unfolded line; None when it is none."""
    if plain := _PLAIN.match(text):
        return Line(plain[1].upper(), text[plain.end() :])
    match = _NAME.match(text)
    if match is None:
        return None
    parameters: dict[str, tuple[str, ...]] = {}
    place = match.end()
    while place < len(text) and text[place] == ";":
        name, values, place = _parameter(text, place + 1)
        if name:
            parameters[name] = parameters.get(name, ()) + values
    if text[place : place + 1] != ":":
        return None
    return _settled(Line(match[2].upper(), text[place + 1 :], parameters, match[1] or ""))


def _settled(line: Line) -> Line:
    """What older programs write, in the form of today: `TZID=tzone://Microsoft/Utc` without quotes (Exchange), and
    texts in quoted-printable (vCard 2.1, vCalendar 1.0)."""
    if line.name in _MOMENTS and ":" in line.value and "TZID" in line.parameters:
        more, _, value = line.value.rpartition(":")
        return Line(line.name, value, {**line.parameters, "TZID": (f"{line.parameter('TZID')}:{more}",)}, line.group)
    if _PRINTABLE in map(str.upper, line.parameters.get("ENCODING", ())) or _PRINTABLE in line.parameters.get(
        "TYPE", ()
    ):
        return _plain(line)
    return line


def _plain(line: Line) -> Line:
    """A quoted-printable value as text; semicolons stay what they are, since there they part the value as well."""
    octets = quopri.decodestring(line.value.encode("latin-1", "replace"))
    charset = line.parameter("CHARSET") or "utf-8"
    text = _LINE_END.sub(r"\\n", decode_text(octets, charset, html=False))
    kept = {name: values for name, values in line.parameters.items() if name not in ("ENCODING", "CHARSET")}
    types = tuple(kind for kind in kept.pop("TYPE", ()) if kind != _PRINTABLE)
    return Line(line.name, _UNREADABLE.sub("", text), {**({"TYPE": types} if types else {}), **kept}, line.group)


def _parameter(text: str, place: int) -> tuple[str, tuple[str, ...], int]:
    match = _PARAMETER.match(text, place)
    assert match is not None
    name = match[1].strip().upper()
    if not match[2]:  # vCard 2.1 wrote TEL;HOME
        return ("TYPE", (name,), match.end()) if name else ("", (), match.end())
    values = []
    place = match.end()
    while True:
        value = _PARAMETER_VALUE.match(text, place)
        assert value is not None
        written = value[1] if value[1] is not None else value[2]
        values.append(_CARET.sub(lambda found: _CARETS[found[1]], written) if "^" in written else written)
        place = value.end()
        if text[place : place + 1] != ",":
            return name, tuple(values), place
        place += 1


def write(component: Component) -> bytes:
    """The octets of a component, with CRLF and lines of at most 75 octets."""
    written: list[bytes] = []
    _write(component, written)
    return b"".join(written)


def _write(component: Component, written: list[bytes]) -> None:
    written.append(f"BEGIN:{component.name}\r\n".encode())
    written.extend(_folded(write_line(line)) for line in component.lines)
    for child in component.children:
        _write(child, written)
    written.append(f"END:{component.name}\r\n".encode())


def write_line(line: Line) -> str:
    """The unfolded line of a property."""
    group = f"{line.group}." if line.group else ""
    parameters = "".join(f";{name}={','.join(map(_quoted, values))}" for name, values in line.parameters.items())
    return f"{group}{line.name}{parameters}:{_CONTROL.sub('', line.value)}"


def _quoted(value: str) -> str:
    """RFC 6868 for what cannot stand in a parameter."""
    value = value.replace("^", "^^").replace("\n", "^n").replace('"', "^'")
    value = _CONTROL.sub("", value)
    return f'"{value}"' if any(sign in value for sign in ":;,") else value


def _folded(text: str) -> bytes:
    octets = text.encode("utf-8", "replace")
    if len(octets) <= _LIMIT:
        return octets + b"\r\n"
    pieces, place, room = [], 0, _LIMIT
    while len(octets) - place > room:
        end = place + room
        while octets[end] & 0xC0 == 0x80:  # within a character
            end -= 1
        pieces.append(octets[place:end])
        place, room = end, _LIMIT - 1  # the blank of a continuation counts
    return b"\r\n ".join([*pieces, octets[place:]]) + b"\r\n"
