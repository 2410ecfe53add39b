"""The model every wire shape derives from, and the small types that input is checked with."""

import base64
import binascii
import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, PlainSerializer
from pydantic.alias_generators import to_camel


class Model(BaseModel):
    """A frozen shape with camelCase names on the wire; unknown fields are ignored (behaviour.md, section 0)."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True, extra="ignore")

    def to_json(self) -> bytes:
        """Serialise straight to UTF-8 bytes; what is None is absent on the wire."""
        return self.__pydantic_serializer__.to_json(self, by_alias=True, exclude_none=True)


def _rfc3339(value: datetime) -> str:
    text = value.astimezone(UTC).isoformat(timespec="milliseconds" if value.microsecond else "seconds")
    return text.replace("+00:00", "Z")


#: An instant; written in UTC as RFC 3339 with `Z`. Input without an offset is refused.
Instant = Annotated[AwareDatetime, PlainSerializer(_rfc3339, return_type=str, when_used="json")]

# What ends a header line for some reader (RFC 5322 2.2, and the Unicode separators that the email package splits at).
_HEADER_BREAK = re.compile("[\x00\r\n\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_FIELD_NAME = re.compile(r"[!-9;-~]{1,76}\Z")  # RFC 5322 3.6.8
_NUL = "\x00"
_BASE64_ALPHABET = re.compile(r"[A-Za-z0-9+/]*={0,2}\Z")


def _one_line(value: str) -> str:
    if match := _HEADER_BREAK.search(value):
        raise ValueError(f"must be a single line: control character U+{ord(match[0]):04X} at position {match.start()}")
    return value


def _no_nul(value: str) -> str:
    if (position := value.find(_NUL)) >= 0:
        raise ValueError(f"must not contain NUL (found at position {position})")
    return value


def _field_name(value: str) -> str:
    if not _FIELD_NAME.match(value):
        raise ValueError("must be a header field name: printable ASCII without a colon (RFC 5322 3.6.8)")
    return value


def _check_base64(value: str) -> str:
    """Base64 in either alphabet, with or without line breaks; kept as canonical text without white space."""
    value = "".join(value.split()) if any(space in value for space in "\r\n\t ") else value
    value = value.replace("-", "+").replace("_", "/") if "-" in value or "_" in value else value
    value += "=" * (-len(value) % 4) if not value.endswith("=") else ""
    try:
        if len(value) % 4 or not _BASE64_ALPHABET.match(value):
            raise ValueError
        base64.b64decode(value[-4:], validate=True)
    except (ValueError, binascii.Error):
        raise ValueError("must be Base64 (RFC 4648 section 4)") from None
    return value


#: Text that becomes (part of) one header line.
HeaderText = Annotated[str, AfterValidator(_one_line)]
#: Free text; everything but NUL, which PostgreSQL and mail refuse alike.
Text = Annotated[str, AfterValidator(_no_nul)]
#: The name of a header field.
FieldName = Annotated[str, AfterValidator(_field_name)]
#: Binary content; canonical Base64 text once checked.
Base64 = Annotated[str, AfterValidator(_check_base64)]
