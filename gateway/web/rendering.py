"""Templates -> responses, with the headers that keep pages from being misused."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.responses import HTMLResponse, Response

_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'"
)


def _clock(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).strftime("%H:%M")


def _day(at: datetime, zone: ZoneInfo) -> str:
    local = at.astimezone(zone)
    return f"{local:%A}, {local.day} {local:%B %Y}"


_TEMPLATES = Environment(
    loader=PackageLoader("gateway.web"),
    autoescape=select_autoescape(),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters |= {"clock": _clock, "day": _day}


def page(
    template: str, status: int = 200, *, frames: Sequence[str] = (), forms: Sequence[str] = (), **values: object
) -> Response:
    """A page that no other site may frame but those of `frames` (origins), and that is kept nowhere. Its forms may lead
    to the origins of `forms`, too: browsers hold redirects to the policy as well."""
    text = _TEMPLATES.get_template(template).render(values)
    framing = " ".join(frames) or "'none'"
    headers = {
        "content-security-policy": f"{' '.join([_POLICY, *forms])}; frame-ancestors {framing}",
        "referrer-policy": "no-referrer",
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "x-robots-tag": "noindex",
    }
    return HTMLResponse(text, status, headers)
