"""A sandbox in this process, with a clock that stands still until it is moved."""

from collections.abc import AsyncIterator

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.types import ASGIApp

from wemasy_mcp.sandbox import SANDBOX_TOKEN, build_sandbox

ORIGIN = "http://127.0.0.1:8900"


class Clock:
    """Seconds since some beginning."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def client_of(app: ASGIApp, token: str = SANDBOX_TOKEN) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app),
        base_url=ORIGIN,
        headers={"Authorization": f"Bearer {token}"} if token else {},
    )


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def app(clock: Clock) -> Starlette:
    return build_sandbox(clock=clock)


@pytest.fixture
async def client(app: Starlette) -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(app) as opened:
        yield opened
