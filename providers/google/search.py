"""A search expression as Gmail's `q` (https://support.google.com/mail/answer/7190).

Gmail looks for whole words, not for parts of them, and in the body only together with the headers: `Contains` means
what Gmail means by it. It does not know which messages were answered: asking for that is refused.
"""

from collections.abc import Mapping
from datetime import datetime

from providers.base.errors import Invalid
from providers.base.search import All, AnyOf, Contains, Flag, In, Is, Not, Received, Search, Size, Where
from providers.google.labels import SEARCHED, Labels

NOTHING = None  # what no message matches
_FLAGS: Mapping[Flag, str] = {Flag.READ: "is:read", Flag.FLAGGED: "is:starred", Flag.ATTACHMENT: "has:attachment"}
_OPERATORS: Mapping[Where, str] = {
    Where.TEXT: "",
    Where.BODY: "",
    Where.FROM: "from:",
    Where.TO: "to:",
    Where.CC: "cc:",
    Where.BCC: "bcc:",
    Where.SUBJECT: "subject:",
}


def query(search: Search | None, labels: Labels) -> str | None:
    """The text; empty for everything, None for what no message can match. Raises `Invalid` (path `q`)."""
    return "" if search is None else _text(search, labels)


def since(moment: datetime) -> str:
    """What was received at or after a moment."""
    return f"after:{int(moment.timestamp())}"


def _text(search: Search, labels: Labels) -> str | None:
    match search:
        case Contains(where, value):
            return _OPERATORS[where] + _quoted(value)
        case Is(flag):
            return _flag(flag)
        case Received(after, until):
            return _joined([since(after) if after else "", f"before:{_ceiling(until)}" if until else ""])
        case Size(over, under):
            return _joined([f"larger:{over}" if over is not None else "", _smaller(under)])
        case In(folder):
            return _in(folder, labels)
        case Not(term):
            inner = _text(term, labels)
            return "" if inner is NOTHING else f"-({inner})" if inner else NOTHING
        case All(terms):
            return _joined([_text(term, labels) for term in terms])
        case AnyOf(terms):
            return _any([_text(term, labels) for term in terms])


def _flag(flag: Flag) -> str:
    if flag not in _FLAGS:
        raise Invalid("Gmail does not know which messages were answered", path="q")
    return _FLAGS[flag]


def _smaller(under: int | None) -> str:
    return f"smaller:{under}" if under is not None else ""


def _joined(texts: list[str | None]) -> str | None:
    """All of them."""
    found = [text for text in texts if text != ""]
    if NOTHING in found:
        return NOTHING
    return " ".join(f"({text})" if " " in text and len(found) > 1 else text for text in found if text)


def _any(texts: list[str | None]) -> str | None:
    if "" in texts:
        return ""
    found = [text for text in texts if text is not NOTHING]
    if len(found) < 2:
        return found[0] if found else NOTHING
    return "{" + " ".join(f"({text})" if text and " " in text else str(text) for text in found) + "}"


def _in(folder: str, labels: Labels) -> str | None:
    if folder.lower() in SEARCHED:
        return SEARCHED[folder.lower()]
    found = labels.named(folder)
    return _any([f'label:"{labels.path(item)}"' for item in found])


def _ceiling(moment: datetime) -> int:
    """Whole seconds, rounded up: `before:` leaves its own second out."""
    seconds = moment.timestamp()
    return int(seconds) + (seconds > int(seconds))


def _quoted(value: str) -> str:
    """A phrase; Gmail knows no quotes within one."""
    return '"' + " ".join(value.replace('"', " ").split()) + '"'
