"""The parts of one process of the gateway, wired. `app.py` puts HTTP around them, `working.py` nothing."""

import os
import socket
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import TypeVar
from uuid import uuid4

from gateway.http.delta_tokens import DeltaTokens
from gateway.http.event_cursors import EventCursors
from gateway.http.event_stream import frames
from gateway.services.accounts import Accounts, Leave
from gateway.services.applications import Applications
from gateway.services.attention import Attention
from gateway.services.audits import Audits
from gateway.services.booking.booking import Booking
from gateway.services.booking.links import Links
from gateway.services.booking.merged import MergedAvailability
from gateway.services.booking.profiles import Profiles
from gateway.services.booking.public import PublicBooking
from gateway.services.booking.times import Times
from gateway.services.booking.visitors import Visitors
from gateway.services.booking.writing import Writing
from gateway.services.callers import Callers
from gateway.services.changelog import ChangeLog
from gateway.services.channel_keeping import ChannelKeeping
from gateway.services.delivery.pump import Delivery
from gateway.services.delivery.receiver import Receiver
from gateway.services.direct import Direct
from gateway.services.dispatching import Dispatching
from gateway.services.following import Following
from gateway.services.identity import Identity
from gateway.services.identity_tokens import IdentityTokens
from gateway.services.live import MAX_WAIT, Live, Pace
from gateway.services.mail_sync import MailSync
from gateway.services.marks import Marks
from gateway.services.meeting_times import MeetingTimes
from gateway.services.plan_sync import CalendarSync, ContactSync, TaskSync
from gateway.services.pushes import Pushes
from gateway.services.registrations import Registrations
from gateway.services.revoking import Revoking
from gateway.services.schedules import Schedules as Calendars
from gateway.services.scheduling import Scheduling
from gateway.services.sending import Sending
from gateway.services.service_accounts import ServiceAccounts
from gateway.services.sessions import Sessions
from gateway.services.signin.authorization import Authorization
from gateway.services.signin.beginning import Beginning
from gateway.services.signin.exchange import CodeExchange
from gateway.services.signin.finishing import Finishing
from gateway.services.signin.guessing import Guessing
from gateway.services.signin.session_values import SessionValues
from gateway.services.signin.tickets import Tickets
from gateway.services.signing import Signer
from gateway.services.sources import Sources
from gateway.services.stream_status import StreamStates
from gateway.services.submission import Submissions
from gateway.services.subscriptions import Subscriptions
from gateway.services.user_sessions import UserSessions
from gateway.services.users import Users
from gateway.services.watching import Watching
from gateway.services.work_hours import WorkHours
from gateway.settings import Settings
from gateway.store import keyring
from gateway.store.attempts import Attempts
from gateway.store.channels import Channels
from gateway.store.compaction import Compaction
from gateway.store.database import Database
from gateway.store.deliveries import Deliveries
from gateway.store.due_sends import DueSends
from gateway.store.feed_places import FeedPlaces
from gateway.store.idempotency import IdempotencyKeys
from gateway.store.leases import Leases
from gateway.store.meetings import Meetings
from gateway.store.quarantine import Quarantine
from gateway.store.schedules import Schedules
from gateway.store.sends import Sends
from gateway.store.sign_ins import SignIns
from gateway.store.streams import Streams
from gateway.store.vault import Vault
from gateway.store.wants import Wants
from gateway.work.background import Background, chosen
from gateway.work.engine import Engine
from gateway.work.pump import Pump
from gateway.work.upkeep import Chore, upkeep
from providers import registry
from providers.base.provider import Provider
from providers.base.rest import Http

T = TypeVar("T")


@dataclass(slots=True)
class Parts:
    """What everything else stands on; opened by `open`, closed with its stack."""

    settings: Settings
    stack: AsyncExitStack
    keys: Sequence[str]
    database: Database
    vault: Vault
    providers: Mapping[str, Provider]
    http: Http
    identity: Identity
    sessions: Sessions
    sources: Sources
    idempotency: IdempotencyKeys

    @classmethod
    async def open(cls, settings: Settings, stack: AsyncExitStack) -> "Parts":
        """Connects to nothing that may be away just now."""
        database = await Database.open(settings)
        stack.push_async_callback(database.close)
        vault = Vault.open(settings)
        providers = registry.load(settings.provider_settings())
        for provider in set(providers.values()):
            stack.push_async_callback(provider.close)
        http = Http.open(settings.provider_settings())
        stack.push_async_callback(http.close)
        identity = Identity(database)
        await identity.start()
        stack.push_async_callback(identity.close)
        sessions = Sessions(providers, vault, database, identity)
        stack.push_async_callback(sessions.close)
        idempotency = IdempotencyKeys(database, vault)
        keys, sources = keyring.load(settings), Sources(sessions)
        return cls(settings, stack, keys, database, vault, providers, http, identity, sessions, sources, idempotency)


class Services:
    """What routes ask for, by its class."""

    def __init__(self, *services: object) -> None:
        self.by_class: Mapping[type, object] = {type(service): service for service in services}

    def __getitem__(self, kind: type[T]) -> T:
        found = self.by_class[kind]
        assert isinstance(found, kind)
        return found


