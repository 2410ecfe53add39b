"""Who meets: the teams that could hold a meeting at a slot, and what a request may say about them. Pure."""

from collections.abc import Collection, Iterator, Sequence
from itertools import islice, product

from gateway.services.availability.roster import Group, Required, Roster
from gateway.services.availability.slots import Slot
from gateway.store.meeting_values import Team
from providers.base.errors import Invalid
from schemas.booking import CreateMeetingDto

_MOST = 64  # ways to put a team of several groups together that are tried


def check_named(roster: Roster, body: CreateMeetingDto) -> None:
    """Raises `Invalid` with the path when a request names an account or a group that is not attached."""
    attached, groups = set(roster.everyone()), {group.id for group in roster.groups}
    for number, account in enumerate(body.account_ids or ()):
        if account not in attached:
            path = f"accountIds.{number}"
            raise Invalid(f"{path}: the account is not attached to this profile", path=path)
    for number, group in enumerate(body.group_xids or ()):
        if group not in groups:
            path = f"groupXids.{number}"
            raise Invalid(f"{path}: the group is not attached to this profile", path=path)


def teams(roster: Roster, slot: Slot, body: CreateMeetingDto) -> list[Team]:
    """The teams that can meet at a slot, in the order of the roster; only of accounts and groups that the request
    names, where it names any. None, when those that it names cannot."""
    free = [int(member) for member in slot.members if _named(member, body.account_ids)]
    groups = [group for group in roster.groups if group.id in slot.groups and _named(group.id, body.group_xids)]
    alone = [account for account in free if account in roster.members and _counts(roster, account, body)]
    units = [[Team(account, (account,))] for account in alone]
    units += [list(_of_group(group, free)) for group in groups]
    if roster.required is Required.ONE:
        return [team for unit in units for team in unit]
    if len(units) < len(roster.members) + len(roster.groups):
        return []
    return [_together(choice) for choice in islice(product(*units), _MOST)] if units else []


def _counts(roster: Roster, account: int, body: CreateMeetingDto) -> bool:
    """Whether an account without a group may meet: a request that names groups only, where one is enough, means
    those."""
    named = account in (body.account_ids or ()) or not body.group_xids
    return named or (roster.required is Required.ALL and not body.account_ids)


def _of_group(group: Group, free: Collection[int]) -> Iterator[Team]:
    able = [int(member) for member in group.members if member in free]
    if group.required is Required.ONE:
        yield from (Team(account, (account,), group.id) for account in able)
    elif able and len(able) == len(group.members):
        yield Team(able[0], tuple(able), group.id)


def _together(choice: Sequence[Team]) -> Team:
    members = tuple(dict.fromkeys(member for team in choice for member in team.members))
    group = next((team.group for team in choice if team.group), None)
    return Team(members[0], members, group)


def _named(one: object, named: Collection[object] | None) -> bool:
    return not named or one in named
