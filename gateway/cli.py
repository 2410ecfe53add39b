"""The `postroom` command. Exit status: 0 done, 1 failed (with a message for people), 2 wrong usage."""

import argparse
import asyncio
import inspect
import json
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Any

from gateway import commands, demo, serving, working
from gateway.settings import SettingsError, markdown
from gateway.store.database import DatabaseUnavailable
from gateway.store.vault import WrongKey
from providers.base.errors import ProviderError
from schemas.accounts import ServiceType

_EXPECTED = (SettingsError, DatabaseUnavailable, WrongKey, ProviderError, commands.Failed, OSError)

_YEAR = 8760  # hours

Run = Callable[[argparse.Namespace], Any]
Show = Callable[[Any], str]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and leave with its status."""
    parsed = _parser().parse_args(arguments)
    try:
        result = parsed.run(parsed)
        if inspect.iscoroutine(result):
            result = asyncio.run(result)
    except _EXPECTED as error:
        sys.exit(f"postroom: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
    if result is not None:
        print(json.dumps(result) if getattr(parsed, "json", False) else parsed.show(result))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="postroom", description="One self-hosted HTTP API over every mailbox.")
    parser.add_argument("--version", action="version", version=version("postroom"))
    groups = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_serve(groups)
    _add_work(groups)
    _add(groups, "migrate", "bring the database's schema up to date", commands.migrate)
    _add_apps(groups)
    _add_keys(groups)
    routes = _add(groups, "routes", "list what is served, and who may call it", commands.routes, commands.counted)
    routes.add_argument("--json", action="store_true", help="print JSON")
    _add(groups, "openapi", "print the OpenAPI document of what is served", commands.openapi)
    _add(groups, "settings", "print every setting as a table", lambda _: markdown())
    _add(groups, "demo", "make a first application and an account, and say how to try them", demo.run)
    return parser


def _add(groups: Any, name: str, meaning: str, run: Run, show: Show = str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = groups.add_parser(name, help=meaning, description=f"Postroom: {meaning}.")
    parser.set_defaults(run=run, show=show)
    return parser


def _add_serve(groups: Any) -> None:
    parser = _add(groups, "serve", "answer requests", serving.serve)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    parser.add_argument("--port", type=int, default=8080, help="default %(default)s")
    parser.add_argument("--workers", type=_positive, default=1, help="processes (default %(default)s)")
    parser.add_argument("--no-work", dest="work", action="store_false", help="leave background work to other processes")


def _add_work(groups: Any) -> None:
    parser = _add(groups, "work", "do background work, and nothing else", working.work)
    names = "deliver,send,watch,..."
    parser.add_argument("--queues", type=_names, metavar=names, help="do these kinds of it only (default: all)")


def _add_apps(groups: Any) -> None:
    parser = groups.add_parser("apps", help="applications: the tenants of this gateway")
    apps = parser.add_subparsers(required=True, metavar="COMMAND")
    create = _add(apps, "create", "make an application; its client secret is shown once", commands.create, _lines)
    lists = _add(apps, "list", "list applications", commands.every, _table)
    domains = _add(apps, "domains", "origins whose pages may call from a browser", commands.domains, _listed)
    urls = _add(apps, "urls", "addresses at which sign-ins may end", commands.urls, _listed)
    signing = _add(apps, "signing-secret", "make a new secret to sign with", commands.signing_secret, _lines)
    client = _add(apps, "client-secret", "make a new client secret", commands.client_secret, _lines)
    provider = _add(apps, "provider", "register an OAuth client of the application", commands.register, _lines)
    for command in (create, domains, urls, signing, client, provider):
        command.add_argument("name", metavar="NAME", help="name or client id of the application")
    for command in (create, lists, domains, urls, signing, client, provider):
        command.add_argument("--json", action="store_true", help="print JSON")
    for command in (domains, urls):
        command.add_argument("action", nargs="?", choices=("list", "add", "remove"), default="list")
        command.add_argument("values", nargs="*", metavar="URL")
    for command in (signing, client):
        words = "until it is the only one (default %(default)g)"
        command.add_argument("--overlap", type=_hours, default=24.0, metavar="HOURS", help=words)
    _add_registration(provider)


def _add_registration(provider: argparse.ArgumentParser) -> None:
    provider.add_argument("service", type=_service, metavar="SERVICE", help="a serviceType, such as google")
    provider.add_argument("--client-id", required=True)
    provider.add_argument("--client-secret", required=True, help="- reads it from standard input")
    provider.add_argument("--daemon", action="store_true", help="the client acts without a person (service accounts)")
    provider.add_argument("--topic-name", help="Pub/Sub topic of mailbox watches")
    provider.add_argument("--callback-url", help="page of the application that relays sign-ins to the gateway")
    words = "of the provider's own, such as gmailUnitsPerUser=15000 (docs/google.md); may be repeated"
    provider.add_argument("--option", type=_option, action="append", metavar="NAME=VALUE", help=words)


def _add_keys(groups: Any) -> None:
    parser = groups.add_parser("keys", help="the keys that seal stored credentials")
    keys = parser.add_subparsers(required=True, metavar="COMMAND")
    _add(keys, "new", "print a new key for POSTROOM_SECRET_KEYS", commands.new_key)
    rotate = _add(keys, "rotate", "add a new key, and put all that is stored under the newest", commands.rotate, _lines)
    rotate.add_argument("--retire", action="store_true", help="add none; forget the earlier keys afterwards")
    rotate.add_argument("--json", action="store_true", help="print JSON")


def _positive(value: str) -> int:
    if not value.isdigit() or not int(value):
        raise argparse.ArgumentTypeError(f"{value!r} is not a number from 1 up")
    return int(value)


def _hours(value: str) -> float:
    try:
        hours = float(value)
    except ValueError:
        hours = -1.0
    if not 0 <= hours <= _YEAR:
        raise argparse.ArgumentTypeError(f"{value!r} is not a number of hours from 0 to {_YEAR}")
    return hours


def _option(value: str) -> tuple[str, str]:
    name, equals, given = value.partition("=")
    if not equals or not name.isalnum():
        raise argparse.ArgumentTypeError(f"{value!r} is not NAME=VALUE")
    return name, given


def _names(value: str) -> frozenset[str]:
    return frozenset(filter(None, map(str.strip, value.split(","))))


def _service(value: str) -> ServiceType:
    known = {service.casefold(): service for service in ServiceType}
    if value.casefold() not in known:
        raise argparse.ArgumentTypeError(f"{value!r} is not one of {', '.join(ServiceType)}")
    return known[value.casefold()]


def _lines(result: dict[str, Any]) -> str:
    width = max(map(len, result)) + 2
    return "\n".join(f"{name + ':':<{width}}{value}" for name, value in result.items())


def _listed(result: list[str]) -> str:
    return "\n".join(result) or "none"


def _table(result: list[dict[str, Any]]) -> str:
    return "\n".join(f"{row['id']:>4}  {row['clientId']}  {row['name']}" for row in result) or "none"


if __name__ == "__main__":
    main()
