"""The contract's kinds of numbers, addresses and pages <-> vCard types and labels."""

from collections.abc import Mapping

from schemas.contacts import PhoneType, PostalType, RelationType, UrlType

_FAX = frozenset(("fax", "workfax", "homefax", "otherfax", "work fax", "home fax", "other fax"))
_MOBILE = frozenset(("cell", "mobile"))
#: Types that only a label can say, by label in lower case.
_LABELLED = {
    "assistant": PhoneType.ASSISTANT,
    "callback": PhoneType.CALLBACK,
    "company main": PhoneType.COMPANY_MAIN,
    "companymain": PhoneType.COMPANY_MAIN,
    "radio": PhoneType.RADIO,
    "telex": PhoneType.TELEX,
    "main": PhoneType.MAIN,
    "textphone": PhoneType.TTY,
    "tty": PhoneType.TTY,
    "tty-tdd": PhoneType.TTY,
}
_PHONES: Mapping[PhoneType, tuple[tuple[str, ...], str | None]] = {
    PhoneType.WORK: (("WORK", "VOICE"), None),
    PhoneType.HOME: (("HOME", "VOICE"), None),
    PhoneType.OTHER: (("VOICE",), None),
    PhoneType.MOBILE: (("CELL", "VOICE"), None),
    PhoneType.WORK_MOBILE: (("WORK", "CELL"), None),
    PhoneType.MAIN: (("VOICE",), "Main"),
    PhoneType.COMPANY_MAIN: (("WORK", "VOICE"), "Company Main"),
    PhoneType.ASSISTANT: (("VOICE",), "Assistant"),
    PhoneType.WORK_FAX: (("WORK", "FAX"), None),
    PhoneType.HOME_FAX: (("HOME", "FAX"), None),
    PhoneType.OTHER_FAX: (("FAX",), None),
    PhoneType.CALLBACK: (("VOICE",), "Callback"),
    PhoneType.PAGER: (("PAGER",), None),
    PhoneType.WORK_PAGER: (("WORK", "PAGER"), None),
    PhoneType.RADIO: (("VOICE",), "Radio"),
    PhoneType.TELEX: (("VOICE",), "Telex"),
    PhoneType.TTY: (("VOICE",), "TTY"),
}
_URLS = {
    "work": UrlType.WORK,
    "home": UrlType.HOME,
    "homepage": UrlType.HOME_PAGE,
    "home page": UrlType.HOME_PAGE,
    "blog": UrlType.BLOG,
    "profile": UrlType.PROFILE,
    "ftp": UrlType.FTP,
    "reservations": UrlType.RESERVATIONS,
}
_RELATIONS = {
    "manager": RelationType.MANAGER,
    "x-manager": RelationType.MANAGER,
    "assistant": RelationType.ASSISTANT,
    "x-assistant": RelationType.ASSISTANT,
    "spouse": RelationType.SPOUSE,
    "partner": RelationType.SPOUSE,
}


def phone(kinds: frozenset[str]) -> PhoneType:
    """The one kind that says most."""
    work, home = "work" in kinds or "workfax" in kinds or "work fax" in kinds, "home" in kinds or "homefax" in kinds
    if kinds & _FAX:
        return PhoneType.WORK_FAX if work else PhoneType.HOME_FAX if home else PhoneType.OTHER_FAX
    if kinds & _MOBILE:
        return PhoneType.WORK_MOBILE if work else PhoneType.MOBILE
    if "pager" in kinds:
        return PhoneType.WORK_PAGER if work else PhoneType.PAGER
    labelled = next((kind for name, kind in _LABELLED.items() if name in kinds), None)
    return labelled or (PhoneType.WORK if work else PhoneType.HOME if home else PhoneType.OTHER)


def phone_types(kind: PhoneType) -> tuple[tuple[str, ...], str | None]:
    """TYPE values, and the label that is needed beside them."""
    return _PHONES[kind]


def postal(kinds: frozenset[str]) -> PostalType:
    """Work, home or other."""
    return PostalType.WORK if "work" in kinds else PostalType.HOME if "home" in kinds else PostalType.OTHER


def url(kinds: frozenset[str]) -> UrlType:
    """The first kind that the contract knows; other without."""
    return next((found for name, found in _URLS.items() if name in kinds), UrlType.OTHER)


def url_label(kind: UrlType | None) -> tuple[tuple[str, ...], str | None]:
    """TYPE values for work and home, a label for the rest."""
    if kind in (UrlType.WORK, UrlType.HOME):
        return (kind.value.upper(),), None
    return (), None if kind in (None, UrlType.OTHER) else kind.value


def relation(kinds: frozenset[str]) -> RelationType | None:
    """None for relatives that the contract does not name."""
    return next((found for name, found in _RELATIONS.items() if name in kinds), None)
