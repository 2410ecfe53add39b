"""The OpenAPI that is served covers the contract (docs/contract), operation by operation."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.http.openapi import document
from gateway.http.route import Access, Audience
from gateway.routes import ROUTES
from tests.contract.comparison import differences, operations

DOCS = Path(__file__).parents[2] / "docs" / "contract"
GOLDEN = Path(__file__).with_name("routes.txt")


@pytest.fixture(scope="module")
def contract() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.load((DOCS / "aurinko.openapi.yaml").read_text(), yaml.CSafeLoader)
    return loaded


def test_every_difference_is_agreed_and_every_agreement_is_needed(contract: dict[str, Any]) -> None:
    agreed = yaml.safe_load((DOCS / "differences.yaml").read_text())["schemas"]
    found = list(differences(contract, document(ROUTES, "0")))
    assert [line for line in found if line.partition(": ")[0] not in agreed] == []
    assert [name for name in agreed if not any(line.startswith(f"{name}: ") for line in found)] == []


def test_what_is_sent_to_receivers_is_described_as_in_the_contract(contract: dict[str, Any]) -> None:
    served = document(ROUTES, "0")["webhooks"]
    for name, call in contract["webhooks"].items():
        for key in ("operationId", "parameters", "requestBody", "responses"):
            assert served[name]["post"][key] == call["post"][key], (name, key)


def test_the_golden_list_of_routes() -> None:
    """A route that appears, vanishes or changes its scope shows in review."""
    lines = [
        f"{route.method:6} {route.path} {route.access.audience.value} {','.join(route.access.scopes)}".rstrip()
        for route in ROUTES
    ]
    assert sorted(lines) == GOLDEN.read_text().splitlines()


def test_every_route_declares_who_may_call_it() -> None:
    assert all(isinstance(route.access, Access) for route in ROUTES)
    public = {route.path for route in ROUTES if route.access.audience is Audience.ANYONE}
    links = {"/v1/auth/authorize", "/v1/auth/authorizeDaemon", "/v1/auth/authorizeUser", "/v1/auth/callback"}
    assert public == {"/v1/book/{aurinkoClientId}/{name}/meeting", *links}


def test_operations_of_this_part_are_all_served(contract: dict[str, Any]) -> None:
    areas = (
        "/v1/am/accounts",
        "/v1/am/application",
        "/v1/am/oauth_regs",
        "/v1/am/svc_accounts",
        "/v1/auth",
        "/v1/user",
        "/v1/account",
        "/v1/email/messages",
        "/v1/email/conversations/{threadId}",
        "/v1/email/drafts",
        "/v1/email/folders",
        "/v1/email/sync",
        "/v1/calendars",
        "/v1/contacts",
        "/v1/tasklists",
        "/v1/subscriptions",
        "/v1/direct/",
        "/push/",
        "/v1/book/",
        "/v1/calendars/freeBusy",
        "/v1/calendars/workHours",
        "/v1/calendars/suggestMeetingTimes",
    )
    elsewhere = (  # follow-ups, and availability
        "/v1/email/conversations/{threadId}/followup",
        "/v1/calendars/freeBusy",
        "/v1/calendars/workHours",
        "/v1/calendars/suggestMeetingTimes",
    )
    wanted = {key for key in operations(contract) if key[1].startswith(areas) and key[1] not in elsewhere}
    assert wanted <= operations(document(ROUTES, "0")).keys()


def test_the_live_feed_is_described_in_both_forms() -> None:
    described = document(ROUTES, "0")["paths"]["/v1/events"]["get"]
    assert described["responses"]["200"]["content"].keys() == {"application/json", "text/event-stream"}
    assert {"appAuth": []} in described["security"]
    names = {parameter["name"] for parameter in described["parameters"]}
    assert names == {"since", "Last-Event-ID", "resources", "limit", "wait"}
