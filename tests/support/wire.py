"""The HTTP seam without a socket: an httpx2 transport that is recorded, and the client and server over it."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

import httpx2
from mcp import Client
from mcp.server.lowlevel import Server
from pydantic import SecretStr

import api_document
from support.answers import as_json
from support.program import TOKEN
from wemasy_mcp.core.client import Caller, WemasyClient
from wemasy_mcp.core.server import Options, build_server
from wemasy_mcp.endpoints import ENDPOINTS
from wemasy_mcp.endpoints.base import Endpoint

Era = Literal["2026", "2025"]
ERAS: tuple[Era, ...] = ("2026", "2025")
"""The two generations of the protocol that clients speak."""

ENDPOINT: dict[str, Endpoint] = {endpoint.tool: endpoint for endpoint in ENDPOINTS}
UPDATE, SAVE = api_document.UPDATE_CONNECTION.tool, api_document.SAVE_MEMORY.tool


class Recorded:
    """Keeps the requests, and answers each with what was set last: at first with the API document's own samples."""

    def __init__(self) -> None:
        self.requests: list[httpx2.Request] = []
        self._answer: Callable[[httpx2.Request], httpx2.Response] = _documented

    @property
    def bodies(self) -> list[bytes]:
        """The body of every request, as it was sent."""
        return [request.content for request in self.requests]

    def transport(self) -> httpx2.MockTransport:
        """Return what a client is built on."""
        return httpx2.MockTransport(self._handle)

    def answer(self, status: int, body: Any = b"", headers: Mapping[str, str] | None = None) -> None:
        """Answer every call from now on with this: `body` as it is where it is bytes, else as JSON."""
        content = body if isinstance(body, bytes) else as_json(body)
        self._answer = lambda request: httpx2.Response(status, content=content, headers=headers)

    def fail(self, error: type[Exception], text: str = "never shown") -> None:
        """Break every call from now on."""

        def broken(request: httpx2.Request) -> httpx2.Response:
            raise error(text)

        self._answer = broken

    def _handle(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        return self._answer(request)


def _documented(request: httpx2.Request) -> httpx2.Response:
    (operation,) = (it for it in api_document.OPERATIONS if request.url.path.endswith(it.path))
    return httpx2.Response(200, json=operation.sample_answer, headers=api_document.RATE_LIMIT_HEADERS)


def server_over(caller: Caller, *, options: Options | None = None) -> Server[Any]:
    """Return the server with every tool over `caller`."""
    return build_server(caller, ENDPOINTS, lambda ctx: SecretStr(TOKEN), options)


def client_over(recorded: Recorded) -> WemasyClient:
    """Return the HTTP client at the documented address, its transport recorded."""
    return WemasyClient(api_document.BASE_URL, timeout_seconds=20, transport=recorded.transport())


def connect(server: Server[Any], era: Era, **options: Any) -> Client:
    """Return a client of the SDK that speaks to `server` as clients of `era` do."""
    return Client(server, mode={"2026": "auto", "2025": "legacy"}[era], **options)
