"""The data of an untagged response as Python values (RFC 3501 section 9): lists, octets, None for NIL."""

import re
from typing import Any

from providers.imap.wire import Line

# In this order: ( ) "quoted" {literal} atom. A section is part of an atom, with what stands in it: BODY[HEADER.FIELDS
# (SUBJECT)]<0>; so are brackets elsewhere, as in a folder called [x], which some servers do not quote. The last
# alternative takes what no rule allows, so that one stray character does not lose the response. There are no groups:
# plain octets are made several times as fast as tuples, and their first one tells what they are.
_TOKEN = re.compile(
    rb'[()]|"[^"\\]*"|"(?:[^"\\]|\\.)*"|~?\{\d+\+?\}'
    rb'|(?=[Bb])(?i:BODY|BINARY)[.A-Za-z]*\[[^\]]*\](?:<\d+>)?|[^\s()"{]+(?:\{(?!\d)[^\s()"{]*)*|[^\s()]',
    re.DOTALL,
)
_LITERAL = re.compile(rb"~?\{\d+\+?\}")
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
_QUOTE, _OPEN, _CLOSE, _BRACE, _TILDE = b'"(){~'
_NIL = frozenset((b"NIL", b"nil"))


def parse(line: Line) -> list[Any]:
    """All values of a response; atoms and strings alike are bytes. Unbalanced parentheses are closed at the end."""
    literals = iter(line.literals)
    top: list[Any] = []
    stack = [top]
    for token in _TOKEN.findall(line.text):
        first = token[0]
        if first == _QUOTE and len(token) > 1:
            top.append(_ESCAPED.sub(rb"\1", token[1:-1]) if b"\\" in token else token[1:-1])
        elif first == _OPEN:
            inner: list[Any] = []
            top.append(inner)
            stack.append(inner)
            top = inner
        elif first == _CLOSE:
            if len(stack) > 1:
                stack.pop()
            top = stack[-1]
        elif first in (_BRACE, _TILDE) and _LITERAL.fullmatch(token):
            top.append(next(literals, b""))
        else:
            top.append(None if token in _NIL else token)
    return stack[0]
