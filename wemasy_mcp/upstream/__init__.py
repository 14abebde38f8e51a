"""Bytes to the API: connections, proxies, TLS. Knows nothing of Wemasy's rules and nothing of MCP."""
