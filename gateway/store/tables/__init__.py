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
from gateway.store.tables.tenants import (
    AccessTokenRow,
    AccountRow,
    ApplicationRow,
    IdempotencyKeyRow,
    OAuthClientRow,
    SendRow,
)
from gateway.store.tables.work import DeliveryRow, ProcessRow, SubscriptionRow, WatchRow

__all__ = [
    "AccessTokenRow",
    "AccountRow",
    "ApplicationRow",
    "BookingGroupRow",
    "BookingMemberRow",
    "BookingProfileRow",
    "DeliveryRow",
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
    "StreamItemRow",
    "StreamRow",
    "SubscriptionRow",
    "WatchRow",
    "WorkHoursRow",
]
