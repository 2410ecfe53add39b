"""Account bodies as callers send them."""

from typing import Any

from schemas.accounts import ApiAccountInDto, ServiceType
from tests.servers.dovecot import User


def body(user: User, **fields: Any) -> ApiAccountInDto:
    """The account of a test user; `fields` add to it, or replace (None takes away)."""
    known = {"email": user.address, "password": user.password} | fields
    return ApiAccountInDto(service_type=ServiceType.IMAP, active=True, **known)
