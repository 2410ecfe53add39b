"""Booking, holding, confirming, cancelling and moving: what the calendar and the claims say afterwards."""

import asyncio
from datetime import timedelta

import pytest

from gateway.identity import Account
from gateway.services.availability.roster import Required
from gateway.services.booking.booking import Order
from gateway.services.booking.profile import Profile
from gateway.services.booking.times import Question
from gateway.store.meeting_values import MeetingState
from providers.base.errors import (
    Denied,
    Invalid,
    NotFound,
    RateLimited,
    Taken,
    Timeout,
    TooLate,
    Unavailable,
    Uncertain,
    Unsupported,
)
from schemas.booking import BookingAttachAccountsDto, BookingAttachGroupsDto, BookingMeetingInterval, BookingTimesOutDto
from tests.gateway.booking.conftest import Practice, tomorrow, wanted

pytestmark = pytest.mark.anyio
HALF = timedelta(minutes=30)
LOST = (Uncertain("the answer was lost"), Timeout("no answer in time"), RuntimeError("a fault of our own"))


async def test_a_booked_slot_is_an_event_and_is_offered_no_more(practice: Practice) -> None:
    ann = await practice.person()
    profile = await practice.profile(ann, subject="{{name}} meets Ann", description="About {{comments}}")
    nine = tomorrow(9)
    assert nine in [slot.start for slot in await practice.offered(profile)]
    made = await practice.book(profile, nine, substitution_data={"comments": "<b>plans</b>"})
    [event] = await practice.events(ann)
    assert made.created and made.id == event.id and made.reschedule_token
    assert event.subject == "Vi Sitor meets Ann"
    assert event.start is not None and event.start.instant() == nine
    assert event.meeting_info is not None and event.meeting_info.attendees is not None
    assert [guest.email_address.address for guest in event.meeting_info.attendees if guest.email_address] == [
        "vi@example.com"
    ]
    assert nine not in [slot.start for slot in await practice.offered(profile)]
    assert practice.told == [ann.id]


async def test_a_taken_slot_is_refused_with_other_times(practice: Practice) -> None:
    profile = await practice.profile(await practice.person())
    await practice.book(profile, tomorrow(9))
    with pytest.raises(Taken) as refused:
        await practice.book(profile, tomorrow(9))
    starts = [item["start"] for item in refused.value.original["items"]]
    assert starts and tomorrow(9).isoformat().replace("+00:00", "Z") not in starts
    assert tomorrow(9, 30).isoformat().replace("+00:00", "Z") in starts


async def test_a_private_event_blocks_a_slot_without_showing(practice: Practice) -> None:
    ann = await practice.person()
    profile = await practice.profile(ann)
    await practice.put(ann, tomorrow(9), subject="dentist")
    with pytest.raises(Taken) as refused:
        await practice.book(profile, tomorrow(9))
    assert "dentist" not in str(refused.value.original) + refused.value.message


async def test_what_is_no_slot_is_refused_with_the_reason(practice: Practice) -> None:
    profile = await practice.profile(await practice.person(), start_after_minutes=120, end_time=tomorrow(20, days=5))
    cases = {
        "past": wanted(tomorrow(9, days=-1)),
        "minutes": wanted(tomorrow(9), 45),
        "every 30": wanted(tomorrow(9, 10)),
        "not after": wanted(tomorrow(9), -30),
        "outside": wanted(tomorrow(20, days=5)),
    }
    for words, body in cases.items():
        with pytest.raises(Invalid, match=words):
            await practice.booking.book(profile, body, Order())
    assert (await practice.profile(await practice.person())).rules().start_after_minutes == 0


async def test_forged_accounts_and_groups_are_refused(practice: Practice) -> None:
    ann, stranger = await practice.person(), await practice.person()
    profile = await practice.profile(None)
    await practice.profiles.attach_accounts(
        practice.application, profile.id, BookingAttachAccountsDto(account_ids=[ann.id])
    )
    profile = await practice.again(profile)
    for more in ({"account_ids": [stranger.id]}, {"group_xids": ["made up"]}):
        with pytest.raises(Invalid, match="not attached"):
            await practice.book(profile, tomorrow(9), **more)
    assert not await practice.events(stranger)


