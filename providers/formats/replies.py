"""The fields that tie a reply to its conversation (RFC 5322 section 3.6.4)."""

import re

from providers.formats.headers import message_ids

MAX_REFERENCES = 900  # characters; a line may have 998

# Reply prefixes of mail programs in many languages, counted or not, with either colon.
_REPLY = re.compile(
    r"\s*(?:re|aw|antw|sv|vs|odp|ref|rif|res|r|ynt|bls|atb|vá|回复|回覆|答复|返信|回信|답장|отв|ответ|απ)"
    r"\s?(?:\[\d+\]|\(\d+\)|\^\d+)?\s?[:\uff1a]\s*",
    re.IGNORECASE,
)


def reply_subject(subject: str | None) -> str:
    """The subject of an answer: one "Re:", whatever reply prefixes stood there before."""
    rest = (subject or "").strip()
    while match := _REPLY.match(rest):
        rest = rest[match.end() :]
    return f"Re: {rest}".rstrip() if rest else "Re:"


def reply_headers(
    parent_message_id: str | None, parent_references: str | None, parent_in_reply_to: str | None
) -> tuple[str, str]:
    """In-Reply-To and References of an answer, from the fields of the message answered.

    Both are empty when that message has no Message-ID and no references.
    """
    parent = message_ids(parent_message_id)[:1]
    answered = message_ids(parent_in_reply_to)
    earlier = message_ids(parent_references) or (answered if len(answered) == 1 else [])
    thread = [item for item in dict.fromkeys(earlier) if item not in parent] + parent
    return "".join(parent), " ".join(trim(thread))


def trim(references: list[str]) -> list[str]:
    """At most `MAX_REFERENCES` characters of them: the first and the last ones are kept."""
    kept = [item for item in references if len(item) < MAX_REFERENCES // 2]
    while sum(map(len, kept)) + len(kept) > MAX_REFERENCES:
        del kept[1]
    return kept
