"""Every operation that is offered as a tool, in the order in which the tools are listed."""

from wemasy_mcp.endpoints.base import Endpoint
from wemasy_mcp.endpoints.connections_update import CONNECTIONS_UPDATE
from wemasy_mcp.endpoints.memory_save import MEMORY_SAVE

ENDPOINTS: tuple[Endpoint, ...] = (CONNECTIONS_UPDATE, MEMORY_SAVE)
