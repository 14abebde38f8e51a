"""Calls of the API through `OnceCaller`, and an API that counts requests and answers each when it is told to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import httpx2
import pytest
from pydantic import SecretStr

from support.program import TOKEN
from support.wire import ENDPOINT, SAVE
from wemasy_mcp.core.client import Attempt, WemasyClient
from wemasy_mcp.core.errors import WemasyError
from wemasy_mcp.core.protocol import Reply
from wemasy_mcp.once.once_caller import OnceCaller
from wemasy_mcp.once.repeats import Repeats
from wemasy_mcp.once.replicas import Replicas

BASE_URL = "https://api.example/api"
PATIENT = 60.0


class Api:
    """Counts requests, and answers each when it is told to."""

    def __init__(self) -> None:
        self.requests: list[asyncio.Future[httpx2.Response | Exception]] = []

    async def handle(self, request: httpx2.Request) -> httpx2.Response:
        await request.aread()
        self.requests.append(asyncio.get_running_loop().create_future())
        answer = await self.requests[-1]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def store(self, number: int = 0) -> None:
        """Answer a request: it is stored under its own number."""
        data = {"id": number, "kind": "fact", "key": None, "name": "n", "model_name": None}
        self.requests[number].set_result(httpx2.Response(200, json={"success": True, "data": data}))

    def lose(self, number: int = 0) -> None:
        """Break a request's connection."""
        self.requests[number].set_result(httpx2.ReadError("never shown"))

    def refuse(self, number: int = 0) -> None:
        """Refuse a request's values."""
        self.requests[number].set_result(httpx2.Response(422, json={"message": "No.", "errors": {}}))


def once_over(
    api: Api,
    answer_seconds: float = PATIENT,
    replicas: Replicas | None = None,
    timeout_seconds: float = PATIENT,
    repeats: Repeats | None = None,
) -> OnceCaller:
    client = WemasyClient(BASE_URL, timeout_seconds=timeout_seconds, transport=httpx2.MockTransport(api.handle))
    return OnceCaller(
        client, answer_seconds=answer_seconds, timeout_seconds=timeout_seconds, repeats=repeats, replicas=replicas
    )


class Call:
    """One call of a tool, as a task."""

    def __init__(self, caller: OnceCaller, tool: str = SAVE, body: bytes = b'{"kind":"fact"}') -> None:
        self.attempt = Attempt(report=lambda request, outcome, code: self.reports.append((outcome, code)))
        self.reports: list[tuple[str, str]] = []
        self.is_there = True
        self.attempt.client_is_there = lambda: self.is_there
        self.task = asyncio.create_task(
            caller.call(ENDPOINT[tool], body, token=SecretStr(TOKEN), user_agent="test", attempt=self.attempt)
        )

    async def outcome(self) -> Reply | WemasyError:
        try:
            with anyio.fail_after(5):
                return await self.task
        except WemasyError as error:
            return error

    async def stored_as(self) -> int:
        reply = await self.outcome()
        assert isinstance(reply, Reply)
        assert reply.data is not None
        number: int = reply.data["id"]
        return number

    async def cancel(self) -> None:
        self.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await self.task


@asynccontextmanager
async def silence() -> AsyncIterator[str]:
    """Yield an https address whose port takes connections and says nothing: no request is ever sent to it."""

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    async with server:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def settled() -> None:
    """Let every task go as far as it can."""
    for _ in range(20):
        await asyncio.sleep(0)
