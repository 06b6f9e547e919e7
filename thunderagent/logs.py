"""How our processes log: to stderr, warnings only unless more is asked for, as text or as JSON."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any

LOG_LEVELS = ("debug", "info", "warning", "error")
LOG_FORMATS = ("text", "json")
LOG_LEVEL, LOG_FORMAT = "warning", "text"
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def set_up(level: str = LOG_LEVEL, format: str = LOG_FORMAT) -> None:
    """For a process that is ours; in a framework's, its own logging holds.

    Args:
        level: one of ``LOG_LEVELS``. Libraries log warnings at most: what they tell below is about themselves.
        format: one of ``LOG_FORMATS``.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if format == "json" else TextLines())
    own = getattr(logging, level.upper())
    logging.basicConfig(level=max(own, logging.WARNING), handlers=[handler])
    logging.getLogger("thunderagent").setLevel(own)


class TextLines(logging.Formatter):
    """A message for people, and its fields as key=value."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s%(fields)s")

    def formatMessage(self, record: logging.LogRecord) -> str:
        """The line, before a traceback."""
        record.fields = "".join(f" {name}={_text(value)}" for name, value in fields_of(record).items())
        return super().formatMessage(record)


class JsonLines(logging.Formatter):
    """One object per line: time, level, logger, message, the fields of the message, and a traceback if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **fields_of(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """What was given beside the message, as ``extra``."""
    return {name: value for name, value in vars(record).items() if name not in _OWN and name != "fields"}


def _text(value: object) -> str:
    """Quoted where it would not be one word."""
    text = f"{value:.3f}" if isinstance(value, float) else str(value)
    return text if text.isprintable() and text and not set(text) & set(' "=') else json.dumps(text)
