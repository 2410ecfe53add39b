"""Sign-ins under way: begun in one browser, finished there once, forgotten after an hour."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from gateway.store.attempts import WINDOW
from gateway.store.database import Database
from gateway.store.hashing import fingerprint, new_secret
from gateway.store.tables import AttemptRow, AuthCodeRow, SignInRow, UserSessionRow
from gateway.store.vault import Vault

LIFE = text("interval '1 hour'")
SESSION_LIFE = text("interval '90 days'")  # after the last use
_CODE_LIFE = text("interval '7 days'")  # for which a second use is noticed
ATTEMPTS = 20  # passwords that may be tried in one


@dataclass(frozen=True, slots=True)
class SignIn:
    """One that is under way; `flow` is JSON of the caller's making."""

    id: int
    application_id: int
    flow: Any


class SignIns:
    """Keeps them."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database, self._vault = database, vault

    async def begin(self, application_id: int, flow: Any, browser: str, state: str | None = None) -> str:
        """Note one that begins in the browser with this secret; its state."""
        state = state or new_secret()
        row = {
            "application_id": application_id,
            "state_hash": fingerprint(state),
            "browser_hash": fingerprint(browser),
            "sealed_flow": self._vault.seal(flow),
        }
        async with self._database.session() as session:
            await session.execute(insert(SignInRow).values(row))
        return state

    async def find(self, state: str, browser: str) -> SignIn | None:
        """The one of this state, if it began in this browser."""
        async with self._database.read() as session:
            row = await session.scalar(select(SignInRow).where(*_of(state, browser)))
        return self._opened(row) if row else None

    async def attempt(self, sign_in: SignIn) -> bool:
        """Count a password; whether it may be tried."""
        more = update(SignInRow).where(col(SignInRow.id) == sign_in.id).values(attempts=col(SignInRow.attempts) + 1)
        async with self._database.session() as session:
            count = await session.scalar(more.returning(col(SignInRow.attempts)))
        return count is not None and count <= ATTEMPTS

    async def take(self, state: str, browser: str) -> SignIn | None:
        """As `find`; nobody finds it afterwards."""
        statement = delete(SignInRow).where(*_of(state, browser)).returning(SignInRow)
        async with self._database.session() as session:
            row = await session.scalar(statement)
        return self._opened(row) if row else None

    async def purge(self) -> int:
        """Forget what has had its time: sign-ins, codes, sessions and attempts; how many there were."""
        async with self._database.session() as session:
            gone = 0
            for statement in (
                _older(SignInRow, col(SignInRow.created_at), LIFE),
                _older(AuthCodeRow, col(AuthCodeRow.created_at), _CODE_LIFE),
                _older(UserSessionRow, col(UserSessionRow.last_used_at), SESSION_LIFE),
                _older(AttemptRow, col(AttemptRow.since), WINDOW),
            ):
                gone += len((await session.scalars(statement)).all())
        return gone

    def _opened(self, row: SignInRow) -> SignIn:
        return SignIn(row.id, row.application_id, self._vault.unseal(row.sealed_flow))


async def finish(session: AsyncSession, sign_in_id: int) -> bool:
    """Take one away in a transaction with what it led to; whether it was still there."""
    statement = delete(SignInRow).where(col(SignInRow.id) == sign_in_id).returning(col(SignInRow.id))
    return await session.scalar(statement) is not None


def _older(table: Any, at: Any, life: Any) -> Any:
    return delete(table).where(at < func.now() - life).returning(table.id)


def _of(state: str, browser: str) -> list[Any]:
    return [
        col(SignInRow.state_hash) == fingerprint(state),
        col(SignInRow.browser_hash) == fingerprint(browser),
        col(SignInRow.created_at) > func.now() - LIFE,
    ]
