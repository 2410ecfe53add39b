"""Gmail and the sign-in on a server that others wrote (npm `emulate`)."""

import urllib.error
import urllib.parse
import urllib.request
from collections.abc import AsyncIterator, Iterator

import pytest

from providers.base.collection import PageRequest, Ref
from providers.base.errors import NotFound, Unauthorized
from providers.base.oauth2 import Consent, OAuthClient, verifier
from providers.base.ports import MessageQuery, MessageView
from providers.base.provider import Linked, Mailbox, Session
from providers.google.provider import GoogleProvider
from schemas.accounts import Scope
from schemas.mail import BodyType, SysLabel, UpdateMessageStatusData
from schemas.outgoing import EmailFolderCreate
from tests.conformance.messages import folder_id, listed, read
from tests.conformance.outgoing import outgoing
from tests.conformance.test_changes import Follower
from tests.servers.google.emulated import CALLBACK, CLIENT, USER, Emulate

pytestmark = pytest.mark.anyio
GATEWAY = OAuthClient(*CLIENT)


@pytest.fixture(scope="module")
def emulate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulate]:
    with Emulate(tmp_path_factory.mktemp("emulate")) as server:
        yield server


@pytest.fixture
async def provider(
    emulate: Emulate, tmp_path_factory: pytest.TempPathFactory, anyio_backend: str
) -> AsyncIterator[GoogleProvider]:
    found = GoogleProvider(emulate.settings(tmp_path_factory.mktemp("var")))
    yield found
    await found.close()


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


def consented(emulate: Emulate, url: str) -> str:
    """What the user's browser does: look at the page, choose the account; the code that comes back."""
    asked = {name: value for name, [value] in urllib.parse.parse_qs(urllib.parse.urlsplit(url).query).items()}
    assert urllib.request.urlopen(url, timeout=10).status == 200
    names = ("redirect_uri", "scope", "state", "client_id", "code_challenge", "code_challenge_method")
    form = {"email": USER, **{name: asked[name] for name in names}}
    try:
        urllib.request.build_opener(_Stay).open(
            f"{emulate.url}o/oauth2/v2/auth/callback", urllib.parse.urlencode(form).encode(), timeout=10
        )
    except urllib.error.HTTPError as redirect:
        back = urllib.parse.parse_qs(urllib.parse.urlsplit(redirect.headers["Location"]).query)
        assert back["state"] == [asked["state"]]
        return back["code"][0]
    raise AssertionError("no redirect")


async def signed_in(emulate: Emulate, provider: GoogleProvider) -> Linked:
    scopes = frozenset({Scope.MAIL_ALL, Scope.CALENDAR_READ_WRITE})
    consent = Consent(CALLBACK, "state", verifier(), scopes, USER)
    code = consented(emulate, provider.auth.begin(GATEWAY, consent))
    return await provider.auth.finish(GATEWAY, consent, code)


@pytest.fixture
async def session(emulate: Emulate, provider: GoogleProvider) -> Session:
    linked = await signed_in(emulate, provider)
    return await provider.open(Mailbox(1, 1, USER, linked.grant, name="Alice"))


async def test_signing_in_refreshing_and_revoking(emulate: Emulate, provider: GoogleProvider) -> None:
    linked = await signed_in(emulate, provider)
    assert linked.email == USER and linked.auth_user_id and linked.grant["refresh_token"]
    assert linked.scopes and Scope.MAIL_ALL in linked.scopes
    fresh = await provider.auth.refresh(GATEWAY, linked.grant)
    assert fresh["access_token"] != linked.grant["access_token"]
    assert fresh["refresh_token"] == linked.grant["refresh_token"]
    assert (await provider.auth.identify(GATEWAY, {"refresh_token": fresh["refresh_token"]})).email == USER
    consent = Consent(CALLBACK, "state", verifier(), frozenset({Scope.MAIL_ALL}))
    code = consented(emulate, provider.auth.begin(GATEWAY, consent))
    thief = Consent(CALLBACK, "state", verifier(), frozenset({Scope.MAIL_ALL}))
    with pytest.raises(Unauthorized):
        await provider.auth.finish(GATEWAY, thief, code)
    await provider.auth.revoke(GATEWAY, fresh)
    with pytest.raises(Unauthorized) as refused:
        await provider.auth.refresh(GATEWAY, fresh)
    assert refused.value.final


async def test_the_life_of_a_message(session: Session) -> None:
    written = outgoing(USER, subject="Grüße", body="<p>Hello <b>you</b></p>", body_type=BodyType.HTML)
    sent = await session.messages.send(written)
    whole = await session.messages.get(Ref(sent.id))
    assert (whole.subject, whole.internet_message_id) == ("Grüße", written.message_id)
    assert "<b>you</b>" in whole.body and SysLabel.SENT in whole.sys_labels and whole.thread_id == sent.thread_id
    source = await read(await session.messages.source(Ref(sent.id)))
    assert written.message_id.encode() in source
    page = await session.messages.conversation(sent.thread_id, MessageQuery(), PageRequest())
    assert sent.id in [record.id for record in page.records]
    changed = await session.messages.update(Ref(sent.id), UpdateMessageStatusData(keywords=["Billing"]))
    assert changed.keywords == ["Billing"]
    await session.messages.delete(Ref(sent.id))
    assert SysLabel.TRASH in (await session.messages.get(Ref(sent.id))).sys_labels
    await session.messages.delete(Ref(sent.id))
    with pytest.raises(NotFound):
        await session.messages.get(Ref(sent.id))


async def test_folders_and_lists(session: Session) -> None:
    made = await session.folders.create(None, EmailFolderCreate(name="Projects"))
    inner = await session.folders.create(made.id, EmailFolderCreate(name="Alpha"))
    assert (inner.full_name, inner.parent_id) == ("Projects/Alpha", made.id)
    sent = await session.messages.send(outgoing(USER, subject="filed", keywords=["Projects/Alpha"]))
    [record] = await listed(session, parent=inner.id)
    assert (record.id, record.subject) == (sent.id, "filed")
    assert sent.id in [one.id for one in await listed(session, parent=await folder_id(session, "sent"), limit=1)]


async def test_drafts(session: Session) -> None:
    made = await session.drafts.create(None, outgoing("a@example.org", subject="one"))
    changed = await session.drafts.update(Ref(made.id), outgoing(USER, subject="two"))
    assert changed.id == made.id and changed.message.subject == "two"
    assert (await session.drafts.get(Ref(changed.message.id))).id == made.id
    sent = await session.drafts.send(Ref(made.id), "<x@postroom.example>")
    assert sent.id and (await session.messages.get(Ref(sent.id), MessageView(BodyType.TEXT))).subject == "two"
    with pytest.raises(NotFound):
        await session.drafts.get(Ref(made.id))


async def test_changes(session: Session) -> None:
    first = await session.messages.send(outgoing(USER, subject="first"))
    raw = await session.messages._account.raw(first.id, "minimal")
    follower = Follower(session, cursor=f"h{raw['historyId']}")  # it has no getProfile, where listings begin
    sent = await session.messages.send(outgoing(USER, subject="new"))
    changed, _ = await follower.follow()
    assert sent.id in changed
    await session.messages.update(Ref(sent.id), UpdateMessageStatusData(keywords=["k"]))
    assert sent.id in (await follower.follow())[0]
    await session.messages.delete(Ref(sent.id))
    await session.messages.delete(Ref(sent.id))
    assert sent.id in (await follower.follow())[1]
