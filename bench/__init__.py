"""Measures wemasy-mcp side by side with what a user would pick instead of it. Run it with `python -m bench`."""
