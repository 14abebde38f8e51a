"""What the first call needs is made once, in a thread, as soon as a client lists the tools."""

import os
from pathlib import Path
from typing import Any

import anyio
import pytest
from pydantic import SecretStr

from support.certificates import Certificates, make_certificates
from support.fake_api import FakeApi
from support.program import TOKEN
from support.wire import ENDPOINT, SAVE, connect, server_over
from wemasy_mcp.core.client import Attempt, WemasyClient
from wemasy_mcp.core.errors import WemasyError

pytestmark = pytest.mark.posix


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"), "127.0.0.1", "proxied.invalid")


@pytest.fixture
def slow_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of CA certificates whose reading takes until somebody writes it."""
    path = tmp_path / "authority.pem"
    os.mkfifo(path)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    return path


async def write(path: Path, certificates: Certificates) -> None:
    """Return once the file is being read, with what it holds."""
    with anyio.fail_after(10):
        await anyio.to_thread.run_sync(path.write_bytes, certificates.trusted.read_bytes())


async def call(client: WemasyClient) -> Any:
    with anyio.fail_after(10):
        return await client.call(
            ENDPOINT[SAVE], b'{"kind":"fact"}', token=SecretStr(TOKEN), user_agent="agent/1", attempt=Attempt()
        )


async def test_a_client_that_lists_the_tools_finds_the_certificates_read(
    slow_file: Path, certificates: Certificates
) -> None:
    async with FakeApi(tls=certificates.valid) as api:
        client = WemasyClient(api.url, timeout_seconds=5)
        async with connect(server_over(client), "2026") as host:
            await host.list_tools()
            await write(slow_file, certificates)
            assert await call(client)
        await client.aclose()


async def test_calls_that_come_meanwhile_wait_for_one_and_the_same(slow_file: Path, certificates: Certificates) -> None:
    async with FakeApi(tls=certificates.valid) as api:
        client = WemasyClient(api.url, timeout_seconds=5, keepalive_seconds=60)
        async with anyio.create_task_group() as calls:
            calls.start_soon(call, client)
            calls.start_soon(call, client)
            await write(slow_file, certificates)
        client.prepare()
        await call(client)
        await client.aclose()

        assert len(api.requests) == 3


async def test_certificates_that_are_not_read_in_time_keep_the_call_from_being_sent(
    slow_file: Path, certificates: Certificates
) -> None:
    client = WemasyClient("https://127.0.0.1:1/api", timeout_seconds=0.01)

    with pytest.raises(WemasyError) as raised:
        await call(client)
    await write(slow_file, certificates)

    assert (raised.value.code, raised.value.outcome) == ("unreachable", "not_applied")


async def test_certificates_that_could_not_be_read_may_be_put_right(
    certificates: Certificates, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "authority.pem"
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    async with FakeApi(tls=certificates.valid) as api:
        client = WemasyClient(api.url, timeout_seconds=5)
        with pytest.raises(WemasyError, match="SSL_CERT_FILE"):
            await call(client)
        path.write_bytes(certificates.trusted.read_bytes())

        assert await call(client)
        await client.aclose()
