"""Shapes that every area shares: acknowledgements and problems."""

from typing import Annotated, Any, Literal

from pydantic import Field

from schemas.base import Model


class OkResponse(Model):
    """Acknowledgement."""

    status: Literal["Ok"] = "Ok"


class ApiRequestFailed(Model):
    """Error body of every failed request (behaviour.md, section 14)."""

    code: str
    message: str
    request_id: str
    original_error: Annotated[Any, Field(description="the provider's own error, any shape")] = None
