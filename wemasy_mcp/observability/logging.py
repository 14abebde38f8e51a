"""Logging to stderr that never blocks and never shows a value.

Records go through a bounded queue to a thread: a host that does not read stderr stops the thread, not the server
(a pipe holds 64 KiB). Lines that do not fit are dropped and counted. Other libraries' records are shown without their
arguments, and their exceptions without their text, because both may hold an argument's value, a body or the token.
"""

import json
import logging
import os
import queue
import select
import socket
import sys
import threading
import time
import traceback
from typing import Literal

OWN = "wemasy_mcp"
QUEUE_LENGTH = 1000
FLUSH_SECONDS = 0.5

GATHER_SECONDS = 0.2
"""Seconds that a line may wait for others. The thread and the server take turns at the interpreter: waking the thread
for each line would cost the server more than the call that the line is about."""

REPLICA = f"{socket.gethostname()}/{os.getpid()}"
"""Identifies the process that wrote a line: its host (in Kubernetes its pod) and its process id."""

_STDERR = 2


def start_logging(level: str, log_format: Literal["text", "json"]) -> "LogQueue":
    """Send this package's records from `level` up and others' warnings to stderr; return the queue, to be stopped."""
    handler = LogQueue(_STDERR)
    handler.setFormatter(_JsonFormatter() if log_format == "json" else _TextFormatter())
    logging.getLogger(OWN).setLevel(level)
    root = logging.getLogger()
    root.setLevel(logging.WARNING)
    root.addHandler(handler)
    return handler


def log_json(level: str, message: str) -> None:
    """Write one line to stderr when logging was never started, or has stopped."""
    record = logging.makeLogRecord({"name": OWN, "levelname": level, "msg": "%s", "args": (message,)})
    print(_JsonFormatter().format(record), file=sys.stderr)  # noqa: T201 - there is no logger


def describe(error: BaseException) -> str:
    """Return an exception's type and where it was raised, without its text, innermost call first."""
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    places = " < ".join(f"{os.path.basename(frame.filename)}:{frame.lineno}" for frame in reversed(frames))
    return f"{type(error).__name__} at {places or 'unknown place'}"


class LogQueue(logging.Handler):
    """A bounded queue of lines, and the daemon thread that writes the collected ones to a file descriptor."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._dropped = 0
        self._thread: threading.Thread | None = None
        self._is_ending = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        """Queue the record's line, or count it as dropped."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._write_lines, name="log", daemon=True)
            self._thread.start()
        if self._lines.qsize() >= QUEUE_LENGTH:
            self._dropped += 1
            return
        if self._dropped:
            told = {"name": __name__, "levelno": logging.WARNING, "levelname": "WARNING"}
            lost = {"msg": "%d log lines were dropped: nobody is reading stderr", "args": (self._dropped,)}
            self._lines.put(f"{self.format(logging.makeLogRecord(told | lost))}\n")
            self._dropped = 0
        self._lines.put(f"{self.format(record)}\n")

    def stop(self) -> None:
        """Write the queued lines, for at most `FLUSH_SECONDS`."""
        logging.getLogger().removeHandler(self)
        if self._thread is not None:
            self._lines.put(None)
            self._is_ending.set()
            self._thread.join(FLUSH_SECONDS)

    def _write_lines(self) -> None:
        gathered: list[str | None] = []
        while None not in gathered:
            gathered = [self._lines.get()]
            self._is_ending.wait(GATHER_SECONDS)
            gathered += [self._lines.get() for _ in range(self._lines.qsize())]
            rest = "".join(filter(None, gathered)).encode("utf-8", "replace")
            while rest:
                try:
                    rest = rest[os.write(self._descriptor, rest) :]
                except BlockingIOError:
                    # stderr may share a non-blocking file with stdout.
                    select.select([], [self._descriptor], [])
                except OSError:
                    return


class _TextFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return f"{time.strftime('%H:%M:%S', time.localtime(record.created))} {record.levelname} {_message(record)}"


class _JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        when = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line = {
            "time": f"{when}.{int(record.msecs):03}Z",
            "level": record.levelname,
            "severity": record.levelname,
            "logger": record.name,
            "replica": REPLICA,
        }
        members = getattr(record, "members", None)
        return json.dumps(line | (members if members is not None else {"message": _message(record)}))


def _message(record: logging.LogRecord) -> str:
    own = record.name.partition(".")[0] == OWN
    message = record.getMessage() if own else f"{record.name}: {record.msg}"
    if record.exc_info and record.exc_info[1] is not None:
        message = f"{message} ({describe(record.exc_info[1])})"
    return message.replace("\n", " ")
