"""Foreign text made fit to show."""

import pytest

from wemasy_mcp.core.sanitize import sanitize, truncate


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("The name field is required.", "The name field is required."),
        ("Zürich, 東京, עברית, हिन्दी", "Zürich, 東京, עברית, हिन्दी"),
        ("a\tb\r\nc", "a\tb\r\nc"),
        ("👩\u200d👩\u200d👧 👍🏽", "👩\u200d👩\u200d👧 👍🏽"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("a\x00\x07\x1b[31m\x7f\x9bb", "a[31mb"),
        ("a\u202eb\u2066c\u200fd\u061ce", "abcde"),
        ("a\u200bb\u2060c\ufeffd\u00ade", "abcde"),
        ("a\U000e0041\U000e007fb", "ab"),
        ("a\u2028b\u2029c", "abc"),
        ("a\ud83db\ude00c", "abc"),
        ("", ""),
    ],
)
def test_what_deceives_or_breaks_is_removed_and_nothing_else(text: str, shown: str) -> None:
    assert sanitize(text) == shown


def test_the_secret_is_redacted_wherever_it_stands() -> None:
    assert sanitize("t0ken, Bearer t0ken!", "t0ken") == "[redacted], Bearer [redacted]!"


def test_a_secret_hidden_behind_zero_width_characters_is_redacted() -> None:
    assert sanitize("t0\u200bk\u2060en", "t0ken") == "[redacted]"


def test_no_part_of_a_secret_stays_where_the_text_is_cut() -> None:
    assert sanitize("x" * 97 + "t0ken" + "y" * 10, "t0ken", 100) == "x" * 97 + "[r…"


def test_a_text_is_cut_to_its_limit_with_an_ellipsis() -> None:
    assert sanitize("é" * 500) == "é" * 500
    assert sanitize("é" * 501) == "é" * 499 + "…"
    assert truncate("abc", 3) == "abc"
    assert truncate("abcd", 3) == "ab…"
