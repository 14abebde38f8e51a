"""OpenCode, `opencode run`, with the entry in `~/.config/opencode/opencode.json`; the model is another file's."""

import json

from host_program import Host, Run, main


def prepare(run: Run) -> None:
    """Have npm, which it runs for a package of its own, ask this machine."""
    (run.home / ".npmrc").write_text(f"registry={run.model_url}/\n")


def command(run: Run) -> list[str]:
    """It allows every tool unless it is told otherwise."""
    return [run.binary("opencode-linux-*/bin/opencode"), "run", "--model", "scripted/scripted", "Go."]


def variables(run: Run) -> dict[str, str]:
    """Where the model is, and what it is not to do."""
    options = {"baseURL": f"{run.model_url}/v1", "apiKey": "a-key-for-tests"}
    provider = {"npm": "@ai-sdk/openai-compatible", "options": options, "models": {"scripted": {}}}
    # It leaves a server out whose list of tools is not there in time, by default after 5 seconds.
    limits = {"mcp_timeout": int(run.limit_seconds * 1000)}
    settings = {"provider": {"scripted": provider}, "experimental": limits, "share": "disabled"}
    return {
        "OPENCODE_CONFIG_CONTENT": json.dumps(settings),
        "OPENCODE_DISABLE_AUTOUPDATE": "1",
        "OPENCODE_DISABLE_DEFAULT_PLUGINS": "1",
        "OPENCODE_DISABLE_LSP_DOWNLOAD": "1",
        "OPENCODE_DISABLE_MODELS_FETCH": "1",
    }


main(
    Host(
        "opencode",
        ".config/opencode/opencode.json",
        ("mcp",),
        command,
        variables,
        environment="environment",
        limits_more=True,
        prepare=prepare,
    )
)
