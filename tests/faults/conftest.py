"""What the played faults share: one misbehaving API and one server in each protocol era."""

import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from support.certificates import Certificates, make_certificates
from support.console import open_console
from support.launching import serving
from support.scripted_api import Upstream
from support.server_process import Era
from support.truth import SAVE, UPDATE, Player, read_schemas

PROXIED_HOST = "api.wemasy.invalid"
"""A host name that no resolver knows, so that only a proxy can reach it."""


if sys.platform == "win32":

    @pytest.fixture(scope="package", autouse=True)
    def console() -> None:
        open_console()


@pytest.fixture(scope="package")
def anyio_backend() -> str:
    """One event loop for the whole run, so that servers can be shared."""
    return "asyncio"


@pytest.fixture(scope="package")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """The certificates of this run."""
    return make_certificates(tmp_path_factory.mktemp("certificates"), "127.0.0.1", PROXIED_HOST)


@pytest.fixture(scope="package")
async def upstream(anyio_backend: str) -> AsyncGenerator[Upstream]:
    """The misbehaving API over plain http."""
    async with Upstream() as upstream:
        yield upstream


@pytest.fixture(scope="package")
async def tls_upstream(anyio_backend: str, certificates: Certificates) -> AsyncGenerator[Upstream]:
    """The misbehaving API over https."""
    async with Upstream(certificates.valid) as upstream:
        yield upstream


@pytest.fixture(scope="package")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty working directory for servers."""
    return tmp_path_factory.mktemp("working-directory")


async def _player(upstream: Upstream, era: Era, tool: str, folder: Path) -> AsyncGenerator[Player]:
    settings = {"WEMASY_BASE_URL": upstream.url, "WEMASY_TIMEOUT_SECONDS": "2"}
    async with serving(settings, era=era, folder=folder) as server:
        yield Player(server, upstream, await read_schemas(server), tool)


@pytest.fixture(scope="package")
async def handshake_player(upstream: Upstream, folder: Path) -> AsyncGenerator[Player]:
    """A 2025 client that saves memories: the call that must not be repeated."""
    async for player in _player(upstream, "2025-11-25", SAVE, folder):
        yield player


@pytest.fixture(scope="package")
async def envelope_player(upstream: Upstream, folder: Path) -> AsyncGenerator[Player]:
    """A 2026 client that updates connections: the call that may be repeated."""
    async for player in _player(upstream, "2026-07-28", UPDATE, folder):
        yield player


@pytest.fixture(params=["handshake_player", "envelope_player"])
def player(request: pytest.FixtureRequest) -> Player:
    """Each era in turn, with each tool."""
    player = request.getfixturevalue(request.param)
    assert isinstance(player, Player)
    return player
