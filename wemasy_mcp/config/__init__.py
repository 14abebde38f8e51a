"""`wemasy-mcp config HOST`: the entry that makes a host start this server, printed or merged into the host's file.

Only the names are here: the command line needs them at every start, and needs nothing else from this package.
"""

NAMES = (
    "claude-desktop",
    "claude-code",
    "cursor",
    "vscode",
    "copilot-cli",
    "windsurf",
    "devin",
    "zed",
    "jetbrains",
    "junie",
    "gemini-cli",
    "antigravity",
    "qwen-code",
    "kimi",
    "codex",
    "opencode",
    "kiro",
    "cline",
    "continue",
    "goose",
    "amp",
    "factory",
    "warp",
    "lm-studio",
    "librechat",
    "open-webui",
    "n8n",
    "claude-ai",
    "chatgpt",
)
