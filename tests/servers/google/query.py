"""Gmail's `q`, as far as its help page describes it: operators, OR, braces, minus, and words (not substrings)."""

import email
import email.policy
import re
import time
from collections.abc import Callable

from tests.servers.google.mailbox import Mail, Stored

_TOKEN = re.compile(r'\s*(-?\(|-?\{|\)|\}|OR\b|-?[a-z_0-9]+:(?:"[^"]*"|\([^()]*\)|[^\s(){}]+)|-?"[^"]*"|[^\s(){}]+)')
_STATES = {
    "unread": lambda labels: "UNREAD" in labels,
    "read": lambda labels: "UNREAD" not in labels,
    "starred": lambda labels: "STARRED" in labels,
    "important": lambda labels: "IMPORTANT" in labels,
}
_PLACES = {"inbox": "INBOX", "sent": "SENT", "draft": "DRAFT", "drafts": "DRAFT", "trash": "TRASH", "spam": "SPAM"}

Test = Callable[[Stored], bool]


def compile_query(mail: Mail, text: str) -> Test:
    """What a message has to be to be found."""
    tokens = _TOKEN.findall(text)
    test, rest = _all(mail, tokens)
    assert not rest, f"{rest} is left of {text}"
    return test


def _all(mail: Mail, tokens: list[str], closing: str = "") -> tuple[Test, list[str]]:
    groups: list[list[Test]] = []
    joined = False
    while tokens and tokens[0] != closing:
        if tokens[0] == "OR":
            tokens, joined = tokens[1:], True
            continue
        test, tokens = _one(mail, tokens)
        if joined or (closing == "}" and groups):
            groups[-1].append(test)
        else:
            groups.append([test])
        joined = False
    return lambda stored: all(any(test(stored) for test in group) for group in groups), tokens


def _one(mail: Mail, tokens: list[str]) -> tuple[Test, list[str]]:
    token, tokens = tokens[0], tokens[1:]
    negated, token = token.startswith("-") and len(token) > 1, token
    token = token[1:] if negated else token
    if token in ("(", "{"):
        closing = ")" if token == "(" else "}"
        test, tokens = _all(mail, tokens, closing)
        assert tokens, "a bracket is never closed"
        tokens = tokens[1:]
    else:
        test = _term(mail, token)
    return (lambda stored: not test(stored)) if negated else test, tokens


def _term(mail: Mail, token: str) -> Test:
    name, colon, value = token.partition(":")
    value = value.strip('"()')
    if not colon or name not in _OPERATORS:
        return lambda stored: _has_words(_text(stored), token.strip('"'))
    return _OPERATORS[name](mail, value)


def _in(mail: Mail, value: str) -> Test:
    if value in ("anywhere", "all"):
        return lambda stored: True
    label = _PLACES.get(value.lower())
    if label is None:
        names = [item for item, name in mail.names.items() if name.lower() == value.lower()]
        label = names[0] if names else ""
    return lambda stored: label in stored.labels


def _has(mail: Mail, value: str) -> Test:
    if value == "userlabels":
        return lambda stored: bool(stored.labels & mail.names.keys())
    if value == "nouserlabels":
        return lambda stored: not stored.labels & mail.names.keys()
    return _attached


def _attached(stored: Stored) -> bool:
    message = email.message_from_bytes(stored.source)
    return any(part.get_filename() and not part["Content-ID"] for part in message.walk())


def _header(name: str) -> Callable[[Mail, str], Test]:
    return lambda _, value: lambda stored: _has_words(_field(stored, name), value)


def _field(stored: Stored, name: str) -> str:
    message = email.message_from_bytes(stored.source, policy=email.policy.default)
    return "\n".join(str(value) for value in message.get_all(name, []))


def _text(stored: Stored) -> str:
    message = email.message_from_bytes(stored.source, policy=email.policy.default)
    body = message.get_body(("plain", "html"))
    fields = "\n".join(_field(stored, name) for name in ("From", "To", "Cc", "Bcc", "Subject"))
    return f"{fields}\n{body.get_content() if body else ''}"


def _has_words(text: str, wanted: str) -> bool:
    words, phrase = (re.findall(r"\w+", part.casefold()) for part in (text, wanted))
    return any(words[start : start + len(phrase)] == phrase for start in range(len(words) - len(phrase) + 1))


def _ago(value: str) -> int:
    unit = {"d": 86_400, "m": 30 * 86_400, "y": 365 * 86_400, "h": 3600}[value[-1]]
    return int((time.time() - int(value[:-1]) * unit) * 1000)


_OPERATORS: dict[str, Callable[[Mail, str], Test]] = {
    "in": _in,
    "label": _in,
    "is": lambda _, value: lambda stored: _STATES[value](stored.labels),
    "has": _has,
    "after": lambda _, value: lambda stored: stored.received >= int(value) * 1000,
    "before": lambda _, value: lambda stored: stored.received < int(value) * 1000,
    "larger": lambda _, value: lambda stored: len(stored.source) > int(value),
    "smaller": lambda _, value: lambda stored: len(stored.source) < int(value),
    "rfc822msgid": lambda _, value: lambda stored: value.strip("<>") == _field(stored, "Message-ID").strip("<> "),
    **{name: _header(name) for name in ("from", "to", "cc", "bcc", "subject")},
}
