"""`wemasy-mcp doctor`: is everything in place for a call, and if not, what to do. Nothing is ever written."""
