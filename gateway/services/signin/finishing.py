"""The end of a sign-in, in one transaction: the account, the user, and what the browser brings back."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from gateway.browsers import Cookie, Redirect
from gateway.services import records
from gateway.services.identity import Identity
from gateway.services.signin import outcome
from gateway.services.signin.asked import ResponseType
from gateway.services.signin.flow import Flow
from gateway.services.signin.outcome import Refused
from gateway.services.signin.session_values import SessionValues
from gateway.store import sign_ins
from gateway.store.database import Database
from gateway.store.hashing import fingerprint, new_secret
from gateway.store.queries import accounts, codes, tokens, users
from gateway.store.tables import AccountRow, EndUserRow
from gateway.store.vault import Vault
from providers.base.errors import Invalid
from providers.base.provider import Linked
from schemas.accounts import ApiAccountInDto, Scope, ServiceKey, UserAccountType

_RECYCLED = (ServiceKey.EMAIL, ServiceKey.CLIENT_ORG_ID)


class Finishing:
    """Stores what a sign-in led to."""

    def __init__(self, database: Database, vault: Vault, identity: Identity, values: SessionValues) -> None:
        self._database, self._vault, self._identity, self._values = database, vault, identity, values

    async def finish(
        self, flow: Flow, body: ApiAccountInDto, linked: Linked, scopes: Sequence[Scope], sign_in_id: int | None = None
    ) -> Redirect:
        """Store the account, and go back to the application. `sign_in_id`: the sign-in, where it was not taken yet.

        Raises `Refused`, and `Invalid` when the sign-in was finished before."""
        check(flow, linked, scopes)
        columns = records.columns(body, linked, scopes) | {
            "kind": flow.kind.value,
            "sealed_grant": self._vault.seal(dict(linked.grant)),
        }
        async with self._database.session() as session:
            if sign_in_id is not None and not await sign_ins.finish(session, sign_in_id):
                raise already_used()
            user = await _user(session, flow, records.mailbox(columns))
            account_id = await _account(session, flow, columns, user)
            redirect = await self._bring_back(session, flow, account_id, user)
        self._identity.forget(f"account:{account_id}")
        return redirect

    async def _bring_back(
        self, session: AsyncSession, flow: Flow, account_id: int, user: EndUserRow | None
    ) -> Redirect:
        given: dict[str, str | None] = {}
        cookies: tuple[Cookie, ...] = ()
        secret = new_secret()
        match flow.response_type:
            case ResponseType.CODE:
                await codes.add(
                    session, flow.application_id, account_id, user.id if user else None, fingerprint(secret)
                )
                given["code"] = secret
            case ResponseType.TOKEN:
                await tokens.add(session, account_id, fingerprint(secret))
                given |= {"accessToken": secret, "accountId": str(account_id)}
            case ResponseType.COOKIE if user is not None:
                await users.add_session(session, user.id, fingerprint(secret))
                cookies = (self._values.cookie(flow.application_id, secret, flow.mailbox_info),)
        return outcome.success(flow.return_url, flow.state, cookies, **given)


def check(flow: Flow, linked: Linked, scopes: Sequence[Scope]) -> None:
    """Whether what was granted is what was asked for. Raises `Refused`."""
    if flow.auth_email and flow.auth_email.casefold() != linked.email.casefold():
        raise Refused("wrong_account", f"{linked.email} signed in, {flow.auth_email} was to")
    missing = sorted(set(flow.scopes) - set(scopes))
    if flow.ensure_scopes and missing:
        raise Refused("insufficient_scopes", f"not granted: {', '.join(missing)}")


async def _user(session: AsyncSession, flow: Flow, mailbox: str) -> EndUserRow | None:
    if flow.role is None:
        return None
    if flow.role is UserAccountType.SECONDARY:
        found = await users.by_id(session, flow.application_id, flow.user_id or 0)
        if found is None:
            raise Refused("login_required", "the user of the session is gone: sign in with the primary account")
        return found
    user = await users.ensure(session, flow.application_id, flow.service_type, mailbox)
    if flow.external_id is not None and user.external_id != flow.external_id:
        if await users.by_external_id(session, flow.application_id, flow.external_id):
            raise Refused("wrong_account", "the identity token is of somebody who signed in with another mailbox")
        user = await users.change(session, user.id, external_id=flow.external_id) or user
    return user


async def _account(session: AsyncSession, flow: Flow, columns: Mapping[str, Any], user: EndUserRow | None) -> int:
    owned = {} if user is None else {"user_id": user.id}
    role = {} if flow.role is None else {"user_role": flow.role.value}
    known = await _known(session, flow, columns, user)
    if known is None:
        added = await accounts.add(session, {**columns, **owned, **role, "application_id": flow.application_id})
        return added.id
    kept = {} if known.user_role == UserAccountType.PRIMARY else role
    revised = records.revised(columns) | accounts.REVIVED | owned | kept
    await accounts.revise(session, flow.application_id, known.id, revised)
    return known.id


async def _known(
    session: AsyncSession, flow: Flow, columns: Mapping[str, Any], user: EndUserRow | None
) -> AccountRow | None:
    """The account that is authorized again. Raises `Refused` when the one named is not of this mailbox."""
    if flow.account_id is not None:
        return await _named(session, flow, columns, user)
    if user is not None:
        mine = await users.accounts_of(session, [user.id])
        return next((row for row in mine if _is_same(row, columns)), None)
    if not flow.recycle:
        return None
    wanted = records.recycling(columns, _RECYCLED)
    await accounts.lock(session, records.lock_number(flow.application_id, wanted))
    rows = await accounts.all_matching(session, flow.application_id, wanted)
    return next((row for row in rows if _is_same(row, columns)), None)


async def _named(session: AsyncSession, flow: Flow, columns: Mapping[str, Any], user: EndUserRow | None) -> AccountRow:
    row = await accounts.get(session, flow.application_id, flow.account_id or 0)
    if row is None or row.kind != columns["kind"] or row.user_id != (user.id if user else None):
        raise Refused("unknown_account", f"accountId: there is no account {flow.account_id} to authorize again")
    if not _is_same(row, columns):
        raise Refused("wrong_account", f"{columns['email']} signed in, account {row.id} is of another mailbox")
    return row


def _is_same(row: AccountRow, columns: Mapping[str, Any]) -> bool:
    """Whether the account is of the very mailbox: a server that somebody chose may say any address."""
    values = row.model_dump()
    return all(values[name] == columns[name] for name in ("service_type", "kind")) and (
        records.mailbox(values) == records.mailbox(columns)
    )


def already_used() -> Invalid:
    """The error of a sign-in that is over."""
    words = "This sign-in is over, was begun in another browser, or was left for too long: please begin again"
    return Invalid(words, code="state.notValid")
