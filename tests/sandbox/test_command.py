"""`wemasy-mcp sandbox`, the real process."""

import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import anyio
import httpx2
import pytest

from api_document import OPERATIONS, SAVE_MEMORY, UPDATE_CONNECTION, Operation
from support.sandbox_process import SECONDS_TO_END, Sandbox, command, running
from wemasy_mcp.sandbox import SANDBOX_TOKEN, build_sandbox, sandbox_command
from wemasy_mcp.transports.http.uvicorn_server import Patience

SAVE = f"/api/{SAVE_MEMORY.path}"
UPDATE = f"/api/{UPDATE_CONNECTION.path}"
FACT = {"kind": "fact"}


def _client(sandbox: Sandbox) -> httpx2.Client:
    return httpx2.Client(
        base_url=sandbox.origin, headers={"Authorization": f"Bearer {SANDBOX_TOKEN}"}, trust_env=False, timeout=20
    )


def test_what_it_prints_at_the_start_works() -> None:
    with running() as sandbox, httpx2.Client(trust_env=False) as client:
        statuses = {
            name: client.post(
                f"{sandbox.fact('Base URL')}/{SAVE_MEMORY.path}",
                json=FACT,
                headers={"Authorization": f"Bearer {sandbox.fact(name)}"},
            ).status_code
            for name in ("Token", "Token that gets 401", "Token that gets 403")
        }
        page = client.get(sandbox.fact("Page"))

    assert statuses == {"Token": 200, "Token that gets 401": 401, "Token that gets 403": 403}
    assert "<h1>Wemasy sandbox</h1>" in page.text


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda it: it.tool)
def test_its_curl_lines_can_be_pasted(operation: Operation) -> None:
    with running() as sandbox:
        (line,) = (
            line
            for line in sandbox.introduction.splitlines()
            if line.startswith("curl") and f"{operation.path} " in line
        )
        called = subprocess.run(
            [*shlex.split(line), "--silent", "--noproxy", "*"],
            capture_output=True,
            text=True,
            timeout=SECONDS_TO_END,
            check=True,
        )

    assert called.stdout.startswith("HTTP/1.1 200")
    assert '"success": true' in called.stdout


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly_while_a_call_is_held_open(signal_number: int) -> None:
    with running() as sandbox, _client(sandbox) as client:
        host = sandbox.origin.removeprefix("http://")
        client.post("/_sandbox/faults", json={"fault": "timeout"})
        with socket.create_connection(("127.0.0.1", int(host.partition(":")[2]))) as held:
            authorization = f"Authorization: Bearer {SANDBOX_TOKEN}"
            head = f"POST {SAVE} HTTP/1.1\r\nHost: {host}\r\n{authorization}\r\nContent-Length: 0\r\n\r\n"
            held.sendall(head.encode())
            while client.get("/_sandbox/state").json()["requests"] == []:
                pass

            assert sandbox.end(signal_number) == (0, "")
            held.settimeout(20)
            assert held.recv(1) == b""


def test_a_lost_answer_is_a_closed_connection_after_a_write() -> None:
    with running() as sandbox, _client(sandbox) as client:
        client.post("/_sandbox/faults", json={"fault": "lost_answer"})

        with pytest.raises(httpx2.RemoteProtocolError):
            client.post(UPDATE, json={"connection_id": 5, "name": "Renamed"})

        connections = client.get("/_sandbox/state").json()["collections"][0]["records"]
        assert connections[0]["name"]["text"] == "Renamed"
        assert client.post(SAVE, json=FACT).status_code == 200
        assert sandbox.end(signal.SIGTERM) == (0, "")


def test_a_caller_who_gives_up_on_silence_leaves_nothing_behind() -> None:
    with running() as sandbox, _client(sandbox) as client:
        client.post("/_sandbox/faults", json={"fault": "timeout"})

        with pytest.raises(httpx2.ReadTimeout):
            client.post(SAVE, json=FACT, timeout=0.2)

        assert client.get("/_sandbox/state").json()["collections"][1]["count"] == 0
        assert sandbox.end(signal.SIGTERM) == (0, "")


