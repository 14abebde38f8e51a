"""`wemasy-mcp doctor`: checks that everything is in place for a call, with advice if not. It never writes anything."""
