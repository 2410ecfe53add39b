"""The counterparts themselves: mail goes in at Postfix and comes out at Dovecot."""

import smtplib
import ssl
import time

from tests.servers.certificates import Authority
from tests.servers.dovecot import Dovecot, User
from tests.servers.postfix import Postfix


def test_mail_submitted_to_postfix_arrives_in_dovecot(
    dovecot: Dovecot, postfix: Postfix, user: User, authority: Authority
) -> None:
    context = ssl.create_default_context(cafile=str(authority.bundle))
    with smtplib.SMTP("localhost", postfix.submission) as smtp:
        smtp.starttls(context=context)
        smtp.login(user.address, user.password)
        smtp.sendmail(user.address, [user.address], b"Subject: hello\r\n\r\nbody\r\n")
    client = dovecot.client(user)
    client.select_folder("INBOX")
    deadline = time.monotonic() + 10
    while not (found := client.search(["SUBJECT", "hello"])) and time.monotonic() < deadline:
        time.sleep(0.05)
    client.logout()
    assert len(found) == 1


def test_users_are_added_while_dovecot_runs(dovecot: Dovecot) -> None:
    for _ in range(3):
        client = dovecot.client(dovecot.new_user())
        assert client.folder_exists("Sent")
        client.logout()
