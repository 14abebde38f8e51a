"""A Model Context Protocol server for Wemasy's AI Assistant API."""

__version__ = "0.1.0"
