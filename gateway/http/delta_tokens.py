"""Sealed tokens of a change log: a position, tied to the account and the route it was given by, and what the chain of
tokens was begun with (`view`, such as how bodies are to be shown).

They say where a consumer stands in a log of our own, so they have no time limit.
"""

from collections.abc import Sequence
from typing import Any

from itsdangerous import BadData, URLSafeSerializer

from gateway.http.problems import token_problem
from gateway.positions import Branch, Position, instant, microseconds
from providers.base.errors import Invalid


class DeltaTokens:
    """Signs and reads delta and page tokens. `keys` newest first, as in the settings; older ones still read."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._serializer = URLSafeSerializer(list(reversed(keys)), salt="postroom.delta")

    def seal(self, account: int, route: str, position: Position, view: str = "") -> str:
        """The token for a position; `route` names what it is good for, such as `email` or a calendar."""
        seen = position.seen and microseconds(position.seen)
        value = [account, route, position.stream, position.branch, position.after, position.upto, seen, view]
        return str(self._serializer.dumps(value))

    def open(
        self, account: int, route: str, branch: Branch, delta_token: str | None, page_token: str | None
    ) -> tuple[Position, str]:
        """The position that a request names by one of its tokens (the page token, where both are given), and the view.

        Raises `Invalid` (with the path) for neither, `Problem` (400, `token.notValid`) for a token that is no such."""
        token = page_token or delta_token
        if not token:
            raise Invalid("is required, or pageToken on further pages", path="deltaToken")
        owner, made_by, position, view = self._read(token)
        if owner != account:
            raise token_problem("it belongs to another account")
        if (made_by, position.branch) != (route, branch):
            raise token_problem("it belongs to another route")
        if (position.upto is None) == bool(page_token):
            raise token_problem("it is a delta token" if page_token else "it is a page token, not a delta token")
        return position, view

    def _read(self, token: str) -> tuple[int, str, Position, str]:
        try:
            value: Any = self._serializer.loads(token)
            account, route, stream, branch, after, upto, seen, view = value
            return account, route, Position(stream, Branch(branch), after, upto, seen and instant(seen)), view
        except (BadData, ValueError, TypeError, UnicodeError, OverflowError):
            raise token_problem("it is damaged or not from this gateway") from None
