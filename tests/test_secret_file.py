"""The file of the Wemasy API token is read again when it changes."""

from pathlib import Path

import pytest

from wemasy_mcp.secret_file import follow_api_token
from wemasy_mcp.settings import Settings


@pytest.mark.posix
def test_a_rotated_api_token_is_used_from_the_next_call_on(tmp_path: Path) -> None:
    """Kubernetes rotates a secret by pointing a symbolic link elsewhere."""
    old, new, link = tmp_path / "old", tmp_path / "new", tmp_path / "token"
    old.write_text("1|old-token\n")
    new.write_text("1|new-token\n")
    link.symlink_to(old)
    token = follow_api_token(Settings(api_token_file=link))
    assert token().get_secret_value() == "1|old-token"

    link.unlink()
    link.symlink_to(new)

    assert token().get_secret_value() == "1|new-token"


def test_a_half_written_file_leaves_the_token_in_force(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("1|old-token\n")
    token = follow_api_token(Settings(api_token_file=file))

    file.write_text("")

    assert token().get_secret_value() == "1|old-token"
