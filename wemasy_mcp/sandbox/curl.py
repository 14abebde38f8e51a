"""A command line with a call for trying the sandbox."""

import json

from wemasy_mcp.console import command_line
from wemasy_mcp.endpoints.base import Endpoint
from wemasy_mcp.sandbox.tokens import SANDBOX_TOKEN


def curl_line(endpoint: Endpoint, base_url: str) -> str:
    """Return a command line that calls the endpoint at `base_url` with its first example.

    It is for a POSIX shell, or on Windows for the command prompt.
    """
    headers = (f"Authorization: Bearer {SANDBOX_TOKEN}", "Accept: application/json", "Content-Type: application/json")
    options = [word for header in headers for word in ("-H", header)]
    body = json.dumps(endpoint.examples[0])
    words = ["curl", "-i", f"{base_url}/{endpoint.path}", *options, "-d", body]
    return command_line(words)
