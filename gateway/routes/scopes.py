"""Which unified scopes open which calls (behaviour.md, section 4; a wider scope includes the narrower ones)."""

from gateway.http.route import account
from gateway.services.resources import ANY_READER, READERS
from schemas.accounts import Scope

READ_MAIL = account(*READERS["messages"])
WRITE_MAIL = account(Scope.MAIL_READ_WRITE, Scope.MAIL_ALL)
WRITE_DRAFTS = account(Scope.MAIL_READ_WRITE, Scope.MAIL_DRAFTS, Scope.MAIL_ALL)
SEND_MAIL = account(Scope.MAIL_SEND, Scope.MAIL_DRAFTS, Scope.MAIL_ALL)
READ_CALENDAR = account(*READERS["events"])
WRITE_CALENDAR = account(Scope.CALENDAR_READ_WRITE)
READ_CONTACTS = account(*READERS["contacts"])
WRITE_CONTACTS = account(Scope.CONTACTS_READ_WRITE)
READ_TASKS = account(*READERS["tasks"])
WRITE_TASKS = account(Scope.TASKS_READ_WRITE)
READ_ANY = account(*ANY_READER)
ANY = account()
