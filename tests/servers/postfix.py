"""Postfix in a temporary folder: submission with SASL through Dovecot, delivery into Dovecot by LMTP, nothing outbound.

Needs root (Postfix changes users by itself). Mail to `refused...@` is refused at RCPT; mail to an unknown user of the
domain is accepted and bounces; mail to any other domain is accepted from signed-in users and bounces at once.
"""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.servers import processes
from tests.servers.certificates import Certificate
from tests.servers.dovecot import DOMAIN, Dovecot
from tests.servers.packages import require
from tests.servers.ports import free_port, wait_port

SIZE_LIMIT = 40_000_000  # octets of a message
_SERVICES = """
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix:
    """`with Postfix(dovecot, certificate) as server:`.

    Ports: `plain` (AUTH without TLS, STARTTLS offered), `submission` (STARTTLS demanded), `submissions` (implicit TLS).
    """

    host = "127.0.0.1"

    def __init__(self, dovecot: Dovecot, certificate: Certificate, *, size_limit: int = SIZE_LIMIT) -> None:
        self.program = require("postfix")
        if os.geteuid() != 0:
            pytest.skip("Postfix can only be started by root; run the tests in a container, or with sudo")
        self.dovecot, self.certificate, self.size_limit = dovecot, certificate, size_limit
        self.plain, self.submission, self.submissions = free_port(), free_port(), free_port()
        self.root = Path(tempfile.mkdtemp(prefix="postfix-"))
        self.root.chmod(0o755)

    def __enter__(self) -> "Postfix":
        for name in ("conf", "queue", "data"):
            (self.root / name).mkdir()
        shutil.chown(self.root / "data", "postfix", "postfix")
        (self.root / "conf" / "main.cf").write_text(self._main())
        (self.root / "conf" / "master.cf").write_text(self._master())
        (self.root / "conf" / "refused").write_text("/^refused/ 550 5.1.1 No such mailbox here\n")
        # Without the start script, which would outlive us; its check makes the folders of the queue.
        self._tool("postfix", "check")
        master = Path(self._tool("postconf", "-h", "daemon_directory").strip()) / "master"
        self._process = processes.start([str(master), "-c", str(self.root / "conf"), "-s"], self.root / "out")
        try:
            wait_port(self.submissions)
        except TimeoutError as late:
            log = self.log()
            self.__exit__()
            raise RuntimeError(f"Postfix did not start:\n{log}") from late
        return self

    def __exit__(self, *_: object) -> None:
        processes.stop(self._process)
        shutil.rmtree(self.root, ignore_errors=True)

    def _tool(self, name: str, *arguments: str) -> str:
        command = [str(Path(self.program).with_name(name)), "-c", str(self.root / "conf"), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def log(self) -> str:
        """What the server wrote so far."""
        return "".join(path.read_text() for name in ("out", "maillog") if (path := self.root / name).exists())

    def _main(self) -> str:
        return f"""
compatibility_level = 3.6
multi_instance_enable = yes
queue_directory = {self.root}/queue
data_directory = {self.root}/data
mail_owner = postfix
setgid_group = postdrop
myhostname = mail.{DOMAIN}
mydestination =
mynetworks =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
virtual_mailbox_domains = {DOMAIN}
virtual_transport = lmtp:inet:127.0.0.1:{self.dovecot.lmtp}
default_transport = error:outbound mail is off in this test server
relay_transport = error:outbound mail is off in this test server
alias_maps =
local_recipient_maps =
message_size_limit = {self.size_limit}
virtual_mailbox_limit = 0
maillog_file = {self.root}/maillog
maillog_file_prefixes = {self.root}
smtputf8_enable = yes
smtpd_peername_lookup = no
smtpd_tls_cert_file = {self.certificate.cert}
smtpd_tls_key_file = {self.certificate.key}
smtpd_tls_security_level = may
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = {self.dovecot.sasl_socket}
smtpd_error_sleep_time = 0
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_recipient_restrictions = check_recipient_access regexp:{self.root}/conf/refused
notify_classes =
"""

    def _master(self) -> str:
        encrypt, wrapped = "-o smtpd_tls_security_level=encrypt", "-o smtpd_tls_wrappermode=yes"
        listeners = ((self.plain, ""), (self.submission, encrypt), (self.submissions, wrapped))
        lines = (f"127.0.0.1:{port} inet n - n - - smtpd {options}\n" for port, options in listeners)
        return "".join(lines) + _SERVICES
