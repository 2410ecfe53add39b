"""ORGANIZER and ATTENDEE (RFC 5545 3.8.4) <-> organizer and attendees.

Roles become required or optional (a chair is required, who is only informed is optional); rooms and resources are
resources. NEEDS-ACTION and DELEGATED are no response.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from urllib.parse import unquote

from providers.formats.contentlines import Component, Line
from schemas.mail import EmailAddress
from schemas.meetings import Attendee, AttendeeResponse, AttendeeType, MeetingResponseType, Organizer
from schemas.outgoing import is_address

_RESPONSES = {
    "ACCEPTED": AttendeeResponse.ACCEPTED,
    "TENTATIVE": AttendeeResponse.TENTATIVE,
    "DECLINED": AttendeeResponse.DECLINED,
}
PARTSTAT = {
    MeetingResponseType.ACCEPTED: "ACCEPTED",
    MeetingResponseType.TENTATIVE: "TENTATIVE",
    MeetingResponseType.DECLINED: "DECLINED",
    MeetingResponseType.NO_RESPONSE: "NEEDS-ACTION",
}
_OWN = {partstat: response for response, partstat in PARTSTAT.items()}
_OPTIONAL = frozenset(("OPT-PARTICIPANT", "NON-PARTICIPANT"))
_RESOURCES = frozenset(("RESOURCE", "ROOM"))
_ROLES = {AttendeeType.REQUIRED: "REQ-PARTICIPANT", AttendeeType.OPTIONAL: "OPT-PARTICIPANT"}


def address_of(line: Line) -> str | None:
    """The e-mail address of a calendar user: the `mailto:`, else the EMAIL parameter that Apple adds."""
    return _address(line.value, line.parameter("EMAIL"))


@lru_cache(maxsize=5000)
def _address(value: str, email: str | None) -> str | None:
    """The same people stand in many events."""
    scheme, colon, rest = value.strip().partition(":")
    found = unquote(rest.partition("?")[0]) if colon and scheme.lower() == "mailto" else value.strip()
    candidates = (found.strip(), email or "")
    return next((candidate for candidate in candidates if is_address(candidate)), None)


def person(line: Line) -> EmailAddress:
    """Name and address; `raw` has the calendar address where that is no e-mail address."""
    address = address_of(line)
    return EmailAddress(name=line.parameter("CN") or None, address=address, raw=None if address else line.value or "?")


def organizer(component: Component) -> Organizer | None:
    """Who organizes a meeting."""
    line = component.get("ORGANIZER")
    return Organizer(email_address=person(line)) if line is not None else None


def attendees(component: Component) -> list[Attendee]:
    """Everybody invited, in their order."""
    return [
        Attendee(email_address=person(line), type=_kind(line), response=_RESPONSES.get(_partstat(line)))
        for line in component.all("ATTENDEE")
    ]


def _kind(line: Line) -> AttendeeType:
    if (line.parameter("CUTYPE") or "").upper() in _RESOURCES:
        return AttendeeType.RESOURCE
    optional = (line.parameter("ROLE") or "").upper() in _OPTIONAL
    return AttendeeType.OPTIONAL if optional else AttendeeType.REQUIRED


def _partstat(line: Line) -> str:
    return (line.parameter("PARTSTAT") or "NEEDS-ACTION").upper()


def own_response(component: Component, own: Iterable[str]) -> MeetingResponseType | None:
    """The account's own answer; who organizes has accepted. None for who is not invited."""
    mine = {address.lower() for address in own}
    line = next((line for line in component.all("ATTENDEE") if (address_of(line) or "").lower() in mine), None)
    if line is not None and _partstat(line) != "NEEDS-ACTION":
        return _OWN.get(_partstat(line), MeetingResponseType.NO_RESPONSE)
    chair = component.get("ORGANIZER")
    if chair is not None and (address_of(chair) or "").lower() in mine:
        return MeetingResponseType.ACCEPTED
    return MeetingResponseType.NO_RESPONSE if line is not None else None


def respond(component: Component, own: Iterable[str], response: MeetingResponseType) -> bool:
    """Set the account's own PARTSTAT; False when it is not invited."""
    mine = {address.lower() for address in own}
    lines = component.all("ATTENDEE")
    if not any((address_of(line) or "").lower() in mine for line in lines):
        return False
    component.put(
        "ATTENDEE", [_answered(line, response) if (address_of(line) or "").lower() in mine else line for line in lines]
    )
    return True


def _answered(line: Line, response: MeetingResponseType) -> Line:
    kept = {name: value for name, value in line.parameters.items() if name not in ("RSVP", "X-ACCEPTED")}
    return Line(line.name, line.value, {**kept, "PARTSTAT": (PARTSTAT[response],)})


def put_attendees(component: Component, wanted: Sequence[Attendee]) -> None:
    """Replace the list. Who was there keeps the answer and everything else the line says: answers are read-only."""
    known = {_key(person(line)): line for line in component.all("ATTENDEE")}
    lines = {}
    for attendee in wanted:
        key = _key(attendee.email_address)
        lines[key] = _line(attendee, known.get(key))
    component.put("ATTENDEE", lines.values())


def _key(mailbox: EmailAddress | None) -> str:
    return ((mailbox.address or mailbox.raw or "") if mailbox else "").lower()


def _line(attendee: Attendee, known: Line | None) -> Line:
    mailbox = attendee.email_address
    assert mailbox is not None  # the schema says so
    parameters: dict[str, tuple[str, ...]] = {"PARTSTAT": ("NEEDS-ACTION",), "RSVP": ("TRUE",)}
    if known is not None:
        parameters = dict(known.parameters)
    if mailbox.name:
        parameters["CN"] = (mailbox.name,)
    if attendee.type is not None and (known is None or _kind(known) is not attendee.type):
        parameters.pop("CUTYPE", None)
        parameters["ROLE"] = (_ROLES.get(attendee.type, "NON-PARTICIPANT"),)
        if attendee.type is AttendeeType.RESOURCE:
            parameters["CUTYPE"] = ("RESOURCE",)
    return Line("ATTENDEE", known.value if known else calendar_address(mailbox), parameters)


def calendar_address(mailbox: EmailAddress) -> str:
    """The CAL-ADDRESS of a mailbox."""
    return f"mailto:{mailbox.address}" if mailbox.address else mailbox.raw or ""


def organizer_line(mailbox: EmailAddress) -> Line:
    """The ORGANIZER of a meeting that the account calls."""
    named: dict[str, tuple[str, ...]] = {"CN": (mailbox.name,)} if mailbox.name else {}
    return Line("ORGANIZER", calendar_address(mailbox), named)
