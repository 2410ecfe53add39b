"""Folders: what is there, new ones, names of every kind, and the well-known ones."""

import pytest

from providers.base.collection import PageRequest, Ref
from providers.base.errors import Exists, Invalid, NotFound
from providers.base.provider import Session
from schemas.mail import EmailFolderInfo, SysLabel
from schemas.outgoing import EmailFolderCreate
from tests.conformance.backends import Subject
from tests.conformance.messages import folder_id, listed, source

pytestmark = pytest.mark.anyio
PORT = "messages"


async def folders(session: Session, limit: int = 200) -> list[EmailFolderInfo]:
    found, cursor = [], None
    while True:
        page = await session.folders.find(None, None, PageRequest(cursor, limit))
        assert len(page.records) <= limit
        found.extend(page.records)
        if (cursor := page.cursor) is None:
            return found


async def archive(box: Subject) -> str | None:
    """The folder for archived mail, where the provider has one."""
    return None if box.lacks("archive folder") else await folder_id(box.session, "Archive")


async def test_system_folders(box: Subject) -> None:
    labels = {folder.sys_label for folder in await folders(box.session)}
    assert {SysLabel.INBOX, SysLabel.SENT, SysLabel.DRAFT, SysLabel.TRASH, SysLabel.JUNK} <= labels


async def test_pages(box: Subject) -> None:
    whole = await folders(box.session)
    assert len({folder.id for folder in whole}) == len(whole) >= 6
    assert await folders(box.session, limit=2) == whole


async def test_a_cursor_that_is_none_is_refused(box: Subject) -> None:
    with pytest.raises(Invalid) as refused:
        await box.session.folders.find(None, None, PageRequest("garbage"))
    assert refused.value.path == "pageToken"


@pytest.mark.parametrize(
    "name", ["Plain", "Two words", "Größe", "会議", "ليلى", "A & B", "100%", 'say "hi"', "back\\slash", "😀", "a.b"]
)
async def test_a_new_folder_takes_mail(box: Subject, name: str) -> None:
    created = await box.session.folders.create(None, EmailFolderCreate(name=name))
    assert (created.name, created.full_name, created.parent_id, created.is_folder) == (name, name, None, True)
    await box.inject(source("inside"), "inbox")
    assert await box.session.folders.get(Ref(created.id)) == created
    assert created in await folders(box.session)
    assert await listed(box.session, parent=created.id) == []


async def test_nested(box: Subject) -> None:
    outer = await box.session.folders.create(None, EmailFolderCreate(name="Projekte"))
    inner = await box.session.folders.create(None, EmailFolderCreate(name="Größe", parent_id=outer.id))
    assert inner.parent_id == outer.id
    assert inner.full_name == "Projekte/Größe"
    by_parent = await box.session.folders.create(outer.id, EmailFolderCreate(name="second"))
    assert by_parent.parent_id == outer.id
    await box.inject(source("deep"), "Projekte/second")
    [message] = await listed(box.session, parent=by_parent.id)
    assert message.folder_id == by_parent.id


async def test_the_same_name_twice(box: Subject) -> None:
    created = await box.session.folders.create(None, EmailFolderCreate(name="Twice"))
    with pytest.raises(Exists):
        await box.session.folders.create(None, EmailFolderCreate(name="Twice"))
    inside = await box.session.folders.create(None, EmailFolderCreate(name="Twice", parent_id=created.id))
    assert inside.id != created.id


async def test_a_second_inbox_is_refused(box: Subject) -> None:
    with pytest.raises((Exists, Invalid)):
        await box.session.folders.create(None, EmailFolderCreate(name="inbox"))


async def test_a_name_with_the_separator_is_refused(box: Subject) -> None:
    before = await folders(box.session)
    with pytest.raises(Invalid) as refused:
        await box.session.folders.create(None, EmailFolderCreate(name="a/b"))
    assert refused.value.path == "name"
    assert await folders(box.session) == before


@pytest.mark.parametrize("garbage", ["", "x", "é", "A" * 3000, "SU5CT1h4"])
async def test_a_folder_that_is_none(box: Subject, garbage: str) -> None:
    with pytest.raises(NotFound):
        await box.session.folders.get(Ref(garbage))


@pytest.mark.parametrize("garbage", ["x", "SU5CT1h4"])
async def test_a_parent_that_is_none(box: Subject, garbage: str) -> None:
    with pytest.raises((NotFound, Invalid)):
        await box.session.folders.create(None, EmailFolderCreate(name="orphan", parent_id=garbage))
    assert "orphan" not in {folder.name for folder in await folders(box.session)}


async def test_well_known(box: Subject) -> None:
    found = await box.session.folders.well_known()
    assert found.sent == await folder_id(box.session, "sent")
    assert found.archive == await archive(box)


async def test_the_owners_marks_come_first(box: Subject) -> None:
    created = await box.session.folders.create(None, EmailFolderCreate(name="My Sent"))
    session = await box.reopened(sent=created.id)
    found = await session.folders.well_known()
    assert box.lacks("sent mark") or found.sent == created.id
    assert found.archive == await archive(box)


async def test_a_mark_on_a_folder_that_went_is_no_mark(box: Subject) -> None:
    session = await box.reopened(archive="gone")
    assert (await session.folders.well_known()).archive == await archive(box)
