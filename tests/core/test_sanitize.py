"""Foreign text made fit to show."""

import unicodedata

import pytest

from wemasy_mcp.core.sanitize import sanitize, truncate


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("The name field is required.", "The name field is required."),
        ("Zürich, 東京, עברית, हिन्दी", "Zürich, 東京, עברית, हिन्दी"),
        ("a\tb\r\nc", "a\tb\r\nc"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("क\u094d\u200dष র\u200d্য ශ්\u200dරී ᠠ\u180b", "क\u094d\u200dष র\u200d্য ශ්\u200dරී ᠠ\u180b"),
        ("a\ufe0fb\ufe01c 5\ufe0f ☺\ufe0f\ufe0f\ufe0e", "abc 5 ☺\ufe0f"),
        ("x\U000e0100\U000e01ef", "x"),
        ("x\u200dy\u200cz می\u200c\u200c\u200d", "xyz می\u200c"),
        ("👍\u200dx \u200d👍", "👍x 👍"),
        ("a\u3164b\uffa0c\u115fd\u1160e\u034ff", "abcdef"),
        ("🏴\U000e0061\U000e0062\U000e007f", "🏴"),
        ("۝ \u0600", "۝ \u0600"),
        ("a\x00\x07\x1b[31m\x7f\x9bb", "a[31mb"),
        ("a\u202eb\u2066c\u200fd\u061ce", "abcde"),
        ("a\u200bb\u2060c\ufeffd\u00ade", "abcde"),
        ("a\U000e0041\U000e007fb", "ab"),
        ("a\u2028b\u2029c", "abc"),
        ("a\ud83db\ude00c", "abc"),
        ("a\ufdd0b\ufffec\U0010ffffd\U0001d159e", "abcde"),
        ("a\U00013430b \U00013000\U00013430\U00013001", "ab \U00013000\U00013430\U00013001"),
        ("", ""),
    ],
)
def test_what_deceives_or_breaks_is_removed_and_nothing_else(text: str, shown: str) -> None:
    assert sanitize(text) == shown


@pytest.mark.parametrize(
    "emoji",
    [
        "👩\u200d👩\u200d👧", "👍🏽", "❤\ufe0f\u200d🔥", "1\ufe0f\u20e3", "🏳\ufe0f\u200d🌈", "⛹🏻\u200d♀\ufe0f",
        "☎\ufe0e",
        "👁\ufe0f\u200d🗨\ufe0f", "🇳🇱", "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    ],
)  # fmt: skip
def test_an_emoji_stays_whole(emoji: str) -> None:
    assert sanitize(emoji) == emoji
    assert sanitize(f"{emoji}{emoji}") == f"{emoji}{emoji}"


# DerivedCoreProperties.txt of Unicode 17, Default_Ignorable_Code_Point.
IGNORABLE = [
    (0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F),
    (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF),
]  # fmt: skip


def test_of_all_characters_alone_those_are_removed_that_nobody_sees() -> None:
    ignorable = {code for first, last in IGNORABLE for code in range(first, last + 1)}
    unseen = {code for code in range(0x110000) if unicodedata.category(chr(code)) in {"Cc", "Cs", "Zl", "Zp"}}
    annotations = {0xFFF9, 0xFFFA, 0xFFFB}
    # Unicode, section 23.7: reserved for ever. A null note head has no shape, and neither have hieroglyphs' joiners.
    noncharacters = {*range(0xFDD0, 0xFDF0), *(code for code in range(0x110000) if code & 0xFFFE == 0xFFFE)}
    shapeless = {0x1D159, *range(0x13430, 0x13440)}

    # Each between two letters: one text for all of them takes a tenth of the time.
    kept = set(sanitize("x".join(map(chr, range(0x110000))), limit=0x220000))
    removed = {code for code in range(0x110000) if chr(code) not in kept}

    unseen -= set(map(ord, "\t\r\n"))
    assert removed == ignorable | unseen | annotations | noncharacters | shapeless


def test_the_secret_is_redacted_wherever_it_stands() -> None:
    assert sanitize("t0ken-of-1, Bearer t0ken-of-1!", "t0ken-of-1") == "[redacted], Bearer [redacted]!"


def test_a_secret_hidden_behind_zero_width_characters_is_redacted() -> None:
    hidden = "t\ufe0f0\u200bk\u2060e\u200dn-o\u3164f\U000e0041-1\u034f"

    assert sanitize(hidden, "t0ken-of-1") == "[redacted]"


def test_no_part_of_a_secret_stays_where_the_text_is_cut() -> None:
    assert sanitize("x" * 97 + "t0ken-of-1" + "y" * 10, "t0ken-of-1", 100) == "x" * 97 + "[r…"


def test_a_secret_so_short_that_it_stands_in_innocent_words_is_not_searched_for() -> None:
    assert sanitize("kind: fact", "t") == "kind: fact"
    assert sanitize("kind: factory", "factory") == "kind: factory"


def test_a_text_is_cut_to_its_limit_with_an_ellipsis() -> None:
    assert sanitize("é" * 500) == "é" * 500
    assert sanitize("é" * 501) == "é" * 499 + "…"
    assert truncate("abc", 3) == "abc"
    assert truncate("abcd", 3) == "ab…"
