"""What operators see: log lines, traces, metrics. Knows nothing of the API and nothing of MCP."""
