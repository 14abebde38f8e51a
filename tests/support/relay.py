"""A TCP relay on loopback, as a proxy before a service is: it leads where it is told to, and may be far away."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import anyio
import anyio.abc

from support.wire import accepting


@dataclass
class Relay:
    """New connections lead to `target`; what is sent takes half a `round_trip`."""

    target: int
    round_trip: float = 0
    port: int = 0
    connections: int = 0

    def url(self, scheme: str) -> str:
        return f"{scheme}://127.0.0.1:{self.port}"

    async def serve(self, client: anyio.abc.SocketStream) -> None:
        self.connections += 1
        server = await anyio.connect_tcp("127.0.0.1", self.target)
        async with client, server, anyio.create_task_group() as tasks:
            tasks.start_soon(self._copy, client, server)
            await self._copy(server, client)
            tasks.cancel_scope.cancel()

    async def _copy(self, source: anyio.abc.SocketStream, target: anyio.abc.SocketStream) -> None:
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
            async for part in source:
                await anyio.sleep(self.round_trip / 2)
                await target.send(part)
            await target.send_eof()


@asynccontextmanager
async def relaying(target: int, round_trip: float = 0) -> AsyncIterator[Relay]:
    """Relay to a port of this machine for the time of the block."""
    relay = Relay(target, round_trip)
    async with accepting(relay.serve) as relay.port:
        yield relay
