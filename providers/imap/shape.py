"""What a BODYSTRUCTURE says at first sight.

Structures are of few kinds: between two invoices only numbers, boundaries, file names and Content-IDs differ, and none
of these tells whether something is attached. So each kind is understood once.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from providers.formats import body
from providers.formats.body import Plan
from providers.imap.structure import structure
from schemas.mail import MeetingMessageMethod

_NUMBER = re.compile(rb" \d{1,20}(?=[ )])")
_NAME = re.compile(rb'("(?:boundary|filename|name)") "(?!=\?)[^"\\]*?[0-9A-Za-z][^"\\]*"', re.IGNORECASE)
_CONTENT_ID = re.compile(rb'"<[^"\\<>]*?[0-9A-Za-z][^"\\<>]*>"')


@dataclass(frozen=True, slots=True)
class Shape:
    """What a record of a list shows of a structure."""

    has_attachments: bool
    method: MeetingMessageMethod | None

    @classmethod
    def of(cls, plan: Plan) -> "Shape":
        """What the plan says."""
        return cls(plan.has_attachments, plan.method)


def shape_of(described: bytes) -> Shape:
    """From a BODYSTRUCTURE as it was written. Raises `Malformed`."""
    alike = _CONTENT_ID.sub(b'"<x>"', _NAME.sub(rb'\1 "x"', _NUMBER.sub(b" 0", described)))
    return _understood(alike)


@lru_cache(maxsize=4096)
def _understood(described: bytes) -> Shape:
    return Shape.of(body.plan(structure(described)))


@lru_cache(maxsize=256)
def plan_of(described: bytes) -> Plan:
    """All parts; for whoever reads the message itself. Raises `Malformed`."""
    return body.plan(structure(described))
