"""Sealed page tokens: a provider's cursor, tied to the account, the operation and the query it was made for."""

from collections.abc import Mapping, Sequence
from typing import Any

from itsdangerous import BadData, URLSafeSerializer

from gateway.http.problems import token_problem

Query = Mapping[str, Sequence[str]]


class Tokens:
    """Signs and reads page tokens. `keys` newest first, as in the settings; older ones still read."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._serializer = URLSafeSerializer(list(reversed(keys)), salt="postroom.page")

    def seal(self, account: int, operation: str, query: Query, cursor: str) -> str:
        """The token for the page that begins at `cursor`."""
        return str(self._serializer.dumps([account, operation, {k: list(v) for k, v in query.items()}, cursor]))

    def open(self, token: str, account: int, operation: str, query: Query) -> tuple[Query, str]:
        """The query the token was made for and its cursor.

        Parameters that are repeated beside the token must be the same; those left out come from the token. Raises
        `Problem` (400, `token.notValid`) for anything else.
        """
        owner, made_by, asked, cursor = self._read(token)
        if owner != account:
            raise token_problem("it belongs to another account")
        if made_by != operation:
            raise token_problem("it belongs to another route")
        for name, values in query.items():
            if list(values) != asked.get(name):
                raise token_problem(f"it was made with another {name}")
        return asked, cursor

    def _read(self, token: str) -> tuple[int, str, dict[str, list[str]], str]:
        try:
            value: Any = self._serializer.loads(token)
            account, operation, query, cursor = value
        except (BadData, ValueError, TypeError, UnicodeError):
            raise token_problem("it is damaged or not from this gateway") from None
        return account, operation, query, cursor
