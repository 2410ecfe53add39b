"""The events of a sandbox account: a series with exceptions, meetings, all-day events, an invitation, a holiday.

Days are counted from the Monday of the week in which the account was linked; wall times are those of Berlin.
"""

import base64
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from zoneinfo import ZoneInfo

from providers.base.provider import Mailbox
from providers.formats.contentlines import Line
from providers.formats.ical import exceptions, write
from providers.formats.ical.occurrences import planned_at
from providers.formats.ical.resource import Resource
from providers.sandbox.material import BOB, PRIYA, ZOE, Person
from schemas.calendar import Event, Reminder, ReminderOverride, ShowAs
from schemas.mail import BodyType, EmailAddress, Sensitivity
from schemas.meetings import Attendee, AttendeeType, MeetingInfo, MeetingResponseType
from schemas.recurrence import Recurrence, RecurrenceIcal
from schemas.when import EventDateTime

_ZONE = "Europe/Berlin"
Placed = tuple[str, Resource]  # name of a calendar, an event in it


def events(mailbox: Mailbox, linked_at: datetime) -> Iterator[Placed]:
    """Every event with the name of its calendar."""
    return _Writer(mailbox, linked_at).everything()


class _Writer:
    def __init__(self, mailbox: Mailbox, linked_at: datetime) -> None:
        self.own = EmailAddress(name=mailbox.name, address=mailbox.email)
        self.now = linked_at.astimezone(UTC).replace(microsecond=0)
        today = self.now.astimezone(ZoneInfo(_ZONE)).date()
        self.monday = today - timedelta(days=today.weekday())
        self.count = 0

    def everything(self) -> Iterator[Placed]:
        yield "Calendar", self.stand_up()
        yield "Calendar", self.review()
        yield "Calendar", self.invited()
        yield "Calendar", self.event("Dentist", self.at(3, 8, 30), 45, location="Dr. Vogel", private=True)
        yield "Calendar", self.event("Focus time", self.at(4, 13), 120, show_as=ShowAs.FREE)
        yield "Calendar", self.days("Conference", 14, 3, location="Hamburg", show_as=ShowAs.OUT_OF_OFFICE)
        yield "Family", self.days("Margaret's birthday", 9, 1, rule="RRULE:FREQ=YEARLY", show_as=ShowAs.FREE)
        yield "Family", self.event("School concert", self.at(10, 17), 90, location="Town hall")
        yield "Company holidays", self.days("Company holiday", 28, 1, show_as=ShowAs.FREE)

    def stand_up(self) -> Resource:
        """Every weekday morning of the project; one was moved, one was called off."""
        start = self.at(-14, 9, 15)
        series = self.event("Alpha stand-up", start, 15, rule="RRULE:FREQ=WEEKLY;BYDAY=MO,WE,FR", remind=5)
        moved = planned_at(series, f"{self.monday + timedelta(days=2):%Y%m%d}")
        gone = planned_at(series, f"{self.monday + timedelta(days=7):%Y%m%d}")
        assert moved is not None and gone is not None
        times = {"start": self.at(2, 11), "end": self.at(2, 11, 30), "subject": "Alpha stand-up, with the customer"}
        exceptions.update_occurrence(series, moved, Event.model_validate(times), self.now)
        exceptions.delete_occurrence(series, gone, self.now)
        return series

    def review(self) -> Resource:
        """A meeting that the owner called, with minutes attached."""
        words = "<p>Where we stand, and <b>what is left</b> before the launch.</p>"
        meeting = self.event("Launch review", self.at(8, 14), 60, words=words, people=(ZOE, BOB, PRIYA), remind=15)
        content = base64.b64encode(b"Minutes of the last review: ship it.\n").decode()
        parameters = {"FMTTYPE": ("text/plain",), "ENCODING": ("BASE64",), "VALUE": ("BINARY",)}
        assert meeting.master is not None
        meeting.master.lines.append(Line("ATTACH", content, {**parameters, "FILENAME": ("minutes.txt",)}))
        return meeting

    def invited(self) -> Resource:
        """A meeting that somebody else called, not answered yet."""
        meeting = self.event("Alpha retrospective", self.at(9, 10), 60, location="Room 4")
        assert meeting.master is not None
        chair, name = _address(PRIYA), self.own.name or ""
        meeting.master.lines += [
            Line("ORGANIZER", f"mailto:{chair.address}", {"CN": (chair.name or "",)}),
            Line("ATTENDEE", f"mailto:{chair.address}", {"CN": (chair.name or "",), "PARTSTAT": ("ACCEPTED",)}),
            Line("ATTENDEE", f"mailto:{self.own.address}", {"CN": (name,), "PARTSTAT": ("NEEDS-ACTION",)}),
        ]
        exceptions.respond(meeting, [self.own.address or ""], MeetingResponseType.NO_RESPONSE, self.now)
        return meeting

    def event(
        self,
        subject: str,
        start: EventDateTime,
        minutes: int,
        *,
        words: str | None = None,
        location: str | None = None,
        rule: str | None = None,
        people: tuple[Person, ...] = (),
        show_as: ShowAs = ShowAs.BUSY,
        private: bool = False,
        remind: int | None = None,
    ) -> Resource:
        assert start.date_time is not None
        end = EventDateTime(date_time=start.date_time + timedelta(minutes=minutes), timezone=_ZONE)
        given = {"subject": subject, "start": start, "end": end, "show_as": show_as, "description": words}
        given |= {"location": location, "sensitivity": Sensitivity.PRIVATE if private else Sensitivity.NORMAL}
        if rule is not None:
            given["recurrence"] = Recurrence(ical=RecurrenceIcal(rules=[rule]))
        if people:
            invited = [Attendee(email_address=_address(one), type=AttendeeType.REQUIRED) for one in people]
            given["meeting_info"] = MeetingInfo(attendees=invited)
        if remind is not None:
            given["reminder"] = Reminder(overrides=[ReminderOverride(minutes=remind)])
        return self.made({name: value for name, value in given.items() if value is not None})

    def days(
        self,
        subject: str,
        first: int,
        length: int,
        *,
        location: str | None = None,
        rule: str | None = None,
        show_as: ShowAs = ShowAs.BUSY,
    ) -> Resource:
        day = self.day(first)
        times = {
            "start": EventDateTime(date_only=day),
            "end": EventDateTime(date_only=day + timedelta(days=length)),
        }
        given: dict[str, object] = {"subject": subject, **times, "location": location, "show_as": show_as}
        if rule is not None:
            given["recurrence"] = Recurrence(ical=RecurrenceIcal(rules=[rule]))
        return self.made({name: value for name, value in given.items() if value is not None})

    def made(self, given: dict[str, object]) -> Resource:
        self.count += 1
        uid = f"{sha256(f'{self.own.address}/event/{self.count}'.encode()).hexdigest()[:24]}@sandbox.example"
        return write.create(Event.model_validate(given), uid, self.now, self.own, BodyType.HTML)

    def at(self, day: int, hour: int, minute: int = 0) -> EventDateTime:
        wall = datetime.combine(self.day(day), time(hour, minute), ZoneInfo(_ZONE))
        return EventDateTime(date_time=wall, timezone=_ZONE)

    def day(self, number: int) -> date:
        return self.monday + timedelta(days=number)


def _address(person: Person) -> EmailAddress:
    return EmailAddress(name=person[0], address=person[1])
