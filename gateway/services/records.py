"""Accounts as they are stored and as administrators see them; pure functions."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from gateway.store.queries.accounts import Record
from providers.base.provider import Linked
from schemas.accounts import (
    AccountType,
    ApiAccountInDto,
    ApiAccountOutDto,
    Scope,
    ServiceKey,
    ServiceProvider,
    ServiceType,
    TokenStatus,
)

#: The column that each recycle key compares (behaviour.md, section 3).
RECYCLED = {
    ServiceKey.EMAIL: "email",
    ServiceKey.SERVER_URL: "server_url",
    ServiceKey.CLIENT_ORG_ID: "client_org_id",
    ServiceKey.USERNAME: "login_string",
    ServiceKey.ORG_ID: "auth_org_id",
    ServiceKey.USER_ID: "auth_user_id",
}

_CHOSEN = frozenset({"name", "client_org_id", "timezone", "email2", "copy_to_sent"})


def columns(body: ApiAccountInDto, linked: Linked, scopes: Sequence[Scope]) -> dict[str, Any]:
    """The row of a personal account: what the provider said of it, else what the caller gave."""
    return {
        "kind": AccountType.PERSONAL.value,
        "service_type": body.service_type.value,
        "service_provider": linked.service_provider or body.service_provider,
        "login_string": linked.login or body.login_string,
        "email": linked.email,
        "mailbox_address": linked.email,
        "name": body.name or linked.name,
        "server_url": linked.server_url or body.server_url,
        "server_url2": linked.server_url2,
        "client_org_id": body.client_org_id,
        "auth_user_id": linked.auth_user_id or body.auth_user_id,
        "auth_org_id": linked.auth_org_id or body.auth_org_id,
        "timezone": body.timezone or linked.timezone,
        "auth_scopes": [scope.value for scope in scopes],
        "auth_obtained_at": body.auth_obtained_at,
        "auth_expires_at": body.auth_expires_at,
        "email2": body.email2,
        "copy_to_sent": body.copy_to_sent,
        "trust_server": body.trust_server,
    }


def revised(row: Mapping[str, Any]) -> dict[str, Any]:
    """The columns to set on an account that is connected again: what its owner once chose stays unless given anew."""
    return {name: value for name, value in row.items() if value is not None or name not in _CHOSEN}


def recycling(row: Mapping[str, Any], keys: Sequence[ServiceKey]) -> dict[str, Any]:
    """The columns in which an account must agree with `row` to be reused; always the service type and the kind."""
    own = [name for name in ("parent_id", "user_id") if name in row]
    wanted = ["service_type", "kind", *own, *(RECYCLED[key] for key in keys)]
    return {name: row[name] for name in wanted}


def mailbox(row: Mapping[str, Any]) -> str:
    """What tells a mailbox of a service type from all others: the provider's own id of its user, or the address and the
    server that took the password. (A server that somebody chose believes any address.)"""
    if row["auth_user_id"]:
        return f"{row['auth_org_id'] or ''}/{row['auth_user_id']}"
    server = (row["server_url"] or "").lower().rpartition("://")[2].partition("/")[0]
    host = server[: server.index("]") + 1] if server.startswith("[") and "]" in server else server.partition(":")[0]
    return f"{row['email'].lower()}|{host}"


def lock_number(application_id: int, wanted: Mapping[str, Any]) -> int:
    """A signed 64-bit number that stands for these values; two callers with the same values get the same."""
    email = (wanted.get("email") or "").lower()
    text = json.dumps([application_id, sorted({**wanted, "email": email}.items())])
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), signed=True)


def dto(record: Record) -> ApiAccountOutDto:
    """The account on the wire."""
    row = record.row
    return ApiAccountOutDto(
        id=row.id,
        parent_id=row.parent_id,
        service_type=ServiceType(row.service_type),
        service_provider=ServiceProvider(row.service_provider) if row.service_provider else None,
        active=True,
        token_status=TokenStatus(row.token_status),
        token_error=row.token_error,
        type=AccountType(row.kind),
        daemon=row.kind == AccountType.DAEMON,
        login_string=row.login_string,
        email=row.email,
        mailbox_address=row.mailbox_address,
        name=row.name,
        name2=row.name2,
        server_url=row.server_url,
        server_url2=row.server_url2,
        client_org_id=row.client_org_id,
        auth_user_id=row.auth_user_id,
        auth_org_id=row.auth_org_id,
        timezone=row.timezone,
        token_issued_at=record.issued_at,
        auth_scopes=[Scope(scope) for scope in row.auth_scopes],
        auth_native_scopes=row.auth_native_scopes,
        auth_obtained_at=row.auth_obtained_at,
        auth_expires_at=row.auth_expires_at,
        user_id=record.user_id,
        email2=row.email2,
        copy_to_sent=row.copy_to_sent,
        trust_server=row.trust_server,
        created_at=row.created_at,
        updated_at=row.updated_at,
        token_last_activity=record.used_at,
    )