async def test_half_a_request_is_dropped_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox_command, "_PATIENCE", Patience(request=0.1, latecomers=0, calls=0))
    with socket.create_server(("127.0.0.1", 0)) as listener, anyio.fail_after(20):
        port = listener.getsockname()[1]
        async with anyio.create_task_group() as serving:
            serving.start_soon(sandbox_command._serve, build_sandbox(), listener, port)
            async with await anyio.connect_tcp("127.0.0.1", port) as client:
                await client.send(
                    f"POST {SAVE} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: 9\r\n\r\n{{".encode()
                )
                with pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
                    await client.receive()
            serving.cancel_scope.cancel()


async def test_calls_at_once_are_counted_one_by_one() -> None:
    with running() as sandbox, anyio.fail_after(60):
        statuses: list[int] = []
        async with httpx2.AsyncClient(
            base_url=sandbox.origin, headers={"Authorization": f"Bearer {SANDBOX_TOKEN}"}, trust_env=False, timeout=20
        ) as client:

            async def save() -> None:
                statuses.append((await client.post(SAVE, json=FACT)).status_code)

            async with anyio.create_task_group() as calling:
                for _ in range(70):
                    calling.start_soon(save)
            state = (await client.get("/_sandbox/state")).json()

    assert (statuses.count(200), statuses.count(429)) == (60, 10)
    assert state["collections"][1]["count"] == 60


def test_records_in_a_file_are_there_after_a_restart(tmp_path: Path) -> None:
    file = str(tmp_path / "sandbox.db")
    for expected in (1, 2):
        with running("--sandbox-db", file) as sandbox, _client(sandbox) as client:
            assert client.post(SAVE, json=FACT).json()["data"]["id"] == expected
            assert sandbox.end(signal.SIGTERM) == (0, "")
            assert f"in {file}" in sandbox.introduction


def _refusal(*arguments: str) -> tuple[int, str, str]:
    ended = subprocess.run(command(*arguments), capture_output=True, text=True, timeout=SECONDS_TO_END, check=False)
    return ended.returncode, ended.stdout, ended.stderr


def test_a_taken_port_is_one_line_and_status_2() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, output, errors = _refusal("--port", str(port))

    assert (status, output) == (2, "")
    assert errors == (
        f"wemasy-mcp: --port cannot be used: nothing can listen on 127.0.0.1:{port} (Address already in use).\n"
    )


def test_a_database_that_cannot_be_used_is_one_line_and_status_2(tmp_path: Path) -> None:
    status, output, errors = _refusal("--port", "0", "--sandbox-db", str(tmp_path))

    assert (status, output) == (2, "")
    assert errors == (
        f"wemasy-mcp: --sandbox-db cannot be used: The sandbox database {tmp_path} cannot be opened: "
        "unable to open database file\n"
    )


def test_it_starts_where_a_newcomer_may_be(tmp_path: Path) -> None:
    """In a project that has a folder `mcp`, without a home, in a narrow terminal that knows ASCII only."""
    (tmp_path / "mcp").mkdir()
    (tmp_path / "mcp" / "__init__.py").write_text("raise SystemExit('the folder was imported')")
    kept = {name: os.environ[name] for name in os.environ if name.startswith(("COVERAGE", "PATH"))}
    environment = {**kept, "PYTHONIOENCODING": "ascii", "COLUMNS": "60"}

    with running("--sandbox-db", "caf\u00e9.db", cwd=tmp_path, env=environment) as sandbox, _client(sandbox) as client:
        assert client.post(SAVE, json=FACT).status_code == 200
        assert sandbox.end(signal.SIGTERM) == (0, "")

    lines = sandbox.introduction.splitlines()
    assert [line for line in lines if len(line) > 60 and not line.startswith("curl ")] == []


def test_serving_the_real_api_over_stdio_does_not_import_the_sandbox() -> None:
    program = "import sys, wemasy_mcp.cli, wemasy_mcp.app; print('wemasy_mcp.sandbox' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)

    assert ended.stdout == "False\n"
