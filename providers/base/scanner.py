"""The characters of a search expression: words, phrases, operators, and errors that point at one character."""

from typing import Never

from providers.base.errors import Invalid

MAX_LENGTH = 2000  # characters

_DELIMITERS = frozenset('"(){}|')
_EXCERPT = 24  # characters shown on either side of the offending one


class Scanner:
    """A position in `text`. Raises `Invalid` (path `q`) for what no expression may hold."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        if len(text) > MAX_LENGTH:
            self.fail(MAX_LENGTH, f"the query is longer than {MAX_LENGTH} characters")
        for position, character in enumerate(text):
            if character == "\0" or "\ud800" <= character <= "\udfff":
                self.fail(position, f"U+{ord(character):04X} cannot be searched for")

    def peek(self) -> str:
        """The next character that is no white space; empty at the end."""
        while self.position < len(self.text) and self.text[self.position].isspace():
            self.position += 1
        return self.text[self.position : self.position + 1]

    def following(self) -> str:
        """The character right here, white space or not; empty at the end."""
        return self.text[self.position : self.position + 1]

    def word(self) -> str:
        """The word that begins here, without moving on."""
        end = self.position
        while end < len(self.text) and not self.text[end].isspace() and self.text[end] not in _DELIMITERS:
            end += 1
        return self.text[self.position : end]

    def take(self, *operators: str) -> bool:
        """Move past the next word or sign when it is one of these."""
        found = self.peek()
        if found not in _DELIMITERS:
            found = self.word()
        if found not in operators:
            return False
        self.position += len(found)
        return True

    def take_minus(self) -> bool:
        """Move past a minus that negates what follows; a dash that stands alone is text."""
        first = self.peek()
        behind = self.text[self.position :].lstrip("-")[:1]
        if first != "-" or not behind or behind.isspace() or behind in ")}|":
            return False
        self.position += 1
        return True

    def take_value(self) -> str:
        """The word or quoted phrase that begins here."""
        if self.following() == '"':
            return self._phrase()
        word = self.word()
        self.position += len(word)
        return word

    def _phrase(self) -> str:
        start, end = self.position, self.text.find('"', self.position + 1)
        if end < 0:
            self.fail(start, "the quotation mark is never closed")
        self.position = end + 1
        phrase = " ".join(self.text[start + 1 : end].split())
        if not phrase:
            self.fail(start, "there is nothing between the quotation marks")
        return phrase

    def fail(self, position: int, reason: str) -> Never:
        """Refuse the expression because of the character at `position` (0-based; people are told the 1-based one)."""
        before = self.text[max(0, position - _EXCERPT) : position]
        shown = f"{before}^{self.text[position : position + _EXCERPT]}"
        excerpt = "".join(character if character.isprintable() else "\ufffd" for character in shown)
        raise Invalid(f"q, character {position + 1}: {reason}; see ^ in: {excerpt}", path="q")
