"""Signed links by which whoever booked a meeting cancels or moves it."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from itsdangerous import BadData, URLSafeSerializer

from providers.base.errors import Invalid


class Links:
    """Signs iCalendar UIDs of meetings. `keys` newest first, as in the settings; older ones still read."""

    def __init__(self, keys: Sequence[str], public_url: str) -> None:
        self._serializer = URLSafeSerializer(list(reversed(keys)), salt="postroom.meeting")
        self._public_url = public_url

    def token(self, uid: str) -> str:
        """The token of a meeting."""
        return str(self._serializer.dumps(uid))

    def uid(self, token: str) -> str:
        """The meeting of a token. Raises `Invalid` (invalidRescheduleToken)."""
        try:
            value: Any = self._serializer.loads(token)
        except (BadData, ValueError, UnicodeError):
            value = None
        if not isinstance(value, str):
            raise invalid_token()
        return value

    def manage_url(self, uid: str) -> str:
        """The page on which the meeting is cancelled or moved."""
        return f"{self._public_url}/book/meeting/{quote(self.token(uid))}"


def invalid_token() -> Invalid:
    """The error of a token that stands for nothing."""
    words = "rescheduleToken: is damaged, not from this gateway, or of a meeting that is no more"
    return Invalid(words, path="rescheduleToken", code="invalidRescheduleToken")
