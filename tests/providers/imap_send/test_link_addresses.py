"""Server addresses as people write them, and which IP addresses are public."""

import pytest

from providers.base.errors import Invalid
from providers.base.networks import is_public
from providers.imap.address import IMAP, SMTP, Address, from_server_info, parse
from providers.imap.applicant import Applicant
from providers.imap.grant import Security
from schemas.accounts import ApiAccountInDto, ServiceType

TLS, STARTTLS = Security.TLS, Security.STARTTLS


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("mail.example.org", [Address("mail.example.org", 993, TLS), Address("mail.example.org", 143, STARTTLS)]),
        ("Mail.Example.org.:993", [Address("mail.example.org", 993, TLS)]),
        ("mail.example.org:143", [Address("mail.example.org", 143, STARTTLS)]),
        ("mail.example.org:1143", [Address("mail.example.org", 1143, None)]),
        ("imaps://mail.example.org", [Address("mail.example.org", 993, TLS)]),
        ("imap://mail.example.org/", [Address("mail.example.org", 143, STARTTLS)]),
        ("IMAPS://mail.example.org:1993", [Address("mail.example.org", 1993, TLS)]),
        ("192.0.2.1:993", [Address("192.0.2.1", 993, TLS)]),
        ("[2001:db8::1]:993", [Address("2001:db8::1", 993, TLS)]),
        ("bücher.example:993", [Address("xn--bcher-kva.example", 993, TLS)]),
    ],
)
def test_imap_addresses(text: str, addresses: list[Address]) -> None:
    assert parse(text, IMAP, path="serverUrl") == addresses


def test_smtp_addresses() -> None:
    assert [(one.port, one.security) for one in parse("a.example", SMTP, path="x")] == [(465, TLS), (587, STARTTLS)]
    assert parse("smtp://a.example:25", SMTP, path="x") == [Address("a.example", 25, STARTTLS)]


@pytest.mark.parametrize(
    "text", ["", "a b", "a:b:c", "ftp://a", "a:70000", "a/b", "a?b", "u@a", "[::1", "a..b", "é" * 99]
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse(text, IMAP, path="serverUrl")
    assert caught.value.path == "serverUrl"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("smtp=a.example:465", "a.example:465"),
        ("imap=b.example; smtp = a.example", "a.example"),
        ('{"smtp": "a.example:587"}', "a.example:587"),
        ('{"imap": "a.example"}', None),
        ("[1, 2]", None),
        ("hosted by us", None),
        ("mysmtp=a.example", None),
    ],
)
def test_smtp_server_in_server_info(text: str, address: str | None) -> None:
    assert from_server_info(text) == address


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("::ffff:8.8.8.8", True),
        ("64:ff9b::808:808", True),
        *(
            (address, False)
            for address in (
                "0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1", "192.0.2.1",
                "192.168.1.1", "198.18.0.1", "224.0.0.1", "255.255.255.255", "::", "::1", "::ffff:127.0.0.1",
                "64:ff9b::7f00:1", "2002:7f00:1::", "fe80::1%eth0", "fec0::1", "fd00::1", "ff02::1", "2001:db8::1",
            )
        ),
    ],
)  # fmt: skip
def test_public_addresses(address: str, public: bool) -> None:
    assert is_public(address) is public


@pytest.mark.parametrize(
    ("login", "server", "email"),
    [
        ("ann@example.test", "imap.other.test", "ann@example.test"),
        ("ann", "imap.example.test", "ann@example.test"),
        ("ann", "imaps://mail.example.test:993", "ann@example.test"),
        ("ann", "mail.test", "ann@mail.test"),
        ("ann", "localhost:143", "ann@localhost"),
        ("ann", "192.0.2.1", "ann@[192.0.2.1]"),
        ("ann", "[2001:db8::1]:993", "ann@[IPv6:2001:db8::1]"),
    ],
)
def test_a_mere_user_name_gets_an_address_at_its_server(login: str, server: str, email: str) -> None:
    account = ApiAccountInDto(
        service_type=ServiceType.IMAP, active=True, login_string=login, password="x", server_url=server
    )
    assert Applicant.of(account).email == email
