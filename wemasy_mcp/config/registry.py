"""Every host. docs/hosts.md lists the pages that the forms were checked against, and where they disagree."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from wemasy_mcp.config.host_program import HTTP_ONLY, NO_SSE, HostProgram, Shape
from wemasy_mcp.config.paths import Paths
from wemasy_mcp.config.server_spec import Secrets, ServerSpec, Transport

_TYPES: dict[Transport, str] = {"stdio": "stdio", "sse": "sse", "streamable-http": "http"}
_GEMINI = Shape(url="httpUrl", sse_url="url").build
_COMMENTS = frozenset({"comments"})
_JSONC = frozenset({"comments", "trailing commas"})
_DOLLAR, _DOLLAR_ENV = "${{{}}}", "${{env:{}}}"
_SERVER_URL = Shape(url="serverUrl").build
_TYPED = Shape(_TYPES).build
_STREAMABLE = Shape({"sse": "sse", "streamable-http": "streamable-http"}).build


def _home(file: str) -> Callable[[Paths], Path]:
    return lambda paths: paths.home / file


def _opencode(spec: ServerSpec, values: Secrets) -> dict[str, Any]:
    if spec.transport == "stdio":
        environment = spec.environment(values)
        members = {"type": "local", "command": [spec.command, *spec.arguments], "enabled": True}
        return members | ({"environment": environment} if environment else {})
    members = {"type": "remote", "url": spec.url, "enabled": True}
    # If the entry has a token, a 401 must not start a login; without one, the server may offer a login.
    return members | ({"oauth": False, "headers": spec.headers(values)} if spec.secrets else {})


def _codex(spec: ServerSpec, values: Secrets) -> dict[str, Any]:
    if spec.transport == "stdio":
        return {"command": spec.command, "args": list(spec.arguments)} | _forward(spec, values, "env_vars", "env")
    members: dict[str, Any] = {"url": spec.url}
    for secret in spec.secrets:
        if secret.scheme:
            members["bearer_token_env_var"] = values[secret.variable]
        else:
            members["env_http_headers"] = {secret.header: values[secret.variable]}
    return members


def _goose(spec: ServerSpec, values: Secrets) -> dict[str, Any]:
    members: dict[str, Any] = {"enabled": True, "name": spec.name, "timeout": 300}
    if spec.transport == "stdio":
        members |= {"type": "stdio", "cmd": spec.command, "args": list(spec.arguments)}
        return members | _forward(spec, values, "env_keys", "envs")
    members |= {"type": "streamable_http", "uri": spec.url, "headers": spec.headers(values)}
    return members | {"env_keys": [secret.name for secret in spec.secrets]}


def _forward(spec: ServerSpec, values: Secrets, forwarded: str, given: str) -> dict[str, Any]:
    """Forward variables by name; an account whose variable has another name needs its value in the entry."""
    if any(secret.source for secret in spec.secrets):
        return {given: spec.environment(values)}
    return {forwarded: [secret.variable for secret in spec.secrets]} if spec.secrets else {}


def _librechat(spec: ServerSpec, values: Secrets) -> dict[str, Any]:
    # Without it, a 401 to LibreChat's own probe, which sends no headers, starts a login.
    return _STREAMABLE(spec, values) | ({"requiresOAuth": False} if spec.secrets else {})


def _fields(spec: ServerSpec, values: Secrets) -> dict[str, Any]:
    return {"URL": spec.url} | spec.headers(values)


HOSTS: tuple[HostProgram, ...] = (
    HostProgram("claude-desktop", "Claude Desktop", Paths.claude_desktop, transports=("stdio",)),
    HostProgram(
        "claude-code",
        "Claude Code",
        # The project's file: the user's own, ~/.claude.json, is rewritten by Claude Code while it runs.
        lambda paths: paths.project / ".mcp.json",
        _TYPED,
        reference=_DOLLAR,
        add=("claude", "mcp", "add-json", "--scope", "user", "{name}", "{json}"),
        unattended="For `claude -p`, allow the tools with --allowedTools mcp__{}, and set "
        "MCP_CONNECTION_NONBLOCKING=0: otherwise its first turn may come before they are there.",
    ),
    HostProgram("cursor", "Cursor", _home(".cursor/mcp.json"), reference=_DOLLAR_ENV),
    HostProgram(
        "vscode",
        "VS Code",
        lambda paths: paths.applications / "Code" / "User" / "mcp.json",
        _TYPED,
        ("servers",),
        allows=_JSONC,
        reference="${{input:{}}}",
        asks_for_secrets=True,
    ),
    HostProgram(
        "copilot-cli",
        "GitHub Copilot CLI",
        Paths.copilot,
        Shape(_TYPES, also={"tools": ["*"]}).build,
        reference=_DOLLAR,
        add=("copilot", "mcp", "add", "{name}", "{env}", "--", "{program}", "{arguments}"),
    ),
    HostProgram("windsurf", "Windsurf", _home(".codeium/windsurf/mcp_config.json"), _SERVER_URL, reference=_DOLLAR_ENV),
    HostProgram(
        "devin",
        "Devin",
        Paths.devin,
        Shape({"sse": "sse", "streamable-http": "http"}, kind="transport").build,
        allows=_COMMENTS,
    ),
    HostProgram("zed", "Zed", Paths.zed, container=("context_servers",), allows=_JSONC, transports=NO_SSE),
    HostProgram(
        "jetbrains",
        "JetBrains AI Assistant",
        None,
        hint="Paste it under Settings, Tools, AI Assistant, Model Context Protocol, Add, As JSON.",
    ),
    HostProgram("junie", "Junie", _home(".junie/mcp/mcp.json"), transports=("stdio",)),
    HostProgram(
        "gemini-cli",
        "Gemini CLI",
        _home(".gemini/settings.json"),
        _GEMINI,
        allows=_COMMENTS,
        reference=_DOLLAR,
        add=("gemini", "mcp", "add", "--scope", "user", "{env}", "{name}", "{program}", "--", "{arguments}"),
        unattended='For `gemini -p`, add "trust": true to the entry: otherwise its tools are not offered.',
    ),
    HostProgram("antigravity", "Antigravity", Paths.antigravity, _SERVER_URL),
    HostProgram(
        "qwen-code",
        "Qwen Code",
        _home(".qwen/settings.json"),
        _GEMINI,
        allows=_COMMENTS,
        reference=_DOLLAR,
        add=("qwen", "mcp", "add", "--scope", "user", "{env}", "{name}", "{program}", "--", "{arguments}"),
    ),
    HostProgram("kimi", "Kimi Code", Paths.kimi, Shape({"sse": "sse"}, kind="transport").build),
    HostProgram(
        "codex",
        "Codex",
        Paths.codex,
        _codex,
        ("mcp_servers",),
        form="toml",
        reference="{}",
        forwards=True,
        transports=NO_SSE,
        unattended='For `codex exec`, add required = true and default_tools_approval_mode = "approve" to the entry: '
        "otherwise it does not wait for the server, and refuses every call that writes.",
    ),
    HostProgram(
        "opencode",
        "OpenCode",
        Paths.opencode,
        _opencode,
        ("mcp",),
        newer_container=("mcp", "servers"),
        allows=_JSONC,
        reference="{{env:{}}}",
        transports=NO_SSE,
    ),
    HostProgram("kiro", "Kiro", _home(".kiro/settings/mcp.json"), reference=_DOLLAR),
    HostProgram(
        "cline",
        "Cline",
        Paths.cline,
        Shape({"sse": "sse", "streamable-http": "streamableHttp"}, also={"disabled": False}).build,
    ),
    HostProgram(
        "continue", "Continue", lambda paths: paths.project / ".continue" / "mcpServers" / "wemasy.json", _STREAMABLE
    ),
    HostProgram(
        "goose",
        "Goose",
        None,
        _goose,
        ("extensions",),
        form="yaml",
        reference=_DOLLAR,
        forwards=True,
        transports=NO_SSE,
        hint="Put it into ~/.config/goose/config.yaml (Windows: %APPDATA%\\Block\\goose\\config\\config.yaml).",
    ),
    HostProgram(
        "amp",
        "Amp",
        Paths.amp,
        container=("amp.mcpServers",),
        allows=_JSONC,
        reference=_DOLLAR,
        add=("amp", "mcp", "add", "{name}", "{env}", "--", "{program}", "{arguments}"),
    ),
    HostProgram("factory", "Factory", _home(".factory/mcp.json"), _TYPED, reference=_DOLLAR),
    HostProgram("warp", "Warp", _home(".warp/.mcp.json")),
    HostProgram("lm-studio", "LM Studio", _home(".lmstudio/mcp.json"), transports=NO_SSE),
    HostProgram(
        "librechat",
        "LibreChat",
        None,
        _librechat,
        form="yaml",
        reference=_DOLLAR,
        transports=HTTP_ONLY,
        hint="Put it into librechat.yaml. LibreChat connects to a local or private address only if host and port are "
        "listed under mcpSettings.allowedAddresses.",
    ),
    HostProgram(
        "open-webui",
        "Open WebUI",
        None,
        _fields,
        form="fields",
        transports=("streamable-http",),
        hint="Enter it under Admin Settings, Integrations, + (Add Server), type MCP (Streamable HTTP), auth Bearer.",
    ),
    HostProgram(
        "n8n",
        "n8n",
        None,
        _fields,
        form="fields",
        transports=HTTP_ONLY,
        hint="Enter it in an MCP Client Tool node: the URL as Endpoint, as Server Transport HTTP Streamable (it is SSE "
        "unless changed), the token as Bearer Auth.",
    ),
    HostProgram(
        "claude-ai",
        "claude.ai",
        None,
        _fields,
        form="fields",
        transports=HTTP_ONLY,
        needs_public_url=True,
        hint="Enter it under Settings, Connectors, Add custom connector; users sign in by OAuth (WEMASY_AUTH_ISSUER).",
    ),
    HostProgram(
        "chatgpt",
        "ChatGPT",
        None,
        _fields,
        form="fields",
        transports=HTTP_ONLY,
        needs_public_url=True,
        hint="Enter it under Settings, Apps, Create App (developer mode); users sign in by OAuth (WEMASY_AUTH_ISSUER).",
    ),
)


def find_host(name: str) -> HostProgram:
    """Return the host of that name, one of `NAMES`."""
    return next(host for host in HOSTS if host.name == name)
