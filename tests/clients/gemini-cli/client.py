"""Gemini CLI, `gemini -p`, with the entry in `~/.gemini/settings.json` beside what is there already."""

import json

from host_program import Host, Run, main

SETTINGS = {
    "security": {"auth": {"selectedType": "gemini-api-key"}},
    "privacy": {"usageStatisticsEnabled": False},
    "general": {"enableAutoUpdate": False, "enableAutoUpdateNotification": False},
}


def prepare(run: Run) -> None:
    """Write the settings that a user has after the first start."""
    folder = run.home / ".gemini"
    folder.mkdir()
    (folder / "settings.json").write_text(json.dumps(SETTINGS, indent=2))


def command(run: Run) -> list[str]:
    """The model is named, because the program would ask one which to take."""
    script = run.packages / "node_modules" / "@google" / "gemini-cli" / "bundle" / "gemini.js"
    return [str(run.node), str(script), "--model", "gemini-2.5-flash", "-p", "Go."]


def variables(run: Run) -> dict[str, str]:
    """Where the model is, and that the folder may be trusted."""
    return {
        "GOOGLE_GEMINI_BASE_URL": run.model_url,
        "GEMINI_API_KEY": "a-key-for-tests",
        "GEMINI_CLI_TRUST_WORKSPACE": "true",
    }


main(
    Host(
        "gemini-cli",
        ".gemini/settings.json",
        ("mcpServers",),
        command,
        variables,
        # Longer than elsewhere: a server that has not started by then is left out.
        limit=lambda seconds: {"timeout": int((seconds + 4) * 1000)},
        limits_more=True,
        # `gemini -p` has nobody to ask for approval.
        unattended={"trust": True},
        prepare=prepare,
    )
)
