"""Gmail's operations (v1)."""

import base64
from typing import Any

from tests.servers.google.handlers import handles
from tests.servers.google.mailbox import SYSTEM, Mail, Stored, recipients, without
from tests.servers.google.payload import content, payload
from tests.servers.google.query import compile_query
from tests.servers.google.world import Call, Failure, Json, World, in_a_week

#: Addresses that no message may go to.
REFUSED = "refused-one@example.test"


def mail_of(call: Call) -> Mail:
    found: Mail = call.user.shelf(Mail)
    return found


@handles("gmail.users.getProfile")
def profile(_: World, call: Call) -> Json:
    mail = mail_of(call)
    return {
        "emailAddress": call.user.email,
        "historyId": str(mail.counter),
        "messagesTotal": len(mail.messages),
        "threadsTotal": len({stored.thread for stored in mail.messages.values()}),
    }


@handles("gmail.users.labels.list")
def labels(_: World, call: Call) -> Json:
    mail = mail_of(call)
    return {"labels": [_label(mail, item) for item in (*SYSTEM, *mail.names)]}


@handles("gmail.users.labels.get")
def label(_: World, call: Call) -> Json:
    if call.path["id"] not in (*SYSTEM, *mail_of(call).names):
        raise Failure(404, "notFound", "Requested entity was not found.")
    return _label(mail_of(call), call.path["id"])


@handles("gmail.users.labels.create")
def new_label(_: World, call: Call) -> Json:
    return _label(mail_of(call), mail_of(call).new_label(call.body["name"]))


def _label(mail: Mail, item: str) -> Json:
    return {"id": item, "name": mail.names.get(item, item), "type": "user" if item in mail.names else "system"}


@handles("gmail.users.messages.list")
def messages(_: World, call: Call) -> Json:
    mail, wanted = mail_of(call), call.query.get("labelIds", [])
    for item in wanted:
        mail.known(item)
    test = compile_query(mail, call.one("q"))
    hidden = set() if call.flag("includeSpamTrash") else {"SPAM", "TRASH"}
    found = [
        stored
        for stored in mail.messages.values()
        if not stored.labels & hidden and stored.labels.issuperset(wanted) and test(stored)
    ]
    page, token = _page(sorted(found, key=_place), call, "pageToken")
    out: Json = {"resultSizeEstimate": len(found)}
    if page:
        out["messages"] = [{"id": stored.id, "threadId": stored.thread} for stored in page]
    return out | ({"nextPageToken": token} if token else {})


def _place(stored: Stored) -> tuple[int, str]:
    return -stored.received, stored.id


def _page(found: list[Stored], call: Call, name: str) -> tuple[list[Stored], str | None]:
    if call.one(name):
        try:
            moment, item = base64.b64decode(call.one(name), validate=True).decode().split(" ")
            place = int(moment), item
        except ValueError:
            raise Failure(400, "invalidArgument", "Invalid pageToken") from None
        found = [stored for stored in found if _place(stored) > place]
    limit = min(call.number("maxResults", 100), 500)
    page = found[:limit]
    last = "{} {}".format(*_place(page[-1])) if len(found) > limit else ""
    return page, base64.b64encode(last.encode()).decode() or None


@handles("gmail.users.messages.get")
def message(_: World, call: Call) -> Json:
    mail = mail_of(call)
    return _message(mail, mail.message(call.path["id"]), call.one("format", "full"), call.query.get("metadataHeaders"))


def _message(mail: Mail, stored: Stored, form: str, only: list[str] | None = None) -> Json:
    out: Json = {
        "id": stored.id,
        "threadId": stored.thread,
        "labelIds": sorted(stored.labels),
        "snippet": "",
        "historyId": str(stored.history),
        "internalDate": str(stored.received),
        "sizeEstimate": len(stored.source),
    }
    if form == "raw":
        out["raw"] = base64.urlsafe_b64encode(stored.source).decode()
    elif form in ("full", "metadata"):
        out["payload"] = payload(mail, stored, whole=form == "full", only=only)
    return out


@handles("gmail.users.messages.attachments.get")
def attachment(_: World, call: Call) -> Json:
    mail = mail_of(call)
    item, part = mail.attachments.get(call.path["id"], ("", ""))
    if item != call.path["messageId"]:
        raise Failure(400, "invalidArgument", "Invalid attachment token")
    data = content(mail.message(item), part)
    return {"size": len(data), "data": base64.urlsafe_b64encode(data).decode().rstrip("=")}


@handles("gmail.users.messages.modify")
def modify(_: World, call: Call) -> Json:
    mail = mail_of(call)
    stored = mail.message(call.path["id"])
    mail.change(stored, call.body.get("addLabelIds", ()), call.body.get("removeLabelIds", ()))
    return _message(mail, stored, "minimal")


@handles("gmail.users.messages.trash")
def trash(_: World, call: Call) -> Json:
    mail = mail_of(call)
    return _message(mail, mail.change(mail.message(call.path["id"]), {"TRASH"}, {"INBOX", "SPAM"}), "minimal")


