"""Mail that leaves by Gmail: built by us with Bcc in it (Gmail reads recipients from the headers), handed over once."""

from collections.abc import Mapping
from typing import Any

from googleapiclient.http import MediaInMemoryUpload

from providers.base.errors import Invalid, ProviderError
from providers.base.ports import Leaving, Outgoing, Sent
from providers.formats.compose import compose
from providers.google.account import Account
from providers.google.keywords import Keywords
from providers.google.payload import encode
from providers.google.requests import ME
from schemas.mail import EmailAddress

_SMALL = 4 * 1024 * 1024  # octets up to which a message goes within the JSON


def source_of(account: Account, outgoing: Outgoing) -> bytes:
    """The message as octets. Raises `Invalid` for what cannot be written into a header."""
    sender = EmailAddress(name=account.mailbox.name, address=account.mailbox.email)
    try:
        return b"".join(compose(outgoing, sender, bcc=True).chunks())
    except ValueError as error:
        raise Invalid(str(error)) from None


async def thread_of(account: Account, outgoing: Outgoing) -> str | None:
    """The thread that the message belongs to: Gmail threads by its id besides References and subject."""
    if outgoing.thread_id is not None or outgoing.answers is None:
        return outgoing.thread_id
    return str((await account.raw(outgoing.answers.id, "minimal"))["threadId"])


async def submit(account: Account, outgoing: Outgoing, leaving: Leaving | None) -> Sent:
    """See `Messages.send`."""
    source, thread = source_of(account, outgoing), await thread_of(account, outgoing)
    if not outgoing.email.recipients:
        raise Invalid("nothing was sent: there is no recipient", path="to")
    add = await Keywords(account).ids(outgoing.email.keywords or ())
    if leaving is not None:
        await leaving()
    message = {"threadId": thread} if thread else {}
    answer = await leave(hand_over(account, account.apis.messages.send, message, message, source))
    return await labelled(account, answer, outgoing.message_id, add)


async def hand_over(
    account: Account, method: Any, body: Mapping[str, Any], message: dict[str, Any], source: bytes, **where: str
) -> Any:
    """Call a method that takes a message: `message` lies somewhere in `body`. Large ones go up by themselves."""
    if len(source) <= _SMALL:
        message["raw"] = encode(source)
        return await account.client.call(method(userId=ME, body=body, **where))
    request = method(userId=ME, body=body, media_body=_announced(source), **where)
    return await account.client.upload(request, source)


async def leave(call: Any) -> Mapping[str, Any]:
    """Await a call by which mail leaves, and name the field that Gmail does not like."""
    try:
        answer: Mapping[str, Any] = await call
    except Invalid as error:
        raise Invalid(error.message, path=_path(error), original=error.original) from None
    return answer


async def labelled(account: Account, answer: Mapping[str, Any], message_id: str, add: list[str]) -> Sent:
    """What is known of the message that left, its keywords set."""
    notes: tuple[str, ...] = ()
    if add:
        request = account.apis.messages.modify(userId=ME, id=answer["id"], body={"addLabelIds": add})
        try:
            await account.client.call(request)
        except ProviderError as error:
            notes = (f"the message was sent, but its keywords could not be set: {error.message}",)
    return Sent(message_id, answer.get("id"), answer.get("threadId"), notes=notes)


def _path(error: Invalid) -> str | None:
    return (
        "to" if any(word in error.message for word in ("Recipient", "To header", "Cc header", "Bcc header")) else None
    )


def _announced(source: bytes) -> Any:
    return MediaInMemoryUpload(source, mimetype="message/rfc822", resumable=True)
