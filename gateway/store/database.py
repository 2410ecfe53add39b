"""The connection to PostgreSQL: one pool per process, transactions and plain reads on it, migrations, readiness."""

import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Self

import psycopg
from psycopg.errors import IdleInTransactionSessionTimeout
from sqlalchemy import URL, TextClause, event, make_url, text
from sqlalchemy.exc import DBAPIError, InterfaceError, InternalError, InvalidatePoolError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.pool import NullPool

from gateway.metrics import CONNECTIONS
from gateway.settings import Settings
from gateway.store import embedded, job_tables, migrate
from gateway.store.announcements import Hear, Listener
from gateway.store.locks import Locks
from gateway.store.plain import Plain, Row, speaks
from providers.base.errors import Unavailable
from providers.base.lane import Lane

log = logging.getLogger("postroom.store")

POOL, PLAIN = 8, 4  # connections of a process at most: for sessions, for single statements
_CONNECT_TIMEOUT = 10  # seconds
_PREPARE_AFTER = 5  # uses on one connection
_IDLE_IN_TRANSACTION = 20_000  # milliseconds after which a process that was stopped loses the rows it had locked
_MIGRATION_LOCK = 0x706F7374726F6F6D  # "postroom"


class DatabaseUnavailable(Exception):
    """The database cannot be reached; the message says where it was looked for and why it failed."""


class Database:
    """A pool of connections. With a `direct_url`, which bypasses a pooler such as PgBouncer, `url` may run through one,
    and no statements are prepared; without one, statements that are used often are."""

    def __init__(self, url: str, direct_url: str | None = None) -> None:
        self._url, self._direct_url = _sqlalchemy(url), _sqlalchemy(direct_url or url)
        prepare_after = _PREPARE_AFTER if self._url == self._direct_url else None
        self._plain = Plain(_libpq(self._url), PLAIN, **_arguments(prepare_after))
        self._engine = _engine(
            self._url,
            prepare_after=prepare_after,
            pool_size=POOL,
            max_overflow=0,
            pool_timeout=_CONNECT_TIMEOUT,
        )
        event.listen(self._engine.sync_engine, "connect", _limit)
        event.listen(self._engine.sync_engine, "checkout", _check)
        event.listen(self._engine.sync_engine, "checkout", lambda *_: CONNECTIONS.inc())
        event.listen(self._engine.sync_engine, "checkin", lambda *_: CONNECTIONS.dec())
        self._reading = self._engine.execution_options(isolation_level="AUTOCOMMIT")

    @classmethod
    async def open(cls, settings: Settings) -> Self:
        """The database that the settings name, or the embedded one, started if need be. Connects on first use."""
        if settings.database_url is None:
            return cls(await Lane(1).run(lambda: embedded.start(settings.var_dir)))
        direct = settings.direct_database_url or settings.database_url
        return cls(settings.database_url.get_secret_value(), direct.get_secret_value())

    async def close(self) -> None:
        """Close every connection."""
        await self._plain.close()
        await self._engine.dispose()

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        """One transaction: committed when the block ends, rolled back when it raises. Raises `Unavailable`."""
        with _outages():
            async with AsyncSession(self._engine, expire_on_commit=False) as session, session.begin():
                yield session

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """Reads, or single statements, each its own transaction: no round trip for BEGIN and COMMIT.

        Raises `Unavailable`."""
        with _outages():
            async with AsyncSession(self._reading, expire_on_commit=False) as session:
                yield session

    async def rows(self, statement: TextClause, **values: Any) -> Sequence[Row]:
        """What one statement answers, at a fifth of the price of `read`. Raises `Unavailable`."""
        with _outages():
            return await self._plain.rows(statement, values)

    @property
    def direct_url(self) -> str:
        """Where the database is without a pooler between, in libpq's form; with the password."""
        return _libpq(self._direct_url)

    def listen(self, hear: Hear) -> Listener:
        """Start calling `hear` with the topics that other processes and this one announce."""
        return Listener(self.direct_url, hear)

    def locks(self) -> Locks:
        """Locks between processes; connects on first use, closed by whoever asked for them."""
        return Locks(self.direct_url)

    async def migrate(self) -> None:
        """Bring the schema up to date. Processes that migrate at once wait for each other.

        Raises `DatabaseUnavailable`."""
        engine = _engine(self._direct_url, poolclass=NullPool)
        try:
            async with engine.connect() as connection:
                await connection.execute(text("select pg_advisory_lock(:key)"), {"key": _MIGRATION_LOCK})
                await connection.commit()
                await connection.run_sync(migrate.upgrade)
                await connection.run_sync(job_tables.upgrade)
        except (OperationalError, InterfaceError) as error:
            raise DatabaseUnavailable(_unreachable(self._direct_url, error)) from None
        finally:
            await engine.dispose()

    async def ready(self) -> str | None:
        """None when the database answers and its schema is the current one, else what is wrong."""
        try:
            async with self._reading.connect() as connection:
                current = await connection.run_sync(migrate.current)
                jobs = await connection.run_sync(job_tables.current)
        except (OperationalError, InterfaceError) as error:
            return _unreachable(self._url, error)
        if current != migrate.head():
            return f"the database's schema is {current or 'empty'}, not {migrate.head()}: run `postroom migrate`"
        if jobs != job_tables.head():
            return f"the tables of jobs are {jobs or 'missing'}, not {job_tables.head()}: run `postroom migrate`"
        return None


def _limit(connection: Any, _: object) -> None:
    """PostgreSQL ends a transaction in which nothing is said any more."""
    cursor = connection.cursor()
    cursor.execute(f"set idle_in_transaction_session_timeout = {_IDLE_IN_TRANSACTION}")
    cursor.close()
    connection.commit()


def _check(connection: Any, record: object, proxy: object) -> None:
    """A server that hung up while nobody asked anything makes the socket readable: found without a round trip. Others
    of the pool will have been left too: they are made anew."""
    if speaks(connection.driver_connection.fileno()):
        raise InvalidatePoolError


@contextmanager
def _outages() -> Iterator[None]:
    try:
        yield
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise _unavailable(error) from error
    except (OperationalError, InterfaceError, InternalError, PoolTimeout) as error:
        cause = getattr(error, "orig", error)
        if isinstance(error, InternalError) and not isinstance(cause, IdleInTransactionSessionTimeout):
            raise
        raise _unavailable(cause) from error


def _unavailable(cause: object) -> Unavailable:
    log.error("the database failed: %s", cause)
    return Unavailable("The gateway's database is not available at the moment")


def _engine(url: URL, prepare_after: int | None = None, **options: object) -> AsyncEngine:
    return create_async_engine(url, connect_args=_arguments(prepare_after), **options)


def _arguments(prepare_after: int | None) -> dict[str, Any]:
    return {"prepare_threshold": prepare_after, "connect_timeout": _CONNECT_TIMEOUT}


def _sqlalchemy(url: str) -> URL:
    return make_url(url).set(drivername="postgresql+psycopg")


def _libpq(url: URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def _unreachable(url: URL, error: DBAPIError) -> str:
    where = f"{url.host or url.query.get('host', 'the local socket')}, database {url.database}"
    return f"PostgreSQL cannot be reached at {where}: {' '.join(str(error.orig).split())}"
