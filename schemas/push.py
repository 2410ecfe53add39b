"""What providers send when something changed (contract: tag ProviderPush)."""

from typing import Annotated

from pydantic import Field

from schemas.base import Instant, Model


class PubSubMessage(Model):
    """Pub/Sub message."""

    data: Annotated[str, Field(json_schema_extra={"contentEncoding": "base64"})]
    message_id: str | None = None
    publish_time: Instant | None = None
    attributes: dict[str, str] | None = None


class PubSubPushEnvelope(Model):
    """Google Cloud Pub/Sub push body; data is Base64 JSON with emailAddress and historyId."""

    message: PubSubMessage
    subscription: str | None = None
