"""MCP over the process's stdin and stdout."""
