"""A call to try the sandbox with, as a command line."""

import json
import shlex

from wemasy_mcp.endpoints.base import Endpoint
from wemasy_mcp.sandbox.tokens import SANDBOX_TOKEN


def curl_line(endpoint: Endpoint, base_url: str) -> str:
    """Return a command line for a POSIX shell that calls the endpoint at `base_url` with its first example."""
    headers = (f"Authorization: Bearer {SANDBOX_TOKEN}", "Accept: application/json", "Content-Type: application/json")
    options = [word for header in headers for word in ("-H", header)]
    body = json.dumps(endpoint.examples[0])
    return shlex.join(["curl", "-i", f"{base_url}/{endpoint.path}", *options, "-d", body])
