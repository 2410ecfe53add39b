"""The kinds of columns: ids are bigint identities, instants are timestamptz.

A column with `info={"sealed": True}` holds bytes of the vault and is resealed when keys rotate.
"""

from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Integer,
    LargeBinary,
    Text,
    func,
)
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field


def key() -> Any:
    """A bigint identity, the primary key."""
    return Field(default=None, sa_column=Column(BigInteger, Identity(), primary_key=True))


def parent(table: str, *, nullable: bool = False, index: bool = False) -> Any:
    """The id of a row of `table`, with which this one goes."""
    reference = ForeignKey(f"{table}.id", ondelete="CASCADE")
    return Field(default=None, sa_column=Column(BigInteger, reference, nullable=nullable, index=index))


def text(*, unique: bool = False, default: str | None = None) -> Any:
    """Text that is always there."""
    return Field(sa_column=Column(Text, nullable=False, unique=unique, server_default=default))


def optional(kind: Any = Text) -> Any:
    """A column that may be empty; text unless said otherwise."""
    return Field(default=None, sa_column=Column(kind, nullable=True))


def count(start: int) -> Any:
    """A whole number from `start`."""
    return Field(default=start, sa_column=Column(Integer, nullable=False, server_default=str(start)))


def flag() -> Any:
    """False at first."""
    return Field(default=False, sa_column=Column(Boolean, nullable=False, server_default=sql("false")))


def texts() -> Any:
    """A list of texts, empty at first."""
    return Field(default_factory=list, sa_column=Column(ARRAY(Text), nullable=False, server_default=sql("'{}'")))


def sealed(*, nullable: bool = False) -> Any:
    """Bytes of the vault; resealed when keys rotate."""
    return Field(default=None, sa_column=Column(LargeBinary, nullable=nullable, info={"sealed": True}))


def digest(*, unique: bool = False) -> Any:
    """A digest that something is known by."""
    return Field(sa_column=Column(LargeBinary, nullable=False, unique=unique))


def now() -> Any:
    """When the row was made."""
    return Field(default=None, sa_column=Column(DateTime(timezone=True), nullable=False, server_default=func.now()))


def instant() -> Any:
    """An instant that may be empty."""
    return optional(DateTime(timezone=True))


def number(start: int = 0) -> Any:
    """A bigint."""
    return Field(default=start, sa_column=Column(BigInteger, nullable=False, server_default=str(start)))


def json(*, nullable: bool = False) -> Any:
    """JSON; an empty object at first unless it may be empty."""
    if nullable:
        return optional(JSONB(none_as_null=True))
    return Field(default_factory=dict, sa_column=Column(JSONB, nullable=False, server_default=sql("'{}'")))
