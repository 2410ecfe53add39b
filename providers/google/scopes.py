"""Scopes of the contract -> Google's, and back. https://developers.google.com/identity/protocols/oauth2/scopes

Google's scopes allow more than their names: `gmail.modify` and `gmail.compose` let mail be sent. What an account may do
is decided by the gateway, by the contract's scopes.
"""

from collections.abc import Iterable, Mapping

from schemas.accounts import Scope

_ROOT = "https://www.googleapis.com/auth/"
IDENTITY = ("openid", "email", "profile")

_NATIVE: Mapping[Scope, str] = {
    Scope.MAIL_READ: _ROOT + "gmail.readonly",
    Scope.MAIL_READ_WRITE: _ROOT + "gmail.modify",
    Scope.MAIL_SEND: _ROOT + "gmail.send",
    Scope.MAIL_DRAFTS: _ROOT + "gmail.compose",
    Scope.MAIL_ALL: "https://mail.google.com/",
    Scope.CALENDAR_READ: _ROOT + "calendar.readonly",
    Scope.CALENDAR_READ_WRITE: _ROOT + "calendar",
    Scope.CONTACTS_READ: _ROOT + "contacts.readonly",
    Scope.CONTACTS_READ_WRITE: _ROOT + "contacts",
    Scope.TASKS_READ: _ROOT + "tasks.readonly",
    Scope.TASKS_READ_WRITE: _ROOT + "tasks",
}
#: What else a scope of Google's includes, of what the contract knows.
_INCLUDES: Mapping[Scope, frozenset[Scope]] = {
    Scope.MAIL_READ_WRITE: frozenset((Scope.MAIL_READ,)),
    Scope.MAIL_ALL: frozenset((Scope.MAIL_READ, Scope.MAIL_READ_WRITE, Scope.MAIL_SEND, Scope.MAIL_DRAFTS)),
    Scope.CALENDAR_READ_WRITE: frozenset((Scope.CALENDAR_READ,)),
    Scope.CONTACTS_READ_WRITE: frozenset((Scope.CONTACTS_READ,)),
    Scope.TASKS_READ_WRITE: frozenset((Scope.TASKS_READ,)),
}


def native(scopes: Iterable[Scope]) -> list[str]:
    """What is asked for at Google, without what another of the scopes includes."""
    asked = set(scopes)
    covered = frozenset().union(*(_INCLUDES.get(scope, frozenset()) for scope in asked))
    return [*IDENTITY, *sorted(_NATIVE[scope] for scope in asked - covered)]


def granted(text: str) -> frozenset[Scope]:
    """What Google's answer (words with spaces between) allows, included scopes too."""
    words = set(text.split())
    found = {scope for scope, name in _NATIVE.items() if name in words}
    return frozenset(found.union(*(_INCLUDES.get(scope, frozenset()) for scope in found)))
