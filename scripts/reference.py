"""The generated parts of the documentation: tables and examples made from the endpoints, the errors and the settings.

`python scripts/reference.py FILE…` brings them up to date in place, between their markers, and the version in files of
JSON; a test checks that they are.
"""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

from pydantic import SecretStr

from draw_imports import imports_picture, sizes_table
from wemasy_mcp import __version__
from wemasy_mcp.core.errors import ERRORS, RateLimit, WemasyError
from wemasy_mcp.core.tools import error_result
from wemasy_mcp.endpoints import ENDPOINTS
from wemasy_mcp.endpoints.base import Endpoint
from wemasy_mcp.settings import Settings, variable_of

_SECTION = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)

_REPEATABLE, _ONCE = (next(it for it in ENDPOINTS if it.idempotent is repeatable) for repeatable in (True, False))
_REQUIRED = next(name for name, field in _ONCE.arguments.model_fields.items() if field.is_required())

_EXAMPLES: dict[str, dict[str, object]] = {
    "not_configured": {"message": "WEMASY_API_TOKEN is not set; put your Wemasy API token there."},
    "invalid_arguments": {
        "message": f"Not valid: {_REQUIRED}.",
        "field_errors": {_REQUIRED: ["This argument is required."]},
    },
    "validation_failed": {
        "message": f"The selected {_REQUIRED} is invalid.",
        "status": 422,
        "field_errors": {_REQUIRED: [f"The selected {_REQUIRED} is invalid."]},
    },
    "unauthenticated": {"message": "Unauthenticated.", "status": 401},
    "forbidden": {"message": "This action is unauthorized.", "status": 403},
    "rate_limited": {
        "message": "Too Many Attempts.",
        "status": 429,
        "retry_after_seconds": 42,
        "rate_limit": RateLimit(limit=60, remaining=0),
    },
    "rejected": {"status": 404},
    "timed_out": {"message": "Wemasy did not answer within 20 seconds."},
    "server_failed": {"status": 500},
    "bad_response": {"status": 302},
}
"""What an error of each code is made with to be shown, where the defaults do not show it all."""


def tools_table() -> str:
    """Return the tools, with the arguments of each."""
    rows = [_tool_row(endpoint) for endpoint in ENDPOINTS]
    return _table(("tool", "what it does", "arguments (**required**)", "again?"), rows)


def errors_table() -> str:
    """Return every error code: when it comes, what it says about the write, and whether to repeat the call."""
    return _table(
        ("code", "when", "outcome", "same call again?"),
        [(f"`{error.code}`", error.when, f"`{error.outcome}`", _retryable(error)) for error in ERRORS],
    )


def settings_table() -> str:
    """Return every setting with its default."""
    rows: list[tuple[str, ...]] = []
    for name, field in Settings.model_fields.items():
        default = field.default
        shown = "" if default in (None, (), "") or isinstance(default, SecretStr) else f"`{_plain(default)}`"
        rows.append((f"`{variable_of(name)}`", shown, field.description or ""))
    return _table(("variable", "default", ""), rows)


def error_examples() -> str:
    """Return, for every code, exactly what a model reads, from a tool of either kind where it differs."""
    parts = []
    for error in ERRORS:
        parts.append(f"### `{error.code}`\n\n{error.when}\n")
        endpoints = [_ONCE, _REPEATABLE] if error.retryable is None else [_ONCE]
        for endpoint in endpoints:
            made = error(**_EXAMPLES.get(error.code, {}))  # type: ignore[arg-type]
            result = error_result(made, endpoint).structured_content
            shown = json.dumps(result, indent=2, ensure_ascii=False)
            parts.append(f"From `{endpoint.tool}`:\n\n```json\n{shown}\n```\n")
    return "\n".join(parts)


SECTIONS: dict[str, Callable[[], str]] = {
    "tools": tools_table,
    "errors": errors_table,
    "settings": settings_table,
    "error_examples": error_examples,
    "imports": imports_picture,
    "sizes": sizes_table,
}


def updated(text: str) -> str:
    """Return a document with its generated sections as they should be."""
    return _SECTION.sub(lambda found: f"{found[1]}{SECTIONS[found[2]]()}{found[3]}", text)


def with_version(text: str) -> str:
    """Return a file of JSON with the package's version wherever it names one."""
    return re.sub(r'(?<="version": ")[^"]*', __version__, text)


def main(paths: list[str]) -> None:
    """Bring the generated parts of the files up to date."""
    for path in map(Path, paths):
        bring_up_to_date = with_version if path.suffix == ".json" else updated
        path.write_text(bring_up_to_date(path.read_text("utf-8")), "utf-8")


def _tool_row(endpoint: Endpoint) -> tuple[str, ...]:
    names = [
        f"**`{name}`**" if field.is_required() else f"`{name}`"
        for name, field in endpoint.arguments.model_fields.items()
    ]
    again = "does no harm" if endpoint.idempotent else "may store it twice"
    return f"`{endpoint.tool}`", endpoint.description, ", ".join(names), again


def _retryable(error: type[WemasyError]) -> str:
    if error.retryable is None:
        return f"only {', '.join(f'`{endpoint.tool}`' for endpoint in ENDPOINTS if endpoint.idempotent)}"
    wait = ", after `retry_after_seconds`" if error.code == "rate_limited" else ""
    return f"yes{wait}" if error.retryable else "no"


def _plain(value: object) -> str:
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    main(sys.argv[1:])
