"""A booking profile as a value: what it says, who is attached to it, and the rules that follow."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from gateway.identity import Account
from gateway.services.availability.clock import moment, zone_named
from gateway.services.availability.periods import period
from gateway.services.availability.roster import Group, Required, Roster
from gateway.services.availability.rules import Rules
from gateway.services.work_hours import hours, zone_of
from gateway.store import values
from gateway.store.queries import booking
from gateway.store.tables import AccountRow, BookingProfileRow
from providers.base.errors import Invalid, NotFound
from schemas.accounts import TokenStatus
from schemas.booking import BookingProfile

DURATION, STEP, NOTICE = 30, 30, 60  # minutes, where a profile says nothing


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile with its accounts; `owner` is None for a group's. `roster` names accounts by id, of a mailbox that is
    connected more than once only one: `twins` says which stands for the others."""

    id: int
    application_id: int
    owner: int | None
    name: str
    says: BookingProfile
    roster: Roster
    accounts: Mapping[int, Account]
    twins: Mapping[int, int] = field(default_factory=dict)

    @property
    def zone(self) -> ZoneInfo:
        """Slots begin by the clock of this zone: the one of the profile's hours, else the first account's."""
        if self.says.work_hours and self.says.work_hours.timezone:
            return zone_named(self.says.work_hours.timezone)
        first = next(iter(self.accounts.values()), None)
        return ZoneInfo(zone_of(first) if first else "UTC")

    @property
    def has_hours(self) -> bool:
        """Whether its own hours hold, and not those of the accounts."""
        return bool(self.says.work_hours and self.says.work_hours.day_schedules is not None)

    @property
    def buffer(self) -> int:
        """Minutes."""
        return self.says.buffer_between_minutes or 0

    def rules(self) -> Rules:
        """Raises `Invalid` with the path of a field that cannot be used."""
        return rules(self.says, self.zone)

    def required(self, mode: Required | None) -> "Profile":
        """The profile with another mode; None leaves it."""
        return self if mode is None else replace(self, roster=replace(self.roster, required=mode))

    def among(self, accounts: Sequence[int]) -> "Profile":
        """The profile as if only these accounts were attached, without groups."""
        return replace(self, roster=replace(self.roster, members=tuple(accounts), groups=()))


def rules(says: BookingProfile, zone: ZoneInfo) -> Rules:
    """What a profile says about its slots. Raises `Invalid` with the path."""
    own = bool(says.work_hours and says.work_hours.day_schedules is not None)
    return Rules(
        zone=zone,
        duration_minutes=_or(says.duration_minutes, DURATION),
        step_minutes=_or(says.availability_step, STEP),
        buffer_minutes=_or(says.buffer_between_minutes, 0),
        start_after_minutes=_or(says.start_after_minutes, NOTICE),
        start=None if says.start_time is None else moment(says.start_time),
        end=None if says.end_time is None else moment(says.end_time),
        available_for=period(says.time_available_for, "timeAvailableFor") if says.time_available_for else None,
        hours=hours(says.work_hours, zone, says.availability_intervals) if own else None,
    )


def check(says: BookingProfile) -> None:
    """Raises `Invalid` with the path of a field that could not be used when times are asked for."""
    zone = says.work_hours.timezone if says.work_hours else None
    rules(says, zone_named(zone or "UTC", "workHours.timezone"))
    hours(None, ZoneInfo("UTC"), says.availability_intervals)


async def loaded(session: AsyncSession, row: BookingProfileRow) -> Profile:
    """The profile of a row with everybody attached."""
    says = BookingProfile.model_validate(row.settings | {"name": row.name})
    attached = await _roster(session, row)
    ids = [int(member) for member in attached.everyone()]
    found = {each.id: each for each in await booking.rows_of_accounts(session, row.application_id, ids)}
    twins = _twins([found[account] for account in ids if account in found])
    roster = attached.with_one_for_each(twins)
    shown = [int(member) for member in roster.everyone()]
    accounts = {account: values.account(found[account]) for account in shown if account in found}
    return Profile(row.id, row.application_id, row.account_id, row.name, says, roster, accounts, twins)


def _twins(rows: Sequence[AccountRow]) -> dict[int, int]:
    """Accounts of a mailbox that another account stands for: the first of those that live, in the roster's order."""
    living = sorted(rows, key=lambda row: row.sealed_grant is None or row.token_status == TokenStatus.DEAD)
    first: dict[int, int] = {}
    for row in living:
        first.setdefault(row.person, row.id)
    return {row.id: first[row.person] for row in rows if first[row.person] != row.id}


def known(row: BookingProfileRow | None, which: object) -> BookingProfileRow:
    """Raises `NotFound` for none."""
    if row is None:
        raise NotFound(f"there is no booking profile {str(which)[:100]!r}")
    return row


async def _roster(session: AsyncSession, row: BookingProfileRow) -> Roster:
    if row.account_id is not None:
        return Roster(Required.ONE, (row.account_id,))
    members = tuple(await booking.members(session, row.id))
    groups = [Group(one.ext_id, one.accounts, Required(one.required)) for one in await booking.groups(session, row.id)]
    return Roster(Required.ONE, members, tuple(groups))


def _or(given: int | None, default: int) -> int:
    return default if given is None else given


def mode(required: str | None) -> Required | None:
    """The mode of a request. Raises `Invalid`."""
    try:
        return None if required is None else Required(required)
    except ValueError:
        raise Invalid("required is one or all", path="required") from None
