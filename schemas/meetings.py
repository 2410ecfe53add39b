"""The meeting part of events: people, answers, conferences."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, model_validator

from schemas.base import Model
from schemas.mail import EmailAddress
from schemas.outgoing import is_address

_READ_ONLY = {"readOnly": True}
_MISSPELLED = "tentitive"  # the vendor's own spelling for attendees (behaviour.md, section 10)


class MeetingResponseType(StrEnum):
    """Own reply to an invitation."""

    NO_RESPONSE = "noResponse"
    DECLINED = "declined"
    TENTATIVE = "tentative"
    ACCEPTED = "accepted"

    @classmethod
    def _missing_(cls, value: object) -> "MeetingResponseType | None":
        return cls.TENTATIVE if value == _MISSPELLED else None


class AttendeeResponse(StrEnum):
    """Reply of an attendee; absent while there is none."""

    ACCEPTED = "accepted"
    TENTATIVE = "tentative"
    DECLINED = "declined"

    @classmethod
    def _missing_(cls, value: object) -> "AttendeeResponse | None":
        return cls.TENTATIVE if value == _MISSPELLED else None


class AttendeeType(StrEnum):
    """How much an attendee is needed."""

    REQUIRED = "required"
    OPTIONAL = "optional"
    RESOURCE = "resource"


class AttendeePermission(StrEnum):
    """What attendees may do."""

    INVITE_OTHERS = "inviteOthers"
    MODIFY = "modify"
    SEE_OTHERS = "seeOthers"


class Organizer(Model):
    """Event organizer."""

    id: Annotated[str | None, Field(json_schema_extra=_READ_ONLY)] = None
    email_address: EmailAddress | None = None


class Attendee(Model):
    """Event attendee."""

    id: Annotated[str | None, Field(json_schema_extra=_READ_ONLY)] = None
    email_address: EmailAddress | None = None
    type: AttendeeType | None = None
    response: Annotated[AttendeeResponse | None, Field(json_schema_extra=_READ_ONLY)] = None
    comment: Annotated[str | None, Field(json_schema_extra=_READ_ONLY)] = None

    @model_validator(mode="after")
    def _reachable(self) -> "Attendee":
        """`raw` stands in for the address of whom a calendar names by something else (a directory path, a phone)."""
        person = self.email_address
        if person is None or not (person.address or person.raw):
            raise ValueError("emailAddress.address: is missing")
        if person.address and not is_address(person.address):
            raise ValueError(f"emailAddress.address: {person.address[:80]!r} is not an e-mail address")
        return self


class OnlineMeetingDetails(Model):
    """Conference access data."""

    url: Annotated[str | None, Field(json_schema_extra=_READ_ONLY)] = None
    phone: Annotated[str | None, Field(json_schema_extra=_READ_ONLY)] = None
    pin: Annotated[str | None, Field(json_schema_extra=_READ_ONLY)] = None
    region_code: Annotated[str | None, Field(json_schema_extra=_READ_ONLY)] = None
    sip: Annotated[str | None, Field(json_schema_extra=_READ_ONLY)] = None
    info_url: Annotated[str | None, Field(json_schema_extra=_READ_ONLY)] = None


class MeetingInfo(Model):
    """Meeting part of an event; `onlineMeeting` is never returned."""

    canceled: Annotated[bool | None, Field(json_schema_extra=_READ_ONLY)] = None
    attendees: list[Attendee] | None = None
    response: MeetingResponseType | None = None
    attendee_permissions: list[AttendeePermission] | None = None
    online_meeting: Annotated[
        bool | None,
        Field(
            description="create a conference with the provider's default kind", json_schema_extra={"writeOnly": True}
        ),
    ] = None
    online_meeting_provider: Annotated[
        str | None, Field(description="hangoutsMeet, teamsForBusiness, skypeForBusiness, skypeForConsumer")
    ] = None
    online_meeting_details: Annotated[OnlineMeetingDetails | None, Field(json_schema_extra=_READ_ONLY)] = None


class MeetingResponse(Model):
    """Reply to an invitation."""

    response: MeetingResponseType
    comment: str | None = None
