"""`--log-format json`: one object a line on stderr, with what a call did and never what it said."""

import json
import logging
import re
import socket
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from support.wire import SAVE
from wemasy_mcp.observability.logging import start_logging

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def lines_of(text: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in text.splitlines()]
    for line in lines:
        assert TIME.fullmatch(line.pop("time"))
        assert line.pop("severity") == line["level"]
        assert line.pop("replica").startswith(f"{socket.gethostname()}/")
    return lines


async def test_each_call_is_one_json_line_with_its_outcome_and_no_value(tmp_path: Path) -> None:
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "wemasy_mcp", "--sandbox", "--log-format", "json"]
    )
    log = tmp_path / "stderr"
    with anyio.fail_after(30), log.open("w") as stderr:
        async with Client(stdio_client(server, errlog=stderr)) as client:
            await client.call_tool(SAVE, {"kind": "fact", "key": "a-private-key", "value": "a-private-value"})
            await client.call_tool(SAVE, {"kind": "a-private-kind"})

    text = log.read_text()
    assert "a-private" not in text
    calls = lines_of(text)
    assert all(isinstance(call.pop("ms"), int) for call in calls)
    assert len(calls[0].pop("request_id")) == 36
    for call in calls:
        # The SDK's client passes on a trace where this process has one.
        call.pop("trace_id", None)
    outline = {"level": "INFO", "logger": "wemasy_mcp.observability.calls", "tool": SAVE}
    outline["client"] = calls[0]["client"]
    assert outline["client"].startswith("mcp/")
    assert calls == [
        outline | {"outcome": "applied", "code": "ok", "status": 200, "record": 1},
        outline | {"outcome": "not_applied", "code": "invalid_arguments", "status": None},
    ]


def test_another_librarys_record_is_one_json_line_without_its_arguments(capfd: pytest.CaptureFixture[str]) -> None:
    log = start_logging("INFO", "json")
    try:
        int("a-private-text")
    except ValueError:
        logging.getLogger("other").warning('lost "%s"\nfor good', "a-private-value", exc_info=True)
    log.stop()

    (line,) = lines_of(capfd.readouterr().err)
    message = line.pop("message")
    assert line == {"level": "WARNING", "logger": "other"}
    assert re.fullmatch(r'other: lost "%s" for good \(ValueError at test_json_log\.py:\d+\)', message)
