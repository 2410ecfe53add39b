"""Templates of subjects, texts and places: `{{name}}`, or `{{name|default}}`."""

import html
import re
from collections.abc import Iterable, Mapping

from providers.base.errors import Invalid
from schemas.booking import AdditionalField, BookingProfile, CreateMeetingDto

_VARIABLE = re.compile(r"{{\s*([^{}|\s](?:[^{}|]{0,98}[^{}|\s])?)\s*(?:\|([^{}]{0,500}))?}}")
_MARKUP = re.compile(r"<(?:p|br|div|a|b|i|u|ul|ol|li|em|strong|span|table|h[1-6]|html|body)\b[^<>]*>", re.IGNORECASE)
#: variables that a visitor need not be asked for
_KNOWN = frozenset({"name", "email", "comments", "openMeetingUrl", "rescheduleToken", "manageUrl"})


def fields(says: BookingProfile) -> list[AdditionalField]:
    """The variables of a profile's templates that whoever books fills in, in order; those without a default must be."""
    found: dict[str, AdditionalField] = {}
    for name, default in _variables(_templates(says)):
        if name not in _KNOWN and name not in found:
            found[name] = AdditionalField(name=name, default=default)
    return list(found.values())


def wants_comments(says: BookingProfile) -> bool:
    """Whether the templates have a place for comments."""
    return any(name == "comments" for name, _ in _variables(_templates(says)))


def substitutes(says: BookingProfile, body: CreateMeetingDto, links: Mapping[str, str]) -> Mapping[str, str]:
    """The values of all variables. `links` are ours to give and cannot be given by whoever books.

    Raises `Invalid` with the path of a mandatory field that is missing."""
    given, booker = dict(body.substitution_data or {}), body.booker
    for field in fields(says):
        if field.default is None and not given.get(field.name, "").strip():
            path = f"substitutionData.{field.name}"
            raise Invalid(f"{path}: is required", path=path)
    own = {"name": booker.name or given.get("name", ""), "email": booker.email or "", **links}
    return {"comments": "", **given, **own, "openMeetingUrl": says.open_meeting_url or ""}


def is_markup(template: str) -> bool:
    """Whether a template is HTML; then what is put into it is escaped."""
    return bool(_MARKUP.search(template))


def filled(template: str | None, values: Mapping[str, str], *, markup: bool = False, one_line: bool = False) -> str:
    """The template with its variables replaced, once: braces within values stay as they are."""

    def value(match: re.Match[str]) -> str:
        text = values.get(match[1]) or (match[2] or "").strip()
        text = " ".join(text.split()) if one_line else text
        return html.escape(text) if markup else text

    return _VARIABLE.sub(value, template or "").strip()


def _templates(says: BookingProfile) -> Iterable[str]:
    return (text for text in (says.subject, says.description, says.location) if text)


def _variables(templates: Iterable[str]) -> Iterable[tuple[str, str | None]]:
    for template in templates:
        for match in _VARIABLE.finditer(template):
            yield match[1], None if match[2] is None else match[2].strip()
