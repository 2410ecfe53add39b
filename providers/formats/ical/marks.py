"""TRANSP, STATUS and CLASS <-> showAs, cancelled, sensitivity.

iCalendar knows busy and free; Microsoft's property, which most programs keep, has the rest. `personal` is written as
PRIVATE and read back as private.
"""

from providers.formats import values
from providers.formats.contentlines import Component, Line
from schemas.calendar import ShowAs
from schemas.mail import Sensitivity

_BUSY_STATUS = "X-MICROSOFT-CDO-BUSYSTATUS"
_STATUSES = {
    "FREE": ShowAs.FREE,
    "TENTATIVE": ShowAs.TENTATIVE,
    "BUSY": ShowAs.BUSY,
    "OOF": ShowAs.OUT_OF_OFFICE,
    "WORKINGELSEWHERE": ShowAs.FREE,
}
_WRITTEN = {ShowAs.FREE: "FREE", ShowAs.TENTATIVE: "TENTATIVE", ShowAs.OUT_OF_OFFICE: "OOF"}
_CLASSES = {"PRIVATE": Sensitivity.PRIVATE, "CONFIDENTIAL": Sensitivity.CONFIDENTIAL}
_CLASS_OF = {
    Sensitivity.NORMAL: "PUBLIC",
    Sensitivity.PRIVATE: "PRIVATE",
    Sensitivity.PERSONAL: "PRIVATE",
    Sensitivity.CONFIDENTIAL: "CONFIDENTIAL",
}


def _word(component: Component, name: str) -> str:
    return values.text(component.value(name) or "").strip().upper()


def show_as(component: Component) -> ShowAs:
    """A property of TRANSPARENT wins over what Microsoft's says; tentative events are tentative."""
    if _word(component, "TRANSP") == "TRANSPARENT":
        return ShowAs.FREE
    said = _STATUSES.get(_word(component, _BUSY_STATUS))
    if said is not None and (said is not ShowAs.FREE or component.get("TRANSP") is None):
        return said
    return ShowAs.TENTATIVE if _word(component, "STATUS") == "TENTATIVE" else ShowAs.BUSY


def put_show_as(component: Component, wanted: ShowAs | None) -> None:
    """None and unknown mean what iCalendar takes for granted: busy."""
    free = wanted is ShowAs.FREE
    component.put("TRANSP", [Line("TRANSP", "TRANSPARENT" if free else "OPAQUE")])
    component.put(_BUSY_STATUS, [Line(_BUSY_STATUS, _WRITTEN.get(wanted or ShowAs.BUSY, "BUSY"))])
    if _word(component, "STATUS") == "TENTATIVE" and wanted is not ShowAs.TENTATIVE:
        component.put("STATUS", [Line("STATUS", "CONFIRMED")])


def is_cancelled(component: Component) -> bool:
    """STATUS:CANCELLED."""
    return _word(component, "STATUS") == "CANCELLED"


def sensitivity(component: Component) -> Sensitivity:
    """Unknown classes are private (RFC 5545 3.8.1.3)."""
    said = _word(component, "CLASS")
    return _CLASSES.get(said, Sensitivity.NORMAL if said in ("", "PUBLIC") else Sensitivity.PRIVATE)


def put_sensitivity(component: Component, wanted: Sensitivity | None) -> None:
    """What already reads as wanted stays."""
    if wanted is None:
        component.put("CLASS")
    elif sensitivity(component) is not wanted:
        component.put("CLASS", [Line("CLASS", _CLASS_OF[wanted])])


def categories(component: Component) -> list[str]:
    """Every category, each once."""
    found = (text.strip() for line in component.all("CATEGORIES") for text in values.texts(line.value))
    return list(dict.fromkeys(text for text in found if text))


def put_categories(component: Component, wanted: list[str] | None) -> None:
    """Replace them by one list."""
    component.put("CATEGORIES", [Line("CATEGORIES", ",".join(map(values.escaped, wanted)))] if wanted else [])
