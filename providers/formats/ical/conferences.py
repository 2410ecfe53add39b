"""Where an online meeting is: CONFERENCE (RFC 7986 5.11) and what vendors wrote before it."""

from urllib.parse import urlsplit

from providers.formats import values
from providers.formats.contentlines import Component, Line
from schemas.meetings import OnlineMeetingDetails

_OWN_NAMES = ("X-GOOGLE-CONFERENCE", "X-MICROSOFT-SKYPETEAMSMEETINGURL", "X-MICROSOFT-ONLINEMEETINGCONFLINK")
_PROVIDERS = {
    "meet.google.com": "hangoutsMeet",
    "teams.microsoft.com": "teamsForBusiness",
    "teams.live.com": "teamsForBusiness",
    "meet.lync.com": "skypeForBusiness",
    "join.skype.com": "skypeForConsumer",
}


def conference(component: Component) -> OnlineMeetingDetails | None:
    """How to join; None for a meeting that is not online."""
    uris = [
        *map(_uri, component.all("CONFERENCE")),
        *(uri for name in _OWN_NAMES for uri in map(_uri, component.all(name))),
    ]
    url = _first(uris, "https:", "http:")
    phone, sip = _first(uris, "tel:"), _first(uris, "sip:", "sips:")
    if not (url or phone or sip):
        return None
    return OnlineMeetingDetails(url=url, phone=phone.partition(":")[2] if phone else None, sip=sip)


def _uri(line: Line) -> str:
    return (values.text(line.value) if line.name.startswith("X-") else line.value).strip()


def _first(uris: list[str], *schemes: str) -> str | None:
    return next((uri for uri in uris if uri.lower().startswith(schemes)), None)


def provider(details: OnlineMeetingDetails | None) -> str | None:
    """The contract's name of whose conference that is, where it is a known one."""
    try:
        host = urlsplit(details.url or "").hostname if details else None
    except ValueError:
        return None
    return _PROVIDERS.get(host or "") or next(
        (name for end, name in _PROVIDERS.items() if (host or "").endswith("." + end)), None
    )
