"""What kind a property is of: TYPE parameters in any case and spelling, and Apple's labels (`item1.X-ABLabel`)."""

import re
from collections.abc import Iterable

from providers.formats import values
from providers.formats.contentlines import Component, Line

_APPLE = re.compile(r"_\$!<(.*)>!\$_")
LABEL = "X-ABLABEL"
_SILENT = frozenset(("pref", "internet", "voice", "x400", "msg", "iphone", "text", "preferred"))


def kinds(card: Component, line: Line) -> frozenset[str]:
    """The types and the label of a property, in lower case; a label is one word: `workfax`, `home page`."""
    types = (kind.strip().lower() for value in line.parameters.get("TYPE", ()) for kind in value.split(","))
    found = {kind for kind in types if kind and kind not in _SILENT}
    label = label_of(card, line)
    return frozenset(found | {label.lower()}) if label else frozenset(found)


def label_of(card: Component, line: Line) -> str | None:
    """The text of the label that shares the property's group."""
    if not line.group:
        return None
    group = line.group.lower()
    labels = (one for one in card.lines if one.name == LABEL and one.group.lower() == group)
    text = next((values.text(one.value).strip() for one in labels), "")
    match = _APPLE.fullmatch(text)
    return (match[1] if match else text) or None


def free_group(card: Component) -> str:
    """A group that no property has yet."""
    taken = {line.group.lower() for line in card.lines}
    return next(f"item{number}" for number in range(1, len(taken) + 2) if f"item{number}" not in taken)


def put(card: Component, name: str, lines: Iterable[tuple[Line, str | None]]) -> None:
    """Replace the properties of a name; each with the label it gets. Labels of what went go too."""
    before = {line.group.lower() for line in card.all(name) if line.group}
    card.put(name)
    others = {line.group.lower() for line in card.lines if line.name != LABEL}
    gone = before - others
    for line, label in lines:
        group = line.group
        if label is not None:
            if not group:
                group = free_group(card)
            else:
                gone.discard(group.lower())
                card.lines = [one for one in card.lines if one.name != LABEL or one.group.lower() != group.lower()]
            card.lines.append(Line(line.name, line.value, line.parameters, group))
            card.lines.append(Line(LABEL, values.escaped(label), {}, group))
        else:
            gone.discard(group.lower())
            card.lines.append(line)
    card.lines = [one for one in card.lines if one.name != LABEL or one.group.lower() not in gone]
