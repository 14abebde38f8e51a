"""Calls that get no answer: held open, or hung up on."""

import anyio
from starlette.requests import Request
from starlette.responses import Response

from wemasy_mcp.sandbox.faults import MAX_SILENCE_SECONDS

HANG_UP = "hang_up"
"""The key in the ASGI scope's `state` for the function with which a server closes a connection unanswered."""


class AnswerLostError(ConnectionResetError):
    """The call was carried out, and there is no connection to close: raised for in-process callers."""


class Silence:
    """Ends calls without an answer."""

    def __init__(self) -> None:
        self._ended = anyio.Event()

    def end(self) -> None:
        """Hang up on every call that is held open, because the server is stopping."""
        self._ended.set()

    async def keep(self, request: Request) -> Response:
        """Hold the call open until the caller gives up, the server stops, or no one can still be waiting."""
        with anyio.move_on_after(MAX_SILENCE_SECONDS):
            async with anyio.create_task_group() as waiting:
                waiting.start_soon(self._until_ended, waiting.cancel_scope)
                await _until_disconnected(request)
                waiting.cancel_scope.cancel()
        return await self.hang_up(request)

    async def hang_up(self, request: Request) -> Response:
        """Close the connection.

        Raises:
            AnswerLostError: The server cannot close it.
        """
        close = request.scope.get("state", {}).get(HANG_UP)
        if close is None:
            raise AnswerLostError("the sandbox gave no answer, as requested")
        close()
        await _until_disconnected(request)
        return Response(status_code=204)

    async def _until_ended(self, scope: anyio.CancelScope) -> None:
        await self._ended.wait()
        scope.cancel()


async def _until_disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
