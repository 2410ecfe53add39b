"""Searches by Message-ID."""

import re

_MESSAGE_ID = re.compile(r"<([!#-'*-;=?-~]{1,900})>", re.ASCII)  # what `q` can hold: no quotes, no parentheses


def by_message_id(message_id: str) -> str | None:
    """The text for `q`; None for a Message-ID (with brackets) that Gmail cannot be asked for."""
    match = _MESSAGE_ID.fullmatch(message_id)
    return f"rfc822msgid:{match[1]}" if match else None
