"""The account of requests that one connection has brought and that wait for an answer: the same for stdio and SSE."""

from contextvars import Context

import anyio
from mcp import types

from wemasy_mcp.core.delivery import Delivery

_IN_FLIGHT = "The id of this request is that of another still in flight; this one was not handled."


class Pending:
    """The requests of one connection that have no answer yet, each with its `Delivery`."""

    def __init__(self) -> None:
        self._requests: dict[types.RequestId, Delivery] = {}
        self._changed = anyio.Event()

    def __len__(self) -> int:
        return len(self._requests)

    def take(self, message: types.JSONRPCMessage, context: Context) -> types.JSONRPCError | None:
        """Note a message that was read, and carry the delivery of a request in the `context` of its handler.

        Returns:
            The error that answers a request whose id is that of another in flight; it is not to be handled.
        """
        if isinstance(message, types.JSONRPCRequest):
            if message.id in self._requests:
                error = types.ErrorData(code=types.INVALID_REQUEST, message=_IN_FLIGHT)
                return self.refusal(types.JSONRPCError(jsonrpc="2.0", id=message.id, error=error))
            self._requests[message.id] = delivery = Delivery()
            delivery.carry_in(context)
        elif isinstance(message, types.JSONRPCNotification) and message.method == "notifications/cancelled":
            self._cancel((message.params or {}).get("requestId"))
        return None

    def refusal(self, error: types.JSONRPCError) -> types.JSONRPCError:
        """Return `error`, without its id if that is in flight: the client would take it for the other's answer."""
        return error.model_copy(update={"id": None}) if error.id in self._requests else error

    def settle(self, message: types.JSONRPCMessage, *, is_delivered: bool = True) -> None:
        """Note that a message was handed to the client, or could not be: an answer, or anything else."""
        if isinstance(message, (types.JSONRPCResponse, types.JSONRPCError)) and message.id is not None:
            self._close(message.id, is_delivered=is_delivered)

    def report_losses(self) -> None:
        """Note that the client has gone: the calls under way go on, and no answer reaches it any more."""
        for delivery in self._requests.values():
            delivery.report_loss()

    async def wait_for_change(self) -> None:
        """Wait until a request is waiting no longer."""
        await self._changed.wait()

    async def wait_until_empty(self) -> None:
        """Wait until every request has its answer or was cancelled."""
        while self._requests:
            await self._changed.wait()

    def _cancel(self, request_id: object) -> None:
        """A request that its client cancelled gets no answer."""
        if not isinstance(request_id, (str, int)):
            return
        if request_id not in self._requests and isinstance(request_id, str) and request_id.lstrip("-").isdecimal():
            # The SDK cancels the request 7 for "7", too.
            request_id = int(request_id[:20])
        self._close(request_id, is_delivered=False)

    def _close(self, request_id: types.RequestId, *, is_delivered: bool) -> None:
        delivery = self._requests.pop(request_id, None)
        if delivery is None:
            return
        if not is_delivered:
            delivery.report_loss()
        self._changed.set()
        self._changed = anyio.Event()
