"""A Dovecot mailbox of believable size: 10,000 messages, 380 MB, five folders."""

import base64
import random
import time
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime

from tests.servers.dovecot import Dovecot, User

FOLDERS = {"INBOX": 0.5, "Archive": 0.25, "Sent": 0.1, "Projects": 0.1, "Receipts": 0.05}
WORDS = (
    "invoice meeting schedule project budget contract delivery question answer report summary travel lunch team "
    "customer release deadline review proposal update holiday order shipping account payment offer garden window"
).split()


def fill(server: Dovecot, user: User, messages: int, total_bytes: int) -> float:
    """Append the messages; seconds it took."""
    started = time.perf_counter()
    rng = random.Random(7)
    client = server.client(user)
    for folder in FOLDERS:
        if not client.folder_exists(folder):
            client.create_folder(folder)
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    for number in range(messages):
        folder = rng.choices(list(FOLDERS), list(FOLDERS.values()))[0]
        received = begin + timedelta(minutes=25 * number)
        client.append(folder, source(rng, number, received, total_bytes // messages), (rb"\Seen",), received)
    client.logout()
    return time.perf_counter() - started


def source(rng: random.Random, number: int, received: datetime, size: int) -> bytes:
    """One message of about `size` octets on average: text, half of them with html, every fifth with an attachment."""
    message = EmailMessage()
    message["From"] = f"{rng.choice(WORDS).title()} {rng.choice(WORDS).title()} <p{number % 300}@example.test>"
    message["To"] = "Bench User <bench@example.test>"
    message["Subject"] = " ".join(rng.choices(WORDS, k=6)) + ("" if number % 10 else " — überfällig")
    message["Date"] = format_datetime(received)
    message["Message-ID"] = f"<{number}@bench.example.test>"
    if number % 4 == 1 and number > 10:
        parent = f"<{number - rng.randrange(1, 9)}@bench.example.test>"
        message["In-Reply-To"] = message["References"] = parent
    text = "\n".join(" ".join(rng.choices(WORDS, k=12)) for _ in range(30))
    message.set_content(text)
    if number % 2:
        message.add_alternative(f"<html><body><p>{text}</p></body></html>", subtype="html")
    if number % 5 == 0:
        blob = base64.b64encode(rng.randbytes(3 * size))[: 3 * size]
        message.add_attachment(blob, maintype="application", subtype="pdf", filename=f"document-{number}.pdf")
    return message.as_bytes()
