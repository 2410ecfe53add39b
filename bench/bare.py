"""The same work by a bare imaplib client: the floor that the protocol and the server set."""

import imaplib
import ssl
import threading
import time
from collections.abc import Callable

from bench.mailbox import FOLDERS

HEADERS = (
    "(UID FLAGS INTERNALDATE BODY.PEEK[HEADER.FIELDS (FROM TO CC SUBJECT DATE MESSAGE-ID REFERENCES IN-REPLY-TO)])"
)


def loop(job: str, port: int, login: str, password: str, concurrency: int, count: int) -> list[float]:
    """Do `job` `count` times over `concurrency` connections, a thread each; seconds of each."""
    times: list[float] = []
    numbers = iter(range(count))
    lock = threading.Lock()

    def worker() -> None:
        client = _connect(port, login, password)
        total = int(client.select("INBOX", readonly=True)[1][0] or b"0")
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                break
            started = time.perf_counter()
            JOBS[job](client, total, number)
            times.append(time.perf_counter() - started)
        client.logout()

    threads = [threading.Thread(target=worker) for _ in range(concurrency)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times


def _connect(port: int, login: str, password: str) -> imaplib.IMAP4:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    client = imaplib.IMAP4_SSL("127.0.0.1", port, ssl_context=context)
    client.login(login, password)
    return client


def _list(client: imaplib.IMAP4, total: int, _: int) -> None:
    client.fetch(f"{max(1, total - 19)}:{total}", HEADERS)


def _get(client: imaplib.IMAP4, total: int, number: int) -> None:
    client.fetch(str(total - number % min(200, total)), "(UID FLAGS BODY.PEEK[HEADER] BODY.PEEK[1])")


def _attachments(client: imaplib.IMAP4, total: int, number: int) -> None:
    client.fetch(str(total - number % min(200, total)), "(UID FLAGS BODYSTRUCTURE BODY.PEEK[HEADER] BODY.PEEK[1])")


def _search(client: imaplib.IMAP4, total: int, _: int) -> None:
    for folder in FOLDERS:
        client.select(folder, readonly=True)
        found = client.uid("SEARCH", "SUBJECT", '"invoice"')[1][0].split()
    client.uid("FETCH", b",".join(found[-20:]).decode(), HEADERS)


JOBS: dict[str, Callable[[imaplib.IMAP4, int, int], None]] = {
    "list of 20": _list,
    "get, text": _get,
    "get, attachments": _attachments,
    "search subject": _search,
}
