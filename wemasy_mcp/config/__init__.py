"""`wemasy-mcp config HOST`: the entry that makes a host start this server, printed or merged into the host's file.

Only the names are here: the command line needs them at every start, and nothing else of this package.
"""

NAMES = (
    "claude-desktop",
    "claude-code",
    "cursor",
    "vscode",
    "windsurf",
    "zed",
    "jetbrains",
    "gemini-cli",
    "codex",
    "opencode",
    "langchain",
    "openai-agents",
)
