"""What profiles offer, and what they say of the rest."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from gateway.services.booking.times import Question
from gateway.services.work_hours import WorkHours
from providers.base.errors import Invalid, NotFound, Unauthorized
from schemas.booking import BookingAttachAccountsDto, BookingInDto, BookingUpdateDto
from schemas.schedules import AvailabilityIntervals, WeekWorkSchedule
from tests.gateway.booking.conftest import ALWAYS_OPEN, Practice, tomorrow

pytestmark = pytest.mark.anyio
BERLIN = ZoneInfo("Europe/Berlin")


def _next(month: int) -> int:
    """The first year in which this month lies ahead."""
    now = datetime.now(UTC)
    return now.year + (now.month >= month)


def _last_sunday(month: int) -> date:
    last = date(_next(month), month, 31)
    return last - timedelta(days=(last.weekday() + 1) % 7)


def _nights(zone: str) -> WeekWorkSchedule:
    days = [
        {**day.model_dump(by_alias=True), "workingIntervals": [{"start": "01:00:00", "end": "04:00:00"}]}
        for day in ALWAYS_OPEN.day_schedules or ()
    ]
    return WeekWorkSchedule.model_validate({"timezone": zone, "daySchedules": days})


@pytest.mark.parametrize(("month", "hours"), [(3, 2), (10, 4)])
async def test_a_night_in_which_clocks_change_has_its_own_length(practice: Practice, month: int, hours: int) -> None:
    profile = await practice.profile(await practice.person(), work_hours=_nights("Europe/Berlin"))
    day = _last_sunday(month)
    slots = await practice.offered(profile, from_date=day, interval_length="P1D")
    assert len(slots) == 2 * hours
    walls = [slot.start.astimezone(BERLIN).strftime("%H:%M") for slot in slots]
    assert ("02:00" in walls) == (month == 10)


async def test_a_skipped_hour_is_explained(practice: Practice) -> None:
    profile = await practice.profile(await practice.person(), work_hours=_nights("Europe/Berlin"))
    question = Question(from_date=_last_sunday(3), interval_length="P1D", explain=True)
    found = (await practice.times.times(profile, question)).explanations or []
    gaps = [one.wall[-5:] for one in found if [block.kind for block in one.blocks] == ["gap"]]
    assert gaps == ["02:00", "02:30"]


async def test_every_reason_is_named_without_titles_and_for_strangers_without_names(practice: Practice) -> None:
    ann = await practice.person()
    profile = await practice.profile(ann, buffer_between_minutes=15, end_time=tomorrow(20))
    await practice.put(ann, tomorrow(9), subject="dentist")
    question = {"from_date": tomorrow().date(), "interval_length": "P1D", "explain": True}
    full = await practice.times.times(profile, Question(**question))
    kinds = {one.start: [(block.kind, block.account_id) for block in one.blocks] for one in full.explanations or ()}
    assert kinds[tomorrow(9)] == [("event", ann.id)]
    assert kinds[tomorrow(9, 30)] == kinds[tomorrow(8, 30)] == [("buffer", ann.id)]
    assert kinds[tomorrow(20)] == [("rule", None)]
    offered = {slot.start for slot in full.items}
    assert offered | kinds.keys() == {tomorrow(0) + number * timedelta(minutes=30) for number in range(48)}
    assert not offered & kinds.keys()
    public = await practice.public.times(practice.application.client_id, profile.name, Question(**question))
    text = public.to_json()
    assert b"dentist" not in full.to_json() + text and b"accountId" not in text
    assert (public.explanations or [])[0].blocks


async def test_windows_follow_each_other_without_seam(practice: Practice) -> None:
    profile = await practice.profile(await practice.person(), time_available_for="P10D")
    whole = [slot.start for slot in await practice.offered(profile)]
    pieces: list[datetime] = []
    first: date | None = None
    for _ in range(20):
        found = await practice.times.times(profile, Question(from_date=first, interval_length="P3D"))
        pieces += [slot.start for slot in found.items]
        first = found.next_from_date
        if first is None:
            break
    assert pieces == whole and len(whole) > 400


async def test_dates_replace_the_weeks_hours(practice: Practice) -> None:
    day = tomorrow(days=3).date()
    closed = {"intervals": [{"dateStartInclusive": day.isoformat(), "dateEndInclusive": day.isoformat(), "hours": []}]}
    ann = await practice.person()
    await practice.work_hours.put(ann, ALWAYS_OPEN)
    for own in (ALWAYS_OPEN, None):  # the profile's hours, or the account's
        profile = await practice.profile(
            ann, work_hours=own, availability_intervals=AvailabilityIntervals.model_validate(closed)
        )
        assert not await practice.offered(profile, from_date=day, interval_length="P1D")
        assert await practice.offered(profile, from_date=day + timedelta(days=1), interval_length="P1D")


async def test_work_hours_of_the_account_hold_unless_the_profile_has_its_own(practice: Practice) -> None:
    ann = await practice.person(timezone="Asia/Kolkata")
    hours: WorkHours = practice.work_hours
    assert (await hours.of(ann, None)).source == "default"
    assert (await hours.of(ann, None)).timezone == "Asia/Kolkata"
    profile = await practice.profile(ann, work_hours=None)
    monday = tomorrow().date() + timedelta(days=7 - tomorrow().weekday())
    slots = await practice.offered(profile, from_date=monday, interval_length="P1D")
    assert slots[0].start == datetime(monday.year, monday.month, monday.day, 3, 30, tzinfo=UTC)  # 9:00 in India
    await hours.put(ann, _nights("UTC"))
    assert (await hours.of(ann, None)).source == "account"
    slots = await practice.offered(profile, from_date=monday, interval_length="P1D")
    assert len(slots) == 6
    assert (await hours.put(ann, WeekWorkSchedule())).source == "default"


async def test_accounts_come_in_pages_for_the_same_window(practice: Practice) -> None:
    people = [await practice.person() for _ in range(5)]
    profile = await practice.profile(None)
    attached = BookingAttachAccountsDto(account_ids=[person.id for person in people])
    await practice.profiles.attach_accounts(practice.application, profile.id, attached)
    profile = await practice.again(profile)
    seen: list[int] = []
    token: str | None = None
    for _ in range(3):
        question = Question(interval_length="P1D", page_token=token, limit=2)
        found = await practice.times.times(profile, question)
        seen += found.items[0].account_ids or []
        token = found.next_page_token
    assert token is None and seen == [person.id for person in people]


async def test_a_calendar_that_cannot_be_read_is_not_free(practice: Practice) -> None:
    ann, bob = await practice.person(), await practice.person()
    await practice.accounts.delete_token(bob)
    profile = await practice.profile(None)
    attached = BookingAttachAccountsDto(account_ids=[ann.id, bob.id])
    await practice.profiles.attach_accounts(practice.application, profile.id, attached)
    profile = await practice.again(profile)
    assert (await practice.offered(profile))[0].account_ids == [ann.id]
    await practice.accounts.delete_token(ann)
    with pytest.raises(Unauthorized):
        await practice.offered(await practice.again(profile))


async def test_profiles_keep_what_a_change_does_not_name(practice: Practice) -> None:
    ann = await practice.person()
    profile = await practice.profile(ann, subject="one", location="here")
    change = BookingUpdateDto.model_validate({"subject": "two", "location": None})
    await practice.profiles.update(practice.application, ann, profile.id, change)
    says = (await practice.again(profile)).says
    assert (says.subject, says.location, says.work_hours) == ("two", None, ALWAYS_OPEN)
    with pytest.raises(Invalid, match="A step is one of"):
        await practice.profiles.update(practice.application, ann, profile.id, BookingUpdateDto(availability_step=7))
    with pytest.raises(NotFound):
        await practice.profiles.update(practice.application, None, profile.id, change)


async def test_a_profile_without_a_name_gets_one(practice: Practice) -> None:
    ann = await practice.person()
    rows = [await practice.profiles.create(practice.application, ann, BookingInDto()) for _ in range(2)]
    assert rows[0].name != rows[1].name
