"""Bytes that are not records: sources, attachments, photos."""

from collections.abc import AsyncIterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Content:
    """Decoded bytes in pieces; `size` in bytes where the provider says it beforehand."""

    chunks: AsyncIterator[bytes]
    mime_type: str
    name: str | None = None
    size: int | None = None
