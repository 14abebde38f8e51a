"""A log line made of members: those of a JSON object, or `key=value` in text."""

import json
import logging
from collections.abc import Mapping


def log_event(logger: logging.Logger, level: int, message: str, members: Mapping[str, object]) -> None:
    """Log a message, which may be empty, with members that add details. No member's text can pass for another."""
    if logger.isEnabledFor(level):
        said = [message] if message else []
        line = " ".join([*said, *(f"{key}={_shown(value)}" for key, value in members.items())])
        shown = {"message": message} if message else {}
        logger.log(level, "%s", line, extra={"members": shown | dict(members)})


def _shown(value: object) -> str:
    text = "-" if value is None else str(value)
    return text if text.isprintable() and not set(text) & set(' ="') else json.dumps(text, ensure_ascii=False)
