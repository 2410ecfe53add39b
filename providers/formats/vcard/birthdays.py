"""BDAY in its forms: with and without a year, Apple's stand-in year, dates with a time (which is left out)."""

import re

from providers.formats.contentlines import Line

_FORM = re.compile(r"\s*(\d{4}|-)-?(\d\d)-?(\d\d)(?:[T ].*)?\s*", re.ASCII)
_NO_YEAR = "1604"  # a leap year before anybody living


def read(line: Line | None) -> str | None:
    """`YYYY-MM-DD` or `--MM-DD`; None for what is no date (a text such as "circa 1800")."""
    match = _FORM.fullmatch(line.value) if line is not None else None
    if line is None or match is None or not (1 <= int(match[2]) <= 12 and 1 <= int(match[3]) <= 31):
        return None
    unknown = match[1] in ("-", "0000") or match[1] == line.parameter("X-APPLE-OMIT-YEAR")
    return f"{'-' if unknown else match[1]}-{match[2]}-{match[3]}"


def write(birthday: str, version: str) -> Line:
    """The property for a checked `YYYY-MM-DD` or `--MM-DD`."""
    if version == "4.0":
        month_day = birthday[-5:].replace("-", "")
        return Line("BDAY", f"--{month_day}" if birthday.startswith("--") else birthday.replace("-", ""))
    if birthday.startswith("--"):
        return Line("BDAY", f"{_NO_YEAR}-{birthday[2:]}", {"X-APPLE-OMIT-YEAR": (_NO_YEAR,)})
    return Line("BDAY", birthday, {"VALUE": ("date",)})
