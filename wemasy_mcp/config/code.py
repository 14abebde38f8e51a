"""Entries that are code: agent frameworks take a server as Python objects. Both give up after 5 s by default."""

import json
from typing import Any

from wemasy_mcp.config.server_spec import ServerSpec

SESSION_SECONDS = 30
"""Longer than the server's own 20 s, so that its answer is the one that is heard."""


def langchain(spec: ServerSpec, secret: str) -> dict[str, Any]:
    """Return the connection of https://docs.langchain.com/oss/python/langchain/mcp as its members."""
    transport = spec.transport.replace("-", "_")
    return {"transport": transport} | _parameters(spec)


def openai_agents(spec: ServerSpec, secret: str) -> dict[str, Any]:
    """Return the parameters of https://openai.github.io/openai-agents-python/mcp/ as their members."""
    return _parameters(spec)


def render(host_name: str, spec: ServerSpec, entry: dict[str, Any]) -> str:
    """Return the entry as code that can be pasted."""
    if host_name == "langchain":
        lines = [
            "from langchain_mcp_adapters.client import MultiServerMCPClient",
            "",
            f"client = MultiServerMCPClient({_literal({spec.name: entry})})",
        ]
    else:
        kind = {"stdio": "MCPServerStdio", "sse": "MCPServerSse"}.get(spec.transport, "MCPServerStreamableHttp")
        lines = [
            f"from agents.mcp import {kind}",
            "",
            f"server = {kind}(",
            f"    name={json.dumps(spec.name)},",
            f"    params={_literal(entry, '    ')},",
            f"    client_session_timeout_seconds={SESSION_SECONDS},",
            ")",
        ]
    if spec.secret:
        lines = ["import os", "", *lines]
    return "\n".join([*lines, ""])


class _Expression(str):
    """A text that is code already."""

    __slots__ = ()


def _parameters(spec: ServerSpec) -> dict[str, Any]:
    value = _Expression(f'os.environ["{spec.secret}"]')
    if spec.transport == "stdio":
        environment = {"env": {spec.secret: value}} if spec.secret else {}
        return {"command": spec.command, "args": list(spec.arguments)} | environment
    bearer = _Expression(f'"Bearer " + {value}')
    return {"url": spec.url} | ({"headers": {"Authorization": bearer}} if spec.secret else {})


def _literal(value: object, indent: str = "") -> str:
    if isinstance(value, dict):
        inner = f"{indent}    "
        members = "".join(f"{inner}{_literal(name)}: {_literal(item, inner)},\n" for name, item in value.items())
        return f"{{\n{members}{indent}}}"
    # A JSON text or list of texts is a Python one, too.
    return value if isinstance(value, _Expression) else json.dumps(value)
