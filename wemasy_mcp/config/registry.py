"""Every host, each with the page of its documentation that the form was checked against."""

from typing import Any

from wemasy_mcp.config import code
from wemasy_mcp.config.host_program import HostProgram, Shape, headers
from wemasy_mcp.config.server_spec import ServerSpec


def _opencode(spec: ServerSpec, secret: str) -> dict[str, Any]:
    if spec.transport == "stdio":
        environment = {"environment": {spec.secret: secret}} if spec.secret else {}
        command = [spec.command, *spec.arguments]
        return {"type": "local", "command": command, "enabled": True} | environment
    # Without `oauth: false` a 401 starts a login that this server may not offer.
    return {"type": "remote", "url": spec.url, "enabled": True, "oauth": False} | headers(spec, secret)


def _codex(spec: ServerSpec, secret: str) -> dict[str, Any]:
    if spec.transport == "stdio":
        forwarded = {"env_vars": [spec.secret]} if spec.secret else {}
        return {"command": spec.command, "args": list(spec.arguments)} | forwarded
    return {"url": spec.url} | ({"bearer_token_env_var": spec.secret} if spec.secret else {})


HOSTS: tuple[HostProgram, ...] = (
    HostProgram(
        "claude-desktop",
        "Claude Desktop",
        "https://modelcontextprotocol.io/docs/develop/connect-local-servers",
        Shape().build,
        ("mcpServers",),
        lambda paths: paths.applications / "Claude" / "claude_desktop_config.json",
        transports=("stdio",),
    ),
    HostProgram(
        "claude-code",
        "Claude Code",
        "https://code.claude.com/docs/en/mcp",
        Shape(types={"stdio": "stdio", "sse": "sse", "streamable-http": "http"}).build,
        ("mcpServers",),
        # The project's file: the user's own, ~/.claude.json, is rewritten by Claude Code while it runs.
        lambda paths: paths.project / ".mcp.json",
        reference="${{{}}}",
    ),
    HostProgram(
        "cursor",
        "Cursor",
        "https://cursor.com/docs/mcp",
        Shape().build,
        ("mcpServers",),
        lambda paths: paths.home / ".cursor" / "mcp.json",
        reference="${{env:{}}}",
    ),
    HostProgram(
        "vscode",
        "VS Code",
        "https://code.visualstudio.com/docs/copilot/reference/mcp-configuration",
        Shape(types={"stdio": "stdio", "sse": "sse", "streamable-http": "http"}).build,
        ("servers",),
        lambda paths: paths.applications / "Code" / "User" / "mcp.json",
        reference="${{input:{}}}",
        asks_for_secrets=True,
    ),
    HostProgram(
        "windsurf",
        "Windsurf",
        "https://docs.windsurf.com/windsurf/cascade/mcp",
        Shape(url="serverUrl").build,
        ("mcpServers",),
        lambda paths: paths.home / ".codeium" / "windsurf" / "mcp_config.json",
        reference="${{env:{}}}",
    ),
    HostProgram(
        "zed",
        "Zed",
        "https://zed.dev/docs/ai/mcp",
        Shape().build,
        ("context_servers",),
        lambda paths: paths.zed(),
        transports=("stdio", "streamable-http"),
    ),
    HostProgram(
        "jetbrains",
        "JetBrains AI Assistant",
        "https://www.jetbrains.com/help/ai-assistant/mcp.html",
        Shape().build,
        ("mcpServers",),
        hint="Paste it under Settings, Tools, AI Assistant, Model Context Protocol, Add, As JSON.",
    ),
    HostProgram(
        "gemini-cli",
        "Gemini CLI",
        "https://geminicli.com/docs/tools/mcp-server",
        Shape(url="httpUrl", sse_url="url").build,
        ("mcpServers",),
        lambda paths: paths.home / ".gemini" / "settings.json",
        reference="${{{}}}",
    ),
    HostProgram(
        "codex",
        "Codex",
        "https://developers.openai.com/codex/mcp",
        _codex,
        ("mcp_servers",),
        lambda paths: paths.codex / "config.toml",
        form="toml",
        reference="{}",
        transports=("stdio", "streamable-http"),
    ),
    HostProgram(
        "opencode",
        "OpenCode",
        "https://opencode.ai/docs/mcp-servers",
        _opencode,
        ("mcp",),
        lambda paths: paths.opencode(),
        reference="{{env:{}}}",
        transports=("stdio", "streamable-http"),
    ),
    HostProgram(
        "langchain",
        "LangChain",
        "https://docs.langchain.com/oss/python/langchain/mcp",
        code.langchain,
        (),
        form="python",
        reference="{}",
        hint="Put it into your program; `await client.get_tools()` then returns the tools.",
    ),
    HostProgram(
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
