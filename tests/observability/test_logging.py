"""Logging to a descriptor: what a line holds, and that nobody who does not read it can stop the server."""

import json
import logging
import os
import re
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from api_document import SAVE_MEMORY
from support.program import TOKEN
from wemasy_mcp.observability.logging import QUEUE_LENGTH, LogQueue, describe, start_logging

OWN = logging.getLogger("wemasy_mcp.test")
FOREIGN = logging.getLogger("some_library")

LONG_RECORD = logging.LogRecord("wemasy_mcp", logging.INFO, "", 0, "x" * 1000, None, None)


@pytest.fixture(autouse=True)
def levels_as_they_were() -> Iterator[None]:
    loggers = [logging.getLogger(), logging.getLogger("wemasy_mcp")]
    levels = [logger.level for logger in loggers]
    yield
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


def test_text_is_one_line_a_record_with_time_level_and_message(capfd: pytest.CaptureFixture[str]) -> None:
    log = start_logging("INFO", "text")
    OWN.info("tool=%s outcome=%s", SAVE_MEMORY.tool, "applied")
    OWN.debug("not wanted")
    OWN.warning("two\nlines")
    log.stop()

    first, second = capfd.readouterr().err.splitlines()
    assert first[8:] == f" INFO tool={SAVE_MEMORY.tool} outcome=applied"
    assert first[:8].replace(":", "").isdigit()
    assert second[8:] == " WARNING two lines"


def test_json_is_one_object_a_record_with_the_call_s_members(capfd: pytest.CaptureFixture[str]) -> None:
    log = start_logging("DEBUG", "json")
    OWN.info("tool=x", extra={"members": {"tool": "x", "outcome": "applied", "status": None}})
    OWN.debug('a "quoted" é\n')
    log.stop()

    call, other = (json.loads(line) for line in capfd.readouterr().err.splitlines())
    assert call.pop("time")[19:].startswith(".")
    assert call == {
        "level": "INFO",
        "severity": "INFO",
        "logger": "wemasy_mcp.test",
        "replica": f"{socket.gethostname()}/{os.getpid()}",
        "tool": "x",
        "outcome": "applied",
        "status": None,
    }
    assert other["message"] == 'a "quoted" é '


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_another_library_s_record_is_shown_without_its_arguments(
    capfd: pytest.CaptureFixture[str], log_format: str
) -> None:
    log = start_logging("INFO", log_format)  # type: ignore[arg-type]
    FOREIGN.warning("request %s failed with %r", TOKEN, {"value": TOKEN})
    FOREIGN.info("not wanted")
    log.stop()

    (line,) = capfd.readouterr().err.splitlines()
    assert "some_library: request %s failed with %r" in line
    assert TOKEN not in line


def test_an_exception_is_shown_as_its_type_and_places_without_its_text(capfd: pytest.CaptureFixture[str]) -> None:
    log = start_logging("INFO", "text")
    try:
        int(f"{TOKEN} is no number")
    except ValueError:
        OWN.exception("internal error")
    log.stop()

    (line,) = capfd.readouterr().err.splitlines()
    assert "ERROR internal error (ValueError at test_logging.py:" in line
    assert TOKEN not in line


def test_an_exception_that_was_never_raised_has_no_place() -> None:
    assert describe(ValueError(TOKEN)) == "ValueError at unknown place"


def test_half_an_emoji_does_not_stop_the_log(capfd: pytest.CaptureFixture[str]) -> None:
    log = start_logging("INFO", "text")
    OWN.info("a\ud83db")
    OWN.info("after")
    log.stop()

    first, second = capfd.readouterr().err.splitlines()
    assert first.endswith("INFO a?b")
    assert second.endswith("INFO after")


def test_nothing_is_logged_after_the_end_and_nothing_needs_to_be_before(capfd: pytest.CaptureFixture[str]) -> None:
    log = start_logging("INFO", "text")
    log.stop()
    OWN.warning("too late")

    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("blocking", [True, False])
def test_a_reader_that_never_reads_neither_blocks_the_server_nor_its_end(*, blocking: bool) -> None:
    read, write = os.pipe()
    os.set_blocking(write, blocking)
    log = LogQueue(write)

    for _ in range(QUEUE_LENGTH + 200):
        log.emit(LONG_RECORD)
    log.stop()

    assert log._dropped > 0
    text = drained(log, read, write)
    told = sum(int(number) for number in re.findall(rb"\((\d+) log lines were dropped", text))
    assert text.count(b"x" * 1000) + told + log._dropped == QUEUE_LENGTH + 200


def test_dropped_lines_are_counted_in_the_next_one() -> None:
    read, write = os.pipe()
    log = LogQueue(write)
    while log._dropped < 2:
        log.emit(LONG_RECORD)
    while log._lines.qsize() >= QUEUE_LENGTH:
        os.read(read, 65_536)

    log.emit(LONG_RECORD)

    assert b"\n2 log lines were dropped: nobody is reading stderr\n" in drained(log, read, write)


def test_a_reader_that_has_gone_ends_the_writing_and_nothing_else() -> None:
    read, write = os.pipe()
    os.close(read)
    log = LogQueue(write)
    log.emit(LONG_RECORD)
    assert log._thread is not None
    log._thread.join(10)

    log.emit(LONG_RECORD)
    log.stop()

    assert not log._thread.is_alive()
    os.close(write)


def drained(log: LogQueue, read: int, write: int) -> bytes:
    """Read all that the log's thread still has to write."""
    with ThreadPoolExecutor() as pool, os.fdopen(read, "rb") as file:
        text = pool.submit(file.read)
        log._lines.put(None)
        assert log._thread is not None
        log._thread.join(10)
        os.close(write)
        return text.result(10)
