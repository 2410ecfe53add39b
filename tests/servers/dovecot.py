"""Dovecot in a temporary folder: IMAP (with STARTTLS), IMAPS, LMTP, and a SASL socket for Postfix.

Works as root in a container (mail processes drop to `nobody`) and as an ordinary user; no systemd, nothing in /etc.
"""

import grp
import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from dataclasses import dataclass, field
from pathlib import Path

from imapclient import IMAPClient

from tests.servers import processes
from tests.servers.certificates import Certificate
from tests.servers.packages import require
from tests.servers.ports import free_port, wait_closed, wait_port
from tests.servers.tokeninfo import TokenInfo

DOMAIN = "example.test"


@dataclass(frozen=True)
class User:
    """A mailbox of the test server; the address is the login."""

    address: str
    password: str = field(repr=False)


class Dovecot:
    """`with Dovecot(certificate) as server:`; users are added while it runs.

    `extra` is appended to the configuration, `imap_plugins` to the IMAP settings, `mail_location` picks the store.
    """

    host = "127.0.0.1"

    def __init__(self, certificate: Certificate, *, extra: str = "", mail_location: str = "mdbox:~/mdbox") -> None:
        self.certificate, self.extra, self.mail_location = certificate, extra, mail_location
        self.program = require("dovecot")
        self.imap, self.imaps, self.lmtp = free_port(), free_port(), free_port()
        self.tokeninfo = TokenInfo()
        self.root = Path(tempfile.mkdtemp(prefix="dovecot-"))
        self.root.chmod(0o755)
        self.sasl_socket = self.root / "run" / "sasl"
        self._ids = _identities()

    def __enter__(self) -> "Dovecot":
        mail = self.root / "mail"
        mail.mkdir()
        os.chown(mail, self._ids.uid, self._ids.gid)
        (self.root / "users").mkdir()
        (self.root / "oauth2.conf").write_text(f"tokeninfo_url = {self.tokeninfo.url}\nusername_attribute = email\n")
        (self.root / "dovecot.conf").write_text(self._configuration())
        self._start()
        return self

    def _start(self) -> None:
        command = [self.program, "-F", "-c", str(self.root / "dovecot.conf")]
        self._process = processes.start(command, self.root / "stderr")
        try:
            wait_port(self.imap)
        except TimeoutError as late:
            log = self.log()
            self.__exit__()
            raise RuntimeError(f"Dovecot did not start:\n{log}") from late

    def __exit__(self, *_: object) -> None:
        self.stop()
        self.tokeninfo.close()
        shutil.rmtree(self.root, ignore_errors=True)

    def stop(self) -> None:
        """End the server and every connection; the mail stays until the context ends."""
        processes.stop(self._process)

    def restart(self) -> None:
        """Stop and start on the same ports: every connection is lost, the mail is kept."""
        self.stop()
        for port in (self.imap, self.imaps, self.lmtp):  # children outlive the master for a moment
            wait_closed(port)
        self._start()

    @property
    def pid(self) -> int:
        """The master process, whose children serve the connections."""
        return self._process.pid

    def log(self) -> str:
        """What the server wrote so far."""
        return "".join(path.read_text() for name in ("stderr", "dovecot.log") if (path := self.root / name).exists())

    def new_user(self, name: str | None = None, password: str | None = None) -> User:
        """A fresh mailbox with the folders INBOX, Drafts, Sent, Trash, Junk and Archive."""
        user = User(f"{name or 'u' + uuid.uuid4().hex[:12]}@{DOMAIN}", password or uuid.uuid4().hex)
        home = self.root / "mail" / user.address
        # A file to each user: Dovecot notices changes of a file it has read only after a while.
        (self.root / "users" / user.address).write_text(
            f"{user.address}:{{PLAIN}}{user.password}:{self._ids.uid}:{self._ids.gid}::{home}::\n"
        )
        return user

    def issue_token(self, user: User) -> str:
        """An XOAUTH2 access token for the user, valid until `tokeninfo.tokens` forgets it."""
        token = uuid.uuid4().hex
        self.tokeninfo.tokens[token] = user.address
        return token

    def set_uidvalidity(self, user: User, folder: str, uidvalidity: int) -> None:
        """What a repair does to a folder, as an administrator's command: every known UID becomes meaningless."""
        command = ["mailbox", "update", "-u", user.address, "--uid-validity", str(uidvalidity), folder]
        program = require("doveadm")
        subprocess.run([program, "-c", self.root / "dovecot.conf", *command], check=True, capture_output=True)

    def rebuild(self, user: User) -> None:
        """Lose what a Maildir user's server knew of its messages, as when a mailbox is copied to another server without
        it: new UIDVALIDITYs and new UIDs. Every connection is lost."""
        self.stop()
        for pattern in ("dovecot-uidlist", "dovecot.index*", "dovecot.list.index*"):
            for path in (self.root / "mail" / user.address).rglob(pattern):
                path.unlink()
        self._start()

    def client(self, user: User) -> IMAPClient:
        """A logged-in plain connection, to prepare a mailbox or to look at the truth; close it with `logout()`."""
        client = IMAPClient(self.host, self.imap, ssl=False)
        client.normalise_times = False
        client.login(user.address, user.password)
        return client

    def _configuration(self) -> str:
        ids, chroot = self._ids, "" if self._ids.root else "  chroot =\n"
        special = "".join(
            f"  mailbox {name} {{\n    auto = subscribe\n    special_use = \\{name}\n  }}\n"
            for name in ("Drafts", "Sent", "Trash", "Junk", "Archive")
        )
        return f"""
protocols = imap lmtp
base_dir = {self.root}/run
state_dir = {self.root}/state
log_path = {self.root}/dovecot.log
listen = 127.0.0.1
default_internal_user = {ids.internal}
default_internal_group = {ids.group}
default_login_user = {ids.login}
first_valid_uid = 1
ssl = yes
ssl_cert = <{self.certificate.cert}
ssl_key = <{self.certificate.key}
disable_plaintext_auth = no
auth_mechanisms = plain login xoauth2 oauthbearer
auth_failure_delay = 0
auth_verbose = yes
mail_location = {self.mail_location}
mail_fsync = never
mailbox_list_index = yes
protocol imap {{
  mail_max_userip_connections = 100
}}
protocol lmtp {{
  postmaster_address = postmaster@{DOMAIN}
}}
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {self.root}/oauth2.conf
}}
passdb {{
  driver = passwd-file
  mechanisms = plain login
  args = scheme=plain username_format=%u {self.root}/users/%u
}}
userdb {{
  driver = passwd-file
  args = username_format=%u {self.root}/users/%u
}}
namespace inbox {{
  inbox = yes
  separator = /
{special}}}
service imap-login {{
{chroot}  service_count = 0
  inet_listener imap {{
    port = {self.imap}
  }}
  inet_listener imaps {{
    port = {self.imaps}
    ssl = yes
  }}
}}
service auth {{
  unix_listener sasl {{
    mode = 0666
  }}
}}
service anvil {{
{chroot}  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
{chroot}}}
service lmtp {{
  inet_listener lmtp {{
    port = {self.lmtp}
  }}
}}
{self.extra}
"""


@dataclass(frozen=True)
class _Identities:
    root: bool
    uid: int
    gid: int
    internal: str
    group: str
    login: str


def _identities() -> _Identities:
    if os.geteuid() == 0:
        return _Identities(True, 65534, 65534, "dovecot", "dovecot", "dovenull")
    me = pwd.getpwuid(os.geteuid()).pw_name
    return _Identities(False, os.geteuid(), os.getegid(), me, grp.getgrgid(os.getegid()).gr_name, me)
