"""One account with mail by IMAP and calendars, contacts and tasks by DAV: Dovecot and Postfix beside a DAV server."""

import json
from collections.abc import AsyncIterator

import pytest

from providers.base.collection import PageRequest, Ref, verbs
from providers.base.errors import Invalid, Unauthorized, Unsupported
from providers.base.ports import EventWrite, MessageQuery
from providers.base.provider import Linked, Mailbox, ProviderSettings
from providers.combined import CombinedSession, MailWithDav
from schemas.accounts import ApiAccountInDto, Scope, ServiceType
from schemas.calendar import CalendarCreate
from schemas.mail import BodyType
from schemas.meetings import MeetingResponse, MeetingResponseType
from tests.providers.caldav.conftest import at, event
from tests.servers.dav import DavServer, Radicale
from tests.servers.dovecot import Dovecot, User
from tests.servers.postfix import Postfix

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def provider(imap_settings: ProviderSettings, anyio_backend: str) -> AsyncIterator[MailWithDav]:
    provider = MailWithDav(imap_settings)
    yield provider
    await provider.close()


def same_login(server: DavServer, user: User) -> None:
    """The DAV server knows the mail user by the same password."""
    if isinstance(server, Radicale):
        with (server.root / "users").open("a") as file:
            file.write(f"{user.address}:{user.password}\n")
    else:
        server.front.passwords[user.address] = user.password


def body(user: User, dovecot: Dovecot, postfix: Postfix | None = None, **more: object) -> ApiAccountInDto:
    info = more.pop("server_info", None)
    given = {
        "serviceType": ServiceType.IMAP,
        "active": True,
        "email": user.address,
        "password": user.password,
        "serverUrl": f"imaps://localhost:{dovecot.imaps}",
        **({"serverUrl2": f"smtps://localhost:{postfix.submissions}"} if postfix else {}),
        **({"serverInfo": json.dumps(info)} if info is not None else {}),
        **more,
    }
    return ApiAccountInDto.model_validate(given)


async def opened(provider: MailWithDav, linked: Linked) -> CombinedSession:
    return await provider.open(Mailbox(1, 1, linked.email, linked.grant, name="Sam"))


async def test_one_account_has_everything(
    provider: MailWithDav, dovecot: Dovecot, user: User, dav_server: DavServer
) -> None:
    same_login(dav_server, user)
    linked = await provider.link(body(user, dovecot, server_info={"caldav": dav_server.url}), ensure_access=True)
    session = await opened(provider, linked)
    assert session.messages and session.calendars and session.events and session.tasks and session.contacts
    assert (await session.messages.find(None, MessageQuery(), PageRequest())).records == []
    made = await session.calendars.create(None, CalendarCreate(name="Work"))
    assert (await session.calendars.get(Ref(made.id or ""))).name == "Work"
    await session.ping()
    assert "busy" in verbs(session.calendars)
    await session.close()


async def test_without_being_asked_an_unknown_host_is_only_mail(
    provider: MailWithDav, dovecot: Dovecot, user: User
) -> None:
    linked = await provider.link(body(user, dovecot), ensure_access=True)
    assert "dav" not in linked.grant
    session = await opened(provider, linked)
    assert session.messages and session.calendars is None and session.contacts is None
    await session.close()


async def test_what_was_asked_for_and_is_not_there(
    provider: MailWithDav, dovecot: Dovecot, user: User, dav_server: DavServer
) -> None:
    scoped = body(
        user, dovecot, authScopes=[Scope.MAIL_READ, Scope.CALENDAR_READ], serverInfo='{"caldav": "localhost:1"}'
    )
    with pytest.raises(Invalid) as caught:
        await provider.link(scoped, ensure_access=False)
    assert caught.value.path == "serverInfo"
    with pytest.raises(Unauthorized):
        await provider.link(body(user, dovecot, server_info={"caldav": dav_server.url}), ensure_access=False)


async def test_what_was_linked_before_is_opened(provider: MailWithDav, dovecot: Dovecot, user: User) -> None:
    """A grant of the mail adapter alone, as accounts have that were linked before there was DAV."""
    from tests.servers.plugin import grant_of

    session = await provider.open(Mailbox(1, 1, user.address, grant_of(user, dovecot).model_dump(mode="json")))
    assert session.messages and session.calendars is None
    await session.ping()
    await session.close()


