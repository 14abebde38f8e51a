"""Codex, `codex exec`, with the entry in `~/.codex/config.toml`."""

from host_program import Host, Run, main


def command(run: Run) -> list[str]:
    """The model's address is given on the command line, so that only the entries are in the file."""
    provider = f'{{name="Scripted", base_url="{run.model_url}/v1", env_key="SCRIPTED_KEY", wire_api="responses"}}'
    settings = (
        f"model_providers.scripted={provider}",
        'model_provider="scripted"',
        "analytics.enabled=false",
        "check_for_update_on_startup=false",
    )
    flags = [word for setting in settings for word in ("--config", setting)]
    # Both ask their vendor what there is.
    without = ["--disable", "plugins", "--disable", "apps"]
    binary = run.binary("@openai/codex-linux-*/vendor/*/bin/codex")
    return [binary, "exec", "--skip-git-repo-check", "--model", "scripted", *flags, *without, "Go."]


main(
    Host(
        "codex",
        ".codex/config.toml",
        ("mcp_servers",),
        command,
        lambda run: {"SCRIPTED_KEY": "a-key-for-tests"},
        limit=lambda seconds: {"tool_timeout_sec": seconds},
        # `codex exec` has nobody to ask for approval, and does not wait for a server that may be absent.
        unattended={"default_tools_approval_mode": "approve", "required": True, "startup_timeout_sec": 120},
    )
)
