"""Signed values that travel through browsers: the state of a sign-in, and identities that were checked before one."""

from collections.abc import Sequence

from itsdangerous import BadData, URLSafeTimedSerializer

_STATE, _PREPARED = 3600, 600  # seconds


class Tickets:
    """Makes and reads them. `keys` newest first."""

    def __init__(self, keys: Sequence[str]) -> None:
        ordered = list(reversed(keys))
        self._states = URLSafeTimedSerializer(ordered, salt="postroom.signin")
        self._prepared = URLSafeTimedSerializer(ordered, salt="postroom.prepared")

    def state(self, secret: str) -> str:
        """The state of the sign-in with this secret."""
        return str(self._states.dumps(secret))

    def secret(self, state: str) -> str | None:
        """The secret of a state; None for one that is not ours, or too old."""
        found = _loaded(self._states, state, _STATE)
        return found if isinstance(found, str) else None

    def prepared(self, application_id: int, external_id: str) -> str:
        """Stands for an identity that was checked for this application."""
        return str(self._prepared.dumps([application_id, external_id]))

    def external_id(self, token: str, application_id: int) -> str | None:
        """The identity that a token stands for; None for a token of another application, or one that is too old."""
        found = _loaded(self._prepared, token, _PREPARED)
        if not isinstance(found, list) or len(found) != 2 or found[0] != application_id:
            return None
        return str(found[1])


def _loaded(serializer: URLSafeTimedSerializer, text: str, life: int) -> object:
    try:
        loaded: object = serializer.loads(text, max_age=life)
    except (BadData, ValueError, TypeError, UnicodeError):
        return None
    return loaded
