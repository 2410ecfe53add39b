"""The booking page: choose a time, say who you are, and the meeting's own page to move or cancel it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import wraps
from importlib.resources import files
from itertools import groupby
from typing import Any
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo, available_timezones

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from gateway.http.addresses import Proxies, address_of
from gateway.identity import Application
from gateway.services.availability.clock import zone_named
from gateway.services.booking.booking import Booking
from gateway.services.booking.profile import Profile
from gateway.services.booking.public import PublicBooking
from gateway.services.booking.templates import fields as asked_fields
from gateway.services.booking.templates import filled, wants_comments
from gateway.services.booking.times import Question
from gateway.store.meeting_values import Meeting, MeetingState
from gateway.web.forms import FormTokens, fields
from gateway.web.rendering import page
from providers.base.errors import Invalid, NotFound, ProviderError, RateLimited, Taken, TooLate, Unavailable, Uncertain
from schemas.booking import BookingMeetingInterval, CreateMeetingDto

_WEEK = timedelta(days=7)
_WORDS = {
    NotFound: (404, "There is no such page", "The link is incomplete, or the page was closed."),
    RateLimited: (429, "Please try again in a moment", "Many people are looking at this page just now."),
    Unavailable: (503, "Please try again later", "The calendar cannot be reached at the moment. Nothing was booked."),
    TooLate: (409, "This meeting cannot be changed any more", "It was cancelled, has begun, or is over."),
    Uncertain: (
        502,
        "It is not certain whether this worked",
        "The calendar's answer was lost. Please wait for the invitation before you try again.",
    ),
}
Handle = Callable[["BookingPages", Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Visit:
    """A request for a profile's page: whose it is, the visitor's time zone, the meeting that is to be moved, and where
    it comes from."""

    application: Application
    profile: Profile
    path: str
    zone: ZoneInfo
    move: str | None
    address: str | None = None

    def link(self, **query: str | None) -> str:
        """The page with these parameters, and the lasting ones."""
        lasting = {"tz": self.zone.key, "move": self.move}
        given = {name: value for name, value in {**lasting, **query}.items() if value}
        return f"{self.path}?{urlencode(given)}"

    @property
    def title(self) -> str:
        """What is booked."""
        return filled(self.profile.says.subject, {}, one_line=True).strip(" -:,") or self.profile.name


class BookingPages:
    """Answers visitors; `public_url` is where they reach the gateway, maybe through `proxies`."""

    def __init__(
        self, public: PublicBooking, booking: Booking, keys: Sequence[str], public_url: str, proxies: Proxies = ()
    ) -> None:
        self._public, self._booking, self._url, self._proxies = public, booking, public_url, proxies
        self._tokens = FormTokens(keys)

    def routes(self) -> list[BaseRoute]:
        """The pages; before any route that would take their paths."""
        static = StaticFiles(directory=str(files("gateway.web") / "static"))
        return [
            Mount("/book/static", static),
            Route("/book/meeting/{token}", _guarded(self, BookingPages.meeting), methods=["GET"]),
            Route("/book/meeting/{token}", _guarded(self, BookingPages.cancel), methods=["POST"]),
            Route("/book/{client}/{name}", _guarded(self, BookingPages.show), methods=["GET"]),
            Route("/book/{client}/{name}", _guarded(self, BookingPages.book), methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        """The times of a week, or the form for one of them."""
        visit = await self._visit(request)
        if start := request.query_params.get("start"):
            return self._form(visit, _instant(start), {})
        return await self._times(visit, request.query_params.get("from"))

    async def book(self, request: Request) -> Response:
        """Book what the form says, then show the meeting."""
        visit, given = await self._visit(request), await fields(request, self._url)
        start = _instant(given.get("start", ""))
        if given.get("zone"):
            visit = replace(visit, zone=_zone(given["zone"], visit.zone))
        try:
            attempt = self._tokens.attempt(given.get("token", ""), visit.path)
            made = await self._public.book(
                visit.application.client_id,
                visit.profile.name,
                _body(visit, start, given),
                key=attempt,
                token=visit.move,
                address=visit.address,
            )
        except Taken:
            taken = "Somebody was faster: that time was just taken. Please choose another."
            return await self._times(visit, None, taken, 409)
        except ValidationError as error:
            return self._form(visit, start, given, dict(_wrong(error)))
        except Invalid as error:
            return await self._again(visit, start, given, error)
        query = urlencode({"tz": visit.zone.key, "done": "moved" if visit.move else "booked"})
        return RedirectResponse(f"/book/meeting/{quote(made.reschedule_token or '')}?{query}", 303)

    async def meeting(self, request: Request) -> Response:
        """A meeting that was booked."""
        meeting = await self._booking.by_token(request.path_params["token"])
        return await self._show_meeting(request, meeting, request.query_params.get("done"))

    async def cancel(self, request: Request) -> Response:
        """Cancel it."""
        given, token = await fields(request, self._url), request.path_params["token"]
        meeting = await self._booking.by_token(token)
        self._tokens.attempt(given.get("token", ""), f"/book/meeting/{token}")
        if meeting.state is MeetingState.BOOKED:
            await self._public.cancel(meeting, address_of(request, self._proxies))
        query = urlencode({"tz": given.get("zone", ""), "done": "cancelled"})
        return RedirectResponse(f"/book/meeting/{quote(token)}?{query}", 303)

    async def _visit(self, request: Request) -> Visit:
        client, name = request.path_params["client"], request.path_params["name"]
        application, profile = await self._public.profile(client, name)
        zone = _zone(request.query_params.get("tz"), profile.zone)
        path = f"/book/{quote(client)}/{quote(name)}"
        return Visit(
            application, profile, path, zone, request.query_params.get("move"), address_of(request, self._proxies)
        )

    async def _times(self, visit: Visit, first: str | None, alert: str | None = None, status: int = 200) -> Response:
        """A week of times, in the visitor's zone."""
        question = Question(from_date=_date(first), interval_length="P7D")
        client, name = visit.application.client_id, visit.profile.name
        found = await self._public.times(client, name, question, token=visit.move, address=visit.address)
        return self._page(
            "times.html",
            visit,
            status,
            alert=alert,
            days=_days(found.items, visit.zone),
            moving=found.existing_meeting,
            earlier=_earlier(visit, first),
            later=visit.link(**{"from": found.next_from_date.isoformat()}) if found.next_from_date else None,
            minutes=found.duration_minutes,
            zones=sorted(available_timezones()),
            first=first,
            refresh=visit.link(**{"from": first}),
        )

    def _form(
        self,
        visit: Visit,
        start: datetime,
        given: Mapping[str, str],
        wrong: Mapping[str, str] | None = None,
    ) -> Response:
        """Who books; with what was wrong the last time."""
        says = visit.profile.says
        return self._page(
            "details.html",
            visit,
            400 if wrong else 200,
            start=start,
            end=start + timedelta(seconds=visit.profile.rules().duration),
            given=given,
            wrong=wrong or {},
            fields=asked_fields(says),
            comments=wants_comments(says),
            token=self._tokens.make(visit.path),
            back=visit.link(**{"from": start.astimezone(visit.profile.zone).date().isoformat()}),
            action=visit.link(),
        )

    async def _again(self, visit: Visit, start: datetime, given: Mapping[str, str], error: Invalid) -> Response:
        """What is wrong with a field is said there; with the time, where times are."""
        path = error.path or ""
        if path.startswith("time"):
            return await self._times(visit, None, "That time cannot be booked any more. Please choose another.", 400)
        if error.code:
            raise error
        name = path.removeprefix("substitutionData.")
        words = "Please fill this in." if path.startswith("substitutionData.") else error.message
        return self._form(visit, start, given, {name or "form": words})

    async def _show_meeting(self, request: Request, meeting: Meeting, done: str | None) -> Response:
        link = await self._public.link_of(meeting)
        token = request.path_params["token"]
        zone = _zone(request.query_params.get("tz"), link[1].zone if link else ZoneInfo("UTC"))
        booked = meeting.state is MeetingState.BOOKED
        query = urlencode({"tz": zone.key, "move": token})
        open_ = booked and meeting.starts_at > datetime.now(zone)
        return page(
            "meeting.html",
            title=self._booking.subject(meeting),
            meeting=meeting,
            zone=zone,
            booked=booked,
            pending=meeting.state in (MeetingState.WRITING, MeetingState.UNKNOWN, MeetingState.MOVING),
            changeable=open_,
            done=done if done in ("booked", "moved", "cancelled") else None,
            move=f"/book/{quote(link[0])}/{quote(link[1].name)}?{query}" if link and open_ else None,
            action=f"/book/meeting/{quote(token)}",
            token=self._tokens.make(f"/book/meeting/{token}"),
        )

    def _page(self, template: str, visit: Visit, status: int, **values: object) -> Response:
        shown: dict[str, Any] = {"visit": visit, "title": visit.title, "zone": visit.zone, **values}
        return page(template, status, frames=visit.application.trusted_domains, **shown)


