"""The record of one connection's requests that wait for an answer: the same for stdio and SSE."""

from dataclasses import dataclass, field
from typing import Any

import anyio
from mcp import types
from mcp.shared.dispatcher import coerce_request_id
from mcp.shared.message import ServerMessageMetadata, SessionMessage

from wemasy_mcp.core.request_context import CLIENT_HAS_LEFT

_IN_FLIGHT = "Another request with this id is still in flight; this one was not handled."


@dataclass(frozen=True, slots=True)
class LocalRequest:
    """A substitute where there is no HTTP request: a scope for the transport's own marks."""

    scope: dict[str, Any] = field(default_factory=dict)


class Pending:
    """The requests of one connection that have neither been answered nor cancelled."""

    def __init__(self) -> None:
        self.is_broken = False
        """True once the client has gone: the calls in progress continue, but their answers are not delivered."""
        self._requests: dict[types.RequestId, object] = {}
        """Keyed by id as the SDK compares them: it treats "7" as 7, including in cancellations."""
        self._messages: dict[types.RequestId, types.JSONRPCRequest] = {}
        self._changed = anyio.Event()

    def __len__(self) -> int:
        return len(self._requests)

    def take(self, item: SessionMessage) -> types.JSONRPCError | None:
        """Record a message that was read; its handler can then use `CLIENT_HAS_LEFT`.

        Returns:
            The error that answers a request with the same id as another in flight; that request must not be handled.
        """
        message = item.message
        if isinstance(message, types.JSONRPCRequest):
            key = coerce_request_id(message.id)
            if key in self._requests:
                error = types.ErrorData(code=types.INVALID_REQUEST, message=_IN_FLIGHT)
                return self.refusal(types.JSONRPCError(jsonrpc="2.0", id=message.id, error=error))
            # An id may be reused once its request was cancelled.
            mark = self._requests[key] = object()
            self._messages[key] = message
            assert isinstance(item.metadata, ServerMessageMetadata)  # noqa: S101 - both transports give one
            item.metadata.request_context.scope[CLIENT_HAS_LEFT] = lambda request_id: (
                self.is_broken or self._requests.get(key) is not mark
            )
        elif isinstance(message, types.JSONRPCNotification) and message.method == "notifications/cancelled":
            # A request that its client cancelled gets no answer.
            cancelled = (message.params or {}).get("requestId")
            if isinstance(cancelled, (str, int)):
                self._close(cancelled)
        return None

    def refusal(self, error: types.JSONRPCError) -> types.JSONRPCError:
        """Return `error`, without its id if that is in flight: the client would take it for the other's answer."""
        in_flight = error.id is not None and coerce_request_id(error.id) in self._requests
        return error.model_copy(update={"id": None}) if in_flight else error

    def settle(self, message: types.JSONRPCMessage) -> None:
        """Record that a message, whether an answer or not, was delivered to the client or could not be."""
        if isinstance(message, (types.JSONRPCResponse, types.JSONRPCError)) and message.id is not None:
            # The SDK keeps a connection's latest message until the next one arrives, and the first one to its end.
            if (answered := self._messages.get(coerce_request_id(message.id))) is not None:
                answered.params = None
            self._close(message.id)

    async def wait_for_change(self) -> None:
        """Wait until a request no longer waits for an answer."""
        await self._changed.wait()

    async def wait_until_empty(self) -> None:
        """Wait until every request has its answer or was cancelled."""
        while self._requests:
            await self._changed.wait()

    def _close(self, request_id: types.RequestId) -> None:
        key = coerce_request_id(request_id)
        self._messages.pop(key, None)
        if self._requests.pop(key, None) is not None:
            self._changed.set()
            self._changed = anyio.Event()
