"""Messages to read: CPython's own e-mail test messages, and generated ones that do not depend on the machine."""

import email.policy
import random
from datetime import datetime, timedelta, timezone
from email.headerregistry import Address
from email.message import EmailMessage
from functools import cache
from importlib import resources
from pathlib import Path

import pytest

GENERATED = 500

_WORDS = {
    "utf-8": "Grüße aus Köln — 日本語 и кириллица 😀 naïve café".split(),
    "iso-8859-1": "Grüße aus Köln über façade naïve déjà vu ñandú".split(),
    "koi8-r": "Протокол встречи и решение по вопросу о бюджете".split(),
    "iso-2022-jp": "会議の議事録 資料を 添付します よろしく お願いします".split(),
    "gb2312": "会议 记录 请 查收 附件 谢谢".split(),
    "us-ascii": "Minutes of the meeting, with what we agreed on (draft)".split(),
    "windows-1251": "Отчёт за квартал приложен к письму".split(),
    "shift_jis": "請求書 を 送付 いたします ご確認 ください".split(),
}
_NAMES = ["Ada Lovelace", "Müller, Jörg", "O'Neill", 'The "Boss"', "山田 太郎", "Иван Петров", "Dr. J. Smith", ""]
_FILES = ["report.pdf", "Übersicht 2026.pdf", "日本語.txt", 'with "quotes".bin', "a;b=c.dat", "long " * 20 + "name.zip"]


def cpython_messages() -> dict[str, bytes]:
    """CPython's messages by file name. Skips where the interpreter comes without its tests (Debian's does)."""
    try:
        folder = Path(str(resources.files("test.test_email") / "data"))
    except ModuleNotFoundError:
        folder = Path()
    found = {path.name: path.read_bytes() for path in sorted(folder.glob("*.txt"))} if folder.name else {}
    if not found:
        pytest.skip("SKIPPED CPYTHON MAIL: this interpreter lacks test.test_email (install its test package)")
    return found


@cache
def generated_messages() -> tuple[EmailMessage, ...]:
    """`GENERATED` messages of every structure and charset, the same in every run."""
    rng = random.Random(2047)
    return tuple(_message(rng, number) for number in range(GENERATED))


@cache
def generated_sources() -> tuple[bytes, ...]:
    """The same, written with CRLF."""
    return tuple(message.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") for message in generated_messages())


def _message(rng: random.Random, number: int) -> EmailMessage:
    charset = rng.choice(list(_WORDS))
    message = EmailMessage(policy=rng.choice([email.policy.SMTP, email.policy.default]))
    message["Message-ID"] = f"<{number}.{rng.randrange(10**9)}@example.com>"
    message["Date"] = datetime(2026, 1, 1, tzinfo=timezone(timedelta(minutes=30 * rng.randrange(-20, 24)))) + timedelta(
        seconds=rng.randrange(10**7)
    )
    message["Subject"] = _text(rng, charset, 1, 25)
    message["From"] = _address(rng)
    message["To"] = [_address(rng) for _ in range(rng.randint(1, 8))]
    if rng.random() < 0.3:
        message["Cc"] = [_address(rng) for _ in range(rng.randint(1, 3))]
    _fill(message, rng, charset)
    return message


def _fill(message: EmailMessage, rng: random.Random, charset: str) -> None:
    encoding = rng.choice(["quoted-printable", "base64", "8bit"])
    if rng.random() < 0.8:
        message.set_content(_body(rng, charset), charset=charset, cte=encoding)
        if rng.random() < 0.6:
            html = f"<html><body><p>{_body(rng, charset)}</p><img src='cid:picture@example.com'></body></html>"
            message.add_alternative(html, subtype="html", charset=charset, cte=encoding)
            if rng.random() < 0.5:
                part = message.get_payload()[1]
                part.add_related(rng.randbytes(200), "image", "png", cid="<picture@example.com>")
    else:
        message.set_content(f"<p>{_body(rng, charset)}</p>", subtype="html", charset=charset, cte=encoding)
    for _ in range(rng.choice([0, 0, 1, 2])):
        message.add_attachment(rng.randbytes(rng.randrange(500)), "application", "pdf", filename=rng.choice(_FILES))
    if rng.random() < 0.1:
        message.add_attachment(_inner(rng))


def _inner(rng: random.Random) -> EmailMessage:
    inner = EmailMessage()
    inner["Subject"] = _text(rng, "utf-8", 1, 4)
    inner.set_content("inside\n")
    return inner


def _address(rng: random.Random) -> Address:
    return Address(rng.choice(_NAMES), rng.choice(["ada", "j.smith", "x+y", "o'neill"]), "example.com")


def _text(rng: random.Random, charset: str, least: int, most: int) -> str:
    return " ".join(rng.choice(_WORDS[charset]) for _ in range(rng.randint(least, most)))


def _body(rng: random.Random, charset: str) -> str:
    return "\n".join(_text(rng, charset, 1, 12) for _ in range(rng.randint(1, 6))) + "\n"
