"""The operators' view: log lines, traces, metrics. Knows nothing about the API or MCP."""
