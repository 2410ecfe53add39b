"""What a browser holds of a session: a signed value that names the application, and the cookie that it is kept in."""

import hashlib
from collections.abc import Sequence

from itsdangerous import BadData, URLSafeSerializer

from gateway.browsers import Cookie

_SECONDS = 90 * 24 * 3600  # as long as the session lives without being used (store/sign_ins.py)


class SessionValues:
    """Makes and reads them. `keys` newest first; `public_url`: where browsers reach the gateway."""

    def __init__(self, keys: Sequence[str], public_url: str) -> None:
        self._serializer = URLSafeSerializer(list(reversed(keys)), salt="postroom.session")
        self.secure = public_url.startswith("https:")

    def value(self, application_id: int, secret: str) -> str:
        """The value of a session of this application."""
        return str(self._serializer.dumps([application_id, secret]))

    def opened(self, value: str) -> tuple[int, str] | None:
        """The application's id and the session's secret; None for a value that is not ours."""
        try:
            application_id, secret = self._serializer.loads(value)
        except (BadData, ValueError, TypeError, UnicodeError):
            return None
        return int(application_id), str(secret)

    def cookie(self, application_id: int, secret: str | None, mailbox_info: str | None = None) -> Cookie:
        """The session's cookie; without a secret the one that takes it away. Over https pages of other sites may send
        it: the applications' own, as CORS and the check of Origin see to."""
        value = secret and self.value(application_id, secret)
        name = cookie_name(application_id, mailbox_info)
        return Cookie(name, value, _SECONDS, foreign=self.secure, secure=self.secure)


def cookie_name(application_id: int, mailbox_info: str | None = None) -> str:
    """`AUR` and the application's id; with a mailbox info its digest, too, so that several sessions can be in one
    browser (behaviour.md, section 1)."""
    digest = hashlib.sha256(mailbox_info.encode()).hexdigest()[:16] if mailbox_info else ""
    return f"AUR{application_id}_{digest}" if digest else f"AUR{application_id}"
