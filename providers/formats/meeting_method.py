"""The METHOD of a meeting message (RFC 5546 1.4) as the contract names it."""

from schemas.mail import MeetingMessageMethod


def meeting_method(name: str | None) -> MeetingMessageMethod | None:
    """Methods that the contract does not name are `other`; None without one."""
    if not name or not name.strip():
        return None
    try:
        return MeetingMessageMethod(name.strip().lower())
    except ValueError:
        return MeetingMessageMethod.OTHER
