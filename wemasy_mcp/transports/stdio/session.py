"""MCP over the process's stdin and stdout: this package's only entry point.

Own streams under the SDK's public `Server.run`, for what its stdio transport does not do: answer lines that cannot
be parsed, finish the calls in progress at the end of input or on a signal, and never block.
"""

from collections.abc import Callable
from typing import Any

import anyio
from mcp.server.lowlevel import Server

from wemasy_mcp.transports.pending import Pending
from wemasy_mcp.transports.signals import stop_on_signals
from wemasy_mcp.transports.stdio.descriptors import private_wire
from wemasy_mcp.transports.stdio.incoming import Incoming
from wemasy_mcp.transports.stdio.outgoing import Outgoing
from wemasy_mcp.transports.stdio.pumps import open_pump


async def serve_stdio(server: Server[Any], stop_calls: Callable[[], None]) -> None:
    """Serve one client until stdin ends or a signal arrives.

    Args:
        server: The MCP server.
        stop_calls: Makes the calls in progress answer immediately.
    """
    with private_wire() as (stdin, stdout), open_pump(stdin, stdout) as pump:
        pending = Pending()
        outgoing = Outgoing(pump, pending)
        incoming = Incoming(pump, pending, outgoing, stop_calls)
        options = server.create_initialization_options()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(outgoing.write_backlog)
            with stop_on_signals(incoming.end):
                await server.run(incoming, outgoing, options)
                while incoming.starts_over:
                    await server.run(incoming, outgoing, options)
            tasks.cancel_scope.cancel()
