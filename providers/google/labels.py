"""Gmail's labels as folders, system labels and keywords..

A message lies where its first label of `PLACES` says, else in the first of the user's labels by name; an archived one
without any lies nowhere: Gmail has no folder for it. All of the user's labels are keywords of the message too.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from providers.base.search import LABELS
from schemas.mail import EmailFolderInfo, SysClassification, SysLabel

PLACES = ("TRASH", "SPAM", "INBOX", "DRAFT", "SENT")
HIDDEN = frozenset(("TRASH", "SPAM"))
_SYSTEM: Mapping[str, tuple[str, SysLabel | None]] = {
    "INBOX": ("Inbox", SysLabel.INBOX),
    "SENT": ("Sent", SysLabel.SENT),
    "DRAFT": ("Drafts", SysLabel.DRAFT),
    "TRASH": ("Trash", SysLabel.TRASH),
    "SPAM": ("Spam", SysLabel.JUNK),
    "STARRED": ("Starred", SysLabel.FLAGGED),
    "IMPORTANT": ("Important", SysLabel.IMPORTANT),
    "UNREAD": ("Unread", SysLabel.UNREAD),
    "CATEGORY_PERSONAL": ("Personal", None),
    "CATEGORY_SOCIAL": ("Social", None),
    "CATEGORY_PROMOTIONS": ("Promotions", None),
    "CATEGORY_UPDATES": ("Updates", None),
    "CATEGORY_FORUMS": ("Forums", None),
}
_MARKS = [(item, label) for item, (_, label) in _SYSTEM.items() if label is not None]
_USER = "Label_"


@dataclass(frozen=True, slots=True)
class Label:
    """A label; `path` is its whole name, in which slashes nest."""

    id: str
    path: str


class Labels:
    """The labels of an account at one moment."""

    def __init__(self, raw: Iterable[Mapping[str, Any]]) -> None:
        found = [Label(str(one["id"]), str(one["name"])) for one in raw if one.get("type") == "user"]
        self.user = {label.id: label for label in sorted(found, key=lambda label: (label.path.lower(), label.id))}
        self._ranks = {item: rank for rank, item in enumerate((*PLACES, *self.user))}
        self._by_path = {label.path.lower(): label for label in self.user.values()}

    def __contains__(self, item: object) -> bool:
        return item in _SYSTEM or item in self.user

    def knows(self, ids: Iterable[str]) -> bool:
        """Whether all of the user's labels among the ids are known."""
        return all(item in self.user for item in ids if item.startswith(_USER))

    def by_path(self, path: str) -> Label | None:
        """The label with this name, in any case."""
        return self._by_path.get(path.lower())

    def path(self, item: str) -> str:
        """The name of a label that there is."""
        return self.user[item].path if item in self.user else _SYSTEM[item][0]

    def keywords(self, ids: Collection[str]) -> list[str]:
        """The names of the user's labels among the ids."""
        own = [item for item in ids if item in self.user]
        return [self.user[item].path for item in sorted(own, key=self._ranks.__getitem__)]

    def folder(self, ids: Collection[str]) -> str | None:
        """Where a message with these labels lies."""
        return min((item for item in ids if item in self._ranks), key=self._ranks.__getitem__, default=None)

    def named(self, name: str) -> list[str]:
        """The user's labels that a search by folder means: by id, by path, or by the last part of it."""
        wanted = name.lower()
        return [
            label.id
            for label in self.user.values()
            if label.id == name or wanted in (label.path.lower(), label.path.lower().rpartition("/")[2])
        ]

    def folders(self) -> list[EmailFolderInfo]:
        """Every label; parents come before what is in them."""
        return [self.info(item) for item in (*_SYSTEM, *self.user)]

    def info(self, item: str) -> EmailFolderInfo:
        """One of them. Raises KeyError."""
        if item in _SYSTEM:
            name, label = _SYSTEM[item]
            is_folder = item in PLACES
            return EmailFolderInfo(
                id=item, name=name, full_name=name, is_folder=is_folder, is_label=True, sys_label=label
            )
        parent, name = self._split(self.user[item])
        return EmailFolderInfo(
            id=item,
            name=name,
            full_name=self.user[item].path,
            is_folder=True,
            is_label=True,
            parent_id=parent.id if parent else None,
        )

    def _split(self, label: Label) -> tuple[Label | None, str]:
        """The nearest label that it is nested in, and the rest of its name."""
        head = label.path
        while "/" in head:
            head = head.rpartition("/")[0]
            if (parent := self._by_path.get(head.lower())) is not None:
                return parent, label.path[len(head) + 1 :]
        return None, label.path


def sys_labels(ids: Collection[str]) -> list[SysLabel]:
    """The system labels among the ids."""
    return [label for item, label in _MARKS if item in ids]


def classifications(ids: Iterable[str]) -> list[SysClassification] | None:
    """The tabs of Gmail among the ids."""
    found = [
        SysClassification(item.removeprefix("CATEGORY_").lower())
        for item in sorted(ids)
        if item.startswith("CATEGORY_")
    ]
    return found or None


def tracked(ids: Iterable[str]) -> list[str]:
    """The labels by which versions of messages differ, in order."""
    return sorted(item for item in ids if item in _SYSTEM or item.startswith(_USER))


def system_ids() -> tuple[str, ...]:
    """The ids of all system labels that are kept track of."""
    return tuple(_SYSTEM)


#: What a search calls folders, and how Gmail names them in `q`; "archive" is what lies nowhere else.
SEARCHED: Mapping[str, str] = {
    "inbox": "in:inbox",
    "sent": "in:sent",
    "draft": "in:draft",
    "trash": "in:trash",
    "junk": "in:spam",
    "anywhere": "",
    "archive": "(-in:inbox -in:sent -in:draft -in:trash -in:spam -has:userlabels)",
}
assert SEARCHED.keys() == LABELS
