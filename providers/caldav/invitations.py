"""Who tells the people invited: the server where it schedules (RFC 6638), else mail of ours (RFC 6047), else nobody.

A server is kept from telling by SCHEDULE-AGENT=CLIENT on the people it would tell (RFC 6638 7.1), which it may ignore.
Mail that cannot be sent does not undo what was stored: the event is as the caller wanted it, and the log says so.
"""

import logging
from collections.abc import Sequence
from datetime import datetime

from providers.base.errors import ProviderError
from providers.caldav.account import Account
from providers.formats import itip, values
from providers.formats.contentlines import Component, Line
from providers.formats.ical import people
from providers.formats.ical.resource import Resource
from providers.formats.itip import Invitation
from schemas.mail import EmailAddress

log = logging.getLogger(__name__)
_AGENT = "SCHEDULE-AGENT"
_TITLES = {"REQUEST": "Invitation", "CANCEL": "Cancelled", "REPLY": "Reply"}


class Invitations:
    """The messages of one account."""

    def __init__(self, account: Account) -> None:
        self._account = account
        home = account.grant.calendars
        self._server_tells = home is not None and home.schedules

    def prepare(self, events: Sequence[Component], *, notify: bool) -> None:
        """Before an event is written: whether the server is to tell the others, or for an answer the organizer."""
        if self._server_tells:
            mine = {address.lower() for address in self._account.own}
            for event in events:
                for name in ("ORGANIZER", "ATTENDEE"):
                    event.put(name, [_with_agent(one, mine, notify=notify) for one in event.all(name)])

    def organizes(self, event: Component) -> bool:
        """Whether the account calls this meeting."""
        chair = event.get("ORGANIZER")
        mine = {address.lower() for address in self._account.own}
        return chair is not None and (people.address_of(chair) or "").lower() in mine

    async def invite(
        self,
        resource: Resource,
        now: datetime,
        before: Resource | None = None,
        events: Sequence[Component] | None = None,
    ) -> None:
        """After a meeting was written: those who are invited to it (or to `events` of it), and those who were and are
        no longer."""
        invited: set[str] = set()
        if self._mails(resource.main):
            request = itip.request(resource, now, events)
            invited = {(one.address or "").lower() for one in request.recipients}
            await self._send(request, resource)
        if before is not None and events is None and self._mails(before.main):
            gone = [one for one in self._guests(before) if (one.address or "").lower() not in invited]
            if gone:
                await self._send(itip.cancel(before, now, None, gone), before)

    async def call_off(self, resource: Resource, now: datetime, events: Sequence[Component] | None = None) -> None:
        """After a meeting, or `events` of it, were deleted."""
        if self._mails(resource.main):
            await self._send(itip.cancel(resource, now, events), resource)

    async def answer(self, resource: Resource, event: Component, now: datetime, comment: str | None) -> None:
        """After an invitation was answered."""
        if self._account.courier is not None and not self._server_tells and not self.organizes(event):
            await self._send(itip.reply(resource, event, self._account.own, now, comment), resource)

    def _guests(self, resource: Resource) -> list[EmailAddress]:
        """Everybody invited but the account itself."""
        mine = {address.lower() for address in self._account.own}
        lines = [line for event in (resource.main, *resource.overrides) for line in event.all("ATTENDEE")]
        found = {(people.address_of(line) or "").lower(): people.person(line) for line in lines}
        return [person for address, person in found.items() if address and address not in mine]

    def _mails(self, event: Component) -> bool:
        return self._account.courier is not None and not self._server_tells and self.organizes(event)

    async def _send(self, invitation: Invitation, resource: Resource) -> None:
        if not invitation.recipients or self._account.courier is None:
            return
        title = values.text(resource.main.value("SUMMARY") or "") or "(no subject)"
        try:
            await self._account.courier(invitation, f"{_TITLES[invitation.method]}: {title}")
        except ProviderError as error:
            log.warning(
                "a %s of account %s was not sent: %s", invitation.method, self._account.mailbox.key, error.message
            )


def _with_agent(line: Line, mine: set[str], *, notify: bool) -> Line:
    """The account itself is never told; a wish of another program (NONE) is left alone."""
    if (people.address_of(line) or "").lower() in mine:
        return line
    agent = (line.parameter(_AGENT) or "").upper()
    kept = {name: value for name, value in line.parameters.items() if name != _AGENT}
    if notify:
        return Line(line.name, line.value, kept, line.group) if agent == "CLIENT" else line
    return line if agent == "NONE" else Line(line.name, line.value, {**kept, _AGENT: ("CLIENT",)}, line.group)
