"""What the environment holds never keeps the server from starting, nor a call from its answer."""

import sys
from pathlib import Path

import pytest

from support.answers import answer, success
from support.launching import serving
from support.script import Script
from support.scripted_api import Upstream
from support.truth import Player, read_schemas

pytestmark = pytest.mark.anyio

PYTHON = f'"{sys.executable}"'
SHELL_COMMAND = f"exec {PYTHON} -m wemasy_mcp"


@pytest.mark.parametrize("where", ["cd /proc", 'cd "$(mktemp -d)" && rmdir "$PWD"'], ids=["unwritable", "removed"])
async def test_any_working_directory_will_do(where: str, upstream: Upstream) -> None:
    command = ("sh", "-c", f"{where} && {SHELL_COMMAND}")
    async with serving({"WEMASY_BASE_URL": upstream.url}, command=command) as server:
        await Player(server, upstream, await read_schemas(server)).expect_healthy(where)


async def test_no_locale_changes_a_byte(upstream: Upstream, folder: Path) -> None:
    settings = {"WEMASY_BASE_URL": upstream.url, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"}
    key = "caf\u00e9 \U0001f600"
    upstream.play(key, Script(lambda: [answer(200, {**success(key), "message": key})], applied=True))
    async with serving(settings, folder=folder) as server:
        structured = await Player(server, upstream, await read_schemas(server)).write(key)

        assert structured["message"] == structured["data"]["key"] == key


async def test_an_empty_environment_will_do(upstream: Upstream, folder: Path) -> None:
    command = (
        "sh",
        "-c",
        f'exec env -i WEMASY_API_TOKEN="$WEMASY_API_TOKEN" WEMASY_BASE_URL="$WEMASY_BASE_URL" {PYTHON} -m wemasy_mcp',
    )
    async with serving({"WEMASY_BASE_URL": upstream.url}, command=command, folder=folder) as server:
        await Player(server, upstream, await read_schemas(server)).expect_healthy("no environment")


BROKEN_TRUST = [
    {"SSL_CERT_FILE": "/nowhere/at/all.pem"},
    {"SSL_CERT_FILE": "/dev/null"},
    {"SSL_CERT_FILE": "/proc"},
    {"SSL_CERT_DIR": "/nowhere/at/all"},
]


@pytest.mark.parametrize("variables", BROKEN_TRUST, ids=lambda variables: "=".join(*variables.items()))
async def test_certificates_that_cannot_be_read_are_told_in_the_result(
    variables: dict[str, str], tls_upstream: Upstream, folder: Path
) -> None:
    key = str(variables)
    async with serving({"WEMASY_BASE_URL": tls_upstream.url, **variables}, folder=folder) as server:
        player = Player(server, tls_upstream, await read_schemas(server))
        error = (await player.write(key))["error"]

        assert error["code"] in {"not_configured", "unreachable"}
        assert "certificate" in error["message"]
        assert tls_upstream.received[key] == 0


async def test_certificates_that_cannot_be_read_do_not_disturb_plain_http(upstream: Upstream, folder: Path) -> None:
    settings = {"WEMASY_BASE_URL": upstream.url, "SSL_CERT_FILE": "/nowhere/at/all.pem", "SSL_CERT_DIR": "/nowhere"}
    async with serving(settings, folder=folder) as server:
        await Player(server, upstream, await read_schemas(server)).expect_healthy("no certificates")


@pytest.mark.parametrize(
    "token", [None, "", "${WEMASY_API_TOKEN}", "YOUR_API_TOKEN", "two words", "line\nbreak", "caf\u00e9"]
)
async def test_a_token_that_is_none_is_told_in_the_result(token: str | None, upstream: Upstream, folder: Path) -> None:
    command = ("sh", "-c", f"unset WEMASY_API_TOKEN; {SHELL_COMMAND}" if token is None else SHELL_COMMAND)
    settings = {"WEMASY_BASE_URL": upstream.url, "WEMASY_API_TOKEN": token or ""}
    async with serving(settings, command=command, folder=folder) as server:
        player = Player(server, upstream, await read_schemas(server))
        error = await player.expect_error(f"token {token}", "not_configured")

        assert "WEMASY_API_TOKEN" in error["message"]
        assert upstream.received[f"token {token}"] == 0
        if token:
            assert token.encode() not in b"".join(server.stdout).replace(b"WEMASY_API_TOKEN", b"") + server.stderr
