"""Bytes to the MCP client: stdio, SSE and streamable HTTP."""