@handles("gmail.users.messages.untrash")
def untrash(_: World, call: Call) -> Json:
    mail = mail_of(call)
    return _message(mail, mail.change(mail.message(call.path["id"]), (), {"TRASH"}), "minimal")


@handles("gmail.users.messages.delete")
def delete(_: World, call: Call) -> None:
    mail_of(call).remove(call.path["id"])


@handles("gmail.users.messages.send")
def send(world: World, call: Call) -> Json:
    return _post(world, call, _raw(call.body, call), call.body.get("threadId", ""))


def _post(world: World, call: Call, source: bytes, thread: str) -> Json:
    to = recipients(source)
    if not to or REFUSED in to:
        raise Failure(400, "invalidArgument", "Invalid To header" if to else "Recipient address required")
    copy = mail_of(call).add(source, {"SENT"}, thread=thread)
    for address in dict.fromkeys(to):
        if address in world.users:
            mail: Mail = world.users[address].shelf(Mail)
            mail.add(without(source, b"Bcc"), {"INBOX", "UNREAD"})
    return {"id": copy.id, "threadId": copy.thread, "labelIds": ["SENT"]}


def _raw(message: Json, call: Call) -> bytes:
    if call.media is not None:
        return call.media
    return base64.b64decode(message.get("raw", "").replace("-", "+").replace("_", "/") + "==")


@handles("gmail.users.threads.get")
def thread(_: World, call: Call) -> Json:
    mail = mail_of(call)
    found = [stored for stored in mail.messages.values() if stored.thread == call.path["id"]]
    if not found:
        raise Failure(404, "notFound", "Requested entity was not found.")
    found.sort(key=lambda stored: (stored.received, stored.id))
    return {
        "id": call.path["id"],
        "historyId": str(max(stored.history for stored in found)),
        "messages": [_message(mail, stored, call.one("format", "full")) for stored in found],
    }


@handles("gmail.users.drafts.list")
def drafts(_: World, call: Call) -> Json:
    mail = mail_of(call)
    test = compile_query(mail, call.one("q"))
    found = [_short(mail, item) for item, message in mail.drafts.items() if test(mail.messages[message])]
    return {"resultSizeEstimate": len(found), **({"drafts": found} if found else {})}


def _short(mail: Mail, item: str) -> Json:
    stored = mail.draft(item)
    return {"id": item, "message": {"id": stored.id, "threadId": stored.thread}}


@handles("gmail.users.drafts.get")
def draft(_: World, call: Call) -> Json:
    mail = mail_of(call)
    stored = mail.draft(call.path["id"])
    return {"id": call.path["id"], "message": _message(mail, stored, call.one("format", "full"))}


@handles("gmail.users.drafts.create")
def new_draft(_: World, call: Call) -> Json:
    mail, message = mail_of(call), call.body.get("message", {})
    item = mail.new_draft(_raw(message, call), message.get("threadId", ""))
    return {"id": item, "message": _message(mail, mail.draft(item), "minimal")}


@handles("gmail.users.drafts.update")
def replace_draft(_: World, call: Call) -> Json:
    mail, message = mail_of(call), call.body.get("message", {})
    old = mail.draft(call.path["id"])
    new = mail.add(_raw(message, call), {"DRAFT"}, thread=message.get("threadId", old.thread))
    mail.drafts[call.path["id"]] = new.id
    mail.remove(old.id)
    return {"id": call.path["id"], "message": _message(mail, new, "minimal")}


@handles("gmail.users.drafts.delete")
def delete_draft(_: World, call: Call) -> None:
    mail = mail_of(call)
    old = mail.draft(call.path["id"])
    del mail.drafts[call.path["id"]]
    mail.remove(old.id)


@handles("gmail.users.drafts.send")
def send_draft(world: World, call: Call) -> Json:
    mail = mail_of(call)
    old = mail.draft(call.body["id"])
    answer = _post(world, call, old.source, old.thread)
    mail.messages[answer["id"]].labels |= old.labels & mail.names.keys()
    del mail.drafts[call.body["id"]]
    mail.remove(old.id)
    return answer


@handles("gmail.users.history.list")
def history(_: World, call: Call) -> Json:
    mail, start = mail_of(call), int(call.one("startHistoryId"))
    if not mail.floor <= start <= mail.counter:
        raise Failure(404, "notFound", "Requested entity was not found.")
    found = [record for record in mail.records if int(record["id"]) > start]
    first, limit = int(call.one("pageToken") or 0), min(call.number("maxResults", 100), 500)
    out: dict[str, Any] = {"historyId": str(mail.counter)}
    if page := found[first : first + limit]:
        out["history"] = page
    return out | ({"nextPageToken": str(first + limit)} if len(found) > first + limit else {})


@handles("gmail.users.watch")
def watch(_: World, call: Call) -> Json:
    mail = mail_of(call)
    mail.watched = call.body
    return {"historyId": str(mail.counter), "expiration": in_a_week()}


@handles("gmail.users.stop")
def stop(_: World, call: Call) -> None:
    mail_of(call).watched = None
