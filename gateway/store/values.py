"""Rows -> the values that requests carry (`gateway/identity.py`); values -> what PostgreSQL takes."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from gateway.identity import Account, Application, User
from gateway.store.tables import AccountRow, ApplicationRow, EndUserRow
from providers.base.collection import Change
from schemas.accounts import Scope, ServiceType, TokenStatus


def application(row: ApplicationRow) -> Application:
    """The tenant of a row."""
    return Application(row.id, row.client_id, row.name, tuple(row.trusted_domains))


def account(row: AccountRow) -> Account:
    """The mailbox of a row; its grant stays sealed."""
    return Account(
        id=row.id,
        application_id=row.application_id,
        version=row.version,
        service_type=ServiceType(row.service_type),
        email=row.email,
        token_status=TokenStatus(row.token_status),
        scopes=frozenset(Scope(scope) for scope in row.auth_scopes),
        sealed_grant=row.sealed_grant,
        name=row.name,
        marks=tuple(sorted(row.marks.items())),
        copy_to_sent=row.copy_to_sent,
        renamed=row.renamed,
        timezone=row.timezone,
        parent_id=row.parent_id,
        user_id=row.user_id,
    )


def user(row: EndUserRow, session_id: int | None = None) -> User:
    """The person of a row."""
    return User(row.id, row.application_id, row.public_id, session_id)


def json_text(value: Mapping[str, Any] | None) -> str | None:
    """JSON as PostgreSQL stores it; NUL has no place in it."""
    return None if value is None else json.dumps(value, separators=(",", ":")).replace("\\u0000", "")


def columns_of(changed: Sequence[Change]) -> Mapping[str, list[str | None]]:
    """The changes as arrays, one for each field."""
    return {
        "ids": [change.id for change in changed],
        "versions": [change.version for change in changed],
        "parents": [change.parent for change in changed],
        "identities": [change.identity for change in changed],
        "kins": [change.kin for change in changed],
        "attributes": [json_text(change.attributes) for change in changed],
    }
