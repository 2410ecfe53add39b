"""Sessions of users: by the cookie, by the value in a header."""

from gateway.browsers import Browser, Cookie
from gateway.identity import Application, User
from gateway.services.signin.session_values import SessionValues, cookie_name
from gateway.store import values
from gateway.store.database import Database
from gateway.store.hashing import fingerprint
from gateway.store.queries import users


class UserSessions:
    """Looks sessions up, each time in the database: one that has ended is refused at once."""

    def __init__(self, database: Database, session_values: SessionValues) -> None:
        self._database, self._values = database, session_values

    async def of_browser(
        self, application: Application, browser: Browser, mailbox_info: str | None = None
    ) -> User | None:
        """The user whose session's cookie the browser has."""
        value = browser.cookies.get(cookie_name(application.id, mailbox_info))
        found = await self.by_value(value) if value else None
        return found[1] if found and found[0].id == application.id else None

    async def by_value(self, value: str) -> tuple[Application, User] | None:
        """The application and the user of a session's value."""
        opened = self._values.opened(value)
        if opened is None:
            return None
        async with self._database.read() as session:
            found = await users.by_session(session, fingerprint(opened[1]))
        if found is None or found[2].id != opened[0]:
            return None
        session_id, user, application = found
        return values.application(application), values.user(user, session_id)

    async def end(self, user: User, browser: Browser) -> tuple[Cookie, ...]:
        """End the session by which the user came, and take its cookie from the browser."""
        async with self._database.session() as session:
            if user.session_id is not None:
                await users.end_session(session, user.session_id)
        return await self.stale(user, browser)

    async def stale(self, user: User, browser: Browser) -> tuple[Cookie, ...]:
        """Cookies of the application that stand for no session any more."""
        plain = cookie_name(user.application_id)
        names = [name for name in browser.cookies if name == plain or name.startswith(f"{plain}_")]
        dead = [name for name in names if await self.by_value(browser.cookies[name]) is None]
        secure = self._values.secure
        return tuple(Cookie(name, None, foreign=secure, secure=secure) for name in dead)
