"""The folder that a connection has open, as SELECT described it (RFC 3501 6.3.1)."""

import re
from dataclasses import dataclass, field

from providers.base import errors
from providers.imap import names
from providers.imap.errors import translate
from providers.imap.wire import Answer, Refused

_NUMBER = re.compile(rb"OK \[(UIDVALIDITY|UIDNEXT) (\d+)\]", re.IGNORECASE)
_PERMANENT = re.compile(rb"OK \[PERMANENTFLAGS \(([^)]*)\)\]", re.IGNORECASE)
_EXISTS = re.compile(rb"(\d+) EXISTS\Z", re.IGNORECASE)


@dataclass(slots=True)
class Selected:
    """The folder a connection has open, as SELECT described it."""

    name: str
    uidvalidity: int = 0
    uidnext: int = 0
    exists: int = 0
    permanent: frozenset[str] = field(default_factory=frozenset)  # flags that can be kept; `\\*`: new ones too
    read_only: bool = False


def read_selected(folder: str, opened: Answer) -> Selected:
    """What SELECT said. Raises `NotFound` for a folder that cannot be opened."""
    if opened.status != "OK":
        raise _no_folder(folder, opened)
    selected = Selected(folder, read_only=opened.code == "READ-ONLY")
    for line in opened.lines:
        if match := _NUMBER.match(line.text):
            setattr(selected, match[1].decode().lower(), int(match[2]))
        elif match := _EXISTS.match(line.text):
            selected.exists = int(match[1])
        elif match := _PERMANENT.match(line.text):
            selected.permanent = frozenset(match[1].decode("utf-8", "replace").split())
    if not 0 < selected.uidvalidity < 1 << 32:
        raise errors.Unavailable(f"the mail server gives no valid UIDVALIDITY for the folder {names.shown(folder)!r}")
    return selected


def _no_folder(folder: str, answer: Answer) -> errors.ProviderError:
    """A refusal with a code says why; one without means that there is no such folder (INBOX always exists)."""
    known = translate(Refused(answer.status, answer.code, answer.text))
    if answer.code or folder == "INBOX" or isinstance(known, errors.RateLimited):
        return known
    return errors.NotFound(f"the folder {names.shown(folder)!r} cannot be opened: {answer.text}", original=answer.text)