async def test_a_hold_becomes_an_event_when_it_is_confirmed(practice: Practice) -> None:
    ann = await practice.person()
    profile = await practice.profile(ann)
    held = await practice.book(profile, tomorrow(9), order=Order(hold_minutes=10))
    assert (held.created, held.id, held.reservation_id) == (False, None, held.reservation_id_on_the_wire)
    assert not await practice.events(ann)
    assert tomorrow(9) not in [slot.start for slot in await practice.offered(profile)]
    meeting = await practice.booking.reservation(practice.application, ann, held.reservation_id or 0)
    first = await practice.booking.confirm(meeting)
    again = await practice.booking.confirm(meeting)
    assert [event.id for event in await practice.events(ann)] == [first.id] == [again.id]
    with pytest.raises(TooLate):
        await practice.booking.release(meeting)


async def test_a_hold_that_lapsed_is_never_confirmed_and_blocks_nobody(practice: Practice) -> None:
    ann = await practice.person()
    profile = await practice.profile(ann)
    held = await practice.book(profile, tomorrow(9), order=Order(hold_minutes=10))
    await practice.leap(timedelta(minutes=11))
    assert tomorrow(9) in [slot.start for slot in await practice.offered(profile)]
    with pytest.raises(NotFound, match="lapsed"):
        await practice.booking.confirm(await practice.meeting(held.reservation_id))
    assert (await practice.book(profile, tomorrow(9))).created
    assert len(await practice.events(ann)) == 1


async def test_a_hold_can_be_given_up_once(practice: Practice) -> None:
    ann = await practice.person()
    profile = await practice.profile(ann)
    held = await practice.book(profile, tomorrow(9), order=Order(hold_minutes=10))
    meeting = await practice.meeting(held.reservation_id)
    await practice.booking.release(meeting)
    with pytest.raises(NotFound):
        await practice.booking.release(meeting)
    assert (await practice.book(profile, tomorrow(9))).created


async def test_reservations_belong_to_their_profile_face(practice: Practice) -> None:
    ann, bob = await practice.person(), await practice.person()
    held = await practice.book(await practice.profile(ann), tomorrow(9), order=Order(hold_minutes=10))
    for owner in (bob, None):
        with pytest.raises(NotFound):
            await practice.booking.reservation(practice.application, owner, held.reservation_id or 0)


async def test_visitors_hold_for_an_hour_at_most(practice: Practice) -> None:
    profile = await practice.profile(await practice.person())
    for minutes, public in ((61, True), (0, False), (24 * 60 + 1, False)):
        with pytest.raises(Invalid, match="reserveForMinutes"):
            await practice.book(profile, tomorrow(9), order=Order(hold_minutes=minutes, public=public))


