"""Booking profiles of accounts and of groups: making, changing, attaching (behaviour.md, section 12)."""

from collections.abc import Sequence
from secrets import token_hex
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from gateway.identity import Account, Application
from gateway.services.booking.profile import Profile, check, known, loaded
from gateway.store.database import Database
from gateway.store.queries import applications, booking
from gateway.store.tables import BookingProfileRow
from providers.base.errors import Invalid, NotFound
from schemas.booking import (
    BookingAttachAccountsDto,
    BookingAttachedAccountsDto,
    BookingAttachedAccountsPage,
    BookingAttachedDto,
    BookingAttachedGroupsPage,
    BookingAttachGroupsDto,
    BookingDetachGroupAccountsDto,
    BookingDetachGroupsDto,
    BookingOutDto,
    BookingPage,
    BookingProfile,
    BookingRequiredMode,
    GroupBookingOutDto,
    GroupBookingPage,
    changed_fields,
)

MAX_PAGE = 1000
MAX_ATTACHED = 1000  # accounts of one profile; each that must be free is locked for a moment
_APART = frozenset({"name"})


class Profiles:
    """Keeps profiles. `owner`: the account whose profiles are meant, None for those of the application's groups."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, application: Application, owner: Account | None, body: BookingProfile) -> BookingProfileRow:
        """Store a profile; without a name it gets one. Raises `Invalid` with the path, `Exists` for a name in use."""
        check(body)
        values = {
            "application_id": application.id,
            "account_id": owner.id if owner else None,
            "name": body.name or f"booking-{token_hex(4)}",
            "settings": _kept(body),
        }
        async with self._database.session() as session:
            return await booking.add(session, values)

    async def update(self, application: Application, owner: Account | None, number: int, body: BookingProfile) -> None:
        """Change what the body names; a null clears. Raises `NotFound`, `Invalid`, `Exists`."""
        given = changed_fields(body)
        if "name" in given and given["name"] is None:
            raise Invalid("name: a profile has a name", path="name")
        async with self._database.session() as session:
            found = await booking.get(session, application.id, number, _id(owner), lock=True)
            row = known(found, number)
            merged = BookingProfile.model_validate(row.settings).model_copy(update=given)
            merged = BookingProfile.model_validate(merged.model_dump())
            check(merged)
            name = {"name": body.name} if body.name is not None else {}
            await booking.change(session, row.id, {"settings": _kept(merged), **name})

    async def get(self, application: Application, owner: Account | None, number: int) -> BookingProfileRow:
        """One profile. Raises `NotFound`."""
        async with self._database.read() as session:
            return known(await booking.get(session, application.id, number, _id(owner)), number)

    async def delete(self, application: Application, owner: Account | None, number: int) -> None:
        """Remove a profile; meetings that were booked stay. Raises `NotFound`."""
        async with self._database.session() as session:
            if not await booking.remove(session, application.id, _id(owner), number):
                raise NotFound(f"there is no booking profile {number}")

    async def page(self, account: Account, *, limit: int, offset: int) -> BookingPage:
        """One page of an account's profiles."""
        total, done, rows = await self._page(account.application_id, account.id, limit, offset)
        return BookingPage(offset=offset, total_size=total, done=done, records=[out(row) for row in rows])

    async def group_page(self, application: Application, *, limit: int, offset: int) -> GroupBookingPage:
        """One page of the application's group profiles."""
        total, done, rows = await self._page(application.id, None, limit, offset)
        return GroupBookingPage(offset=offset, total_size=total, done=done, records=[group_out(row) for row in rows])

    async def load(self, application: Application, owner: Account | None, number: int) -> Profile:
        """A profile with everybody attached. Raises `NotFound`."""
        async with self._database.read() as session:
            row = known(await booking.get(session, application.id, number, _id(owner)), number)
            return await loaded(session, row)

    async def load_named(self, application: Application, name: str) -> Profile:
        """The profile of a public name. Raises `NotFound`."""
        async with self._database.read() as session:
            return await loaded(session, known(await booking.by_name(session, application.id, name), name))

    async def load_any(self, application_id: int, number: int) -> Profile:
        """A profile of the application, an account's or a group's. Raises `NotFound`."""
        async with self._database.read() as session:
            return await loaded(session, known(await booking.by_id(session, application_id, number), number))

    async def client_id(self, application_id: int) -> str | None:
        """The public name of an application."""
        async with self._database.read() as session:
            row = await applications.by_id(session, application_id)
        return row.client_id if row else None

    async def load_groups(
        self, application: Application, names: Sequence[str] | None, ids: Sequence[int] | None
    ) -> list[Profile]:
        """Group profiles with these names or ids; all, when neither is given."""
        async with self._database.read() as session:
            return [await loaded(session, row) for row in await booking.of_group(session, application.id, names, ids)]

    async def attach_groups(self, application: Application, number: int, body: BookingAttachGroupsDto) -> None:
        """Attach groups of accounts, or add to them. Raises `NotFound`, for an account too."""
        async with self._database.session() as session:
            row = await self._locked(session, application, number)
            for group in body.groups:
                await booking.check_accounts(session, application.id, group.account_ids)
                found = await booking.put_group(session, row.id, group.ext_id, group.required.value)
                await booking.attach(session, row.id, found, group.account_ids)
            await _check_size(session, row)

    async def detach_groups(self, application: Application, number: int, body: BookingDetachGroupsDto) -> None:
        """Detach groups, or accounts of them. What is not attached is passed over. Raises `NotFound`."""
        async with self._database.session() as session:
            row = await self._locked(session, application, number)
            for group in body.groups:
                if group.account_ids is None:
                    await booking.remove_group(session, row.id, group.ext_id)
                else:
                    await booking.detach(session, row.id, group.account_ids, group.ext_id)

    async def groups(
        self, application: Application, number: int, *, limit: int, offset: int
    ) -> BookingAttachedGroupsPage:
        """One page of the attached groups. Raises `NotFound`."""
        async with self._database.read() as session:
            row = known(await booking.get(session, application.id, number, None), number)
            found = await booking.groups(session, row.id)
        shown = found[offset : offset + min(limit, MAX_PAGE)]
        records = [
            BookingAttachedDto(
                ext_id=one.ext_id, account_ids=list(one.accounts), required=BookingRequiredMode(one.required)
            )
            for one in shown
        ]
        done = offset + len(shown) >= len(found) or not shown
        return BookingAttachedGroupsPage(offset=offset, total_size=len(found), done=done, records=records)

    async def attach_accounts(self, application: Application, number: int, body: BookingAttachAccountsDto) -> None:
        """Attach accounts without a group. Raises `NotFound`, for an account too."""
        async with self._database.session() as session:
            row = await self._locked(session, application, number)
            await booking.check_accounts(session, application.id, body.account_ids)
            await booking.attach(session, row.id, None, body.account_ids)
            await _check_size(session, row)

    async def detach_accounts(self, application: Application, number: int, body: BookingDetachGroupAccountsDto) -> None:
        """Detach accounts that are attached without a group. Raises `NotFound`."""
        async with self._database.session() as session:
            row = await self._locked(session, application, number)
            await booking.detach(session, row.id, body.account_ids)

    async def accounts(
        self, application: Application, number: int, *, limit: int, offset: int
    ) -> BookingAttachedAccountsPage:
        """One page of the accounts attached without a group: one record. Raises `NotFound`."""
        async with self._database.read() as session:
            row = known(await booking.get(session, application.id, number, None), number)
            found = list(await booking.members(session, row.id))
        shown = found[offset : offset + min(limit, MAX_PAGE)]
        records = [BookingAttachedAccountsDto(account_ids=shown)] if shown else []
        done = offset + len(shown) >= len(found) or not shown
        return BookingAttachedAccountsPage(offset=offset, total_size=len(found), done=done, records=records)

    async def _page(
        self, application_id: int, owner: int | None, limit: int, offset: int
    ) -> tuple[int, bool, Sequence[BookingProfileRow]]:
        async with self._database.read() as session:
            total, rows = await booking.page(session, application_id, owner, offset=offset, limit=min(limit, MAX_PAGE))
        return total, not rows or offset + len(rows) >= total, rows

    async def _locked(self, session: AsyncSession, application: Application, number: int) -> BookingProfileRow:
        return known(await booking.get(session, application.id, number, None, lock=True), number)


def out(row: BookingProfileRow) -> BookingOutDto:
    """An account's profile on the wire."""
    return BookingOutDto.model_validate(row.settings | {"name": row.name, "id": row.id})


def group_out(row: BookingProfileRow) -> GroupBookingOutDto:
    """A group's profile on the wire."""
    return GroupBookingOutDto.model_validate(row.settings | {"name": row.name, "id": row.id})


def _id(owner: Account | None) -> int | None:
    return owner.id if owner else None


def _kept(body: BookingProfile) -> dict[str, Any]:
    kept: dict[str, Any] = body.model_dump(mode="json", by_alias=True, exclude_none=True, exclude=set(_APART))
    return kept


async def _check_size(session: AsyncSession, row: BookingProfileRow) -> None:
    profile = await loaded(session, row)
    if len(profile.roster.everyone()) > MAX_ATTACHED:
        raise Invalid(f"accountIds: a profile has {MAX_ATTACHED} accounts at most", path="accountIds")
