"""MCP over HTTP: streamable HTTP and SSE, closed by default. Imported only when one of them is served."""
