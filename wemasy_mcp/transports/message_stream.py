"""The methods that the SDK requires of a stream of messages besides `receive` or `send`."""

from abc import abstractmethod
from types import TracebackType
from typing import Self

import anyio
from mcp.shared.message import SessionMessage


class MessageStream:
    """A stream with nothing to close."""

    async def aclose(self) -> None:
        """Do nothing: there is nothing to close."""

    async def __aenter__(self) -> Self:
        """Return the stream."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the stream."""
        await self.aclose()


class IncomingStream(MessageStream):
    """A stream that is read, message by message."""

    @abstractmethod
    async def receive(self) -> SessionMessage | Exception:
        """Return the next message.

        Raises:
            anyio.EndOfStream: There are no more messages.
        """
        ...

    def __aiter__(self) -> Self:
        """Return the stream."""
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        """Return the next message."""
        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None
