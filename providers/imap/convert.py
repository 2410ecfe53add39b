"""IMAP's view of a message -> the contract's. Pure functions.

What the mapping loses: \\Answered and \\Recent have no field; keywords that programs set for themselves ($Forwarded,
NonJunk ...) are not shown; `lastModifiedTime` is unknown to IMAP and left out; `createdTime` is the time of receipt
(INTERNALDATE); `webLink` does not exist. A message lies in one folder, whose use gives one label.
"""

from binascii import b2a_base64
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import blake2b

from providers.formats.headers import Headers
from providers.imap import roles
from providers.imap.facts import Facts
from providers.imap.ids import MessageId, folder_id
from providers.imap.roles import Role
from schemas.mail import EmailMessage, Omitted, SysLabel

#: Keywords that mail programs and servers set for themselves, in lower case; nobody chose them as a category.
PRIVATE_KEYWORDS = frozenset(
    "$forwarded forwarded $mdnsent mdnsent $junk junk $notjunk notjunk nonjunk $nonjunk $phishing $important"
    " $submitpending $submitted $hasattachment $hasnoattachment $ismailinglist $istrusted $muted $followed $memo"
    " $hasmemo $autosent $canunsubscribe $unsubscribed $imported $maskedemail $new $notify $mailflagbit0 $mailflagbit1"
    " $mailflagbit2 redirected junkrecorded x-me-annot-1 x-me-annot-2".split()
)

_FLAG_LABELS = {
    "\\draft": SysLabel.DRAFT,
    "\\flagged": SysLabel.FLAGGED,
    "$junk": SysLabel.JUNK,
    "$important": SysLabel.IMPORTANT,  # RFC 8457
    "\\important": SysLabel.IMPORTANT,  # this and the next ones: Gmail's labels
    "\\inbox": SysLabel.INBOX,
    "\\sent": SysLabel.SENT,
}

#: What a record of a list lacks.
LIST_OMITS = (Omitted.BODY, Omitted.ATTACHMENTS, Omitted.INTERNET_HEADERS)


def record(
    facts: Facts,
    place: MessageId,
    received: int,
    role: Role | None,
    flags: frozenset[str] | None,
    omitted: Iterable[Omitted],
    **more: object,
) -> EmailMessage:
    """A message as the API shows it; `flags` is None where the server keeps them to itself, `received` in seconds."""
    time = datetime.fromtimestamp(received, UTC)
    return facts.base.model_copy(
        update={
            "id": str(place),
            "folder_id": _folder_id(place.folder),
            "created_time": time,
            "received_at": time,
            "sys_labels": list(labels(role, flags, facts.important)),
            "keywords": keywords(flags) if flags is not None else None,
            "omitted": sorted(omitted) or None,
            **more,
        }
    )


_folder_id = lru_cache(maxsize=1024)(folder_id)


@lru_cache(maxsize=4096)
def labels(role: Role | None, flags: frozenset[str] | None, important: bool) -> tuple[SysLabel, ...]:
    """The system labels that a folder's use, the flags and the header give; \\Draft and $Junk count in any folder."""
    lower = {flag.lower() for flag in flags or ()}
    found = {roles.LABELS[role]} if role is not None and role in roles.LABELS else set()
    found |= {label for flag, label in _FLAG_LABELS.items() if flag in lower}
    found |= {SysLabel.UNREAD} if flags is not None and "\\seen" not in lower else set()
    found |= {SysLabel.IMPORTANT} if important else set()
    return tuple(label for label in SysLabel if label in found)


def keywords(flags: Iterable[str]) -> list[str]:
    """The keywords that people chose, in alphabetical order."""
    return sorted(flag for flag in flags if is_chosen(flag))


def is_chosen(flag: str) -> bool:
    """Whether a flag is a category of somebody's choice: no system flag, no program's note to itself."""
    return not flag.startswith("\\") and flag.lower() not in PRIVATE_KEYWORDS


@lru_cache(maxsize=4096)
def version(flags: frozenset[str] | None) -> str:
    """Eight characters that differ when a record shows something else because of other flags."""
    shown = (labels(None, flags, False), keywords(flags or ()))
    return b2a_base64(blake2b(repr(shown).encode(), digest_size=6).digest(), newline=False).decode()


def native_properties(header: bytes, names: Iterable[str]) -> dict[str, str]:
    """Header fields by the names that were asked for; those that the message lacks are left out."""
    headers = Headers.parse(header)
    found = {name: headers.text(name) for name in names}
    return {name: value for name, value in found.items() if value is not None}
