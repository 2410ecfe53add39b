"""Stored messages -> the contract's shapes, as pure functions.

Lost on the way: nothing but what the contract has no field for. `lastModifiedTime`, `webLink` and
`sysClassifications` are absent, since the sandbox has no such things. Lists leave out attachments and internet headers,
and bodies unless asked for, and say so in `omitted`.
"""

import base64

from providers.base.match import Facts
from providers.base.ports import MessageView
from providers.base.search import Flag, Where
from providers.formats import body
from providers.formats.envelope import envelope, internet_headers, is_important
from providers.formats.part import Part
from providers.formats.source import Source
from providers.formats.text import html_to_text, snippet
from providers.sandbox.box import Folder, Role, Stored
from schemas.mail import (
    BodyType,
    EmailAttachment,
    EmailFolderInfo,
    EmailMessage,
    Omitted,
    SysLabel,
)

_LABELS = {
    Role.INBOX: SysLabel.INBOX,
    Role.SENT: SysLabel.SENT,
    Role.DRAFT: SysLabel.DRAFT,
    Role.TRASH: SysLabel.TRASH,
    Role.JUNK: SysLabel.JUNK,
}


def listed(stored: Stored, folder: Folder, view: MessageView) -> EmailMessage:
    """A message as lists and conversations show it: with the body only when a rendering was asked for."""
    source = Source(stored.source)
    plan = body.plan(source.root)
    message = _message(stored, folder, source, plan, view)
    omitted = [Omitted.ATTACHMENTS, Omitted.INTERNET_HEADERS]
    if view.body_type is None:
        return message.model_copy(update={"omitted": [Omitted.BODY, *omitted]})
    text = _render(source, plan, view.body_type, view.strip_quoted)
    return message.model_copy(update={"body": text, "body_snippet": _snippet(source, plan), "omitted": omitted})


def whole(stored: Stored, folder: Folder, view: MessageView) -> EmailMessage:
    """A message with everything; the body is html unless the view says otherwise."""
    source = Source(stored.source)
    plan = body.plan(source.root)
    html = "".join(source.text(part) for part in plan.html if part.mime_type == "text/html")
    return _message(stored, folder, source, plan, view).model_copy(
        update={
            "body": _render(source, plan, view.body_type or BodyType.HTML, view.strip_quoted),
            "body_snippet": _snippet(source, plan),
            "attachments": [_attachment(item, source, view) for item in body.attachments(plan, html)],
            "internet_headers": internet_headers(source.headers),
        }
    )


def folder_info(folder: Folder) -> EmailFolderInfo:
    """A folder."""
    return EmailFolderInfo(
        id=folder.id,
        name=folder.name,
        full_name=folder.path,
        is_folder=True,
        is_label=False,
        parent_id=folder.parent,
        sys_label=_LABELS.get(folder.role) if folder.role else None,
    )


def facts(stored: Stored, folder: Folder) -> Facts:
    """A message as a search sees it."""
    source = Source(stored.source)
    plan = body.plan(source.root)
    flags = {
        Flag.READ: stored.seen,
        Flag.FLAGGED: stored.flagged,
        Flag.ANSWERED: stored.answered,
        Flag.ATTACHMENT: plan.has_attachments,
    }
    names = {folder.id, folder.name.lower(), folder.path.lower(), *([folder.role] if folder.role else ())}
    return Facts(
        texts=lambda where: _searchable(source, plan, where),
        received=stored.received,
        size=len(stored.source),
        flags=frozenset(flag for flag, is_set in flags.items() if is_set),
        folders=frozenset(names),
    )


def _message(stored: Stored, folder: Folder, source: Source, plan: body.Plan, view: MessageView) -> EmailMessage:
    native = {name: source.headers.text(name) for name in view.native_properties}
    return EmailMessage(
        **envelope(source.headers),
        id=stored.id,
        thread_id=stored.thread,
        created_time=stored.received,
        received_at=stored.received,
        sys_labels=_labels(stored, folder, source),
        keywords=list(stored.keywords),
        meeting_message_method=plan.method,
        has_attachments=plan.has_attachments,
        folder_id=stored.folder,
        native_properties={name: value for name, value in native.items() if value is not None} or None,
    )


def _labels(stored: Stored, folder: Folder, source: Source) -> list[SysLabel]:
    found = [_LABELS[folder.role]] if folder.role in _LABELS else []
    if stored.draft and SysLabel.DRAFT not in found:
        found.append(SysLabel.DRAFT)
    if not stored.seen:
        found.append(SysLabel.UNREAD)
    if stored.flagged:
        found.append(SysLabel.FLAGGED)
    if is_important(source.headers):
        found.append(SysLabel.IMPORTANT)
    return found


def _render(source: Source, plan: body.Plan, body_type: BodyType, strip_quoted: bool) -> str:
    texts = {part.section: source.text(part) for part in plan.needed(body_type)}
    return body.render(plan, texts, body_type, strip_quoted=strip_quoted)


def _snippet(source: Source, plan: body.Plan) -> str:
    return snippet(_render(source, plan, BodyType.TEXT, strip_quoted=False))


def _attachment(item: EmailAttachment, source: Source, view: MessageView) -> EmailAttachment:
    if not (view.load_inlines and item.inline):
        return item
    return item.model_copy(update={"content": base64.b64encode(source.content(item.id)).decode()})


def _searchable(source: Source, plan: body.Plan, where: Where) -> str:
    if where is Where.BODY:
        return "\n".join(_plain(source, part) for part in dict.fromkeys((*plan.text, *plan.html)))
    if where is Where.TEXT:
        header = "\n".join(f"{name}: {value}" for name, value in source.headers.items())
        return f"{header}\n\n{_searchable(source, plan, Where.BODY)}"
    return "\n".join(value for name, value in source.headers.items() if name.lower() == where)


def _plain(source: Source, part: Part) -> str:
    text = source.text(part)
    return html_to_text(text) if part.mime_type == "text/html" else text
