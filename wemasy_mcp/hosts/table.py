"""Every host, each with the page of its documentation that the form was checked against."""

from typing import Any

from wemasy_mcp.hosts import code
from wemasy_mcp.hosts.host import Host, Shape, headers
from wemasy_mcp.hosts.wanted import Wanted


def _opencode(wanted: Wanted, secret: str) -> dict[str, Any]:
    if wanted.transport == "stdio":
        environment = {"environment": {wanted.secret: secret}} if wanted.secret else {}
        command = [wanted.command, *wanted.arguments]
        return {"type": "local", "command": command, "enabled": True} | environment
    # Without `oauth: false` a 401 starts a login that this server may not offer.
    return {"type": "remote", "url": wanted.url, "enabled": True, "oauth": False} | headers(wanted, secret)


def _codex(wanted: Wanted, secret: str) -> dict[str, Any]:
    if wanted.transport == "stdio":
        forwarded = {"env_vars": [wanted.secret]} if wanted.secret else {}
        return {"command": wanted.command, "args": list(wanted.arguments)} | forwarded
    return {"url": wanted.url} | ({"bearer_token_env_var": wanted.secret} if wanted.secret else {})


HOSTS: tuple[Host, ...] = (
    Host(
        "claude-desktop",
        "Claude Desktop",
        "https://modelcontextprotocol.io/docs/develop/connect-local-servers",
        Shape().build,
        ("mcpServers",),
        lambda places: places.applications / "Claude" / "claude_desktop_config.json",
        transports=("stdio",),
    ),
    Host(
        "claude-code",
        "Claude Code",
        "https://code.claude.com/docs/en/mcp",
        Shape(types={"stdio": "stdio", "sse": "sse", "streamable-http": "http"}).build,
        ("mcpServers",),
        # The project's file: the user's own, ~/.claude.json, is rewritten by Claude Code while it runs.
        lambda places: places.project / ".mcp.json",
        reference="${{{}}}",
    ),
    Host(
        "cursor",
        "Cursor",
        "https://cursor.com/docs/mcp",
        Shape().build,
        ("mcpServers",),
        lambda places: places.home / ".cursor" / "mcp.json",
        reference="${{env:{}}}",
    ),
    Host(
        "vscode",
        "VS Code",
        "https://code.visualstudio.com/docs/copilot/reference/mcp-configuration",
        Shape(types={"stdio": "stdio", "sse": "sse", "streamable-http": "http"}).build,
        ("servers",),
        lambda places: places.applications / "Code" / "User" / "mcp.json",
        reference="${{input:{}}}",
        asks_for_secrets=True,
    ),
    Host(
        "windsurf",
        "Windsurf",
        "https://docs.windsurf.com/windsurf/cascade/mcp",
        Shape(url="serverUrl").build,
        ("mcpServers",),
        lambda places: places.home / ".codeium" / "windsurf" / "mcp_config.json",
        reference="${{env:{}}}",
    ),
    Host(
        "zed",
        "Zed",
        "https://zed.dev/docs/ai/mcp",
        Shape().build,
        ("context_servers",),
        lambda places: places.zed(),
        transports=("stdio", "streamable-http"),
    ),
    Host(
        "jetbrains",
        "JetBrains AI Assistant",
        "https://www.jetbrains.com/help/ai-assistant/mcp.html",
        Shape().build,
        ("mcpServers",),
        hint="Paste it under Settings, Tools, AI Assistant, Model Context Protocol, Add, As JSON.",
    ),
    Host(
        "gemini-cli",
        "Gemini CLI",
        "https://geminicli.com/docs/tools/mcp-server",
        Shape(url="httpUrl", sse_url="url").build,
        ("mcpServers",),
        lambda places: places.home / ".gemini" / "settings.json",
        reference="${{{}}}",
    ),
    Host(
        "codex",
        "Codex",
        "https://developers.openai.com/codex/mcp",
        _codex,
        ("mcp_servers",),
        lambda places: places.codex / "config.toml",
        form="toml",
        reference="{}",
        transports=("stdio", "streamable-http"),
    ),
    Host(
        "opencode",
        "OpenCode",
        "https://opencode.ai/docs/mcp-servers",
        _opencode,
        ("mcp",),
        lambda places: places.opencode(),
        reference="{{env:{}}}",
        transports=("stdio", "streamable-http"),
    ),
    Host(
        "langchain",
        "LangChain",
        "https://docs.langchain.com/oss/python/langchain/mcp",
        code.langchain,
        (),
        form="python",
        reference="{}",
        hint="Put it into your program; `await client.get_tools()` then returns the tools.",
    ),
    Host(
        "openai-agents",
        "OpenAI Agents SDK",
        "https://openai.github.io/openai-agents-python/mcp/",
        code.openai_agents,
        (),
        form="python",
        reference="{}",
        hint="Put it into your program: `async with server:`, then `Agent(mcp_servers=[server])`.",
    ),
)
