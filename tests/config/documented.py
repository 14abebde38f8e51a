"""What each host's documentation shows, typed in by hand and not made from our code: examples, and members it lists."""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wemasy_mcp.config import json_edit


@dataclass(frozen=True)
class Documented:
    """One host's page."""

    page: str
    local: str
    """The example of a server that the host starts."""
    container: tuple[str, ...]
    """Where entries stand in the example."""
    members: Mapping[str, type]
    """Every member that the page names, with the type it has there."""
    remote: str | None = None
    """The example of a server that the host connects to, where the page has one."""
    also: Mapping[str, type] = field(default_factory=dict)
    """Members beside the container."""
    form: str = "json"

    def read(self, text: str) -> dict[str, Any]:
        """Return what a text in the host's form holds."""
        found: dict[str, Any] = tomllib.loads(text) if self.form == "toml" else json_edit.parse(text)
        return found


_SERVERS = {"command": str, "args": list, "env": dict}

DOCUMENTED: dict[str, Documented] = {
    "claude-desktop": Documented(
        page="https://modelcontextprotocol.io/docs/develop/connect-local-servers",
        local="""
            {"mcpServers": {"filesystem": {"command": "npx", "args": ["-y",
            "@modelcontextprotocol/server-filesystem", "/Users/username/Desktop"], "env": {"API_KEY": "value"}}}}
        """,
        container=("mcpServers",),
        members=_SERVERS,
    ),
    "claude-code": Documented(
        page="https://code.claude.com/docs/en/mcp",
        local="""
            {"mcpServers": {"shared-server": {"type": "stdio", "command": "/path/to/server", "args": [], "env": {}}}}
        """,
        remote="""
            {"mcpServers": {"api-server": {"type": "http", "url": "https://api.example.com/mcp",
            "headers": {"Authorization": "Bearer ${API_KEY}"}}}}
        """,
        container=("mcpServers",),
        members=_SERVERS | {"type": str, "url": str, "headers": dict},
    ),
    "cursor": Documented(
        page="https://cursor.com/docs/mcp",
        local="""
            {"mcpServers": {"server-name": {"command": "npx", "args": ["-y", "mcp-server"],
            "env": {"API_KEY": "value"}}}}
        """,
        remote="""
            {"mcpServers": {"server-name": {"url": "http://localhost:3000/mcp", "headers": {"API_KEY": "value"}}}}
        """,
        container=("mcpServers",),
        members=_SERVERS | {"type": str, "envFile": str, "url": str, "headers": dict},
    ),
    "vscode": Documented(
        page="https://code.visualstudio.com/docs/copilot/reference/mcp-configuration",
        local="""
            {"inputs": [{"type": "promptString", "id": "perplexity-key", "description": "Perplexity API Key",
            "password": true}], "servers": {"perplexity": {"type": "stdio", "command": "npx",
            "args": ["-y", "server-perplexity-ask"], "env": {"PERPLEXITY_API_KEY": "${input:perplexity-key}"}}}}
        """,
        remote="""
            {"servers": {"context7": {"type": "http", "url": "https://mcp.context7.com/mcp"}}}
        """,
        container=("servers",),
        members=_SERVERS | {"type": str, "envFile": str, "url": str, "headers": dict},
        also={"inputs": list},
    ),
    "windsurf": Documented(
        page="https://docs.devin.ai/desktop/cascade/mcp",
        local="""
            {"mcpServers": {"github": {"command": "npx", "args": ["-y", "@modelcontextprotocol/server-github"],
            "env": {"GITHUB_PERSONAL_ACCESS_TOKEN": "<YOUR_PERSONAL_ACCESS_TOKEN>"}}}}
        """,
        remote="""
            {"mcpServers": {"remote-http-mcp": {"serverUrl": "<your-server-url>/mcp",
            "headers": {"API_KEY": "Bearer ${env:AUTH_TOKEN}"}}}}
        """,
        container=("mcpServers",),
        members=_SERVERS | {"serverUrl": str, "url": str, "headers": dict},
    ),
    "zed": Documented(
        page="https://zed.dev/docs/ai/mcp",
        local="""
            {"context_servers": {"local-mcp-server": {"command": "some-command", "args": ["arg-1", "arg-2"],
            "env": {}}}}
        """,
        remote="""
            {"context_servers": {"remote-mcp-server": {"url": "custom",
            "headers": {"Authorization": "Bearer <token>"}}}}
        """,
        container=("context_servers",),
        members=_SERVERS | {"url": str, "headers": dict},
    ),
    "jetbrains": Documented(
        page="https://www.jetbrains.com/help/ai-assistant/mcp.html",
        local="""
            {"mcpServers": {"filesystem": {"command": "npx", "args": ["-y",
            "@modelcontextprotocol/server-filesystem", "/Users/JohnDoe/Desktop"]}}}
        """,
        container=("mcpServers",),
        members=_SERVERS | {"url": str, "headers": dict},
    ),
    "gemini-cli": Documented(
        page="https://geminicli.com/docs/tools/mcp-server",
        local="""
            {"mcpServers": {"serverName": {"command": "path/to/server", "args": ["--arg1", "value1"],
            "env": {"API_KEY": "$MY_API_TOKEN"}, "cwd": "./server-directory", "timeout": 30000, "trust": false}}}
        """,
        remote="""
            {"mcpServers": {"httpServerWithAuth": {"httpUrl": "http://localhost:3000/mcp",
            "headers": {"Authorization": "Bearer your-api-token"}}}}
        """,
        container=("mcpServers",),
        members=_SERVERS | {"cwd": str, "timeout": int, "trust": bool, "url": str, "httpUrl": str, "headers": dict},
    ),
    "codex": Documented(
        page="https://developers.openai.com/codex/mcp",
        local="""
            [mcp_servers.context7]
            command = "npx"
            args = ["-y", "@upstash/context7-mcp"]
            env_vars = ["LOCAL_TOKEN"]

            [mcp_servers.context7.env]
            MY_ENV_VAR = "MY_ENV_VALUE"
        """,
        remote="""
            [mcp_servers.figma]
            url = "https://mcp.figma.com/mcp"
            bearer_token_env_var = "FIGMA_OAUTH_TOKEN"
            http_headers = { "X-Figma-Region" = "us-east-1" }
        """,
        container=("mcp_servers",),
        members=_SERVERS
        | {"env_vars": list, "url": str, "bearer_token_env_var": str, "http_headers": dict, "env_http_headers": dict},
        form="toml",
    ),
    "opencode": Documented(
        page="https://opencode.ai/docs/mcp-servers",
        local="""
            {"$schema": "https://opencode.ai/config.json", "mcp": {"my-local-mcp-server": {"type": "local",
            // Or ["bun", "x", "my-mcp-command"]
            "command": ["npx", "-y", "my-mcp-command"], "enabled": true,
            "environment": {"MY_ENV_VAR": "my_env_var_value",},},},}
        """,
        remote="""
            {"mcp": {"my-api-key-server": {"type": "remote", "url": "https://mcp.example.com/mcp", "oauth": false,
            "headers": {"Authorization": "Bearer {env:MY_API_KEY}"}}}}
        """,
        container=("mcp",),
        members={
            "type": str,
            "command": list,
            "environment": dict,
            "enabled": bool,
            "url": str,
            "headers": dict,
            "oauth": bool,
        },
    ),
    "copilot-cli": Documented(
        page="https://docs.github.com/en/copilot/how-tos/copilot-cli/customize-copilot/add-mcp-servers",
        local="""
            {"mcpServers": {"playwright": {"type": "stdio", "command": "npx", "args": ["@playwright/mcp@latest"],
            "env": {}, "tools": ["*"]}}}
        """,
        remote="""
            {"mcpServers": {"context7": {"type": "http", "url": "https://mcp.context7.com/mcp",
            "headers": {"CONTEXT7_API_KEY": "YOUR-API-KEY"}, "tools": ["*"]}}}
        """,
        container=("mcpServers",),
        members=_SERVERS | {"type": str, "url": str, "headers": dict, "tools": list},
    ),
    "devin": Documented(
        page="https://docs.devin.ai/cli/extensibility/mcp/configuration",
        local="""
            {"mcpServers": {"filesystem": {"command": "npx", "args": ["-y", "server-filesystem"], "env": {}}}}
        """,
        remote="""
            {"mcpServers": {"remote": {"url": "https://mcp.example.com/mcp", "transport": "http",
            "headers": {"Authorization": "Bearer token"}}}}
        """,
        container=("mcpServers",),
        members=_SERVERS | {"url": str, "transport": str, "headers": dict},
    ),
    "junie": Documented(
        page="https://www.jetbrains.com/help/junie/model-context-protocol-mcp.html",
        local="""
            {"mcpServers": {"filesystem": {"command": "npx", "args": ["server-filesystem"], "env": {}}}}
        """,
        container=("mcpServers",),
        members=_SERVERS,
    ),
    "antigravity": Documented(
        page="https://antigravity.google/docs/mcp",
        local="""
            {"mcpServers": {"filesystem": {"command": "npx", "args": ["server-filesystem"], "env": {"KEY": "value"}}}}
        """,
        remote="""
            {"mcpServers": {"remote": {"serverUrl": "https://mcp.example.com/mcp", "headers": {"KEY": "value"}}}}
        """,
        container=("mcpServers",),
        members=_SERVERS | {"serverUrl": str, "headers": dict},
    ),
    "qwen-code": Documented(
        page="https://github.com/QwenLM/qwen-code/blob/main/docs/users/features/mcp.md",
        local="""
            {"mcpServers": {"pythonTools": {"command": "python", "args": ["-m", "my_mcp_server", "--port", "8080"],
            "cwd": "./mcp-servers/python", "env": {"DATABASE_URL": "$DB_CONNECTION_STRING",
            "API_KEY": "${EXTERNAL_API_KEY}"}, "timeout": 15000}}}
        """,
        remote="""
            {"mcpServers": {"httpServerWithAuth": {"httpUrl": "http://localhost:3000/mcp",
            "headers": {"Authorization": "Bearer your-api-token"}, "timeout": 5000}}}
        """,
        container=("mcpServers",),
        members=_SERVERS | {"cwd": str, "timeout": int, "url": str, "httpUrl": str, "headers": dict},
    ),
    "kimi": Documented(
        page="https://github.com/MoonshotAI/kimi-code/blob/main/docs/en/customization/mcp.md",
        local="""
            {"mcpServers": {"filesystem": {"command": "npx", "args": ["-y", "server-filesystem", "/tmp"]}}}
        """,
        remote="""{"mcpServers": {"linear": {"url": "https://mcp.linear.app/mcp"}}}""",
        container=("mcpServers",),
        members=_SERVERS | {"url": str, "transport": str, "headers": dict, "bearerTokenEnvVar": str},
    ),
    "kiro": Documented(
        page="https://kiro.dev/docs/mcp/configuration",
        local="""
            {"mcpServers": {"local-server-name": {"command": "command-to-run-server", "args": ["arg1", "arg2"],
            "env": {"ENV_VAR1": "hard-coded-variable", "ENV_VAR2": "${EXPANDED_VARIABLE}"}, "disabled": false,
            "autoApprove": ["tool_name1"], "disabledTools": ["tool_name3"]}}}
        """,
        remote="""
            {"mcpServers": {"api-server": {"url": "https://api.example.com/mcp",
            "headers": {"Authorization": "Bearer ${API_TOKEN}", "X-Custom-Header": "value"}}}}
        """,
        container=("mcpServers",),
        members=_SERVERS | {"disabled": bool, "autoApprove": list, "disabledTools": list, "url": str, "headers": dict},
    ),
    "cline": Documented(
        page="https://docs.cline.bot/mcp/mcp-overview",
        local="""
            {"mcpServers": {"local-server": {"command": "node", "args": ["/path/to/server.js"],
            "env": {"API_KEY": "your_api_key"}, "disabled": false, "autoApprove": []}}}
        """,
        remote="""
            {"mcpServers": {"remote": {"type": "streamableHttp", "url": "https://mcp.example.com/mcp",
            "headers": {"Authorization": "Bearer token"}, "disabled": false}}}
        """,
        container=("mcpServers",),
        members=_SERVERS | {"disabled": bool, "autoApprove": list, "type": str, "url": str, "headers": dict},
    ),
    "continue": Documented(
        page="https://docs.continue.dev/customize/deep-dives/mcp",
        local="""
            {"mcpServers": {"filesystem": {"command": "npx", "args": ["-y", "server-filesystem"], "env": {}}}}
        """,
        remote="""
            {"mcpServers": {"remote": {"type": "streamable-http", "url": "https://mcp.example.com/mcp"}}}
        """,
        container=("mcpServers",),
        members=_SERVERS | {"type": str, "url": str, "headers": dict},
    ),
    "amp": Documented(
        page="https://ampcode.com/manual",
        local="""
            {"amp.mcpServers": {"playwright": {"command": "npx", "args": ["-y", "@playwright/mcp@latest"],
            "env": {}}}}
        """,
        remote="""
            {"amp.mcpServers": {"semgrep": {"url": "https://mcp.semgrep.ai/mcp", "headers": {"KEY": "value"}}}}
        """,
        container=("amp.mcpServers",),
        members=_SERVERS | {"url": str, "headers": dict},
    ),
    "factory": Documented(
        page="https://docs.factory.ai/cli/configuration/mcp",
        local="""
            {"mcpServers": {"airtable": {"type": "stdio", "command": "npx", "args": ["-y", "airtable-mcp-server"],
            "env": {"AIRTABLE_API_KEY": "${AIRTABLE_API_KEY}"}}}}
        """,
        remote="""
            {"mcpServers": {"context7": {"type": "http", "url": "https://mcp.context7.com/mcp",
            "headers": {"CONTEXT7_API_KEY": "${CONTEXT7_API_KEY}"}, "disabled": false}}}
        """,
        container=("mcpServers",),
        members=_SERVERS | {"type": str, "url": str, "headers": dict, "disabled": bool},
    ),
    "warp": Documented(
        page="https://docs.warp.dev/agents/capabilities/mcp",
        local="""
            {"mcpServers": {"filesystem": {"command": "npx", "args": ["-y", "server-filesystem"], "env": {},
            "working_directory": "/path"}}}
        """,
        remote="""{"mcpServers": {"remote": {"url": "https://mcp.example.com/mcp", "headers": {}}}}""",
        container=("mcpServers",),
        members=_SERVERS | {"working_directory": str, "url": str, "headers": dict},
    ),
    "lm-studio": Documented(
        page="https://lmstudio.ai/docs/app/mcp",
        local="""
            {"mcpServers": {"server-name": {"command": "npx", "args": ["-y", "mcp-server"], "env": {}}}}
        """,
        remote="""
            {"mcpServers": {"hf-mcp-server": {"url": "https://huggingface.co/mcp",
            "headers": {"Authorization": "Bearer <YOUR_HF_TOKEN>"}}}}
        """,
        container=("mcpServers",),
        members=_SERVERS | {"url": str, "headers": dict},
    ),
}


def only_entry(found: dict[str, Any], container: tuple[str, ...]) -> dict[str, Any]:
    """Return the one entry that stands in the container."""
    for name in container:
        found = found[name]
    (entry,) = found.values()
    assert isinstance(entry, dict), json.dumps(found)
    return entry