async def test_icloud_without_mail(provider: MailWithDav, dav_server: DavServer) -> None:
    """An iCloud account of which only contacts are wanted is not asked for mail."""
    user = dav_server.new_user()
    given = ApiAccountInDto.model_validate(
        {
            "serviceType": ServiceType.ICLOUD,
            "active": True,
            "email": user.address,
            "password": user.password,
            "authScopes": [Scope.CONTACTS_READ],
            "serverInfo": json.dumps({"caldav": dav_server.url}),
        }
    )
    linked = await provider.link(given, ensure_access=True)
    assert linked.service_provider == "iCloud" and set(linked.grant) == {"dav"}
    session = await opened(provider, linked)
    assert session.messages is None and session.contacts is not None and session.calendars is None
    with pytest.raises(Unsupported):
        await provider.listen(Mailbox(1, 1, linked.email, linked.grant), lambda notice: None)
    await session.close()


async def test_invitations_leave_by_mail(
    provider: MailWithDav, dovecot: Dovecot, postfix: Postfix, user: User, radicale: Radicale
) -> None:
    """Radicale schedules nothing: the guest gets a mail that calendar programs understand; its answer comes back."""
    guest = dovecot.new_user()
    radicale.front.reset()
    for one in (user, guest):
        same_login(radicale, one)
    info = {"caldav": radicale.url}
    sessions = []
    for one in (user, guest):
        linked = await provider.link(body(one, dovecot, postfix, server_info=info), ensure_access=True)
        sessions.append(await opened(provider, linked))
    host, invited = sessions
    assert (
        host.calendars and host.events and host.messages and invited.messages and invited.calendars and invited.events
    )
    calendar = (await host.calendars.create(None, CalendarCreate(name="Work"))).id or ""
    people = {"attendees": [{"emailAddress": {"address": guest.address}}]}
    wanted = event(subject="Plan ü", start=at("2026-05-04 10:00"), end=at("2026-05-04 11:00"), meetingInfo=people)
    made = await host.events.create(calendar, EventWrite(wanted, True, BodyType.TEXT))
    assert made.organizer and made.organizer.email_address and made.organizer.email_address.address == user.address

    sources = await _mail(dovecot, guest, 1)
    assert "method=REQUEST" in sources[0] and "text/calendar" in sources[0]
    text = _calendar(sources[0])
    assert "METHOD:REQUEST" in text and f"mailto:{guest.address}" in text

    await host.events.update(Ref(made.id or "", calendar), EventWrite(event(location="Room"), False))
    await host.events.update(Ref(made.id or "", calendar), EventWrite(event(meetingInfo={"attendees": []}), True))
    assert "METHOD:CANCEL" in _calendar((await _mail(dovecot, guest, 2))[1])

    theirs = (await invited.calendars.create(None, CalendarCreate(name="Mine"))).id or ""
    stored = text.replace("METHOD:REQUEST\n", "")
    files = invited.events._files  # type: ignore[attr-defined]
    from providers.caldav import paths

    file = await files.create(paths.path_of(theirs) + "in.ics", stored.replace("\n", "\r\n").encode())
    answer = MeetingResponse(response=MeetingResponseType.ACCEPTED, comment="gladly")
    await invited.events.respond(Ref(paths.item_id(file.path), theirs), answer)
    reply = _calendar((await _mail(dovecot, user, 1))[0])
    assert "METHOD:REPLY" in reply and "PARTSTAT=ACCEPTED" in reply and "COMMENT:gladly" in reply
    for session in sessions:
        await session.close()


async def _mail(dovecot: Dovecot, user: User, count: int) -> list[str]:
    def sources() -> list[str]:
        with dovecot.client(user) as client:
            client.select_folder("INBOX", readonly=True)
            found = client.search()
            return (
                [data[b"BODY[]"].decode() for _, data in sorted(client.fetch(found, ["BODY.PEEK[]"]).items())]
                if found
                else []
            )

    import asyncio

    for _ in range(100):
        found = await asyncio.to_thread(sources)
        if len(found) >= count:
            return found
        await asyncio.sleep(0.1)
    raise AssertionError("the mail did not come")


def _calendar(source: str) -> str:
    import email

    parts = [part for part in email.message_from_string(source).walk() if part.get_content_type() == "text/calendar"]
    assert len(parts) == 1
    return parts[0].get_payload(decode=True).decode().replace("\r\n", "\n").replace("\n ", "")  # type: ignore[union-attr]