async def start(parts: Parts) -> Services:
    """Start the background work that this process is to do; the services that routes ask for."""
    database, sessions, stack = parts.database, parts.sessions, parts.stack
    changelog = ChangeLog(database, told=lambda account_id: engine.told(account_id))
    receiver, signer = Receiver(parts.http), Signer(parts.vault)
    submissions = Submissions(Sends(database))
    delivery = Delivery(database, receiver, signer)
    channels = Channels(database, _pushing(parts))
    url, identity = parts.settings.public_url, parts.identity
    keeping = ChannelKeeping(channels, sessions, identity, url, lambda account_id: engine.wake("push", account_id))
    audits = Audits(Streams(database), changelog, parts.identity, parts.sources)
    writing = Writing(
        Meetings(database), sessions, parts.identity, parts.vault, lambda account_id: engine.told(account_id)
    )
    stack.push_async_callback(writing.close)
    pumps = (
        Pump("deliver", delivery.due, delivery.run, every=1.0, wanted=delivery.wanted),
        Dispatching(submissions, DueSends(database), sessions).pump(),
        Pump("audit", audits.due, audits.run, every=300.0, at_once=2),
        writing.pump(),
        Revoking(database, parts.vault, parts.providers).pump(),
        keeping.pump(),
    )
    settings = parts.settings
    kinds = chosen(settings.queues, [pump.name for pump in pumps], work=settings.work)
    engine = Engine(database, pumps, kinds)
    stack.push_async_callback(submissions.close)
    stack.push_async_callback(changelog.close)
    accounts = Accounts(database, parts.vault, parts.providers, sessions, parts.identity, keeping.leave)
    wake = partial(engine.wake, "deliver")
    attention = Attention(Wants(database), parts.identity, changelog, parts.sources)
    stack.push_async_callback(attention.close)
    pace = Pace(wait=min(MAX_WAIT, settings.request_timeout / 2))
    live = Live(FeedPlaces(database), EventCursors(), frames, attention, pace)
    parts.identity.watch(live.heard)
    following = Following(changelog, parts.sources, DeltaTokens(parts.keys))
    services = Services(
        accounts,
        Applications(database, parts.vault),
        Sending(submissions, settings.max_recipients),
        Scheduling(Schedules(database), settings.max_recipients),
        Marks(accounts, sessions),
        StreamStates(Streams(database), Quarantine(database)),
        MailSync(following),
        CalendarSync(following),
        ContactSync(following),
        TaskSync(following),
        Subscriptions(database, changelog, parts.sources, receiver, signer, wake=wake),
        live,
        Direct(sessions, settings.request_timeout * 0.9),
        Pushes(channels, {one.name: one for one in parts.providers.values()}, parts.http, settings.public_url),
        *_booking(parts, writing),
        *_signing_in(parts, accounts, keeping.leave),
    )
    watching = Watching(Leases(database, _name()), sessions, changelog, parts.sources, keeping)

    def wrote(account_id: int) -> None:
        changelog.wrote(account_id)
        watching.wrote(account_id)

    sessions.wrote = wrote
    background = Background(kinds, engine, watching, partial(upkeep, _chores(parts)), parts.identity)
    await background.start()
    stack.push_async_callback(background.close)
    return services


def _booking(parts: Parts, writing: Writing) -> Sequence[object]:
    """The services of booking, free/busy and work hours."""
    database, meetings = parts.database, Meetings(parts.database)
    work_hours, profiles = WorkHours(database), Profiles(database)
    times = Times(Calendars(parts.sessions), work_hours, meetings)
    links = Links(parts.keys, parts.settings.public_url)
    booking = Booking(times, profiles, meetings, writing, links)
    merged, public = MergedAvailability(profiles, times), PublicBooking(parts.identity, profiles, booking, Visitors())
    return (work_hours, MeetingTimes(work_hours), profiles, times, booking, merged, public, links)


def _signing_in(parts: Parts, accounts: Accounts, leave: Leave) -> Sequence[object]:
    """The services of sign-ins, users and their sessions."""
    database, vault, identity, url = parts.database, parts.vault, parts.identity, parts.settings.public_url
    tickets, session_values = Tickets(parts.keys), SessionValues(parts.keys, url)
    user_sessions, registrations = UserSessions(database, session_values), Registrations(database, vault)
    authorization = Authorization(
        Beginning(database, vault, identity, user_sessions, tickets),
        Finishing(database, vault, identity, session_values),
        SignIns(database, vault),
        accounts,
        registrations,
        parts.providers,
        tickets,
        Guessing(Attempts(database)),
        url,
    )
    issuers = parts.settings.identity_issuers
    identity_tokens = IdentityTokens(database, parts.http, tickets, issuers)
    services = ServiceAccounts(database, vault, identity, accounts)
    users = Users(database, identity, user_sessions, services, leave)
    codes = CodeExchange(database, identity, session_values)
    return (authorization, codes, users, services, identity_tokens, Callers(identity, user_sessions, identity_tokens))


def _pushing(parts: Parts) -> Mapping[str, frozenset[str]]:
    """The service types whose providers call, and of what they tell; none while they could not reach the gateway."""
    if not (parts.settings.public_url.startswith("https://") or parts.settings.allow_private_networks):
        return {}
    found = {name: frozenset(door.port for door in one.doors) for name, one in parts.providers.items()}
    return {name: ports for name, ports in found.items() if ports}


def _name() -> str:
    """What other processes, on whatever host, know this one by."""
    return f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:8]}"


def _chores(parts: Parts) -> Sequence[Chore]:
    """What is thrown away when it has had its time."""
    return (
        Chore("idempotency keys", parts.idempotency.expire),
        Chore("deliveries in the log", Deliveries(parts.database).purge),
        Chore("events that newer ones made superfluous", Compaction(parts.database).compact),
        Chore("meetings that are long over", Meetings(parts.database).purge),
        Chore("sign-ins, codes and sessions", SignIns(parts.database, parts.vault).purge),
    )
