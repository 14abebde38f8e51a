"""Every operation that is offered as a tool, in the order in which tools are listed."""

from wemasy_mcp.endpoint import AnyEndpoint
from wemasy_mcp.endpoints.connections_update import CONNECTIONS_UPDATE
from wemasy_mcp.endpoints.memory_save import MEMORY_SAVE

ENDPOINTS: tuple[AnyEndpoint, ...] = (CONNECTIONS_UPDATE, MEMORY_SAVE)
