"""Change logs as consumers read them (contract: tag EmailSync)."""

from typing import Annotated

from pydantic import Field

from schemas.base import Instant, Model
from schemas.mail import EmailMessage

_READ_ONLY = {"readOnly": True}


class SyncStatus(Model):
    """Outcome of provisioning a sync; repeat the start call until `ready` is true."""

    ready: bool
    sync_updated_token: Annotated[str | None, Field(description="first delta token for the updated feed")] = None
    sync_deleted_token: Annotated[str | None, Field(description="first delta token for the deleted feed")] = None


class EmailMessagesPage(Model):
    """Delta page of messages; `nextDeltaToken` stands on the last page of a round only."""

    next_page_token: str | None = None
    next_delta_token: str | None = None
    length: int
    records: list[EmailMessage]


class DeletedEmailMessage(Model):
    """Tombstone of a message."""

    id: Annotated[str | None, Field(json_schema_extra=_READ_ONLY)] = None
    folder_id: Annotated[str | None, Field(json_schema_extra=_READ_ONLY)] = None
    internet_message_id: Annotated[str | None, Field(json_schema_extra=_READ_ONLY)] = None
    timestamp: Annotated[Instant | None, Field(description="when the removal was noticed")] = None


class EmailDeletedPage(Model):
    """Delta page of message tombstones; `nextDeltaToken` stands on the last page of a round only."""

    next_page_token: str | None = None
    next_delta_token: str | None = None
    length: int
    records: list[DeletedEmailMessage]


class DeletedRecord(Model):
    """Tombstone of an event, a contact or a task."""

    id: Annotated[str | None, Field(json_schema_extra=_READ_ONLY)] = None
    timestamp: Annotated[Instant | None, Field(description="when the removal was noticed")] = None


class DeletedPage(Model):
    """Delta page of tombstones; `nextDeltaToken` stands on the last page of a round only."""

    next_page_token: str | None = None
    next_delta_token: str | None = None
    length: int
    records: list[DeletedRecord]
