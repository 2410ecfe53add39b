"""Who wants to be linked: the address, the user names to try, and one secret."""

import re
from dataclasses import dataclass, field

from providers.base.errors import Invalid
from providers.imap import presets
from providers.imap.address import IMAP, parse
from providers.imap.net import ascii_host
from providers.imap.suggestion import Suggestion
from schemas.accounts import ApiAccountInDto
from schemas.outgoing import is_address


@dataclass(frozen=True, slots=True)
class Applicant:
    """`login` is None where the host's usual user name applies; there is a password or an access token (XOAUTH2)."""

    email: str
    login: str | None
    password: str | None = field(repr=False)
    access_token: str | None = field(repr=False)

    @classmethod
    def of(cls, account: ApiAccountInDto) -> "Applicant":
        """From the fields of an account. Raises `Invalid` naming the one that is missing or of no use."""
        email = account.email or _address_of(account.login_string, account.server_url)
        if not email:
            raise Invalid("email (or loginString) is needed", path="email")
        if not is_address(email):
            hint = "" if account.email else "; with such a loginString, email or serverUrl is needed too"
            raise Invalid(f"{email[:80]!r} is not an e-mail address{hint}", path="email")
        password = account.password or (None if account.auth_string2 else account.auth_string1)
        if not password and not account.auth_string2:
            raise Invalid("password is needed (or authString1; an access token goes into authString2)", path="password")
        return cls(email, account.login_string, password or None, None if password else account.auth_string2)

    @property
    def domain(self) -> str:
        """The mail domain as DNS takes it, lower case. Raises `Invalid` when it cannot be one."""
        return ascii_host(self.email.rpartition("@")[2], path="email").lower()

    def imap_logins(self, suggestion: Suggestion) -> list[str]:
        """The user names to try for reading, the most likely one first."""
        if self.login:
            return [self.login]
        preset = presets.of_brand(suggestion.brand)
        templates = [suggestion.login, *(["%EMAILLOCALPART%"] if preset and preset.local_login else [])]
        return list(dict.fromkeys(map(self._fill, templates)))

    def smtp_logins(self, suggestion: Suggestion) -> list[str]:
        """The user names to try for submission: servers that read by the local part may want the whole address."""
        usual = self._fill(suggestion.smtp_login)
        preset = presets.of_brand(suggestion.brand)
        names = [usual] if preset and preset.local_login else [self.login or usual, usual]
        return list(dict.fromkeys(names))

    def _fill(self, template: str) -> str:
        local, _, domain = self.email.rpartition("@")
        values = {"%EMAILADDRESS%": self.email, "%EMAILLOCALPART%": local, "%EMAILDOMAIN%": domain}
        for name, value in values.items():
            template = template.replace(name, value)
        return template


def _address_of(login: str | None, server_url: str | None) -> str | None:
    """The address of a login: itself, or a mere user name at the domain of the server that was given."""
    if not login or is_address(login) or not server_url:
        return login
    host = parse(server_url, IMAP, path="serverUrl")[0].host
    if ":" in host or host.replace(".", "").isdigit():
        return f"{login}@[{'IPv6:' if ':' in host else ''}{host}]"  # RFC 5321 4.1.3
    return f"{login}@{re.sub(r'^(imaps?|mail|mx)[.](?=.*[.])', '', host, flags=re.IGNORECASE)}"