def _guarded(pages: BookingPages, handle: Handle) -> Callable[[Request], Awaitable[Response]]:
    """The handler, whose failures are pages, too."""

    @wraps(handle)
    async def run(request: Request) -> Response:
        request.scope["route_path"] = request.scope["route"].path if "route" in request.scope else "/book"
        try:
            return await handle(pages, request)
        except ProviderError as error:
            return _failure(error)

    return run


def _failure(error: ProviderError) -> Response:
    for kind, (status, title, words) in _WORDS.items():
        if isinstance(error, kind):
            shown = page("failure.html", status, title=title, words=words)
            if isinstance(error, RateLimited) and error.retry_after:
                shown.headers["Retry-After"] = str(int(error.retry_after))
            return shown
    known = isinstance(error, Invalid)
    words = error.message if known else "Nothing was changed."
    title = "This link cannot be used" if known and getattr(error, "code", None) else "This did not work"
    return page("failure.html", 400 if known else 403, title=title, words=words)


def _body(visit: Visit, start: datetime, given: Mapping[str, str]) -> CreateMeetingDto:
    """The form as a booking request. Raises `ValidationError`."""
    end = start + timedelta(seconds=visit.profile.rules().duration)
    body: dict[str, object] = {"time": {"start": start, "end": end}}
    if visit.move is None:  # of a meeting that is moved all this is known
        values = {name.removeprefix("field."): text for name, text in given.items() if name.startswith("field.")}
        values |= {"comments": given["comments"]} if given.get("comments") else {}
        booker = {"name": given.get("name", "").strip() or None, "email": given.get("email", "").strip()}
        body |= {"schedulerInfo": booker, "substitutionData": values}
    return CreateMeetingDto.model_validate(body)


