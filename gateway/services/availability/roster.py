"""Who must be free: members and groups of members, one of them or all."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

from gateway.services.availability.members import MemberId


class Required(StrEnum):
    """One free is enough, or all must be free."""

    ONE = "one"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Group:
    """Members under an id that the client chose, with a mode of their own. A group without members is never free."""

    id: str
    members: tuple[MemberId, ...]
    required: Required


@dataclass(frozen=True, slots=True)
class Roster:
    """`required` counts each group and each member outside a group as one. An empty roster is never free."""

    required: Required
    members: tuple[MemberId, ...] = ()
    groups: tuple[Group, ...] = ()

    def everyone(self) -> tuple[MemberId, ...]:
        """Each member once, in the order of the roster."""
        return tuple(dict.fromkeys((*self.members, *(member for group in self.groups for member in group.members))))

    def with_one_for_each(self, twins: Mapping[int, int]) -> "Roster":
        """The roster with accounts that are the same person as another one replaced by that one."""
        if not twins:
            return self

        def once(members: tuple[MemberId, ...]) -> tuple[MemberId, ...]:
            return tuple(dict.fromkeys(twins.get(one, one) if isinstance(one, int) else one for one in members))

        groups = tuple(replace(group, members=once(group.members)) for group in self.groups)
        return replace(self, members=once(self.members), groups=groups)


class Choice(NamedTuple):
    """Who can hold a meeting: free members, less those of groups that cannot, and the groups that can."""

    members: tuple[MemberId, ...]
    groups: tuple[str, ...]


def choice(roster: Roster, free: tuple[MemberId, ...]) -> Choice | None:
    """Who can hold a meeting when these of the roster are free, in its order; None when it cannot take place."""
    if roster.groups:
        return _grouped(roster, frozenset(free))
    enough = len(frozenset(roster.members)) if roster.required is Required.ALL else 1
    return Choice(free, ()) if len(free) >= max(enough, 1) else None


def _grouped(roster: Roster, free: Collection[MemberId]) -> Choice | None:
    groups = [group for group in roster.groups if _holds(group.required, group.members, free)]
    alone = [member for member in roster.members if member in free]
    units, able = len(roster.members) + len(roster.groups), len(alone) + len(groups)
    if not able or (roster.required is Required.ALL and able < units):
        return None
    grouped = (member for group in groups for member in group.members if member in free)
    return Choice(tuple(dict.fromkeys((*alone, *grouped))), tuple(group.id for group in groups))


def _holds(required: Required, members: tuple[MemberId, ...], free: Collection[MemberId]) -> bool:
    able = sum(member in free for member in members)
    return able > 0 if required is Required.ONE else 0 < able == len(members)
