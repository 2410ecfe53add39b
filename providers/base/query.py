"""The grammar of `q`, read into the tree of `providers/base/search.py`.

    query  = { clause }                                 all clauses match
    clause = unary { ("OR" | "|") unary }               binds tighter than the implicit "and", as at Gmail
    unary  = { "-" | "NOT" } atom
    atom   = group | [ field ":" ] ( word | '"' phrase '"' | group )
    group  = "(" query ")" | "{" query "}"              braces: any of the clauses matches

An unknown field is plain text (`10:30`, `https://...`). In a group behind a field every word is a value of that field.
Fields and what their values mean are in `providers/base/terms.py`.
"""

from collections.abc import Callable
from datetime import UTC, datetime, tzinfo

from providers.base.scanner import Scanner
from providers.base.search import All, AnyOf, Contains, Not, Search, Where
from providers.base.terms import FIELDS, Clock

MAX_TERMS = 100
MAX_DEPTH = 25  # brackets and negations within each other

_CLOSING = {"(": ")", "{": "}"}

Maker = Callable[[str], Search]


def parse(text: str, *, now: datetime, zone: tzinfo = UTC) -> Search:
    """The tree of `text`; an empty text matches everything.

    `now` (aware) is what `newer_than:` counts from, `zone` is where days begin. Raises `Invalid` (path `q`) with the
    1-based position of the character that could not be understood.
    """
    return _Parser(Scanner(text), Clock(now, zone)).query("", None)


class _Parser:
    """Recursive descent; `maker` makes the terms of the field whose group is being read, None outside of one."""

    def __init__(self, scanner: Scanner, clock: Clock) -> None:
        self.scanner, self.clock = scanner, clock
        self.depth = self.terms = 0

    def query(self, closing: str, maker: Maker | None) -> Search:
        clauses = []
        while (character := self.scanner.peek()) and character != closing:
            clauses.append(self.clause(maker))
        return _join(AnyOf if closing == "}" else All, clauses)

    def clause(self, maker: Maker | None) -> Search:
        found = [self.unary(maker)]
        while self.scanner.take("OR", "|"):
            found.append(self.unary(maker))
        return _join(AnyOf, found)

    def unary(self, maker: Maker | None) -> Search:
        self.scanner.peek()
        start = self.scanner.position
        if self.scanner.take_minus():
            return Not(self.nested(start, lambda: self.unary(maker)))
        if self.scanner.take("NOT"):
            if self.scanner.peek() in ("", ")", "}"):
                self.scanner.fail(start, "NOT needs a term behind it")
            return Not(self.nested(start, lambda: self.unary(maker)))
        return self.atom(maker)

    def atom(self, maker: Maker | None) -> Search:
        character, position = self.scanner.peek(), self.scanner.position
        if character in _CLOSING:
            return self.group(maker)
        if not character or character == "|" or self.scanner.word() == "OR":
            self.scanner.fail(position, "OR needs a term on both sides")
        if character in ")}":
            self.scanner.fail(position, f"{character} closes nothing")
        return self.value(maker) if maker else self.field()

    def group(self, maker: Maker | None) -> Search:
        start, opening = self.scanner.position, self.scanner.following()
        self.scanner.position += 1
        found = self.nested(start, lambda: self.query(_CLOSING[opening], maker))
        if not self.scanner.take(_CLOSING[opening]):
            self.scanner.fail(start, f"{opening} is never closed")
        if found in (All(()), AnyOf(())):
            self.scanner.fail(start, "there is nothing between the brackets")
        return found

    def field(self) -> Search:
        start = self.scanner.position
        name, colon, _ = self.scanner.word().partition(":")
        make = FIELDS.get(name.lower()) if colon else None
        if make is None:
            return self.value(lambda value: Contains(Where.TEXT, value))
        self.scanner.position += len(name) + 1
        following = self.scanner.following()
        if not following or following.isspace() or following in ")}|":
            self.scanner.fail(start, f"{name}: has no value")
        maker = _bind(make, self.clock)
        return self.group(maker) if following in _CLOSING else self.value(maker)

    def value(self, maker: Maker) -> Search:
        start = self.scanner.position
        value = self.scanner.take_value()
        self.terms += 1
        if self.terms > MAX_TERMS:
            self.scanner.fail(start, f"the query has more than {MAX_TERMS} terms")
        try:
            return maker(value)
        except ValueError as error:
            self.scanner.fail(start, str(error))

    def nested(self, start: int, inner: Callable[[], Search]) -> Search:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self.scanner.fail(start, f"brackets and negations are nested more than {MAX_DEPTH} deep")
        found = inner()
        self.depth -= 1
        return found


def _bind(make: Callable[[str, Clock], Search], clock: Clock) -> Maker:
    return lambda value: make(value, clock)


def _join(kind: type[All] | type[AnyOf], found: list[Search]) -> Search:
    return found[0] if len(found) == 1 else kind(tuple(found))
