"""The public JSON of areas whose routes come later: every shape is the contract's, read-only marks included."""

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

import schemas.calendar
import schemas.contacts
import schemas.meetings
import schemas.recurrence
import schemas.schedules
import schemas.sync
import schemas.tasks
import schemas.when
from gateway.http.openapi import _plain
from tests.contract.comparison import _schema
from tests.contract.test_contract import contract  # noqa: F401  (a fixture)

MODULES = (
    schemas.calendar, schemas.contacts, schemas.meetings, schemas.recurrence, schemas.schedules, schemas.sync,
    schemas.tasks, schemas.when,
)  # fmt: skip
AREAS = ("/v1/calendars", "/v1/contacts", "/v1/tasklists", "/v1/book/account/workHours")


def _models() -> list[type[BaseModel]]:
    found = {name: item for module in MODULES for name, item in vars(module).items() if not name.startswith("_")}
    return [item for item in found.values() if isinstance(item, type) and issubclass(item, BaseModel)]


@pytest.fixture(scope="module")
def ours() -> dict[str, Any]:
    _, top = models_json_schema(
        [(model, "validation") for model in _models()], ref_template="#/components/schemas/{model}"
    )
    found: dict[str, Any] = _plain(top["$defs"])
    return found


def _named(schema: Any) -> Iterator[str]:
    """Every component that a piece of the contract refers to."""
    if isinstance(schema, dict):
        if "/schemas/" in schema.get("$ref", ""):
            yield schema["$ref"].rpartition("/")[2]
        schema = list(schema.values())
    for item in schema if isinstance(schema, list) else ():
        yield from _named(item)


def _wanted(contract: dict[str, Any]) -> set[str]:  # noqa: F811
    names = {name for path, item in contract["paths"].items() if path.startswith(AREAS) for name in _named(item)}
    while more := {other for name in names for other in _named(contract["components"]["schemas"][name])} - names:
        names |= more
    return names


def test_every_shape_of_the_areas_is_there(contract: dict[str, Any], ours: dict[str, Any]) -> None:  # noqa: F811
    elsewhere = {"ApiRequestFailed", "EmailAttachmentContent", "BodyType", "NativeProperty", "CalendarMode"}
    assert _wanted(contract) - elsewhere - ours.keys() == set()


def test_every_shape_is_the_contracts(contract: dict[str, Any], ours: dict[str, Any]) -> None:  # noqa: F811
    components = contract["components"]["schemas"]
    served = {"components": {"schemas": ours}}
    found = [
        line
        for name, schema in ours.items()
        if name in components
        for line in _schema(name, components[name], schema, contract, served)
    ]
    assert found == []


@pytest.mark.parametrize("mark", ["readOnly", "writeOnly", "minimum", "maximum", "pattern", "default"])
def test_marks_and_limits_are_the_contracts(contract: dict[str, Any], ours: dict[str, Any], mark: str) -> None:  # noqa: F811
    shared = {"EmailAddress", "EmailAttachment"}  # in use for mail already
    names = (_wanted(contract) & ours.keys()) - shared
    lost = [
        f"{name}.{field}: {mark}"
        for name in sorted(names)
        for field, wanted in contract["components"]["schemas"][name].get("properties", {}).items()
        if mark in wanted and ours[name]["properties"][field].get(mark) != wanted[mark]
    ]
    assert lost == []
