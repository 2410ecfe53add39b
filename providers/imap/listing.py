"""The folders of an account, read from LIST and STATUS responses (RFC 3501, 5258, 5819, 6154)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from providers.imap import names, roles
from providers.imap.connection import Connection, Namespaces
from providers.imap.roles import Role
from providers.imap.tokens import parse
from providers.imap.wire import Command, Line

STATUS_ITEMS = b"MESSAGES UIDNEXT UIDVALIDITY"
_CLOSED = frozenset({"noselect", "nonexistent"})


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder; `separator` is "" on a flat server, `attributes` are lower case without backslash."""

    name: str
    separator: str
    attributes: frozenset[str] = frozenset()
    role: Role | None = None

    @property
    def selectable(self) -> bool:
        """Whether it can hold messages."""
        return self.attributes.isdisjoint(_CLOSED)

    @property
    def parent(self) -> str | None:
        """The name of the folder above, whether or not it exists."""
        above, separator, _ = self.name.rpartition(self.separator) if self.separator else ("", "", "")
        return above if separator and above else None

    @property
    def own_name(self) -> str:
        """The last part of its path, for people."""
        return names.shown(self.name.rpartition(self.separator)[2] if self.separator else self.name)


@dataclass(frozen=True, slots=True)
class Status:
    """What STATUS says: `modseq` is 0 where the server keeps none (RFC 7162)."""

    messages: int
    uidnext: int
    uidvalidity: int
    modseq: int = 0


def status_items(connection: Connection) -> bytes:
    """What to ask STATUS for."""
    return STATUS_ITEMS + (b" HIGHESTMODSEQ" if connection.can("CONDSTORE", "QRESYNC") else b"")


def list_commands(connection: Connection, items: bytes | None = None) -> list[Command]:
    """LIST for all folders, those of other users too; with their STATUS (of `items`) where one command gives both."""
    prefixes = [space.prefix for space in connection.namespaces.others if space.prefix]
    patterns = [b'"*"', *(b'"%b*"' % names.encode(prefix, utf8=connection.utf8) for prefix in prefixes)]
    options = _return_options(connection, items or status_items(connection))
    return [(b'LIST "" ' + pattern + options,) for pattern in patterns]


def _return_options(connection: Connection, items: bytes) -> bytes:
    extended = connection.can("LIST-EXTENDED", "LIST-STATUS", "IMAP4REV2")
    options = [b"SPECIAL-USE"] if extended and connection.can("SPECIAL-USE", "IMAP4REV2") else []
    if has_list_status(connection):
        options.append(b"STATUS (" + items + b")")
    return b" RETURN (" + b" ".join(options) + b")" if options else b""


def has_list_status(connection: Connection) -> bool:
    """Whether LIST answers with STATUS too (RFC 5819)."""
    return connection.can("LIST-STATUS", "IMAP4REV2")


def read_folders(lines: Iterable[Line], *, utf8: bool) -> dict[str, Folder]:
    """The folders of LIST responses in their order, without roles."""
    found: dict[str, Folder] = {}
    for line in lines:
        if line.text[:5].upper() == b"LIST ":
            folder = _folder(parse(line), utf8=utf8)
            found.setdefault(folder.name, folder)
    return found


def _folder(values: list[Any], *, utf8: bool) -> Folder:
    _, attributes, separator, name, *_ = [*values, None, None, None, None]
    words: list[bytes] = attributes or []
    flags = frozenset(str(word, "ascii", "replace").lstrip("\\").lower() for word in words)
    sign = str(separator or b"", "ascii", "replace")
    return Folder(names.decode(name or b"NIL", utf8=utf8).removesuffix(sign), sign, flags)


def read_statuses(lines: Iterable[Line], *, utf8: bool) -> dict[str, Status]:
    """STATUS responses by folder name; incomplete ones (a folder that cannot be read) are left out."""
    found: dict[str, Status] = {}
    for line in lines:
        if line.text[:7].upper() == b"STATUS ":
            _, name, values, *_ = [*parse(line), None, None]
            if isinstance(name, bytes) and isinstance(values, list) and (status := _status(values)):
                found[names.decode(name, utf8=utf8)] = status
    return found


def _status(values: list[Any]) -> Status | None:
    pairs = zip(values[::2], values[1::2], strict=False)
    known = [(key, value) for key, value in pairs if isinstance(key, bytes) and isinstance(value, bytes)]
    numbers = {key.upper(): int(value) for key, value in known if value.isdigit()}
    try:
        status = Status(
            numbers[b"MESSAGES"], numbers[b"UIDNEXT"], numbers[b"UIDVALIDITY"], numbers.get(b"HIGHESTMODSEQ", 0)
        )
    except KeyError:
        return None
    # What is no nz-number (RFC 3501 section 9) must not pass for a rebuilt folder.
    return status if 0 < status.uidvalidity < 1 << 32 else None


def with_roles(folders: Mapping[str, Folder], spaces: Namespaces, marks: Mapping[Role, str]) -> dict[str, Folder]:
    """The folders with their roles: the account's own marks, then SPECIAL-USE, then names; one folder to a role."""
    chosen = {Role.INBOX: "INBOX"} | {role: name for role, name in marks.items() if name in folders}
    for folder in folders.values():
        if (role := roles.by_attribute(sorted(folder.attributes))) and folder.name not in chosen.values():
            chosen.setdefault(role, folder.name)
    for role, name in _named(folders, spaces):
        if name not in chosen.values():
            chosen.setdefault(role, name)
    by_name = {name: role for role, name in chosen.items()}
    return {name: replace(folder, role=by_name.get(name)) for name, folder in folders.items()}


def _named(folders: Mapping[str, Folder], spaces: Namespaces) -> list[tuple[Role, str]]:
    """Roles that names suggest at the top of the personal namespace, the most usual name of a role first."""
    tops = {"INBOX", *(space.prefix.removesuffix(space.separator) for space in spaces.personal)}
    found = [
        (roles.rank(role, folder.own_name), role, folder.name)
        for folder in folders.values()
        if folder.selectable and (folder.parent is None or folder.parent in tops)
        if (role := roles.by_name(folder.own_name))
    ]
    return [(role, name) for _, role, name in sorted(found)]
