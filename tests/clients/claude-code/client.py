"""Claude Code, `claude -p`, with the entry in the project's `.mcp.json`."""

import json

from host_program import Host, Run, main


def command(run: Run) -> list[str]:
    """The tools are allowed by the names of their servers."""
    tools = ",".join(f"mcp__{entry}" for entry in json.loads((run.project / ".mcp.json").read_text())["mcpServers"])
    binary = run.binary("@anthropic-ai/claude-code-linux-*/claude")
    return [binary, "-p", "Go.", "--allowedTools", tools]


def variables(run: Run) -> dict[str, str]:
    """Where the model is, and what it is not to do."""
    return {
        "ANTHROPIC_BASE_URL": run.model_url,
        "ANTHROPIC_API_KEY": "a-key-for-tests",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
        # Without these the first turn may come before the tools do, and each of them must be searched for.
        "MCP_CONNECTION_NONBLOCKING": "0",
        "MCP_CONNECT_TIMEOUT_MS": "60000",
        "MCP_TIMEOUT": "60000",
        "ENABLE_TOOL_SEARCH": "false",
    }


main(
    Host(
        "claude-code",
        "project/.mcp.json",
        ("mcpServers",),
        command,
        variables,
        limit=lambda seconds: {"timeout": int(seconds * 1000)},
    )
)
