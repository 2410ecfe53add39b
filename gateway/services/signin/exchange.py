"""A code -> the account's token: once, by the application that it was made for, within ten minutes."""

import logging

from sqlalchemy.ext.asyncio import AsyncSession

from gateway.identity import Application
from gateway.services.identity import Identity
from gateway.services.signin.session_values import SessionValues
from gateway.store.database import Database
from gateway.store.hashing import fingerprint, new_secret
from gateway.store.queries import accounts, codes, tokens, users
from gateway.store.tables import AuthCodeRow
from providers.base.errors import Invalid
from schemas.accounts import AccountSaveResult

log = logging.getLogger("postroom.signin")


class CodeExchange:
    """Exchanges codes. A code that comes a second time was stolen by one of the two: what the first one got is taken
    away (RFC 6749 4.1.2)."""

    def __init__(self, database: Database, identity: Identity, values: SessionValues) -> None:
        self._database, self._identity, self._values = database, identity, values

    async def exchange(self, application: Application, code: str) -> AccountSaveResult:
        """The account's token; with a session where the code is of a user. Raises `Invalid`."""
        async with self._database.session() as session:
            row = await codes.of_application(session, application.id, fingerprint(code))
            if row is None or not await codes.fresh(session, row):
                raise _not_valid()
            if row.used_at is None:
                return await self._spend(session, application, row)
            await codes.revoke(session, row)
        log.warning("a code of account %s came a second time: its token was revoked", row.account_id)
        self._identity.forget(f"account:{row.account_id}")
        raise _not_valid()

    async def _spend(self, session: AsyncSession, application: Application, code: AuthCodeRow) -> AccountSaveResult:
        account = await accounts.get(session, application.id, code.account_id)
        assert account is not None, "a code goes with its account"
        token, secret = new_secret(), new_secret()
        token_id = await tokens.add(session, account.id, fingerprint(token))
        user = await users.by_id(session, application.id, code.user_id) if code.user_id else None
        session_id = await users.add_session(session, user.id, fingerprint(secret)) if user else None
        await codes.spend(session, code.id, token_id, session_id)
        return AccountSaveResult(
            account_id=account.id,
            access_token=token,
            acc_service_type=account.service_type,
            user_id=user.public_id if user else None,
            user_session=self._values.value(application.id, secret) if user else None,
        )


def _not_valid() -> Invalid:
    return Invalid("the code is unknown, was used, or is older than ten minutes", path="code", code="code.notValid")
