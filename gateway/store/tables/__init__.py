"""Every table. Names in SQL are singular."""

from gateway.store.tables.booking import (
    BookingGroupRow,
    BookingMemberRow,
    BookingProfileRow,
    MeetingClaimRow,
    MeetingRow,
    WorkHoursRow,
)
from gateway.store.tables.log import FeedEventRow, FeedRow, ItemAliasRow, QuarantineRow, StreamItemRow, StreamRow
from gateway.store.tables.people import AuthCodeRow, EndUserRow, SignInRow, UserSessionRow
from gateway.store.tables.tenants import (
    AccessTokenRow,
    AccountRow,
    ApplicationRow,
    IdempotencyKeyRow,
    OAuthClientRow,
    SendRow,
)
from gateway.store.tables.work import ChannelRow, DeliveryRow, ProcessRow, SubscriptionRow, WatchRow

__all__ = [
    "AccessTokenRow",
    "AccountRow",
    "ApplicationRow",
    "AuthCodeRow",
    "BookingGroupRow",
    "BookingMemberRow",
    "BookingProfileRow",
    "ChannelRow",
    "DeliveryRow",
    "EndUserRow",
    "FeedEventRow",
    "FeedRow",
    "IdempotencyKeyRow",
    "ItemAliasRow",
    "MeetingClaimRow",
    "MeetingRow",
    "OAuthClientRow",
    "ProcessRow",
    "QuarantineRow",
    "SendRow",
    "SignInRow",
    "StreamItemRow",
    "StreamRow",
    "SubscriptionRow",
    "UserSessionRow",
    "WatchRow",
    "WorkHoursRow",
]
