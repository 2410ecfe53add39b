"""Following what changes in a mailbox (contract: tag EmailSync)."""

from typing import Annotated

from pydantic import Field

from gateway.http.route import Route
from gateway.identity import Account
from gateway.routes.scopes import READ_MAIL
from gateway.services.mail_sync import MailSync
from schemas.mail import BodyType
from schemas.sync import EmailDeletedPage, EmailMessagesPage, SyncStatus

DaysWithin = Annotated[int | None, Field(ge=1, le=36_500, description="age limit of the first scan, in days")]
DeltaToken = Annotated[str | None, Field(description="token of the start call or of the previous round")]
PageToken = Annotated[str | None, Field(description="token of the previous page")]


async def start(
    account: Account, sync: MailSync, days_within: DaysWithin = None, body_type: BodyType | None = None
) -> SyncStatus:
    """Provision an email sync; repeat the call with the same parameters until `ready` is true.

    The parameters hold for every record that is read by the tokens.
    """
    return await sync.start(account, days_within, body_type)


async def updated(
    account: Account, sync: MailSync, delta_token: DeltaToken = None, page_token: PageToken = None
) -> EmailMessagesPage:
    """Read new and changed messages, each once per round and as it is now. Tokens do not expire."""
    return await sync.updated(account, delta_token, page_token)


async def deleted(
    account: Account, sync: MailSync, delta_token: DeltaToken = None, page_token: PageToken = None
) -> EmailDeletedPage:
    """Read removed messages. Tokens do not expire."""
    return await sync.deleted(account, delta_token, page_token)


_START, _TAG = "/v1/email/sync", "EmailSync"
ROUTES = (
    Route("POST", _START, "emailSyncStart", READ_MAIL, start, SyncStatus, tag=_TAG),
    Route(
        "GET", f"{_START}/updated", "emailSyncUpdated", READ_MAIL, updated, EmailMessagesPage, tag=_TAG, expires=True
    ),
    Route("GET", f"{_START}/deleted", "emailSyncDeleted", READ_MAIL, deleted, EmailDeletedPage, tag=_TAG, expires=True),
)
