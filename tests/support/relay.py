"""A TCP relay on loopback, as a proxy before a service is: it leads where it is told to, and may be far away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from support.listener import Connection, accepting


@dataclass
class Relay:
    """New connections lead to `target`; what is sent takes half a `round_trip`."""

    target: int
    round_trip: float = 0
    port: int = 0
    connections: int = 0

    def url(self, scheme: str) -> str:
        return f"{scheme}://127.0.0.1:{self.port}"

    async def talk(self, client: Connection) -> None:
        self.connections += 1
        reader, writer = await asyncio.open_connection("127.0.0.1", self.target)
        requests = asyncio.create_task(self._copy(client.reader, writer))
        try:
            await self._copy(reader, client.writer)
        finally:
            requests.cancel()
            writer.close()

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while part := await reader.read(2**16):
                await asyncio.sleep(self.round_trip / 2)
                writer.write(part)
            writer.close()


@asynccontextmanager
async def relaying(target: int, round_trip: float = 0) -> AsyncIterator[Relay]:
    """Relay to a port of this machine for the time of the block."""
    relay = Relay(target, round_trip)
    async with accepting(relay.talk) as relay.port:
        yield relay
