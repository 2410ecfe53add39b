"""The data of an untagged response as Python values (RFC 3501 section 9): lists, octets, None for NIL."""

import re
from typing import Any

from providers.imap.wire import Line

# In this order: ( ) "quoted" {literal} atom. A section is part of an atom, with what stands in it: BODY[HEADER.FIELDS
# (SUBJECT)]<0>; so are brackets elsewhere, as in a folder called [x], which some servers do not quote. The last
# alternative takes what no rule allows, so that one stray character does not lose the response.
_TOKEN = re.compile(
    rb'(\()|(\))|"((?:[^"\\]|\\.)*)"|(~?\{\d+\+?\})'
    rb'|((?:BODY|BINARY)[.A-Z]*\[[^\]]*\](?:<\d+>)?|[^\s()"{]+(?:\{(?!\d)[^\s()"{]*)*|[^\s()])',
    re.DOTALL | re.IGNORECASE,
)
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)


def parse(line: Line) -> list[Any]:
    """All values of a response; atoms and strings alike are bytes. Unbalanced parentheses are closed at the end."""
    literals = iter(line.literals)
    root: list[Any] = []
    stack = [root]
    top = root
    for opened, closed, quoted, literal, atom in _TOKEN.findall(line.text):
        if atom:
            top.append(None if atom in (b"NIL", b"nil") else atom)
        elif opened:
            top = []
            stack[-1].append(top)
            stack.append(top)
        elif closed:
            if len(stack) > 1:
                stack.pop()
            top = stack[-1]
        elif literal:
            top.append(next(literals, b""))
        else:
            top.append(_ESCAPED.sub(rb"\1", quoted) if b"\\" in quoted else quoted)
    return root