def _wrong(error: ValidationError) -> Mapping[str, str]:
    words = {"email": "Please give an e-mail address such as ann@example.com.", "name": "Please give a shorter name."}
    found = [str(one["loc"][-1]) for one in error.errors(include_url=False, include_input=False)]
    return {name: words.get(name, "This is too long, or has characters that cannot be used.") for name in found}


def _instant(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
        if at.utcoffset() is None:
            raise ValueError
    except ValueError:
        raise Invalid("The time in this link cannot be read: please choose one again", path="start") from None
    return at


def _date(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None


def _zone(name: str | None, otherwise: ZoneInfo) -> ZoneInfo:
    try:
        return zone_named(name) if name else otherwise
    except Invalid:
        return otherwise


def _days(slots: Sequence[BookingMeetingInterval], zone: ZoneInfo) -> list[tuple[datetime, list[datetime]]]:
    """Slots by the date that the visitor's calendar shows."""
    starts = [slot.start for slot in slots]
    grouped = groupby(starts, key=lambda at: at.astimezone(zone).date())
    days = [list(group) for _, group in grouped]
    return [(group[0], group) for group in days]


def _earlier(visit: Visit, first: str | None) -> str | None:
    begins = _date(first)
    today = datetime.now(visit.profile.zone).date()
    if begins is None or begins <= today:
        return None
    return visit.link(**{"from": max(begins - _WEEK, today).isoformat()})
