"""Parameters that calendars, contacts and tasks share."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field

from gateway.http.parameters import Header

IfMatch = Annotated[str | None, Header("If-Match"), Field(description="etag that the record must have; left out: any")]
NativeProperties = Annotated[tuple[str, ...], Field(description="provider properties to return as they are")]


def etag(given: str | None) -> str | None:
    """The version that an If-Match names (RFC 9110 13.1.1), with or without quotes; None for any."""
    text = (given or "").strip().removeprefix("W/").strip('"')
    return text if text not in ("", "*") else None


def _with_plus(value: object) -> object:
    """An offset's plus sign that was not encoded arrives as a space."""
    return value.strip().replace(" ", "+") if isinstance(value, str) and "T" in value else value


def _in_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC).replace(microsecond=0)
    except OverflowError:
        raise ValueError("the year is out of range") from None


#: A moment with an offset; parts of a second are ignored (behaviour.md, section 10).
Moment = Annotated[AwareDatetime, BeforeValidator(_with_plus), AfterValidator(_in_utc)]
