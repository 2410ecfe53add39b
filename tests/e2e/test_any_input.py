"""schemathesis sends what the served OpenAPI allows, and what it forbids: nothing may end in a 5xx."""

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error

from gateway.http.openapi import document
from gateway.routes import ROUTES
from tests.servers.gateway import Gateway

DOCUMENT = document(ROUTES, "0")
# Connecting a mailbox reaches out to hosts of anybody's choosing: here the service is the sandbox.
DOCUMENT["components"]["schemas"]["ServiceType"]["enum"] = ["Sandbox"]
# A call that waits for events waits longer than schemathesis.
FEED = DOCUMENT["paths"]["/v1/events"]["get"]
FEED["parameters"] = [parameter for parameter in FEED["parameters"] if parameter["name"] != "wait"]
# Bodies for calendars and lists that there are get further than the question whether there are.
THERE = {"calendarId": "primary", "taskListId": "default"}
for operation in [operation for path in DOCUMENT["paths"].values() for operation in path.values()]:
    for parameter in operation.get("parameters", []):
        if parameter["name"] in THERE:
            parameter["schema"] = {"type": "string", "enum": [THERE[parameter["name"]], "nothing"]}
schema = schemathesis.openapi.from_dict(DOCUMENT)


@pytest.fixture(scope="module")
def headers(gateway: Gateway) -> dict[str, str]:
    body = {"serviceType": "Sandbox", "active": True, "email": "fuzz@sandbox.test", "password": "x"}
    account = gateway.call("POST", "/v1/am/accounts", body)["accountId"]
    return {"authorization": gateway.basic, "x-aurinko-account-id": str(account)}


@schema.exclude(path_regex="^/v1/account").parametrize()
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_input_makes_the_gateway_fail(case: schemathesis.Case, gateway: Gateway, headers: dict[str, str]) -> None:
    response = case.call(base_url=f"http://127.0.0.1:{gateway.port}", headers=headers)
    case.validate_response(response, checks=[not_a_server_error], headers=headers)
