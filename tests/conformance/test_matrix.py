"""What each provider can do: read off its code, kept in `matrix.json`, and true."""

import inspect
import json
from pathlib import Path
from typing import Any

import pytest

from providers.base.collection import PageRequest, Ref, verbs
from providers.base.errors import Invalid, NotFound, ProviderError, Unsupported
from providers.base.ports import Drafts, Folders, MessageQuery, Messages
from schemas.mail import UpdateMessageStatusData
from schemas.outgoing import EmailFolderCreate
from tests.conformance.backends import Subject
from tests.conformance.outgoing import outgoing

pytestmark = pytest.mark.anyio

GOLDEN = Path(__file__).with_name("matrix.json")
PORTS: dict[str, type] = {"messages": Messages, "drafts": Drafts, "folders": Folders}
NOTHING = Ref("nothing")

ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "messages.find": (None, MessageQuery(), PageRequest()),
    "messages.get": (NOTHING,),
    "messages.get_many": (None, ["nothing"]),
    "messages.create": (None, outgoing("a@example.org").email),
    "messages.update": (NOTHING, UpdateMessageStatusData()),
    "messages.delete": (NOTHING,),
    "messages.changes": (None, None, MessageQuery()),
    "messages.source": (NOTHING,),
    "messages.attachment": (NOTHING, "1"),
    "messages.conversation": ("nothing", MessageQuery(), PageRequest()),
    "messages.send": (outgoing(),),
    "messages.sent": ("<nothing@suite.example>",),
    "drafts.find": (None, None, PageRequest()),
    "drafts.get": (NOTHING,),
    "drafts.get_many": (None, ["nothing"]),
    "drafts.create": (None, outgoing()),
    "drafts.update": (NOTHING, outgoing()),
    "drafts.delete": (NOTHING,),
    "drafts.changes": (None, None, None),
    "drafts.send": (NOTHING, "<nothing@suite.example>"),
    "drafts.locate": ("<nothing@suite.example>",),
    "folders.find": (None, None, PageRequest()),
    "folders.get": (NOTHING,),
    "folders.get_many": (None, ["nothing"]),
    "folders.create": (None, EmailFolderCreate(name="made")),
    "folders.update": (NOTHING, None),
    "folders.delete": (NOTHING,),
    "folders.changes": (None, None, None),
    "folders.well_known": (),
}


def abilities(box: Subject) -> set[str]:
    ports = {name: getattr(box.session, name) for name in PORTS}
    return {f"{name}.{verb}" for name, port in ports.items() if port is not None for verb in verbs(port)}


async def test_no_ability_was_lost(box: Subject) -> None:
    golden = json.loads(GOLDEN.read_text())[box.backend.provider.name]
    found = abilities(box)
    assert sorted(found) == golden, "when a provider gains a verb, add it to matrix.json; it may not lose one"


async def test_claimed_verbs_work_and_others_are_unsupported(box: Subject) -> None:
    claimed = abilities(box)
    for ability, arguments in ARGUMENTS.items():
        port, _, verb = ability.partition(".")
        call = getattr(getattr(box.session, port), verb)(*arguments)
        if ability in claimed:
            try:
                await call
            except ProviderError as error:
                assert isinstance(error, NotFound) or (ability == "messages.send" and isinstance(error, Invalid))
        else:
            with pytest.raises(Unsupported):
                await call


def test_every_verb_of_every_port_is_tried() -> None:
    known = {
        f"{name}.{verb}"
        for name, port in PORTS.items()
        for verb, body in inspect.getmembers(port, inspect.iscoroutinefunction)
        if not verb.startswith("_")
    }
    assert known == set(ARGUMENTS)