async def test_visitors_cannot_hold_everything(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.services.booking.booking.PUBLIC_HOLDS", 2)
    profile = await practice.profile(await practice.person())
    for hour in (9, 10):
        await practice.book(profile, tomorrow(hour), order=Order(hold_minutes=10, public=True))
    with pytest.raises(RateLimited):
        await practice.book(profile, tomorrow(11), order=Order(hold_minutes=10, public=True))


@pytest.mark.parametrize("error", [Unavailable("away"), Denied("read only"), Invalid("no")], ids=str)
async def test_a_refused_write_frees_the_slot(practice: Practice, error: Exception) -> None:
    ann = await practice.person()
    profile = await practice.profile(ann)
    practice.faults.refuse.append(error)
    with pytest.raises(type(error)):
        await practice.book(profile, tomorrow(9))
    assert (await practice.last()).state is MeetingState.FAILED
    assert (await practice.book(profile, tomorrow(9))).created
    assert len(await practice.events(ann)) == 1


async def test_a_hold_survives_a_provider_that_was_away(practice: Practice) -> None:
    profile = await practice.profile(await practice.person())
    held = await practice.book(profile, tomorrow(9), order=Order(hold_minutes=10))
    practice.faults.refuse.append(Unavailable("away"))
    with pytest.raises(Unavailable):
        await practice.booking.confirm(await practice.meeting(held.reservation_id))
    with pytest.raises(Taken):
        await practice.book(profile, tomorrow(9))
    assert (await practice.booking.confirm(await practice.meeting(held.reservation_id))).id


@pytest.mark.parametrize("error", LOST, ids=lambda error: type(error).__name__)
async def test_a_lost_answer_is_looked_up(practice: Practice, error: Exception) -> None:
    ann = await practice.person()
    profile = await practice.profile(ann)
    practice.faults.lose.append(error)
    made = await practice.book(profile, tomorrow(9))
    assert [event.id for event in await practice.events(ann)] == [made.id]


@pytest.mark.parametrize("error", LOST, ids=lambda error: type(error).__name__)
async def test_what_nobody_knows_keeps_its_slot_until_it_is_known(practice: Practice, error: Exception) -> None:
    profile = await practice.profile(await practice.person())
    practice.faults.refuse.append(error)
    with pytest.raises(Uncertain):
        await practice.book(profile, tomorrow(9))
    meeting = await practice.last()
    assert meeting.state is MeetingState.UNKNOWN
    for _ in range(5):
        with pytest.raises(Taken):
            await practice.book(profile, tomorrow(9))
        await practice.leap(timedelta(minutes=20))
        await practice.writing.run(meeting.id)
    assert (await practice.last()).state is MeetingState.FAILED
    assert practice.faults.creates == 1
    assert (await practice.book(profile, tomorrow(9))).created


async def test_a_crash_after_the_write_is_found_by_its_uid(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    ann = await practice.person()
    profile = await practice.profile(ann)
    with monkeypatch.context() as crash:
        crash.setattr(practice.writing, "_booked", _die)
        with pytest.raises(asyncio.CancelledError):
            await practice.book(profile, tomorrow(9))
    meeting = await practice.last()
    assert meeting.state is MeetingState.WRITING
    await practice.writing.run(meeting.id)  # its lease has not ended
    assert (await practice.meeting(meeting.id)).state is MeetingState.WRITING
    await practice.leap(timedelta(minutes=3))
    await practice.writing.run(meeting.id)
    [event] = await practice.events(ann)
    assert (await practice.meeting(meeting.id)).event_id == event.id
    assert practice.told == [ann.id]


async def _die(*_: object) -> None:
    raise asyncio.CancelledError


async def test_a_process_that_comes_back_too_late_leaves_no_event(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = await practice.person()
    profile = await practice.profile(ann)
    book = practice.meetings.book

    async def given_up(meeting: object, *more: str) -> bool:
        await practice.meetings.fail(await practice.last(), "taken for dead")
        return await book(meeting, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(practice.meetings, "book", given_up)
    with pytest.raises(Unavailable):
        await practice.book(profile, tomorrow(9))
    assert not await practice.events(ann)


async def test_what_its_owner_deleted_can_be_booked_again(practice: Practice) -> None:
    ann = await practice.person()
    profile = await practice.profile(ann)
    made = await practice.book(profile, tomorrow(9))
    await practice.leap(timedelta(minutes=10))
    with pytest.raises(Taken):
        await practice.book(profile, tomorrow(9))
    await practice.remove(ann, made.id or "")
    assert tomorrow(9) in [slot.start for slot in await practice.offered(profile)]
    assert (await practice.book(profile, tomorrow(9))).created
    with pytest.raises(TooLate):  # the first one has no time that it could take with it
        meeting = await practice.booking.by_token(made.reschedule_token or "")
        await practice.booking.move(profile, meeting, wanted(tomorrow(11)))


async def test_cancelling_removes_the_event_and_offers_the_slot(practice: Practice) -> None:
    ann = await practice.person()
    profile = await practice.profile(ann)
    made = await practice.book(profile, tomorrow(9))
    meeting = await practice.booking.by_token(made.reschedule_token or "")
    practice.faults.refuse.append(Unavailable("away"))
    with pytest.raises(Unavailable):
        await practice.booking.cancel(meeting)
    assert len(await practice.events(ann)) == 1
    await practice.booking.cancel(await practice.booking.by_token(made.reschedule_token or ""))
    assert not await practice.events(ann)
    assert tomorrow(9) in [slot.start for slot in await practice.offered(profile)]
    meeting = await practice.booking.by_token(made.reschedule_token or "")
    with pytest.raises(TooLate):
        await practice.booking.cancel(meeting)
    shown = await practice.booking.times_to_move(profile, meeting, Question())
    assert shown.existing_meeting is not None and shown.existing_meeting.deleted and shown.items


async def test_a_lost_cancellation_is_done_again(practice: Practice) -> None:
    ann = await practice.person()
    made = await practice.book(await practice.profile(ann), tomorrow(9))
    practice.faults.lose.append(Uncertain("the answer was lost"))
    with pytest.raises(Uncertain):
        await practice.booking.cancel(await practice.booking.by_token(made.reschedule_token or ""))
    await practice.leap(timedelta(minutes=3))
    meeting = await practice.last()
    await practice.writing.run(meeting.id)
    assert (await practice.meeting(meeting.id)).state is MeetingState.CANCELLED


async def test_a_meeting_moves_also_onto_a_part_of_itself(practice: Practice) -> None:
    ann = await practice.person()
    profile = await practice.profile(ann, duration_minutes=60, availability_step=30)
    made = await practice.book(profile, tomorrow(9), 60)
    meeting = await practice.booking.by_token(made.reschedule_token or "")
    moved = await practice.booking.move(profile, meeting, wanted(tomorrow(9, 30), 60))
    [event] = await practice.events(ann)
    assert moved.id == event.id == made.id
    assert event.start is not None and event.start.instant() == tomorrow(9, 30)
    starts = [slot.start for slot in await practice.offered(profile)]
    assert tomorrow(8, 30) in starts and tomorrow(9) not in starts


async def test_moving_is_refused_for_others_and_onto_others(practice: Practice) -> None:
    ann = await practice.person()
    profile = await practice.profile(ann)
    await practice.book(profile, tomorrow(10))
    made = await practice.book(profile, tomorrow(9))
    meeting = await practice.booking.by_token(made.reschedule_token or "")
    with pytest.raises(Taken):
        await practice.booking.move(profile, meeting, wanted(tomorrow(10)))
    with pytest.raises(Invalid) as refused:
        await practice.booking.move(profile, meeting, wanted(tomorrow(11), email="else@example.com"))
    assert refused.value.code == "wrongReschedulingEmail"
    with pytest.raises(Invalid) as refused:
        await practice.booking.by_token("forged")
    assert refused.value.code == "invalidRescheduleToken"
    with pytest.raises(Invalid):
        await practice.booking.move(await practice.profile(ann), meeting, wanted(tomorrow(11)))


async def test_a_move_that_failed_leaves_the_meeting_where_it_was(practice: Practice) -> None:
    ann = await practice.person()
    profile = await practice.profile(ann)
    made = await practice.book(profile, tomorrow(9))
    practice.faults.refuse.append(Denied("read only"))
    with pytest.raises(Denied):
        await practice.booking.move(profile, await practice.last(), wanted(tomorrow(11)))
    assert (await practice.last()).starts_at == tomorrow(9)
    assert (await practice.book(profile, tomorrow(11))).created
    practice.faults.lose.append(Uncertain("lost"))
    first = await practice.booking.by_token(made.reschedule_token or "")
    with pytest.raises(Uncertain):
        await practice.booking.move(profile, first, wanted(tomorrow(13)))
    await practice.leap(timedelta(minutes=3))
    await practice.writing.run(first.id)
    assert (await practice.meeting(first.id)).starts_at == tomorrow(13)


async def test_one_of_many_is_booked_by_turn(practice: Practice) -> None:
    people = [await practice.person() for _ in range(3)]
    profile = await practice.profile(None)
    attached = BookingAttachAccountsDto(account_ids=[person.id for person in people])
    await practice.profiles.attach_accounts(practice.application, profile.id, attached)
    profile = await practice.again(profile)
    for slot in range(6):
        await practice.book(profile, tomorrow(9) + slot * HALF)
    assert [len(await practice.events(person)) for person in people] == [2, 2, 2]


async def test_all_must_be_free_and_all_are_taken(practice: Practice) -> None:
    people = [await practice.person() for _ in range(3)]
    profile = await practice.profile(None)
    group = {"extId": "doctors", "accountIds": [person.id for person in people], "required": "all"}
    await practice.profiles.attach_groups(
        practice.application, profile.id, BookingAttachGroupsDto.model_validate({"groups": [group]})
    )
    profile = await practice.again(profile)
    await practice.put(people[2], tomorrow(9))
    with pytest.raises(Taken):
        await practice.book(profile, tomorrow(9))
    made = await practice.book(profile, tomorrow(10), group_xids=["doctors"], account_ids=[p.id for p in people])
    assert made.group_xid == "doctors"
    [event] = await practice.events(people[0])
    assert event.meeting_info is not None and len(event.meeting_info.attendees or ()) == 3
    await practice.leap(timedelta(days=1))  # the others' calendars may never show it
    for person in people[1:]:
        own = await practice.profile(person)
        with pytest.raises(Taken):
            await practice.book(own, tomorrow(10))


def _groups_of(told: BookingMeetingInterval) -> dict[str, object]:
    return {"group_xids": told.group_xids}


def _accounts_of(told: BookingMeetingInterval) -> dict[str, object]:
    return {"account_ids": told.account_ids}


def _all_of(told: BookingMeetingInterval) -> dict[str, object]:
    return _groups_of(told) | _accounts_of(told)


async def test_slots_can_be_repeated_as_they_are_told(practice: Practice) -> None:
    """With groups and with an account of no group, whichever of them must be free (behaviour.md 12)."""
    people = [await practice.person() for _ in range(4)]
    profile, (alone, *others) = await practice.profile(None), [person.id for person in people]
    groups = [{"extId": "a", "accountIds": others[:2]}, {"extId": "b", "accountIds": others[2:], "required": "all"}]
    attached = BookingAttachGroupsDto.model_validate({"groups": groups})
    await practice.profiles.attach_groups(practice.application, profile.id, attached)
    attached_alone = BookingAttachAccountsDto(account_ids=[alone])
    await practice.profiles.attach_accounts(practice.application, profile.id, attached_alone)
    for mode in Required:
        asked = (await practice.again(profile)).required(mode)
        for named in (_all_of, _groups_of, _accounts_of):
            [*_, told] = await practice.offered(asked, from_date=tomorrow().date())
            made = await practice.book(asked, told.start, **named(told))
            members = await practice.meetings.members((await practice.last()).id)
            assert made.created and len(members) >= (3 if mode is Required.ALL else 1)


async def test_a_repeated_request_books_once(practice: Practice) -> None:
    ann = await practice.person()
    profile = await practice.profile(ann)
    answers = [await practice.book(profile, tomorrow(9), order=Order(key="k", public=True)) for _ in range(3)]
    assert len({answer.id for answer in answers}) == 1
    assert len(await practice.events(ann)) == 1


async def test_a_mandatory_field_is_asked_for(practice: Practice) -> None:
    ann = await practice.person()
    profile = await practice.profile(ann, subject="Call {{phone}} in {{room|the hall}}")
    with pytest.raises(Invalid, match=r"substitutionData\.phone"):
        await practice.book(profile, tomorrow(9))
    await practice.book(profile, tomorrow(9), substitution_data={"phone": "{{room}}\r\n12"})
    [event] = await practice.events(ann)
    assert event.subject == "Call {{room}} 12 in the hall"


async def test_strangers_do_not_hear_the_providers_words(practice: Practice) -> None:
    ann = await practice.person()
    profile = await practice.profile(ann)
    practice.faults.refuse.append(Denied("ann@secret.example has no rights", original={"x": "y"}))
    with pytest.raises(Unavailable) as refused:
        await practice.public.book(practice.application.client_id, profile.name, wanted(tomorrow(9)))
    assert "secret" not in refused.value.message and refused.value.original is None


async def test_of_more_than_can_be_tried_everybody_has_a_turn(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.store.claims._TRIED", 2)
    people = [await practice.person() for _ in range(4)]
    profile = await practice.profile(None)
    attached = BookingAttachAccountsDto(account_ids=[person.id for person in people])
    await practice.profiles.attach_accounts(practice.application, profile.id, attached)
    profile = await practice.again(profile)
    for slot in range(8):
        await practice.book(profile, tomorrow(9) + slot * HALF)
    assert [len(await practice.events(person)) for person in people] == [2, 2, 2, 2]


async def test_a_conference_is_left_out_where_there_is_none(practice: Practice) -> None:
    ann = await practice.person()
    practice.faults.refuse.append(Unsupported("no conferences here"))
    assert (await practice.book(await practice.profile(ann, start_conference=True), tomorrow(9))).created
    assert len(await practice.events(ann)) == 1
    practice.faults.refuse.append(Unsupported("no events here"))
    with pytest.raises(Unsupported):
        await practice.book(await practice.profile(ann), tomorrow(10))
    assert (await practice.last()).state is MeetingState.FAILED


async def test_too_many_visitors_at_once_are_asked_to_wait(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    profile = await practice.profile(await practice.person())
    link = practice.application.client_id, profile.name
    monkeypatch.setattr("gateway.services.booking.public.AT_ONCE", 2)
    asked = [practice.public.times(*link, Question()) for _ in range(6)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert {type(answer) for answer in answers} == {BookingTimesOutDto, RateLimited}
    assert (await practice.public.times(*link, Question())).items


async def team(practice: Practice) -> tuple[list[Account], Profile]:
    """Three people who must all be there."""
    people = [await practice.person() for _ in range(3)]
    profile = await practice.profile(None)
    attached = BookingAttachAccountsDto(account_ids=[person.id for person in people])
    await practice.profiles.attach_accounts(practice.application, profile.id, attached)
    return people, (await practice.again(profile)).required(Required.ALL)


async def looked_at(practice: Practice) -> MeetingState:
    """What became of the last meeting once the pump has run for it."""
    meeting = await practice.last()
    await practice.writing.run(meeting.id)
    return (await practice.last()).state


async def test_a_team_is_free_again_when_the_host_deletes_the_event(practice: Practice) -> None:
    people, profile = await team(practice)
    made = await practice.book(profile, tomorrow(10))
    hosting = (await practice.last()).account_id
    host, other, _ = sorted(people, key=lambda one: one.id != hosting)
    own = await practice.profile(other)
    await practice.remove(host, made.id or "")
    assert tomorrow(10) not in [slot.start for slot in await practice.offered(own)], "the calendar settles first"
    await practice.leap(timedelta(minutes=10))
    with pytest.raises(Taken):  # whoever asks has it looked at
        await practice.book(own, tomorrow(10))
    assert await looked_at(practice) is MeetingState.CANCELLED
    assert (await practice.book(own, tomorrow(10))).created


async def test_a_team_goes_where_the_host_moves_the_event(practice: Practice) -> None:
    people, profile = await team(practice)
    made = await practice.book(profile, tomorrow(10))
    hosting = (await practice.last()).account_id
    host, other, _ = sorted(people, key=lambda one: one.id != hosting)
    own = await practice.profile(other)
    await practice.shift(host, made.id or "", tomorrow(12))
    for _ in range(2):
        await practice.leap(timedelta(minutes=10))
        await practice.offered(own)
        assert await looked_at(practice) is MeetingState.BOOKED
        assert (await practice.last()).starts_at == tomorrow(12)
        with pytest.raises(Taken):
            await practice.book(own, tomorrow(12))
    assert (await practice.book(own, tomorrow(10))).created


async def test_a_calendar_that_is_away_frees_nobody(practice: Practice) -> None:
    people, profile = await team(practice)
    await practice.book(profile, tomorrow(10))
    await practice.leap(timedelta(minutes=10))
    await practice.meetings.look_at([(await practice.last()).id])
    practice.provider.faults.away = True
    assert await looked_at(practice) is MeetingState.BOOKED
    practice.provider.faults.away = False
    assert len(await practice.meetings.members((await practice.last()).id)) == len(people)


async def test_a_mailbox_that_is_connected_twice_is_one(practice: Practice) -> None:
    """It is one of those who must be free, has one meeting at a time, and any of its accounts may be named."""
    one = await practice.person("twin@sandbox.test", client_org_id="a")
    twin = await practice.person("twin@sandbox.test", client_org_id="b")
    other = await practice.person()
    assert one.id != twin.id
    profile = await practice.profile(None)
    group = {"extId": "g", "accountIds": [one.id, twin.id], "required": "all"}
    attached = BookingAttachGroupsDto.model_validate({"groups": [group]})
    await practice.profiles.attach_groups(practice.application, profile.id, attached)
    ids = BookingAttachAccountsDto(account_ids=[other.id, twin.id])
    await practice.profiles.attach_accounts(practice.application, profile.id, ids)
    profile = (await practice.again(profile)).required(Required.ALL)
    [*_, told] = await practice.offered(profile, from_date=tomorrow().date())
    assert told.account_ids is not None and len(told.account_ids) == 2 and other.id in told.account_ids
    named = [one.id, twin.id, other.id]
    assert (await practice.book(profile, tomorrow(10), account_ids=named, group_xids=["g"])).created
    assert len(await practice.meetings.members((await practice.last()).id)) == 2
    for account in (one, twin, other):  # held, so that no calendar shows it
        own, order = await practice.profile(account), Order(hold_minutes=5)
        with pytest.raises(Taken):
            await practice.book(own, tomorrow(10), order=order)
    first, second = await practice.profile(one), await practice.profile(twin)
    await practice.book(first, tomorrow(12), order=Order(hold_minutes=5))
    assert tomorrow(12) not in [slot.start for slot in await practice.offered(second)]
    with pytest.raises(Taken):
        await practice.book(second, tomorrow(12))


async def test_of_two_accounts_of_a_mailbox_only_one_wins(practice: Practice) -> None:
    """Also where both are asked for at the same moment."""
    both = [await practice.person("racer@sandbox.test", client_org_id=org) for org in ("a", "b")]
    profiles = [await practice.profile(account) for account in both]
    tries = (practice.book(profiles[number % 2], tomorrow(10), order=Order(hold_minutes=5)) for number in range(8))
    found = await asyncio.gather(*tries, return_exceptions=True)
    assert sorted(type(one).__name__ for one in found) == ["CreateMeetingResponse", *["Taken"] * 7]
