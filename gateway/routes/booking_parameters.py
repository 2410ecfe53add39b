"""What the three faces of booking take alike."""

from datetime import date
from typing import Annotated

from pydantic import Field

from gateway.http.parameters import Header
from gateway.services.booking.times import Question
from schemas.base import HeaderText
from schemas.booking import BookingRequiredMode

Required = Annotated[BookingRequiredMode | None, Field(description="selection mode")]
Hold = Annotated[
    int | None, Field(ge=1, le=2**31 - 1, description="hold the slot this long instead of creating the event")
]
FromDate = Annotated[date | None, Field(description="first day of the window")]
Length = Annotated[HeaderText | None, Field(max_length=40, description="ISO 8601 period, length of the window")]
PageToken = Annotated[HeaderText | None, Field(description="next batch of accounts for the same window")]
Some = Annotated[int | None, Field(ge=1, le=1000)]
From = Annotated[int | None, Field(ge=0, le=2**31 - 1)]
Explain = Annotated[bool, Field(description="say also what blocks the times that are not offered (two weeks at most)")]
Token = Annotated[HeaderText | None, Field(max_length=500, description="moves the meeting that it was given with")]
IdempotencyKey = Annotated[str | None, Header("Idempotency-Key")]


def question(
    from_date: date | None,
    interval_length: str | None,
    page_token: str | None,
    limit: int | None,
    offset: int | None,
    explain: bool,
) -> Question:
    """The parameters of a request for times."""
    return Question(from_date, interval_length or None, page_token or None, limit, offset, explain)
